//! Many meters on one HDLC bus, with the weather of one: octets that take their time, frames that
//! are lost, answers that others spoil, noise.
//!
//! ```text
//!   stream --> frames, some of them lost --> the meter with the lower address, or all of them
//!   stream <-- octets, late, spoiled or with noise before them <-- meters
//! ```
//!
//! What happens is decided by a seed, and time is tokio's: under its paused clock a month passes in
//! no time.

use core::{future::poll_fn, net::SocketAddr, pin::Pin, task::Poll, time::Duration};
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
};

use dlms_tokio::HdlcServerConfig;
use hdlc::{
    address::Address,
    deframer::{Deframer, OnError},
    frame::FRAME_LEN_MAX,
};
use tokio::{
    io::{
        AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, WriteHalf, duplex, split,
    },
    net::TcpListener,
    sync::mpsc,
    task::JoinSet,
    time::sleep,
};

use crate::{
    listen::{ACCEPT_PAUSE, AnswerConfig, Listening, serve_hdlc_stream},
    meter::Meter,
};

/// Octets that a meter's end of the bus holds: a window of the largest frames.
const END_MAX: usize = 16 * 1024;
/// Octets that meters said and the bus has not carried: more than all of them can have to say at a
/// time when one at a time is asked.
const SAID_MAX: usize = 1_024;
/// Octets of noise at a time.
const NOISE_MAX: u64 = 16;
/// Octets taken from the stream in one read.
const READ_MAX: usize = 4_096;
/// Bits an octet takes on a serial line: start, eight, stop.
const OCTET_BITS: u32 = 10;
/// CALLING and all-station in seven bits: no meter has such a lower address.
const RESERVED: [u16; 2] = [Address::CALLING_7, Address::ALL_STATION_7];

/// What a bus is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediumWeather {
    /// How long octets are under way, each way, beside the time that they take themselves.
    pub latency: Duration,
    /// The rate of the bus, in baud; without one, octets take no time.
    pub baud: Option<u32>,
    /// How many of a thousand frames to meters nobody hears.
    pub loss_permille: u16,
    /// How many of a thousand answers somebody else spoils by speaking at the same time.
    pub collision_permille: u16,
    /// How many of a thousand answers have noise before them.
    pub noise_permille: u16,
    /// What decides which.
    pub seed: u64,
}

impl Default for MediumWeather {
    /// A quiet bus that takes no time.
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            baud: None,
            loss_permille: 0,
            collision_permille: 0,
            noise_permille: 0,
            seed: 1,
        }
    }
}

impl MediumWeather {
    async fn carry(&self, octets: usize) {
        let octets = u32::try_from(octets).unwrap_or(u32::MAX);
        let line = self.baud.map_or(Duration::ZERO, |baud| {
            Duration::from_secs(1).saturating_mul(octets.saturating_mul(OCTET_BITS)) / baud.max(1)
        });
        let wait = self.latency + line;
        if !wait.is_zero() {
            sleep(wait).await;
        }
    }
}

/// The lower address of a meter on a medium: 16 for the first, and so on, without those that
/// everybody or nobody listens to.
#[must_use]
pub fn physical_address(index: u16) -> u16 {
    let address = index.saturating_add(16);
    match address >= RESERVED[0] {
        true => address.saturating_add(2),
        false => address,
    }
}

/// Serves `meters` on a stream that is open, such as a pipe in memory, until its other end closes
/// it. The meter with an index has the lower address [`physical_address`] of it.
///
/// # Errors
/// When the stream fails.
pub async fn serve_medium<S>(
    meters: &[Arc<Mutex<Meter>>],
    stream: S,
    answer: AnswerConfig,
    hdlc: &HdlcServerConfig,
    weather: MediumWeather,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (said, heard) = mpsc::channel(SAID_MAX);
    let mut ends = BTreeMap::new();
    // Ends with this function.
    let mut stations = JoinSet::new();
    for (index, meter) in (0..).zip(meters) {
        let physical = physical_address(index);
        let (near, far) = duplex(END_MAX);
        let (mut from_meter, to_meter) = split(near);
        ends.insert(physical, to_meter);
        let hdlc =
            HdlcServerConfig { physical: Some(physical), stream_timeout: None, ..hdlc.clone() };
        let meter = Arc::clone(meter);
        stations.spawn(async move {
            if let Err(error) = serve_hdlc_stream(meter, far, answer, &hdlc).await {
                tracing::debug!(physical, %error, "a meter has left its medium");
            }
        });
        let said = said.clone();
        stations.spawn(async move {
            loop {
                let mut octets = Vec::with_capacity(256);
                match from_meter.read_buf(&mut octets).await {
                    Ok(1..) if said.send(octets).await.is_ok() => {}
                    _ => return,
                }
            }
        });
    }
    let (from_client, to_client) = split(stream);
    let mut down = Chance(weather.seed);
    let mut up = Chance(weather.seed ^ u64::MAX);
    tokio::select! {
        ended = carry_down(from_client, &mut ends, weather, &mut down) => ended,
        ended = carry_up(to_client, heard, weather, &mut up) => ended,
    }
}

