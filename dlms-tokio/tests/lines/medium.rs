//! Many meters on one bus, and one who speaks to them.

use core::time::Duration;
use std::collections::BTreeMap;

use dlms_tokio::{
    HdlcServerConfig, LineConfig, LineError, Phase, Trace,
    medium::{Down, Full, Medium, MediumAddress, MediumConfig, MediumHandle, Up},
};
use hdlc::{
    address::Address,
    control::Control,
    frame::{FRAME_LEN_MAX, Frame},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::{Instant, interval, timeout},
};

use crate::{
    bus::{bus, station},
    meter::{ReversingMeter, SharedMeter, apdu, pass, reversed},
    relay::PIPE,
};

const FIRST: u16 = 16;

fn meter(number: u16) -> MediumAddress {
    MediumAddress { physical: FIRST + number, server: 1 }
}

fn ask(meter: MediumAddress, apdu: Vec<u8>) -> Down {
    Down::Apdu { meter, client: 16, apdu }
}

fn speak(stream: DuplexStream, config: MediumConfig) -> (MediumHandle, UnboundedReceiver<Up>) {
    let (up, ups) = unbounded_channel();
    let (handle, medium) = Medium::on(stream, config, move |told| {
        let _ = up.send(told);
    });
    tokio::spawn(medium);
    (handle, ups)
}

fn meters(count: u16) -> Vec<DuplexStream> {
    let config = HdlcServerConfig::default();
    (0..count).map(|it| station(ReversingMeter::default(), &config, FIRST + it)).collect()
}

async fn next(ups: &mut UnboundedReceiver<Up>) -> Up {
    timeout(Duration::from_secs(600), ups.recv()).await.expect("nothing is told").unwrap()
}

async fn answer(ups: &mut UnboundedReceiver<Up>) -> (MediumAddress, Vec<u8>) {
    match next(ups).await {
        Up::Apdu { meter, client: 16, apdu } => (meter, apdu),
        other => panic!("{other:?} and no answer"),
    }
}

#[tokio::test(start_paused = true)]
async fn apdus_of_many_meters_share_a_bus_and_do_not_mix() {
    let (handle, mut ups) = speak(bus(meters(12)), MediumConfig::default());
    // Backwards it is a GET response.
    let request = |length, number| [apdu(length + usize::from(number)), vec![0xC4]].concat();
    for length in [0, 124, 125, 1_000] {
        for number in 0..12 {
            handle.try_send(ask(meter(number), request(length, number))).unwrap();
        }
        let mut answers = BTreeMap::new();
        for _ in 0..12 {
            let (meter, apdu) = answer(&mut ups).await;
            answers.insert(meter, apdu);
        }
        for number in 0..12 {
            assert_eq!(answers[&meter(number)], reversed(&request(length, number)));
        }
    }
    pass(Duration::from_secs(1)).await;
    let counters = handle.counters();
    assert_eq!((counters.links, counters.answered, counters.failed), (12, 48, 0));
    assert_eq!(
        (counters.line.timeouts, counters.line.foreign, counters.line.noise_octets),
        (0, 0, 0)
    );
}

/// Asks `asked` for as long as said, each again when it has answered or failed; returns how long
/// the answers took, on average and at most, of those that are not `odd`.
async fn latencies(
    handle: &MediumHandle,
    ups: &mut UnboundedReceiver<Up>,
    asked: &[MediumAddress],
    odd: MediumAddress,
) -> (Duration, Duration) {
    let ends = Instant::now() + Duration::from_secs(600);
    let mut since = BTreeMap::new();
    for meter in asked {
        handle.try_send(ask(*meter, apdu(40))).unwrap();
        since.insert(*meter, Instant::now());
    }
    let (mut sum, mut count, mut longest) = (Duration::ZERO, 0, Duration::ZERO);
    let mut odd_failed = false;
    while Instant::now() < ends {
        let meter = match next(ups).await {
            Up::Apdu { meter, .. } => meter,
            Up::Failed { meter, cause, .. } => {
                assert_eq!(meter, odd, "{cause:?}");
                meter
            }
            Up::Pushed { .. } => continue,
            other => panic!("{other:?}"),
        };
        if meter == odd {
            // While it rests it fails at once: it is asked again after the next answer.
            odd_failed = true;
            continue;
        }
        let took = since[&meter].elapsed();
        (sum, count, longest) = (sum + took, count + 1, longest.max(took));
        if core::mem::take(&mut odd_failed) {
            handle.try_send(ask(odd, apdu(40))).unwrap();
        }
        handle.try_send(ask(meter, apdu(40))).unwrap();
        since.insert(meter, Instant::now());
    }
    (sum / count, longest)
}

