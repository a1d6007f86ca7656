//! Pushes on their way: over TCP and UDP, in the wrapper.

use core::{net::SocketAddr, time::Duration};
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use dlms_core::{
    axdr::Writer,
    cosem::value::{MessageType, TransportService},
    gateway::GatewayHeader,
    wrapper::{self, WrapperHeader},
    xdlms::{
        DataNotification, DataNotificationConfirm, GeneralBlockTransfer, LongInvokeIdAndPriority,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    task::JoinSet,
    time::{self, MissedTickBehavior},
};

use super::Push;
use crate::{
    faults::{Fault, Faults},
    gateway::GatewayConfig,
    meter::Meter,
};

/// How often meters are asked whether they have something to send.
const EVERY: Duration = Duration::from_millis(500);
/// How long a connection, the message on it and its confirmation may take.
const SEND_TIME_MAX: Duration = Duration::from_secs(10);
/// Octets around those of a general-block-transfer: tag, control, two numbers, length.
const BLOCK_OVERHEAD: u16 = 1 + 1 + 2 + 2 + 3;
/// The longest UDP datagram.
const DATAGRAM_MAX: usize = 65_535;

/// How pushes are sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct SendConfig {
    /// The gateway that the meters are behind.
    pub gateway: Option<GatewayConfig>,
    /// Whether pushes are authenticated and encrypted, in general-glo-ciphering.
    pub ciphered: bool,
    /// The longest APDU, in octets: what is longer is cut into general blocks, which nobody
    /// acknowledges.
    pub apdu_len_max: Option<u16>,
    /// The rules that are broken on the way.
    pub faults: Faults,
}

/// Sends what `meters` push, until this is dropped. What does not arrive is told to the meter,
/// which tries again as its push setup says; and so is what is to be confirmed and is not. No meter
/// waits for another.
pub async fn send_pushes(meters: &[Arc<Mutex<Meter>>], config: SendConfig) {
    let one = |meter: &Arc<Mutex<Meter>>| send_pushes_of(Arc::clone(meter), config);
    let sending: JoinSet<()> = meters.iter().map(one).collect();
    sending.join_all().await;
}

async fn send_pushes_of(meter: Arc<Mutex<Meter>>, config: SendConfig) {
    let locked = || meter.lock().unwrap_or_else(PoisonError::into_inner);
    let mut ticks = time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        loop {
            // The lock must not be held while something is sent.
            let next = {
                let mut meter = locked();
                meter.poll_push().map(|push| (apdus(&mut meter, &push, config), push))
            };
            let Some((apdus, push)) = next else { break };
            let sent = time::timeout(SEND_TIME_MAX, send(&push, &apdus)).await;
            match sent.unwrap_or_else(|late| Err(late.into())) {
                Ok(()) if push.invoke.confirmed() => locked().push_confirmed(&push),
                Ok(()) => {}
                Err(error) => {
                    tracing::warn!(setup = %push.setup, %error, "a push did not arrive");
                    locked().push_failed(&push);
                    // The next one, be it this one again, not without a pause.
                    break;
                }
            }
        }
    }
}

/// The APDUs of a push: ciphered once, then cut, then each behind the header of the gateway. None
/// when it cannot be ciphered.
fn apdus(meter: &mut Meter, push: &Push, config: SendConfig) -> Vec<Vec<u8>> {
    let mut push = push.clone();
    if config.faults.has(Fault::TagsPushTimes)
        && let Ok(mut notification) = DataNotification::decode(&push.apdu)
    {
        notification.tagged_date_time = true;
        let mut tagged = Vec::new();
        notification.encode(&mut Writer::new(&mut tagged));
        push.apdu = tagged;
    }
    let whole = match config.ciphered {
        true => meter.protect_push(&push),
        false => Some(push.apdu),
    };
    let Some(whole) = whole else { return Vec::new() };
    let apdus = match config.apdu_len_max {
        Some(limit) if whole.len() > usize::from(limit) => in_blocks(&whole, limit),
        _ => vec![whole],
    };
    let Some(gateway) = config.gateway else { return apdus };
    let mut header = Vec::new();
    let address = gateway.address_of(meter.serial());
    address.header(gateway.push_header).encode(&mut Writer::new(&mut header));
    apdus.iter().map(|apdu| [&header[..], apdu].concat()).collect()
}

