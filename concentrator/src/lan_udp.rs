//! Meters that speak the wrapper over UDP (IEC 62056-47): one socket for all of them, told apart by
//! where their datagrams come from.
//!
//! Nothing is kept about a meter here: an association belongs to the host and port that began it,
//! which is this socket, and what is lost is asked for again by who asked.
//!
//! ```
//! use concentrator::lan_udp::{UdpAddress, UdpMeters};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let meter = tokio::net::UdpSocket::bind("127.0.0.1:0").await?;
//! let meters = UdpMeters::bind("127.0.0.1:0".parse()?).await?;
//! let to = UdpAddress { host: meter.local_addr()?, server: 1 };
//! meters.try_send(to, 16, &[0x62, 0x00])?;
//! let mut datagram = [0; 16];
//! let (length, _) = meter.recv_from(&mut datagram).await?;
//! assert_eq!(datagram[..length], [0, 1, 0, 16, 0, 1, 0, 2, 0x62, 0x00]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use core::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
};
use std::{io, sync::Arc};

use dlms_core::wrapper::{self, HEADER_LEN, WrapperHeader};
use thiserror::Error;
use tokio::{net::UdpSocket, task::coop::consume_budget, time::sleep};

/// Longest datagram that IPv4 carries: 65535 less the headers of IP and UDP.
const DATAGRAM_MAX: usize = 65_507;
/// How long to wait when the system refuses to receive, for want of memory or while an interface
/// is down.
const RECEIVE_PAUSE: core::time::Duration = core::time::Duration::from_millis(200);

/// Where a meter is, and which logical device of it is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UdpAddress {
    /// Its host and port.
    pub host: SocketAddr,
    /// The logical device: its wPort. Usually 1.
    pub server: u16,
}

/// Why a datagram is not sent.
#[derive(Debug, Error)]
pub enum UdpError {
    /// No datagram is so long.
    #[error("an APDU of {0} octets fits into no datagram")]
    TooLong(usize),
    /// The system does not take it: its buffer is full, or there is no way to this host.
    #[error("the datagram cannot be sent: {0}")]
    Unsent(#[from] io::Error),
}

/// How often what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UdpCounters {
    /// Datagrams sent.
    pub sent: u64,
    /// Datagrams that the system did not take.
    pub unsent: u64,
    /// Datagrams received that were one wrapper PDU.
    pub received: u64,
    /// Datagrams received that were not.
    pub malformed: u64,
}

/// The socket. A clone is the same socket.
#[derive(Clone, Debug)]
pub struct UdpMeters(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    socket: UdpSocket,
    sent: AtomicU64,
    unsent: AtomicU64,
    received: AtomicU64,
    malformed: AtomicU64,
}