#[tokio::test(start_paused = true)]
async fn one_that_never_answers_costs_the_others_at_most_as_long_again() {
    let asked: Vec<MediumAddress> = (0..24).map(meter).collect();
    let config = || MediumConfig::default();
    let (handle, mut ups) = speak(bus(meters(24)), config());
    let (mean, longest) = latencies(&handle, &mut ups, &asked, meter(23)).await;

    // The last one is not there.
    let (handle, mut ups) = speak(bus(meters(23)), config());
    let (mean_beside, longest_beside) = latencies(&handle, &mut ups, &asked, meter(23)).await;
    assert!(mean_beside <= mean * 2, "{mean_beside:?} instead of {mean:?}");
    assert!(longest_beside <= longest * 2, "{longest_beside:?} instead of {longest:?}");
    assert!(handle.counters().failed > 3, "it was given up after the first failure");
}

#[tokio::test(start_paused = true)]
async fn one_that_pushes_without_end_costs_the_others_at_most_as_long_again() {
    let asked: Vec<MediumAddress> = (0..12).map(meter).collect();
    let nobody = MediumAddress { physical: 99, server: 1 };
    let (handle, mut ups) = speak(bus(meters(12)), MediumConfig::default());
    let (mean, longest) = latencies(&handle, &mut ups, &asked, nobody).await;

    let (near, far) = duplex(PIPE);
    let mut ends = meters(12);
    ends.push(near);
    let (mut heard, mut far) = split(far);
    tokio::spawn(async move { while let Ok(1..) = heard.read(&mut [0; PIPE]).await {} });
    tokio::spawn(async move {
        let push =
            push(nobody.physical, false, &[&[0xE6, 0xE7, 0x00, 0x0F], &apdu(40)[..]].concat());
        // Half of what the bus can carry.
        let mut every = interval(Duration::from_micros(1_042) * push.len() as u32 * 2);
        while far.write_all(&push).await.is_ok() {
            every.tick().await;
        }
    });
    let (handle, mut ups) = speak(bus(ends), MediumConfig::default());
    let (mean_beside, longest_beside) = latencies(&handle, &mut ups, &asked, nobody).await;
    assert!(mean_beside <= mean * 2, "{mean_beside:?} instead of {mean:?}");
    assert!(longest_beside <= longest * 2, "{longest_beside:?} instead of {longest:?}");
    assert!(handle.counters().pushed > 1_000);
}

#[tokio::test(start_paused = true)]
async fn one_that_thinks_long_does_not_keep_the_turn_meanwhile() {
    let config = HdlcServerConfig::default();
    let slow = ReversingMeter { thinks: Duration::from_secs(7), ..ReversingMeter::default() };
    let ends =
        vec![station(slow, &config, FIRST), station(ReversingMeter::default(), &config, FIRST + 1)];
    let (handle, mut ups) = speak(bus(ends), MediumConfig::default());
    let begun = Instant::now();
    handle.try_send(ask(meter(0), apdu(10))).unwrap();
    for _ in 0..8 {
        handle.try_send(ask(meter(1), apdu(20))).unwrap();
    }
    for _ in 0..8 {
        assert_eq!(answer(&mut ups).await, (meter(1), reversed(&apdu(20))));
    }
    assert!(begun.elapsed() < Duration::from_secs(7));
    assert_eq!(answer(&mut ups).await, (meter(0), reversed(&apdu(10))));
}