/// The general blocks that nobody acknowledges: streaming, with window 0.
fn in_blocks(apdu: &[u8], limit: u16) -> Vec<Vec<u8>> {
    let room = usize::from(limit.saturating_sub(BLOCK_OVERHEAD)).max(1);
    let mut parts = apdu.chunks(room).zip(1..).peekable();
    let mut blocks = Vec::new();
    while let Some((octets, number)) = parts.next() {
        let last = parts.peek().is_none();
        let block = GeneralBlockTransfer {
            last,
            streaming: true,
            window: 0,
            number,
            acknowledged: 0,
            octets,
        };
        let mut out = Vec::new();
        block.encode(&mut Writer::new(&mut out));
        blocks.push(out);
    }
    blocks
}

/// Sends the APDUs of one push, and waits until it is confirmed if it asks for that. A connection
/// is opened for it and closed after it.
async fn send(push: &Push, apdus: &[Vec<u8>]) -> io::Result<()> {
    let unsupported = || io::Error::from(io::ErrorKind::Unsupported);
    if push.message != MessageType::Axdr || apdus.is_empty() {
        return Err(unsupported());
    }
    let destination = str::from_utf8(&push.destination).ok();
    let destination: Option<SocketAddr> = destination.and_then(|text| text.parse().ok());
    let destination = destination.ok_or(io::ErrorKind::InvalidInput)?;
    let mut frames = Vec::new();
    for apdu in apdus {
        let length = u16::try_from(apdu.len()).map_err(|_| io::ErrorKind::InvalidData)?;
        let header =
            WrapperHeader { source: push.logical_device, destination: push.client, length };
        frames.push([&header.encode_header()[..], apdu].concat());
    }
    match push.transport {
        TransportService::Tcp => {
            let mut stream = TcpStream::connect(destination).await?;
            stream.write_all(&frames.concat()).await?;
            if push.invoke.confirmed() {
                confirmed(&mut stream, push.invoke).await?;
            }
            stream.shutdown().await
        }
        TransportService::Udp => {
            let any = if destination.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let socket = UdpSocket::bind(any).await?;
            socket.connect(destination).await?;
            for frame in &frames {
                socket.send(frame).await?;
            }
            let mut datagram = vec![0; DATAGRAM_MAX];
            while push.invoke.confirmed() {
                let length = socket.recv(&mut datagram).await?;
                if let Some(Ok(frame)) = wrapper::next_frame(&datagram[..length])
                    && confirms(frame.apdu, push.invoke)
                {
                    break;
                }
            }
            Ok(())
        }
        _ => Err(unsupported()),
    }
}

/// Waits for the confirmation of a push on its connection.
async fn confirmed(stream: &mut TcpStream, invoke: LongInvokeIdAndPriority) -> io::Result<()> {
    let mut received = Vec::new();
    loop {
        while let Some(frame) = wrapper::next_frame(&received) {
            let frame = frame.map_err(|_| io::ErrorKind::InvalidData)?;
            if confirms(frame.apdu, invoke) {
                return Ok(());
            }
            let consumed = frame.consumed();
            received.drain(..consumed);
        }
        if stream.read_buf(&mut received).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Whether an APDU, with the header of a gateway or without, confirms the push with this invoke-id.
fn confirms(apdu: &[u8], invoke: LongInvokeIdAndPriority) -> bool {
    let apdu = GatewayHeader::decode(apdu).map_or(apdu, |(_, apdu)| apdu);
    DataNotificationConfirm::decode(apdu).is_ok_and(|confirm| confirm.invoke.id() == invoke.id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_push_is_cut_into_blocks_as_meters_in_the_field_cut_it() {
        // 40, 40, C0: streaming, window 0, nothing acknowledged.
        let blocks = in_blocks(&[0x0f, 1, 2, 3, 4], 11);
        assert_eq!(
            blocks,
            [
                &[0xe0, 0x40, 0, 1, 0, 0, 2, 0x0f, 1][..],
                &[0xe0, 0x40, 0, 2, 0, 0, 2, 2, 3],
                &[0xe0, 0xc0, 0, 3, 0, 0, 1, 4],
            ]
        );
        assert!(blocks.iter().all(|block| block.len() <= 11));
    }

    #[test]
    fn only_the_confirmation_of_this_push_confirms_it() {
        let invoke = LongInvokeIdAndPriority::new(7).and_confirmed();
        assert!(confirms(&[0x10, 0x40, 0, 0, 7, 0], invoke));
        assert!(confirms(&[0xe7, 2, 1, b'1', 0x10, 0, 0, 0, 7, 0], invoke));
        for other in [&[0x10, 0x40, 0, 0, 8, 0][..], &[0x10, 0x40, 0, 0, 7], &[0xd8, 1, 1], &[]] {
            assert!(!confirms(other, invoke), "{other:02x?}");
        }
    }
}
