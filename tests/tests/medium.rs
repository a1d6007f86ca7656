//! A concentrator's side of a shared medium, with simulated meters on it, in simulated time.
#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use core::time::Duration;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use concentrator::{
    discovery::{Discovery, DiscoveryConfig},
    nodes::{Nodes, Place, Pool},
};
use dlms_tokio::{
    HdlcServerConfig,
    medium::{Medium, MediumConfig, Up},
};
use sans_io_time::Instant;
use simulator::{AnswerConfig, MediumWeather, Meter, MeterConfig, physical_address, serve_medium};
use tokio::{
    io::duplex,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};

/// Searches until nothing more is to be found at once; which address has which name.
async fn discover(
    count: u16,
    weather: MediumWeather,
    config: MediumConfig,
) -> BTreeMap<u16, String> {
    let shared = Arc::new(MeterConfig { entries: 1, ..MeterConfig::default() });
    let meters: Vec<_> = (0..count)
        .map(|index| {
            Arc::new(Mutex::new(Meter::new(1_000 + u32::from(index), Arc::clone(&shared))))
        })
        .collect();
    let (near, far) = duplex(4_096);
    tokio::spawn(async move {
        let hdlc = HdlcServerConfig::default();
        serve_medium(&meters, far, AnswerConfig::default(), &hdlc, weather).await
    });
    let (up, mut ups): (_, UnboundedReceiver<Up>) = unbounded_channel();
    let (handle, medium) = Medium::on(near, config, move |told| {
        let _ = up.send(told);
    });
    tokio::spawn(medium);

    let last = physical_address(count - 1);
    let mut discovery = Discovery::new(0, DiscoveryConfig { last, ..DiscoveryConfig::default() });
    let mut nodes = Nodes::new(Pool::Extended);
    let begun = tokio::time::Instant::now();
    let now = || Instant::ZERO + begun.elapsed();
    let ends = begun + Duration::from_secs(4 * 3_600);
    while nodes.present() < usize::from(count) && tokio::time::Instant::now() < ends {
        while let Some(down) = discovery.poll_down(now()) {
            handle.try_send(down).unwrap();
        }
        let due = discovery.poll_timeout().map(|due| begun + (due - Instant::ZERO));
        tokio::select! {
            Some(up) = ups.recv() => assert!(discovery.handle_up(now(), &up), "{up:?}"),
            () = tokio::time::sleep_until(due.unwrap_or(ends)) => {}
        }
        while let Some(registration) = discovery.poll_event() {
            nodes.register(0, registration).unwrap();
        }
    }
    let found = nodes.iter().map(|(_, node)| match node.place {
        Place::Physical(physical) => (physical, node.name.to_string()),
        Place::Endpoint(_) | Place::Datagrams(_) => panic!("not on a medium"),
    });
    found.collect()
}

#[tokio::test(start_paused = true)]
async fn twelve_hundred_meters_on_one_medium_are_found_and_named() {
    let config = MediumConfig { probe_pause: Duration::ZERO, ..MediumConfig::default() };
    let found = discover(1_200, MediumWeather::default(), config).await;
    assert_eq!(found.len(), 1_200);
    for index in [0, 109, 110, 1_199] {
        let name = &found[&physical_address(index)];
        assert!(name.ends_with(&format!("{:08}", 1_000 + index)), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn meters_are_found_through_loss_collisions_and_noise() {
    let weather = MediumWeather {
        latency: Duration::from_millis(20),
        baud: Some(9_600),
        loss_permille: 100,
        collision_permille: 100,
        noise_permille: 200,
        seed: 42,
    };
    let found = discover(24, weather, MediumConfig::default()).await;
    assert_eq!(found.len(), 24, "{found:?}");
}
