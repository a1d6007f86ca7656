//! Pushes on their way: over TCP and UDP in the wrapper, and over HDLC in frames of kind UI, which
//! travel over TCP.

use core::{net::SocketAddr, time::Duration};
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use dlms_core::{
    axdr::Writer,
    cosem::value::{MessageType, TransportService},
    wrapper::{self, WrapperHeader},
    xdlms::{DataNotification, GeneralBlockTransfer},
};
use hdlc::{
    address::Address,
    control::Control,
    deframer::{Deframer, OnError},
    frame::{FRAME_LEN_MAX, Frame},
    llc::Llc,
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
    /// Whether pushes are authenticated and encrypted, in general-glo-ciphering, where their push
    /// setup does not say how they are protected.
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
            let protected = config.ciphered || !push.protection.is_empty();
            let confirms = |apdu: &[u8]| locked().confirms(&push, protected, apdu);
            let sent = time::timeout(SEND_TIME_MAX, send(&push, &apdus, &confirms)).await;
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
        _ if !push.protection.is_empty() => meter.protect_as_set_up(&push),
        true => meter.protect_push(&push),
        false => Some(push.apdu.clone()),
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

/// Sends the APDUs of one push, and waits until it is confirmed if it asks for that, which
/// `confirms` says of what comes back. A connection is opened for it and closed after it.
async fn send(
    push: &Push,
    apdus: &[Vec<u8>],
    confirms: &(dyn Fn(&[u8]) -> bool + Sync),
) -> io::Result<()> {
    let unsupported = || io::Error::from(io::ErrorKind::Unsupported);
    if push.message != MessageType::Axdr || apdus.is_empty() {
        return Err(unsupported());
    }
    let destination = str::from_utf8(&push.destination).ok();
    let destination: Option<SocketAddr> = destination.and_then(|text| text.parse().ok());
    let destination = destination.ok_or(io::ErrorKind::InvalidInput)?;
    let framed = match push.transport {
        TransportService::Hdlc => unnumbered,
        _ => wrapped,
    };
    let frames: Vec<Vec<u8>> = apdus
        .iter()
        .map(|apdu| framed(push, apdu).ok_or_else(|| io::ErrorKind::InvalidData.into()))
        .collect::<io::Result<_>>()?;
    match push.transport {
        TransportService::Tcp | TransportService::Hdlc => {
            let mut stream = TcpStream::connect(destination).await?;
            stream.write_all(&frames.concat()).await?;
            if push.invoke.confirmed() {
                match push.transport {
                    TransportService::Hdlc => confirmed_in_frames(&mut stream, confirms).await?,
                    _ => confirmed(&mut stream, confirms).await?,
                }
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
                    && confirms(frame.apdu)
                {
                    break;
                }
            }
            Ok(())
        }
        _ => Err(unsupported()),
    }
}

/// In a frame of the wrapper.
fn wrapped(push: &Push, apdu: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(apdu.len()).ok()?;
    let header = WrapperHeader { source: push.logical_device, destination: push.client, length };
    Some([&header.encode_header()[..], apdu].concat())
}

/// In a frame of kind UI, which is never answered by the link: nobody had set one up.
fn unnumbered(push: &Push, apdu: &[u8]) -> Option<Vec<u8>> {
    let address = |sap: u16| u8::try_from(sap).ok().and_then(|sap| Address::try_one(sap).ok());
    let information = [&Llc::Response.encode()[..], apdu].concat();
    let frame = Frame {
        destination: address(push.client)?,
        source: address(push.logical_device)?,
        control: Control::Ui { pf: false },
        segmented: false,
        information: &information,
    };
    let mut out = [0; FRAME_LEN_MAX];
    let length = frame.encode(&mut out).ok()?;
    out.get(..length).map(<[u8]>::to_vec)
}

/// Waits for the confirmation of a push on its connection.
async fn confirmed(
    stream: &mut TcpStream,
    confirms: &(dyn Fn(&[u8]) -> bool + Sync),
) -> io::Result<()> {
    let mut received = Vec::new();
    loop {
        while let Some(frame) = wrapper::next_frame(&received) {
            let frame = frame.map_err(|_| io::ErrorKind::InvalidData)?;
            if confirms(frame.apdu) {
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

/// The same where frames of HDLC come back.
async fn confirmed_in_frames(
    stream: &mut TcpStream,
    confirms: &(dyn Fn(&[u8]) -> bool + Sync),
) -> io::Result<()> {
    let mut deframer = Deframer::new(OnError::Resync);
    let mut received = Vec::new();
    loop {
        let mut at = 0;
        loop {
            let found = deframer.next_frame(received.get(at..).unwrap_or_default());
            at += deframer.take_consumed();
            let Some(found) = found else { break };
            let apdu = found.ok().and_then(|frame| Llc::decode(frame.information).ok());
            if apdu.is_some_and(|(_, apdu)| confirms(apdu)) {
                return Ok(());
            }
        }
        received.drain(..at);
        if stream.read_buf(&mut received).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use dlms_core::{cosem::LogicalName, xdlms::LongInvokeIdAndPriority};

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
    fn a_push_over_hdlc_is_a_frame_of_kind_ui() {
        let invoke = LongInvokeIdAndPriority::new(7);
        let push = Push {
            setup: LogicalName([0, 0, 25, 9, 0, 255]),
            logical_device: 1,
            transport: TransportService::Hdlc,
            destination: Vec::new(),
            client: 16,
            message: MessageType::Axdr,
            invoke,
            apdu: vec![0x0f],
            protection: Vec::new(),
        };
        let frame = unnumbered(&push, &push.apdu).unwrap();
        assert_eq!(frame[..6], [0x7e, 0xa0, 0x0d, 0x21, 0x03, 0x03]);
        assert_eq!(frame[8..12], [0xe6, 0xe7, 0x00, 0x0f]);
        assert!(unnumbered(&Push { client: 300, ..push.clone() }, &[]).is_none());
        assert!(unnumbered(&push, &[0; 4096]).is_none());
    }
}
