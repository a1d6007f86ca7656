//! A bus in memory: what one says, all hear; what the meters say goes to the one who asks.

use core::time::Duration;

use dlms_tokio::{ApduServer, HdlcServerConfig, serve_hdlc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split},
    sync::mpsc,
    time::{Instant, sleep_until},
};

use crate::relay::PIPE;

/// How long an octet takes at 9600 Bd.
const OCTET: Duration = Duration::from_micros(1_042);

/// Joins `ends`, each with a station at its other end; what comes back is for the one who asks.
pub(crate) fn bus(ends: Vec<DuplexStream>) -> DuplexStream {
    let (client, near) = duplex(PIPE);
    let (mut from_client, mut to_client) = split(near);
    let (said, mut heard) = mpsc::unbounded_channel::<Vec<u8>>();
    let mut to_meters = Vec::new();
    for end in ends {
        let (mut from_meter, to_meter) = split(end);
        to_meters.push(to_meter);
        let said = said.clone();
        tokio::spawn(async move {
            let mut octets = [0; PIPE];
            while let Ok(length @ 1..) = from_meter.read(&mut octets).await {
                let _ = said.send(octets[..length].to_vec());
            }
        });
    }
    tokio::spawn(async move {
        let mut octets = [0; PIPE];
        while let Ok(length @ 1..) = from_client.read(&mut octets).await {
            sleep_until(Instant::now() + OCTET * length as u32).await;
            for meter in &mut to_meters {
                // One that is gone hears nothing.
                let _ = meter.write_all(&octets[..length]).await;
            }
        }
    });
    tokio::spawn(async move {
        while let Some(octets) = heard.recv().await {
            sleep_until(Instant::now() + OCTET * octets.len() as u32).await;
            if to_client.write_all(&octets).await.is_err() {
                return;
            }
        }
    });
    client
}

/// A meter at a physical address; the end to join.
pub(crate) fn station(
    mut meter: impl ApduServer + 'static,
    config: &HdlcServerConfig,
    physical: u16,
) -> DuplexStream {
    let (near, far) = duplex(PIPE);
    let config =
        HdlcServerConfig { physical: Some(physical), stream_timeout: None, ..config.clone() };
    tokio::spawn(async move { serve_hdlc(far, &mut meter, &config).await });
    near
}