/// Serves `meters` on one medium behind HDLC over TCP at `address`, as behind a gateway: one
/// connection at a time speaks on it, and the newest has it.
///
/// # Errors
/// When the address cannot be had.
pub async fn listen_medium(
    meters: Vec<Arc<Mutex<Meter>>>,
    address: SocketAddr,
    answer: AnswerConfig,
    hdlc: HdlcServerConfig,
    weather: MediumWeather,
) -> io::Result<Listening> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        let mut next = None;
        loop {
            let accepted = match next.take() {
                Some(accepted) => Ok(accepted),
                None => listener.accept().await,
            };
            match accepted.and_then(|(stream, _)| stream.set_nodelay(true).map(|()| stream)) {
                Ok(stream) => {
                    tokio::select! {
                        served = serve_medium(&meters, stream, answer, &hdlc, weather) => {
                            if let Err(error) = served {
                                tracing::debug!(%error, "a connection to a medium ended");
                            }
                        }
                        // Who vanished never says so, and would have the bus for ever.
                        Ok(accepted) = listener.accept() => next = Some(accepted),
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    });
    Ok(Listening::new(address, task))
}

/// Frames of the one who asks, to the meters they are for: a meter passes over those for another,
/// and twelve hundred need not do so twelve hundred times.
async fn carry_down<S: AsyncRead + Unpin>(
    mut stream: S,
    ends: &mut BTreeMap<u16, WriteHalf<DuplexStream>>,
    weather: MediumWeather,
    chance: &mut Chance,
) -> io::Result<()> {
    let mut deframer = Deframer::new(OnError::Resync);
    let mut received = Vec::new();
    loop {
        let mut octets = [0; READ_MAX];
        let length = stream.read(&mut octets).await?;
        if length == 0 {
            return Ok(());
        }
        received.extend_from_slice(&octets[..length]);
        weather.carry(length).await;
        let mut out = [0; FRAME_LEN_MAX];
        let mut frames = Vec::new();
        while let Some(Ok(frame)) = deframer.next_frame(&received) {
            if let Ok(length) = frame.encode(&mut out)
                && !chance.is_one_of(weather.loss_permille)
            {
                frames.push((frame.destination, out[..length].to_vec()));
            }
        }
        received.drain(..deframer.take_consumed());
        for (destination, octets) in frames {
            // A meter that does not take anything in is not waited for: it has lost it.
            match destination.lower() {
                Some(lower) if !destination.is_all_station() => {
                    if let Some(end) = ends.get_mut(&lower) {
                        hand(end, &octets).await;
                    }
                }
                _ => {
                    for end in ends.values_mut() {
                        hand(end, &octets).await;
                    }
                }
            }
        }
    }
}

async fn hand(end: &mut WriteHalf<DuplexStream>, octets: &[u8]) {
    // One whose end is full or closed hears nothing, or not all of it.
    poll_fn(|context| {
        let _ = Pin::new(&mut *end).poll_write(context, octets);
        Poll::Ready(())
    })
    .await;
}

/// What meters say, in the order in which they say it.
async fn carry_up<S: AsyncWrite + Unpin>(
    mut stream: S,
    mut heard: mpsc::Receiver<Vec<u8>>,
    weather: MediumWeather,
    chance: &mut Chance,
) -> io::Result<()> {
    while let Some(mut octets) = heard.recv().await {
        if chance.is_one_of(weather.noise_permille) {
            let count = 1 + chance.next() % NOISE_MAX;
            let noise: Vec<u8> = (0..count).map(|_| chance.octet()).collect();
            stream.write_all(&noise).await?;
        }
        if chance.is_one_of(weather.collision_permille) {
            // Both drive the bus: what is heard is neither.
            octets.iter_mut().for_each(|octet| *octet &= chance.octet());
        }
        weather.carry(octets.len()).await;
        stream.write_all(&octets).await?;
        stream.flush().await?;
    }
    Ok(())
}

/// A sequence that its seed decides (splitmix64).
#[derive(Debug)]
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn octet(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn is_one_of(&mut self, permille: u16) -> bool {
        permille > 0 && self.next() % 1_000 < u64::from(permille)
    }
}

#[cfg(test)]
mod tests {
    use super::{Chance, physical_address};

    #[test]
    fn no_meter_has_an_address_that_all_or_nobody_listen_to() {
        assert_eq!([0, 109, 110, 1_199].map(physical_address), [16, 125, 128, 1_217]);
    }

    #[test]
    fn a_seed_decides_and_a_thousandth_is_one() {
        let lost = |seed| {
            let mut chance = Chance(seed);
            (0..100_000).map(|_| chance.is_one_of(10)).collect::<Vec<_>>()
        };
        assert_eq!(lost(7), lost(7));
        assert_ne!(lost(7), lost(8));
        let count = lost(7).iter().filter(|lost| **lost).count();
        assert!((900..1_100).contains(&count), "{count}");
    }
}
