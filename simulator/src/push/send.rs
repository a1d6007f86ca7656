//! Pushes on their way: over TCP and UDP, in the wrapper.

use core::{net::SocketAddr, time::Duration};
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use dlms_core::{
    axdr::Writer,
    cosem::value::{MessageType, TransportService},
    wrapper::WrapperHeader,
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpStream, UdpSocket},
    time,
};

use super::Push;
use crate::{
    gateway::GatewayConfig,
    meter::{LOGICAL_DEVICE, Meter},
};

/// How often meters are asked whether they have something to send.
const EVERY: Duration = Duration::from_millis(500);
/// How long a connection and the message on it may take.
const SEND_TIME_MAX: Duration = Duration::from_secs(10);

/// Sends what `meters` push, until this is dropped: behind a gateway with its header. What does not
/// arrive is told to the meter, which tries again as its push setup says.
pub async fn send_pushes(meters: &[Arc<Mutex<Meter>>], gateway: Option<GatewayConfig>) {
    let mut ticks = time::interval(EVERY);
    loop {
        ticks.tick().await;
        for meter in meters {
            let locked = || meter.lock().unwrap_or_else(PoisonError::into_inner);
            loop {
                // The lock must not be held while something is sent.
                let (push, serial) = {
                    let mut meter = locked();
                    (meter.poll_push(), meter.serial())
                };
                let Some(push) = push else { break };
                let header = gateway.map(|gateway| header(&gateway, serial)).unwrap_or_default();
                let sent = time::timeout(SEND_TIME_MAX, send(&push, &header)).await;
                if let Err(error) = sent.unwrap_or_else(|late| Err(late.into())) {
                    tracing::warn!(setup = %push.setup, %error, "a push did not arrive");
                    locked().push_failed(&push);
                }
            }
        }
    }
}

/// What the gateway puts in front of what the meter with this serial number pushes.
fn header(gateway: &GatewayConfig, serial: u32) -> Vec<u8> {
    let mut header = Vec::new();
    let address = gateway.address_of(serial);
    address.header(gateway.push_header).encode(&mut Writer::new(&mut header));
    header
}

/// Sends one push behind `header`. A connection is opened for it and closed after it.
async fn send(push: &Push, header: &[u8]) -> io::Result<()> {
    let unsupported = || io::Error::from(io::ErrorKind::Unsupported);
    if push.message != MessageType::Axdr {
        return Err(unsupported());
    }
    let destination = str::from_utf8(&push.destination).ok();
    let destination: Option<SocketAddr> = destination.and_then(|text| text.parse().ok());
    let destination = destination.ok_or(io::ErrorKind::InvalidInput)?;
    let apdu = [header, &push.apdu].concat();
    let length = u16::try_from(apdu.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    let header = WrapperHeader { source: LOGICAL_DEVICE, destination: push.client, length };
    let message = [&header.encode_header()[..], &apdu].concat();
    match push.transport {
        TransportService::Tcp => {
            let mut stream = TcpStream::connect(destination).await?;
            stream.write_all(&message).await?;
            stream.shutdown().await
        }
        TransportService::Udp => {
            let any = if destination.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let socket = UdpSocket::bind(any).await?;
            socket.send_to(&message, destination).await.map(|_| ())
        }
        _ => Err(unsupported()),
    }
}
