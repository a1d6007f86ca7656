//! Serving the wrapper over UDP (IEC 62056-47): one wrapper PDU a datagram.

use core::net::SocketAddr;
use std::{collections::BTreeMap, io};

use dlms_core::wrapper::{self, WrapperHeader};
use tokio::{net::UdpSocket, time::sleep};

use crate::{
    line::DATAGRAM_MAX,
    server::{ApduServer, PAIRS_MAX, wrapper::answer_header},
};

/// Serves `server` to all clients of `socket`, for as long as the socket works.
///
/// A datagram that is not exactly one wrapper PDU for a SAP we know gets no answer. An association
/// belongs to the host and port that began it (IEC 62056-9-7): when the same client SAP speaks from
/// elsewhere, the old association is gone first.
///
/// # Errors
///
/// When the socket fails; not when a client cannot be reached.
pub async fn serve_wrapper_udp<A>(socket: UdpSocket, server: &mut A) -> io::Result<()>
where
    A: ApduServer + ?Sized,
{
    let mut owners = BTreeMap::new();
    let ended = serve(&socket, server, &mut owners).await;
    for (client, logical_device) in owners.into_keys() {
        server.disconnected(client, logical_device);
    }
    ended
}

async fn serve<A>(
    socket: &UdpSocket,
    server: &mut A,
    owners: &mut BTreeMap<(u16, u16), SocketAddr>,
) -> io::Result<()>
where
    A: ApduServer + ?Sized,
{
    loop {
        socket.readable().await?;
        // Held only while there is something to read: an idle meter holds none of this size.
        let mut datagram = vec![0; DATAGRAM_MAX];
        let (length, peer) = match socket.try_recv_from(&mut datagram) {
            Ok(received) => received,
            Err(error) if is_passing(&error) => continue,
            Err(error) => return Err(error),
        };
        datagram.truncate(length);
        let Some(Ok(frame)) = wrapper::next_frame(&datagram) else { continue };
        if frame.consumed() != length {
            continue;
        }
        let WrapperHeader { source, destination, .. } = frame.header;
        let mut apdu = frame.apdu.to_vec();
        drop(datagram);
        if !admit(server, owners, source, destination, peer) {
            continue;
        }
        let mut out = Vec::new();
        if server.handle(source, destination, &mut apdu, &mut out)
            && let Some(header) = answer_header(source, destination, &out)
        {
            let delay = server.answer_after();
            if !delay.is_zero() {
                sleep(delay).await;
            }
            let answer = [&header.encode_header(), out.as_slice()].concat();
            match socket.send_to(&answer, peer).await {
                Ok(_) => {}
                Err(error) if is_passing(&error) => {}
                // An answer too long for a datagram is one the meter cannot give.
                Err(_) if answer.len() > DATAGRAM_MAX => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn admit<A: ApduServer + ?Sized>(
    server: &mut A,
    owners: &mut BTreeMap<(u16, u16), SocketAddr>,
    client: u16,
    logical_device: u16,
    peer: SocketAddr,
) -> bool {
    let pair = (client, logical_device);
    if let Some(owner) = owners.get_mut(&pair) {
        if *owner != peer {
            *owner = peer;
            server.disconnected(client, logical_device);
        }
        return true;
    }
    let admitted = owners.len() < PAIRS_MAX && server.knows(logical_device);
    if admitted {
        owners.insert(pair, peer);
    }
    admitted
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
