//! Noise, losses and slow lines: every APDU still arrives whole, or the line fails and says so.

use core::time::Duration;

use dlms_tokio::{HdlcServerConfig, Line, LineConfig, LineCounters, Trace, serve_hdlc};
use hdlc::parameters::{InformationLength, WindowSize};
use tokio::{
    io::DuplexStream,
    time::{Instant, timeout},
};

use crate::{
    meter::{ReversingMeter, apdu, reversed},
    relay::{Noise, Way, cable, slow_cable},
};

/// Ten exchanges over a pair of ends; all answers are checked.
async fn converse(client: DuplexStream, meter: DuplexStream, config: &LineConfig) -> LineCounters {
    let granted = HdlcServerConfig {
        information: InformationLength::MAX,
        window: WindowSize::MAX,
        ..HdlcServerConfig::default()
    };
    let serving =
        tokio::spawn(
            async move { serve_hdlc(meter, &mut ReversingMeter::default(), &granted).await },
        );
    let mut line = Line::hdlc_in_memory(client, None, config, Trace::off()).unwrap();
    line.connect().await.unwrap();
    let mut answer = Vec::new();
    for length in 0..10 {
        let request = apdu(1 + length * 77);
        line.send(&request).await.unwrap();
        line.receive(&mut answer).await.unwrap();
        assert!(answer == reversed(&request), "{length}");
    }
    line.disconnect().await;
    serving.abort();
    line.counters()
}

#[tokio::test(start_paused = true)]
async fn noise_before_and_between_frames_is_passed_over_and_counted() {
    for seed in 1..=20 {
        let mut noise = Noise(seed);
        let (client, meter, carrying) = cable(move |_, octets| {
            let length = (noise.next() % 40) as usize;
            // Without 7E A: what looks like a frame is the business of the tests below.
            let mut before = noise.octets(length);
            before.iter_mut().for_each(|octet| *octet &= 0x7F);
            before.retain(|octet| *octet != 0x7E);
            Some([before.as_slice(), octets].concat())
        });
        tokio::spawn(carrying);
        let counters = converse(client, meter, &LineConfig::default()).await;
        assert!(counters.noise_octets > 0, "seed {seed}");
        assert_eq!(counters.timeouts, 0, "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn noise_that_begins_like_a_frame_costs_time_and_no_data() {
    for seed in 1..=20 {
        let mut noise = Noise(seed);
        let (client, meter, carrying) = cable(move |_, octets| {
            let mut before = noise.octets(12);
            match noise.next() % 4 {
                // A flag, a format and a length of up to 2047 that nothing stands behind.
                0 => before[..2].copy_from_slice(&[0x7E, 0xA0 | (noise.next() % 8) as u8]),
                1 => before[10..].copy_from_slice(&[0x7E, 0xA7]),
                _ => before.clear(),
            }
            Some([before.as_slice(), octets].concat())
        });
        tokio::spawn(carrying);
        converse(client, meter, &LineConfig::default()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_octet_damaged_inside_a_frame_is_recovered_by_polling() {
    for (information, window) in [(128, 1), (128, 3), (2_030, 7)] {
        for seed in 1..=20 {
            let mut noise = Noise(seed);
            let (client, meter, carrying) = cable(move |_, octets| {
                let mut octets = octets.to_vec();
                if noise.next().is_multiple_of(8) {
                    let place = noise.next() as usize % octets.len();
                    octets[place] ^= 1 << (noise.next() % 8);
                }
                Some(octets)
            });
            tokio::spawn(carrying);
            let config =
                LineConfig { hdlc_info: information, window, retries: 7, ..LineConfig::default() };
            converse(client, meter, &config).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_frame_is_recovered_by_polling() {
    for seed in 1..=20 {
        let mut noise = Noise(seed);
        let (client, meter, carrying) = cable(move |_, octets| {
            Some(if noise.next().is_multiple_of(8) { Vec::new() } else { octets.to_vec() })
        });
        tokio::spawn(carrying);
        let config = LineConfig { window: 3, retries: 7, ..LineConfig::default() };
        converse(client, meter, &config).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_optical_head_that_echoes_is_no_obstacle() {
    // What goes to the meter comes back to the client as well, before any answer.
    let (client, mut client_end) = tokio::io::duplex(4_096);
    let (meter, mut meter_end) = tokio::io::duplex(4_096);
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};

        let (mut from_client, mut from_meter) = ([0; 4_096], [0; 4_096]);
        loop {
            tokio::select! {
                read = client_end.read(&mut from_client) => {
                    let octets = &from_client[..read.unwrap()];
                    if octets.is_empty() {
                        return;
                    }
                    client_end.write_all(octets).await.unwrap();
                    meter_end.write_all(octets).await.unwrap();
                }
                read = meter_end.read(&mut from_meter) => {
                    client_end.write_all(&from_meter[..read.unwrap()]).await.unwrap();
                }
            }
        }
    });
    let counters = converse(client, meter, &LineConfig::default()).await;
    assert_eq!(counters.foreign, counters.frames_sent);
    assert_eq!(counters.timeouts, 0);
}

#[tokio::test(start_paused = true)]
async fn frames_in_single_octets_are_put_together_and_a_dropped_receive_loses_nothing() {
    let (client, meter, carrying) = slow_cable(Duration::from_millis(1));
    tokio::spawn(carrying);
    tokio::spawn(async move {
        serve_hdlc(meter, &mut ReversingMeter::default(), &HdlcServerConfig::default()).await
    });
    let config = LineConfig { hdlc_info: 40, ..LineConfig::default() };
    let mut line = Line::hdlc_in_memory(client, None, &config, Trace::off()).unwrap();
    line.connect().await.unwrap();
    let request = apdu(300);
    // A send that is dropped goes on when the line is used next.
    assert!(timeout(Duration::from_micros(3_300), line.send(&request)).await.is_err());
    let mut answer = vec![0xEE];
    let mut dropped = 0;
    while timeout(Duration::from_micros(700), line.receive(&mut answer)).await.is_err() {
        assert_eq!(answer, [0xEE]);
        dropped += 1;
    }
    assert_eq!(answer, reversed(&request));
    assert!(dropped > 300, "{dropped}");
    assert_eq!(line.counters().timeouts, 0);
}

#[tokio::test(start_paused = true)]
async fn a_cable_that_damages_everything_ends_in_an_error_within_its_time() {
    let mut frames = 0;
    let (client, meter, carrying) = cable(move |way, octets| {
        // The link comes up; after that no answer arrives undamaged.
        frames += usize::from(way == Way::ToClient);
        let mut octets = octets.to_vec();
        if frames > 1 && way == Way::ToClient {
            octets[3] ^= 0x40;
        }
        Some(octets)
    });
    tokio::spawn(carrying);
    tokio::spawn(async move {
        serve_hdlc(meter, &mut ReversingMeter::default(), &HdlcServerConfig::default()).await
    });
    let config = LineConfig::default();
    let mut line = Line::hdlc_in_memory(client, None, &config, Trace::off()).unwrap();
    line.connect().await.unwrap();
    let begun = Instant::now();
    let failed = match line.send(&apdu(100)).await {
        Ok(()) => line.receive(&mut Vec::new()).await,
        failed => failed,
    };
    assert!(failed.is_err());
    assert!(begun.elapsed() <= config.patience() + Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(line.counters().bad_hcs + line.counters().bad_fcs > 0);
}
