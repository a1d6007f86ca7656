//! A line of the wrapper over UDP (IEC 62056-47): one wrapper PDU a datagram.
//!
//! The socket is connected, so that the system drops what others send. A datagram that is lost
//! stays lost here: only who made a request knows whether it may be made again.

use std::io;

use dlms_core::wrapper::{self, HEADER_LEN};
use tokio::{
    io::Interest,
    net::{UdpSocket, lookup_host},
    task::coop::consume_budget,
    time::{Instant, timeout, timeout_at},
};

use crate::{
    address::Endpoint,
    clock::after,
    line::{
        LineConfig,
        counters::LineCounters,
        error::{LineError, Opening, Phase},
        is_answer,
        owed::Owed,
        tcp,
        wrapper::{header, is_ours, shown},
    },
    trace::{Direction, Trace},
};

/// Longest datagram that IPv4 carries: 65535 less the headers of IP and UDP.
pub(crate) const DATAGRAM_MAX: usize = 65_507;

#[derive(Debug)]
pub(crate) struct WrapperUdpLine {
    socket: UdpSocket,
    config: LineConfig,
    counters: LineCounters,
    trace: Trace,
    owed: Owed<Instant>,
    /// First octets of what came instead of the wrapper since the last request.
    strange: Opening,
}

impl WrapperUdpLine {
    pub(crate) async fn open(
        endpoint: &Endpoint,
        config: &LineConfig,
        trace: Trace,
    ) -> Result<Self, LineError> {
        let host = (endpoint.host.as_str(), endpoint.port);
        let address = match timeout(config.timeout, lookup_host(host)).await {
            Ok(Ok(mut addresses)) => addresses.next().ok_or(LineError::Unreachable {
                kind: io::ErrorKind::NotFound,
                phase: Phase::Resolving,
            })?,
            Ok(Err(error)) => return Err(tcp::unreachable(Phase::Resolving, &error)),
            Err(_) => return Err(LineError::Timeout { phase: Phase::Resolving }),
        };
        let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let bound = async {
            let socket = UdpSocket::bind(any).await?;
            // To all stations may be to all hosts as well.
            socket.set_broadcast(config.server_upper == wrapper::ALL_STATION)?;
            socket.connect(address).await?;
            Ok(socket)
        };
        let socket = bound.await.map_err(|error| tcp::unreachable(Phase::Opening, &error))?;
        Ok(Self {
            socket,
            config: config.clone(),
            counters: LineCounters::default(),
            trace,
            owed: Owed::nothing(),
            strange: Opening::default(),
        })
    }

    pub(crate) const fn config(&self) -> &LineConfig {
        &self.config
    }

    pub(crate) async fn send(&mut self, apdu: &[u8]) -> Result<(), LineError> {
        let header = header(&self.config, apdu)?;
        let datagram = [&header.encode_header(), apdu].concat();
        if datagram.len() > DATAGRAM_MAX {
            return Err(LineError::TooLong { limit: DATAGRAM_MAX - HEADER_LEN });
        }
        self.trace.apdu(Direction::Tx, apdu);
        self.trace.link(Direction::Tx, shown(&header));
        self.trace.phys(Direction::Tx, &[&datagram]);
        self.owed.owe(Some(after(self.config.patience())));
        self.strange = Opening::default();
        match timeout(self.config.timeout, self.socket.send(&datagram)).await {
            Ok(Ok(octets)) => {
                self.counters.octets_sent += octets as u64;
                self.counters.frames_sent += 1;
                Ok(())
            }
            Ok(Err(error)) => Err(failed(Phase::Sending, &error)),
            Err(_) => Err(LineError::Timeout { phase: Phase::Sending }),
        }
    }

    pub(crate) async fn receive(&mut self, apdu: &mut Vec<u8>) -> Result<(), LineError> {
        // A host that refuses shows as an error and not as something to read.
        let interest = Interest::READABLE | Interest::ERROR;
        if self.owed.is_overdrawn(Instant::now()) {
            return Err(self.timed_out());
        }
        loop {
            // Datagrams without end leave room for other tasks, and for the clock.
            consume_budget().await;
            let ready = match self.owed.until() {
                Some(deadline) => match timeout_at(deadline, self.socket.ready(interest)).await {
                    Ok(ready) => ready,
                    Err(_) => return Err(self.timed_out()),
                },
                None => self.socket.ready(interest).await,
            };
            let ready = ready.map_err(|error| failed(Phase::Receiving, &error))?;
            if ready.is_error() {
                self.take_error()?;
            }
            // The buffer lives only while there is something to read, so that an idle line holds
            // none of this size.
            let mut datagram = vec![0; DATAGRAM_MAX];
            match self.socket.try_recv(&mut datagram) {
                Ok(length) => {
                    if self.take(&datagram[..length], apdu) {
                        return Ok(());
                    }
                    // A peer that never pauses keeps the timeout above from being looked at.
                    if self.owed.until().is_some_and(|deadline| deadline <= Instant::now()) {
                        return Err(self.timed_out());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(failed(Phase::Receiving, &error)),
            }
        }
    }

    pub(crate) fn expect(&mut self) {
        self.owed.resume(Some(after(self.config.patience())));
    }

    pub(crate) const fn waive(&mut self) {
        self.owed.waive();
    }

    pub(crate) const fn counters(&self) -> LineCounters {
        self.counters
    }

    pub(crate) const fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Takes a datagram that is exactly one wrapper PDU for us; all others are counted.
    fn take(&mut self, datagram: &[u8], apdu: &mut Vec<u8>) -> bool {
        self.counters.octets_received += datagram.len() as u64;
        self.trace.phys(Direction::Rx, &[datagram]);
        let frame = match wrapper::next_frame(datagram) {
            Some(Ok(frame)) if frame.consumed() == datagram.len() => frame,
            _ => {
                self.counters.malformed += 1;
                self.strange.extend(datagram);
                return false;
            }
        };
        self.counters.frames_received += 1;
        self.trace.link(Direction::Rx, shown(&frame.header));
        if !is_ours(&self.config, &frame.header) {
            self.counters.foreign += 1;
            return false;
        }
        if frame.apdu.len() > self.config.apdu_len_max {
            self.counters.apdus_dropped += 1;
            return false;
        }
        apdu.clear();
        apdu.extend_from_slice(frame.apdu);
        self.trace.apdu(Direction::Rx, apdu);
        if is_answer(apdu) {
            self.owed.settle();
        }
        true
    }

    /// Fetches what the system reports about the socket, so that it is reported once.
    fn take_error(&self) -> Result<(), LineError> {
        let fetched = self.socket.take_error();
        // Until the next report; the system does not say that there is none any more.
        let nothing = || Err::<(), _>(io::Error::from(io::ErrorKind::WouldBlock));
        let _ = self.socket.try_io(Interest::ERROR, nothing);
        match fetched {
            Ok(None) => Ok(()),
            Ok(Some(error)) | Err(error) => Err(failed(Phase::Receiving, &error)),
        }
    }

    fn timed_out(&mut self) -> LineError {
        self.owed.waive();
        self.counters.timeouts += 1;
        match self.strange.octets() {
            [] => LineError::Timeout { phase: Phase::Receiving },
            _ => LineError::NotWrapper { opening: self.strange },
        }
    }
}

/// A connected socket learns of a host that refuses from the answer to an earlier datagram.
fn failed(phase: Phase, error: &io::Error) -> LineError {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => tcp::unreachable(Phase::Opening, error),
        _ => LineError::broken(phase, error),
    }
}
