//! A recorded association, played back to a client.

use alloc::sync::Arc;

use sans_io_time::Instant;

use super::{
    pair::{Pair, ciphering, config, is_associated},
    *,
};
use crate::{
    association::{Client, ClientConfig, Event, Failure, Phase, Request},
    security::{Received, SecurityError},
};

/// Without HLS the client asks the meter nothing new: all that the meter says can be recorded.
fn without_hls() -> ClientConfig {
    let ciphering = Some(ciphering(Protection::AUTHENTICATED_ENCRYPTED));
    ClientConfig { ciphering, ..config(Mechanism::Lowest) }
}

/// An association in which the energy was read: what the meter said, and what the client remembers.
fn recorded() -> (Vec<Vec<u8>>, Received) {
    let mut pair = Pair::new(without_hls(), Toy::demanding(Mechanism::Lowest));
    assert!(is_associated(&pair.associate()));
    pair.request(get_energy());
    let received = pair.client.received().unwrap();
    let answers = pair.line.chunks(2).map(|exchange| exchange[1].clone()).collect();
    (answers, received)
}

fn get_energy() -> Request {
    let energy = AttributeDescriptor::new(ClassId::REGISTER, LogicalName([1, 0, 1, 8, 0, 255]), 2);
    Request::Get { attribute: energy, selection: None }
}

/// What a client makes of the recording, that remembers this.
fn played_back(answers: &[Vec<u8>], remembered: Option<Received>) -> Vec<Event> {
    let mut client = Client::new(without_hls(), Arc::new(RustCrypto));
    client.grant_counters(2_000..3_000);
    if let Some(received) = remembered {
        client.resume_received(received);
    }
    client.associate(&mut Counting(0)).unwrap();
    let (mut events, mut sent) = (Vec::new(), Vec::new());
    for answer in answers {
        assert!(client.poll_transmit(Instant::ZERO, &mut sent));
        client.handle_apdu(&mut answer.clone());
        events.extend(core::iter::from_fn(|| client.poll_event()));
        if !client.is_associated() || client.request(get_energy()).is_err() {
            break;
        }
    }
    events
}

#[test]
fn a_recorded_association_is_refused_by_a_client_that_remembers() {
    let (answers, received) = recorded();
    // It is genuine in every octet: a client that remembers nothing cannot tell.
    let [Event::Associated(_), Event::Response(..)] = &played_back(&answers, None)[..] else {
        panic!()
    };
    let refused = SecurityError::CounterNotGreater {
        received: received.counter.last().unwrap() - 1,
        last: received.counter.last().unwrap(),
    };
    let failed =
        Event::AssociationFailed { phase: Phase::Associate, failure: Failure::Security(refused) };
    assert_eq!(played_back(&answers, Some(received)), [failed]);
}

#[test]
fn what_was_stored_when_the_association_opened_is_enough() {
    let (answers, received) = recorded();
    // The client crashed after that: it does not know of the answer that came later.
    let at_opening = ReceiveCounter::after(received.counter.last().unwrap() - 1);
    let events = played_back(&answers, Some(Received { counter: at_opening, ..received }));
    assert!(matches!(events[..], [Event::AssociationFailed { .. }]), "{events:?}");
}

#[test]
fn the_counter_of_another_meter_counts_for_nothing() {
    let (answers, received) = recorded();
    let other = Received { originator: SystemTitle(*b"XYZ\0\0\0\0\x01"), ..received };
    assert!(matches!(played_back(&answers, Some(other))[0], Event::Associated(_)));
}

#[test]
fn a_genuine_association_goes_on_from_what_is_remembered() {
    let mut pair = Pair::new(without_hls(), Toy::demanding(Mechanism::Lowest));
    assert!(is_associated(&pair.associate()));
    let received = pair.client.received().unwrap();
    let mut client = Client::new(without_hls(), Arc::new(RustCrypto));
    client.grant_counters(2_000..3_000);
    client.resume_received(received);
    pair.client = client;
    assert!(is_associated(&pair.associate()));
    assert!(pair.client.received().unwrap().counter.last() > received.counter.last());
}
