//! A cable between a line and a meter that does what a test wants.

use core::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::interval,
};

/// Octets a pipe in memory holds.
pub(crate) const PIPE: usize = 4_096;

/// Which way octets go through the cable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    ToMeter,
    ToClient,
}

/// A cable: the client's end, the meter's end, and what happens in between. `disturb` gets what is
/// read at one end and says what comes out at the other; None cuts the cable.
pub(crate) fn cable<D>(
    mut disturb: D,
) -> (DuplexStream, DuplexStream, impl Future<Output = ()> + use<D>)
where
    D: FnMut(Way, &[u8]) -> Option<Vec<u8>>,
{
    let (client, mut client_end) = duplex(PIPE);
    let (meter, mut meter_end) = duplex(PIPE);
    let carrying = async move {
        let mut from_client = [0; PIPE];
        let mut from_meter = [0; PIPE];
        loop {
            let (way, octets) = tokio::select! {
                read = client_end.read(&mut from_client) => match read {
                    Ok(1..) => (Way::ToMeter, &from_client[..read.unwrap()]),
                    _ => return,
                },
                read = meter_end.read(&mut from_meter) => match read {
                    Ok(1..) => (Way::ToClient, &from_meter[..read.unwrap()]),
                    _ => return,
                },
            };
            let Some(octets) = disturb(way, octets) else { return };
            let end = match way {
                Way::ToMeter => &mut meter_end,
                Way::ToClient => &mut client_end,
            };
            if end.write_all(&octets).await.is_err() {
                return;
            }
        }
    };
    (client, meter, carrying)
}

/// A cable that carries one octet at a time, each way, every `pace`.
pub(crate) fn slow_cable(pace: Duration) -> (DuplexStream, DuplexStream, impl Future<Output = ()>) {
    async fn trickle(
        mut from: tokio::io::ReadHalf<DuplexStream>,
        mut to: tokio::io::WriteHalf<DuplexStream>,
        pace: Duration,
    ) {
        let mut ticks = interval(pace);
        let mut octet = [0];
        while from.read_exact(&mut octet).await.is_ok() {
            ticks.tick().await;
            if to.write_all(&octet).await.is_err() {
                return;
            }
        }
    }

    let (client, client_end) = duplex(PIPE);
    let (meter, meter_end) = duplex(PIPE);
    let (from_client, to_client) = tokio::io::split(client_end);
    let (from_meter, to_meter) = tokio::io::split(meter_end);
    let carrying = async move {
        tokio::join!(trickle(from_client, to_meter, pace), trickle(from_meter, to_client, pace));
    };
    (client, meter, carrying)
}

/// Octets that look like noise and are the same in every run (xorshift).
#[derive(Debug)]
pub(crate) struct Noise(pub(crate) u32);

impl Noise {
    pub(crate) fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    pub(crate) fn octets(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| (self.next() >> 11) as u8).collect()
    }
}