impl UdpMeters {
    /// Binds the socket: to `0.0.0.0:0` or `[::]:0`, if meters need not know where they are asked
    /// from.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn bind(local: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind(local).await?;
        // Until it was waited for once, nothing can be sent without waiting.
        socket.writable().await?;
        Ok(Self(Arc::new(Inner {
            socket,
            sent: AtomicU64::new(0),
            unsent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            malformed: AtomicU64::new(0),
        })))
    }

    /// Where it is bound.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.socket.local_addr()
    }

    /// Sends an APDU, without waiting.
    ///
    /// # Errors
    /// [`UdpError`]. Nothing of it was sent then.
    pub fn try_send(&self, to: UdpAddress, client: u16, apdu: &[u8]) -> Result<(), UdpError> {
        let length = u16::try_from(apdu.len()).map_err(|_| UdpError::TooLong(apdu.len()))?;
        if HEADER_LEN + apdu.len() > DATAGRAM_MAX {
            return Err(UdpError::TooLong(apdu.len()));
        }
        let header = WrapperHeader { source: client, destination: to.server, length };
        let datagram = [&header.encode_header(), apdu].concat();
        match self.0.socket.try_send_to(&datagram, to.host) {
            Ok(_) => {
                self.0.sent.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                self.0.unsent.fetch_add(1, Ordering::Relaxed);
                Err(error.into())
            }
        }
    }

    /// Hands what meters send to `up`: from whom, for which client, and the APDU. For ever.
    ///
    /// Whoever sends is named, be it a meter or not.
    pub async fn receive(&self, mut up: impl FnMut(UdpAddress, u16, &[u8])) {
        let mut buffer = vec![0; DATAGRAM_MAX];
        loop {
            // Datagrams without end leave room for other tasks.
            consume_budget().await;
            let (length, host) = match self.0.socket.recv_from(&mut buffer).await {
                Ok(received) => received,
                // A host that has no such port says so: it is one meter's matter.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
                Err(error) => {
                    tracing::warn!(%error, "nothing can be received from meters over UDP");
                    sleep(RECEIVE_PAUSE).await;
                    continue;
                }
            };
            let datagram = &buffer[..length];
            match wrapper::next_frame(datagram) {
                Some(Ok(frame)) if frame.consumed() == length => {
                    self.0.received.fetch_add(1, Ordering::Relaxed);
                    let from = UdpAddress { host, server: frame.header.source };
                    up(from, frame.header.destination, frame.apdu);
                }
                _ => {
                    self.0.malformed.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    /// What has happened so far.
    #[must_use]
    pub fn counters(&self) -> UdpCounters {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Inner { sent, unsent, received, malformed, .. } = &*self.0;
        UdpCounters {
            sent: of(sent),
            unsent: of(unsent),
            received: of(received),
            malformed: of(malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{net::UdpSocket, sync::mpsc};

    use super::{UdpAddress, UdpCounters, UdpError, UdpMeters};

    #[tokio::test]
    async fn meters_behind_one_socket_are_told_apart_by_where_they_are() {
        let meters = UdpMeters::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let (told, mut tells) = mpsc::unbounded_channel();
        let receiving = meters.clone();
        tokio::spawn(async move {
            let up = |from, client, apdu: &[u8]| told.send((from, client, apdu.to_vec())).unwrap();
            receiving.receive(up).await;
        });
        let near = meters.local_addr().unwrap();
        for (server, apdu) in [(1, vec![0xC4, 1]), (527, vec![0x0F; 1_400])] {
            let meter = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let at = UdpAddress { host: meter.local_addr().unwrap(), server };
            // Cut, with something behind, and no wrapper: not told.
            for strange in [&[0, 1, 0, 1, 0, 16, 0, 2, 9][..], &[0; 9], b"hello, meter"] {
                meter.send_to(strange, near).await.unwrap();
            }
            let length = (apdu.len() as u16).to_be_bytes();
            let head = [&[0, 1][..], &server.to_be_bytes(), &[0, 16], &length].concat();
            meter.send_to(&[head, apdu.clone()].concat(), near).await.unwrap();
            assert_eq!(tells.recv().await, Some((at, 16, apdu.clone())));

            meters.try_send(at, 102, &apdu).unwrap();
            let mut datagram = vec![0; 2_000];
            let (octets, from) = meter.recv_from(&mut datagram).await.unwrap();
            assert_eq!((octets, from), (8 + apdu.len(), near));
            assert_eq!(datagram[..4], [0, 1, 0, 102]);
            assert_eq!(datagram[4..6], server.to_be_bytes());
            assert_eq!(datagram[8..octets], apdu);
        }
        let expected = UdpCounters { sent: 2, unsent: 0, received: 2, malformed: 6 };
        assert_eq!(meters.counters(), expected);
    }

    #[tokio::test]
    async fn what_fits_into_no_datagram_is_refused() {
        let meters = UdpMeters::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let to = UdpAddress { host: "127.0.0.1:9".parse().unwrap(), server: 1 };
        for length in [65_500, 65_536] {
            let refused = meters.try_send(to, 16, &vec![0; length]);
            assert!(matches!(refused, Err(UdpError::TooLong(l)) if l == length));
        }
    }
}
