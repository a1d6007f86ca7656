//! Clients of many meters over one trunk.

use core::time::Duration;
use std::collections::BTreeMap;

use dlms_core::{
    axdr::DataBuf,
    wrapper::{self, WrapperHeader},
};
use dlms_tokio::{
    ApduServer, LineConfig, LineError, Trace,
    client::{Client, Error, Released},
    counters::ForgetfulCounters,
    trunk::{Trunk, TrunkConfig},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::mpsc,
};

use crate::meter::{ENERGY, LONG, Meter, PIPE, ciphered, long_value, with_password};

/// A concentrator that does nothing but hand frames to the meters at its SAPs and back; the meters
/// at `silent` say nothing.
fn concentrator(mut far: DuplexStream, saps: core::ops::Range<u16>, silent: &'static [u16]) {
    tokio::spawn(async move {
        let (answers, mut answered) = mpsc::channel::<Vec<u8>>(64);
        let mut meters = BTreeMap::new();
        for sap in saps {
            let (requests, mut asked) = mpsc::channel::<(u16, Vec<u8>)>(4);
            meters.insert(sap, requests);
            let answers = answers.clone();
            tokio::spawn(async move {
                let (mut meter, _) = Meter::new();
                while let Some((client, mut apdu)) = asked.recv().await {
                    let mut out = Vec::new();
                    if silent.contains(&sap) || !meter.handle(client, 1, &mut apdu, &mut out) {
                        continue;
                    }
                    let length = out.len() as u16;
                    let header = WrapperHeader { source: sap, destination: client, length };
                    let _ = answers.send([&header.encode_header()[..], &out].concat()).await;
                }
            });
        }
        let mut octets = Vec::new();
        loop {
            tokio::select! {
                read = far.read_buf(&mut octets) => if read.unwrap_or(0) == 0 {
                    return;
                },
                Some(answer) = answered.recv() => far.write_all(&answer).await.unwrap(),
            }
            while let Some(frame) = wrapper::next_frame(&octets) {
                let frame = frame.unwrap();
                let (header, consumed) = (frame.header, frame.consumed());
                if let Some(meter) = meters.get(&header.destination) {
                    meter.send((header.source, frame.apdu.to_vec())).await.unwrap();
                }
                octets.drain(..consumed);
            }
        }
    });
}

async fn associate(trunk: &Trunk, sap: u16, ciphers: bool) -> Result<Client, Error> {
    let association = if ciphers { ciphered() } else { with_password() };
    let config = LineConfig { server_upper: sap, ..LineConfig::default() };
    let counters = Box::new(ForgetfulCounters::starting_at(1));
    Client::over(trunk.line(&config).unwrap(), association, Some(counters)).await
}

#[tokio::test(start_paused = true)]
async fn clients_of_many_meters_share_a_trunk_without_knowing() {
    let (near, far) = duplex(PIPE);
    concentrator(far, 16..56, &[]);
    let (trunk, _pushes) = Trunk::over(near, &TrunkConfig::default(), Trace::off());
    let reads = (16..56).map(|sap| {
        let trunk = trunk.clone();
        tokio::spawn(async move {
            let client = associate(&trunk, sap, sap % 2 == 0).await.unwrap();
            let energy = DataBuf::DoubleLongUnsigned(42).to_octets();
            assert_eq!(client.read(ENERGY).await, Ok(Ok(energy)));
            assert_eq!(client.read(LONG).await, Ok(Ok(long_value().to_octets())));
            assert_eq!(client.release().await, Ok(Released::Answered));
        })
    });
    for read in reads.collect::<Vec<_>>() {
        read.await.unwrap();
    }
    assert_eq!(trunk.counters().unclaimed, 0);
}

#[tokio::test(start_paused = true)]
async fn a_meter_that_keeps_silent_fails_alone() {
    let (near, far) = duplex(PIPE);
    concentrator(far, 16..18, &[17]);
    let (trunk, _pushes) = Trunk::over(near, &TrunkConfig::default(), Trace::off());
    let (talks, silent) = tokio::join!(associate(&trunk, 16, true), associate(&trunk, 17, true));
    assert!(matches!(silent, Err(Error::Line(LineError::Timeout { .. }))));
    let energy = DataBuf::DoubleLongUnsigned(42).to_octets();
    assert_eq!(talks.unwrap().read(ENERGY).await, Ok(Ok(energy)));
}

#[tokio::test(start_paused = true)]
async fn a_sap_is_free_for_the_next_client_as_soon_as_the_last_has_gone() {
    let (near, far) = duplex(PIPE);
    concentrator(far, 16..17, &[]);
    let (trunk, _pushes) = Trunk::over(near, &TrunkConfig::default(), Trace::off());
    for _ in 0..5 {
        let client = associate(&trunk, 16, false).await.unwrap();
        assert_eq!(client.release().await, Ok(Released::Answered));
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_trunk_is_the_end_of_each_association() {
    let (near, far) = duplex(PIPE);
    concentrator(far, 16..18, &[]);
    let (trunk, _pushes) = Trunk::over(near, &TrunkConfig::default(), Trace::off());
    let first = associate(&trunk, 16, true).await.unwrap();
    let second = associate(&trunk, 17, false).await.unwrap();
    trunk.close();
    for client in [first, second] {
        let answer = tokio::time::timeout(Duration::from_secs(1), client.read(ENERGY)).await;
        assert!(matches!(answer, Ok(Err(Error::Line(LineError::Closed { .. })))), "{answer:?}");
    }
}