/// A UI frame from 1/`physical` to all clients, flags included.
fn push(physical: u16, segmented: bool, information: &[u8]) -> Vec<u8> {
    let mut out = [0; FRAME_LEN_MAX];
    let source = Address::try_four(1, physical).unwrap();
    let control = Control::Ui { pf: false };
    let frame =
        Frame { destination: Address::ALL_STATION, source, control, segmented, information };
    let length = frame.encode(&mut out).unwrap();
    out[..length].to_vec()
}

#[tokio::test(start_paused = true)]
async fn what_comes_unasked_is_joined_and_told_with_its_meter() {
    let (near, mut far) = duplex(PIPE);
    let (_handle, mut ups) = speak(near, MediumConfig::default());
    // Two meters at a time, and between them noise.
    for frame in [
        push(20, true, &[0xE6, 0xE7, 0x00, 0x0F, 1]),
        push(21, true, &[0xE6, 0xE7, 0x00, 0x0F, 2]),
        vec![0x55, 0x7E],
        push(20, false, &[3]),
        push(21, false, &[4]),
    ] {
        far.write_all(&frame).await.unwrap();
    }
    for (physical, apdu) in [(20, vec![0x0F, 1, 3]), (21, vec![0x0F, 2, 4])] {
        let meter = MediumAddress { physical, server: 1 };
        assert_eq!(next(&mut ups).await, Up::Pushed { meter, client: 127, apdu });
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_without_response_does_not_hold_the_medium() {
    let shared = SharedMeter::default();
    let ends = vec![station(Mute(shared.clone()), &HdlcServerConfig::default(), FIRST)];
    let (handle, mut ups) = speak(bus(ends), MediumConfig::default());
    // SET, unconfirmed; then one that is answered.
    let set = vec![0xC1, 0x01, 0x81, 0, 1, 0, 0, 96, 10, 1, 255, 2, 0, 0x11, 5];
    let begun = Instant::now();
    for _ in 0..3 {
        handle.try_send(ask(meter(0), set.clone())).unwrap();
    }
    handle.try_send(ask(meter(0), vec![0xC0, 1, 0xC1])).unwrap();
    assert_eq!(answer(&mut ups).await, (meter(0), vec![0xC1, 1, 0xC0]));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(shared.lock().asked.len(), 4);
    assert_eq!(handle.counters().failed, 0);
}

/// Says nothing to what begins with a SET.
struct Mute(SharedMeter);

impl dlms_tokio::ApduServer for Mute {
    fn knows(&self, server: u16) -> bool {
        self.0.knows(server)
    }

    fn handle(&mut self, client: u16, server: u16, apdu: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
        self.0.handle(client, server, apdu, out) && apdu.first() != Some(&0xC1)
    }

    fn handle_unconfirmed(&mut self, client: u16, server: Option<u16>, apdu: &mut Vec<u8>) {
        self.0.handle_unconfirmed(client, server, apdu);
    }

    fn disconnected(&mut self, client: u16, server: u16) {
        self.0.disconnected(client, server);
    }
}

#[tokio::test(start_paused = true)]
async fn a_ciphered_request_without_response_is_told_and_its_link_lives() {
    let shared = SharedMeter::default();
    let ends = vec![station(Mute(shared.clone()), &HdlcServerConfig::default(), FIRST)];
    let (handle, mut ups) = speak(bus(ends), MediumConfig::default());
    // Not seen to be unconfirmed: the service class says confirmed, as a ciphered one says nothing.
    handle.try_send(ask(meter(0), vec![0xC1, 0x01, 0xC1])).unwrap();
    assert_eq!(next(&mut ups).await, Up::Unanswered { meter: meter(0), client: 16 });
    handle.try_send(ask(meter(0), vec![0xC0, 1])).unwrap();
    assert_eq!(answer(&mut ups).await, (meter(0), vec![1, 0xC0]));
    assert_eq!(shared.lock().gone, []);
}

#[tokio::test(start_paused = true)]
async fn links_are_released_when_told_when_idle_and_when_there_are_too_many() {
    let shared: Vec<SharedMeter> = (0..3).map(|_| SharedMeter::default()).collect();
    let config = HdlcServerConfig { inactivity_timeout: None, ..HdlcServerConfig::default() };
    let ends = (FIRST..).zip(&shared).map(|(at, it)| station(it.clone(), &config, at)).collect();
    let medium = MediumConfig { links_max: 2, ..MediumConfig::default() };
    let idle = medium.idle;
    let (handle, mut ups) = speak(bus(ends), medium);
    let gone = || shared.iter().map(|it| it.lock().gone.len()).collect::<Vec<_>>();
    for number in [0, 1, 0, 2] {
        handle.try_send(ask(meter(number), apdu(5))).unwrap();
        answer(&mut ups).await;
    }
    // The third one took the place of the second, which had been used the longest ago.
    assert_eq!(gone(), [0, 1, 0]);
    handle.try_send(Down::Release { meter: meter(0), client: 16 }).unwrap();
    pass(Duration::from_secs(1)).await;
    assert_eq!((gone(), handle.counters().links), (vec![1, 1, 0], 1));
    pass(idle).await;
    assert_eq!((gone(), handle.counters().links), (vec![1, 1, 1], 0));
}

#[tokio::test(start_paused = true)]
async fn a_medium_that_nobody_holds_releases_its_links_and_ends() {
    let shared = SharedMeter::default();
    let ends = vec![station(shared.clone(), &HdlcServerConfig::default(), FIRST)];
    let (up, mut ups) = unbounded_channel();
    let (handle, medium) = Medium::on(bus(ends), MediumConfig::default(), move |told| {
        let _ = up.send(told);
    });
    let speaking = tokio::spawn(medium);
    handle.try_send(ask(meter(0), apdu(5))).unwrap();
    answer(&mut ups).await;
    drop(handle);
    timeout(Duration::from_secs(5), speaking).await.unwrap().unwrap();
    assert_eq!(shared.lock().gone, [(16, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_the_meter_has_dropped_is_lost_and_an_aarq_sets_it_up_again() {
    let config = HdlcServerConfig {
        inactivity_timeout: Some(Duration::from_secs(30)),
        ..HdlcServerConfig::default()
    };
    let ends = vec![station(ReversingMeter::default(), &config, FIRST)];
    let (handle, mut ups) = speak(bus(ends), MediumConfig::default());
    handle.try_send(ask(meter(0), apdu(5))).unwrap();
    answer(&mut ups).await;
    pass(Duration::from_secs(31)).await;
    handle.try_send(ask(meter(0), vec![0xC0, 1])).unwrap();
    let cause = LineError::LinkLost;
    assert_eq!(next(&mut ups).await, Up::Failed { meter: meter(0), client: 16, cause });
    handle.try_send(ask(meter(0), vec![0xC0, 1])).unwrap();
    answer(&mut ups).await;
    pass(Duration::from_secs(31)).await;
    handle.try_send(ask(meter(0), vec![0x60, 1])).unwrap();
    assert_eq!(answer(&mut ups).await, (meter(0), vec![1, 0x60]));
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_is_heard_by_all_and_then_there_is_silence() {
    let shared: Vec<SharedMeter> = (0..3).map(|_| SharedMeter::default()).collect();
    let config = HdlcServerConfig::default();
    let ends = (FIRST..).zip(&shared).map(|(at, it)| station(it.clone(), &config, at)).collect();
    let pause = Duration::from_secs(4);
    let medium = MediumConfig { broadcast_pause: pause, ..MediumConfig::default() };
    let (handle, mut ups) = speak(bus(ends), medium);
    // Of more than one frame.
    let told = apdu(300);
    let begun = Instant::now();
    handle.try_send(Down::Broadcast { client: 102, apdu: told.clone() }).unwrap();
    handle.try_send(ask(meter(1), apdu(5))).unwrap();
    answer(&mut ups).await;
    assert!(begun.elapsed() >= pause);
    for it in &shared {
        assert_eq!(it.lock().told, [(102, None, told.clone())]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_is_probed_when_nobody_has_anything_better_to_do() {
    let shared = SharedMeter::default();
    let ends = vec![station(shared.clone(), &HdlcServerConfig::default(), FIRST + 1)];
    let (handle, mut ups) = speak(bus(ends), MediumConfig::default());
    let begun = Instant::now();
    for number in 0..3 {
        handle.try_send(Down::Probe { meter: meter(number), client: 16 }).unwrap();
    }
    handle.try_send(ask(meter(1), apdu(5))).unwrap();
    answer(&mut ups).await;
    handle.try_send(Down::Release { meter: meter(1), client: 16 }).unwrap();
    for number in 0..3 {
        let found = number == 1;
        assert_eq!(next(&mut ups).await, Up::Probed { meter: meter(number), found });
    }
    assert!(begun.elapsed() >= Duration::from_secs(4), "three probes, 2 s apart");
    pass(Duration::from_secs(1)).await;
    assert_eq!(handle.counters().links, 0);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_fails_what_waits_and_is_opened_again() {
    let (up, mut ups) = unbounded_channel();
    let (first, mut far) = duplex(PIPE);
    let mut streams = vec![None, Some(bus(meters(1))), None, Some(first)];
    let open = move || {
        // Every other time it cannot be opened.
        let opened = match streams.pop() {
            Some(None) => {
                let kind = std::io::ErrorKind::ConnectionRefused;
                Err(LineError::Unreachable { kind, phase: Phase::Opening })
            }
            Some(stream) => Ok(stream),
            None => Ok(None),
        };
        core::future::ready(opened)
    };
    let (handle, medium) = Medium::with(open, MediumConfig::default(), Trace::off(), move |told| {
        let _ = up.send(told);
    });
    tokio::spawn(medium);
    for number in 0..2 {
        handle.try_send(ask(meter(number), apdu(5))).unwrap();
    }
    assert!(far.read(&mut [0; 64]).await.unwrap() > 0);
    drop(far);
    for number in 0..2 {
        let Up::Failed { meter: failed, cause, .. } = next(&mut ups).await else { panic!() };
        assert_eq!(failed, meter(number));
        assert!(matches!(cause, LineError::Closed { .. }), "{cause:?}");
    }
    // While it is closed, the answer comes at once.
    let begun = Instant::now();
    handle.try_send(ask(meter(0), apdu(5))).unwrap();
    assert!(matches!(next(&mut ups).await, Up::Failed { .. }));
    assert_eq!(begun.elapsed(), Duration::ZERO);
    pass(Duration::from_secs(4)).await;
    handle.try_send(ask(meter(0), apdu(5))).unwrap();
    assert_eq!(answer(&mut ups).await, (meter(0), reversed(&apdu(5))));
    assert_eq!(handle.counters().opened, 2);
}

#[tokio::test(start_paused = true)]
async fn no_more_waits_for_a_meter_or_a_medium_than_is_allowed() {
    let config = MediumConfig {
        queue_max: 5,
        meter_queue_max: 2,
        line: LineConfig { timeout: Duration::from_secs(1), retries: 0, ..LineConfig::default() },
        ..MediumConfig::default()
    };
    let (near, _far) = duplex(PIPE);
    let (handle, mut ups) = speak(near, config);
    let send = |number| handle.try_send(ask(meter(number), apdu(5)));
    assert_eq!([send(0), send(0), send(0)], [Ok(()), Ok(()), Err(Full::Meter)]);
    assert_eq!([send(1), send(1)], [Ok(()), Ok(())]);
    assert_eq!([send(2), send(3)], [Ok(()), Err(Full::Medium)]);
    let cause = LineError::Timeout { phase: Phase::LinkSetUp };
    for number in [0, 0] {
        assert_eq!(next(&mut ups).await, Up::Failed { meter: meter(number), client: 16, cause });
    }
    assert_eq!([send(3), send(3), send(4)], [Ok(()), Ok(()), Err(Full::Medium)]);
}

#[tokio::test(start_paused = true)]
async fn an_address_of_all_meters_is_refused_and_costs_the_others_nothing() {
    let ends = vec![station(ReversingMeter::default(), &HdlcServerConfig::default(), FIRST)];
    let (handle, mut ups) = speak(bus(ends), MediumConfig::default());
    for (physical, server) in [(FIRST, 0x7F), (0x7F, 1), (FIRST, 0x3FFF), (0x3FFF, 1)] {
        let all = MediumAddress { physical, server };
        handle.try_send(ask(all, apdu(5))).unwrap();
        let cause = LineError::BadSap;
        assert_eq!(next(&mut ups).await, Up::Failed { meter: all, client: 16, cause });
        handle.try_send(Down::Probe { meter: all, client: 16 }).unwrap();
        assert_eq!(next(&mut ups).await, Up::Failed { meter: all, client: 16, cause });
    }
    handle.try_send(ask(meter(0), vec![0xC0, 1])).unwrap();
    assert_eq!(answer(&mut ups).await, (meter(0), vec![1, 0xC0]));
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_dropped_when_its_client_is_gone() {
    let shared = SharedMeter::default();
    let ends = vec![station(shared.clone(), &HdlcServerConfig::default(), FIRST)];
    let (handle, mut ups) = speak(bus(ends), MediumConfig::default());
    for tag in [1, 2, 3] {
        handle.try_send(ask(meter(0), vec![0xC0, tag])).unwrap();
    }
    let other = Down::Apdu { meter: meter(0), client: 17, apdu: vec![0xC4, 4] };
    handle.try_send(other).unwrap();
    handle.try_send(Down::Release { meter: meter(0), client: 16 }).unwrap();
    // What the meter would do now, nobody would know of.
    let apdu = vec![4, 0xC4];
    assert_eq!(next(&mut ups).await, Up::Apdu { meter: meter(0), client: 17, apdu });
    assert!(shared.lock().asked.iter().all(|asked| asked.2 == [0xC4, 4]));
    assert_eq!(handle.counters().failed, 3);
}

#[tokio::test(start_paused = true)]
async fn a_meter_that_rests_for_long_is_not_waited_for() {
    let (near, mut far) = duplex(PIPE);
    tokio::spawn(async move { while let Ok(1..) = far.read(&mut [0; PIPE]).await {} });
    let config = MediumConfig::default();
    let (rest, wait_max) = (config.rest_min, config.wait_max);
    let (handle, mut ups) = speak(near, config);
    let cause = LineError::Timeout { phase: Phase::LinkSetUp };
    let failed = Up::Failed { meter: meter(0), client: 16, cause };
    let mut ask = async || {
        let begun = Instant::now();
        handle.try_send(ask(meter(0), apdu(5))).unwrap();
        assert_eq!(next(&mut ups).await, failed);
        begun.elapsed()
    };
    let silence = ask().await;
    assert_eq!(ask().await, rest + silence);
    assert_eq!(ask().await, rest * 2 + silence);
    // The third rest is twice as long again.
    assert!(rest * 4 > wait_max);
    assert_eq!(ask().await, Duration::ZERO);
    pass(rest * 4 - wait_max).await;
    assert_eq!(ask().await, wait_max + silence);
}
