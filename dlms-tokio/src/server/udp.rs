//! Serving the wrapper over UDP (IEC 62056-47): one wrapper PDU a datagram.

use core::{net::SocketAddr, time::Duration};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use dlms_core::wrapper::{self, WrapperHeader};
use tokio::{
    net::UdpSocket,
    task::coop::consume_budget,
    time::{Instant, sleep, timeout_at},
};

use crate::{
    clock::after,
    line::DATAGRAM_MAX,
    server::{
        ApduServer, PAIRS_MAX,
        wrapper::{WrapperServerConfig, answer_header},
    },
};

/// Serves all clients of `socket`, for as long as the socket works.
///
/// An association belongs to the host and port that began it (IEC 62056-9-7), as it would to a
/// connection. So each peer has a server of its own, which `another` makes when the peer sends its
/// first datagram: nobody ends the association of somebody else by claiming its SAP. A peer that
/// was answered is kept until the inactivity timeout, or until others need its place and it is the
/// one that was silent for longest; and so is one with an association that is not answered. Whom no
/// server answers otherwise is not kept at all.
///
/// A datagram that is not exactly one wrapper PDU for a SAP we know gets no answer.
///
/// # Errors
///
/// When nothing can be received any more; not when an answer cannot be sent.
pub async fn serve_wrapper_udp<A, N>(
    socket: UdpSocket,
    another: N,
    config: &WrapperServerConfig,
) -> io::Result<()>
where
    A: ApduServer,
    N: FnMut(SocketAddr) -> A,
{
    let mut station = Station { config, another, peers: BTreeMap::new(), unsent: 0 };
    let ended = station.serve(&socket).await;
    station.peers.into_values().for_each(Peer::part);
    ended
}

struct Station<'c, A, N> {
    config: &'c WrapperServerConfig,
    another: N,
    /// Each with one pair at least.
    peers: BTreeMap<SocketAddr, Peer<A>>,
    /// Answers that could not be sent.
    unsent: u64,
}

/// A host and port, as if it were a connection.
struct Peer<A> {
    server: A,
    /// Client and server SAPs that were answered.
    pairs: BTreeSet<(u16, u16)>,
    heard: Instant,
}

/// An answer on its way, and where it goes.
struct Answer {
    /// One, or several where it comes in blocks of general block transfer.
    datagrams: Vec<Vec<u8>>,
    to: SocketAddr,
    /// How long it takes to make.
    delay: Duration,
}

impl<A: ApduServer, N: FnMut(SocketAddr) -> A> Station<'_, A, N> {
    async fn serve(&mut self, socket: &UdpSocket) -> io::Result<()> {
        let mut sweep = self.config.inactivity_timeout.map(after);
        loop {
            // Datagrams without end leave room for other tasks, and for the clock.
            consume_budget().await;
            if sweep.is_some_and(|sweep| sweep <= Instant::now()) {
                self.forget_inactive();
                sweep = self.config.inactivity_timeout.map(after);
            }
            match sweep {
                Some(sweep) => match timeout_at(sweep, socket.readable()).await {
                    Ok(readable) => readable?,
                    Err(_) => continue,
                },
                None => socket.readable().await?,
            }
            // Held only while there is something to read: an idle meter holds none of this size.
            let mut datagram = vec![0; DATAGRAM_MAX];
            let (length, from) = match socket.try_recv_from(&mut datagram) {
                Ok(received) => received,
                Err(error) if is_passing(&error) => continue,
                Err(error) => return Err(error),
            };
            datagram.truncate(length);
            let answer = self.handle_datagram(&datagram, from);
            drop(datagram);
            let Some(Answer { datagrams, to, delay }) = answer else { continue };
            if !delay.is_zero() {
                sleep(delay).await;
            }
            // Whatever keeps this one from leaving (no way back, a firewall, want of buffers, an
            // answer too long for a datagram) is about this one.
            for datagram in datagrams {
                if let Err(error) = socket.send_to(&datagram, to).await {
                    self.unsent = self.unsent.saturating_add(1);
                    tracing::debug!(%to, %error, unsent = self.unsent, "an answer was not sent");
                }
            }
        }
    }

    fn handle_datagram(&mut self, datagram: &[u8], from: SocketAddr) -> Option<Answer> {
        let frame = wrapper::next_frame(datagram)?.ok()?;
        if frame.consumed() != datagram.len() || frame.apdu.len() > self.config.apdu_len_max {
            return None;
        }
        let WrapperHeader { source, destination, .. } = frame.header;
        let pair = (source, destination);
        let known = self.peers.remove(&from).and_then(|peer| self.still_active(peer));
        let was_known = known.is_some();
        let mut peer = known.unwrap_or_else(|| Peer {
            server: (self.another)(from),
            pairs: BTreeSet::new(),
            heard: Instant::now(),
        });

        let mut out = Vec::new();
        let to_all = destination == wrapper::ALL_STATION;
        if to_all {
            peer.server.handle_unconfirmed(source, None, &mut frame.apdu.to_vec());
        }
        let answers = !to_all
            && peer.server.knows(destination)
            && peer.server.handle(source, destination, &mut frame.apdu.to_vec(), &mut out);
        let header = if answers { answer_header(source, destination, &out) } else { None };
        let delay = peer.server.answer_after();
        let mut datagrams = Vec::new();
        if let Some(header) = &header {
            datagrams.push([&header.encode_header(), out.as_slice()].concat());
            out.clear();
            while peer.server.further(source, destination, &mut out)
                && let Some(header) = answer_header(source, destination, &out)
            {
                datagrams.push([&header.encode_header(), out.as_slice()].concat());
                out.clear();
            }
        }
        let mut is_new = false;
        let keeps = header.is_some() || peer.server.keeps(source);
        if keeps {
            peer.heard = Instant::now();
            is_new = peer.pairs.insert(pair);
        } else if !peer.pairs.contains(&pair) && peer.server.knows(destination) {
            peer.server.disconnected(source, destination);
        }
        if was_known || keeps {
            self.peers.insert(from, peer);
        }
        if is_new {
            self.make_room(from);
        }
        header?;
        Some(Answer { datagrams, to: from, delay })
    }

    /// The peer, unless it was silent for too long and its associations are over.
    fn still_active(&self, peer: Peer<A>) -> Option<Peer<A>> {
        if self.config.inactivity_timeout.is_some_and(|limit| peer.heard.elapsed() >= limit) {
            peer.part();
            return None;
        }
        Some(peer)
    }

    fn forget_inactive(&mut self) {
        for (address, peer) in core::mem::take(&mut self.peers) {
            if let Some(peer) = self.still_active(peer) {
                self.peers.insert(address, peer);
            }
        }
    }

    /// Makes those give way that were silent for longest, and in the end the one that takes all.
    fn make_room(&mut self, newest: SocketAddr) {
        while self.peers.values().map(|peer| peer.pairs.len()).sum::<usize>() > PAIRS_MAX {
            let others = self.peers.iter().filter(|(address, _)| **address != newest);
            let oldest = others.min_by_key(|(_, peer)| peer.heard).map(|(address, _)| *address);
            if let Some(peer) = self.peers.remove(&oldest.unwrap_or(newest)) {
                peer.part();
            }
        }
    }
}

impl<A: ApduServer> Peer<A> {
    fn part(mut self) {
        for (client, logical_device) in self.pairs {
            self.server.disconnected(client, logical_device);
        }
    }
}

/// Whether an error is about one client, or about nothing at all, and not about the socket: a
/// client that went away shows in the next call, whichever it is.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
    )
}
