use super::*;
use crate::nodes::{Place, Pool, Registration};
use dlms_core::acse::{AcseUserDiagnostic, Diagnostic};

const AARQ: &[u8] = &[0x60, 0x01];
const GET: &[u8] = &[0xC0, 0x01, 0xC1];
const ACCEPTED: &[u8] = &[
    0x61, 0x17, 0xA1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01, 0x01, 0xA2, 0x03, 0x02,
    0x01, 0x00, 0xA3, 0x05, 0xA1, 0x03, 0x02, 0x01, 0x00,
];

struct Bench {
    nodes: Nodes,
    router: Router,
}

impl Bench {
    fn new(meters: u16, config: RouterConfig) -> Self {
        let mut nodes = Nodes::new(Pool::Extended);
        for number in 0..meters {
            let place = Place::Physical(100 + number);
            let meter = Registration::new(&format!("ABC{number:013}")).unwrap();
            nodes.register(0, Registration { place, ..meter }).unwrap();
        }
        Self { nodes, router: Router::new(config) }
    }

    fn wan(&mut self, at_s: u64, from: Party, sap: u16, apdu: &[u8]) -> Verdict {
        self.router.handle_wan(second(at_s), &self.nodes, from, sap, apdu)
    }

    fn lan(&mut self, at_s: u64, node: u32, client: u16, apdu: &[u8]) -> Upward<'_> {
        self.router.handle_lan(second(at_s), &self.nodes, NodeId(node), client, apdu)
    }

    fn events(&mut self) -> Vec<RouterEvent> {
        core::iter::from_fn(|| self.router.poll_event()).collect()
    }
}

fn second(at: u64) -> Instant {
    Instant::ZERO.checked_add(Duration::from_secs(at)).unwrap()
}

fn party(wan: u32, client: u16) -> Party {
    Party { wan: WanId(wan), client }
}

fn to(node: u32) -> Verdict {
    Verdict::Forward(Forward { node: NodeId(node), server: 1, skip: 0 })
}

fn answer(party: Party, source: u16) -> Upward<'static> {
    Upward::Answer { party, source, prefix: &[] }
}

#[test]
fn one_connection_speaks_to_many_meters_and_each_answer_finds_its_way_back() {
    let mut bench = Bench::new(3, RouterConfig::default());
    for sap in 16..19 {
        assert_eq!(bench.wan(0, party(0, 1), sap, AARQ), to(u32::from(sap) - 16));
    }
    assert_eq!(bench.wan(0, party(1, 16), 1, AARQ), Verdict::Local);
    assert_eq!(bench.lan(0, 2, 1, ACCEPTED), answer(party(0, 1), 18));
    assert_eq!(bench.lan(0, 0, 1, ACCEPTED), answer(party(0, 1), 16));
    assert_eq!(bench.router.associations(), 3);
}

#[test]
fn who_comes_second_waits_until_the_first_is_done() {
    let mut bench = Bench::new(1, RouterConfig::default());
    let (one, two) = (party(0, 1), party(1, 2));
    bench.wan(0, one, 16, AARQ);
    assert_eq!(bench.wan(1, two, 16, AARQ), Verdict::Kept);
    // An APDU too many from who waits: it could only be out of turn.
    assert_eq!(bench.wan(1, two, 16, AARQ), Verdict::Answer(&REJECTED_TRANSIENT));
    assert_eq!(bench.wan(2, one, 16, GET), to(0));
    assert_eq!(bench.events(), []);

    assert_eq!(bench.lan(3, 0, 1, &[0x63, 0x00]), answer(one, 16));
    let forward = Forward { node: NodeId(0), server: 1, skip: 0 };
    let events = bench.events();
    assert_eq!(events[0], RouterEvent::Released { node: NodeId(0) });
    assert_eq!(events[1], RouterEvent::Forward { to: forward, client: 2, apdu: AARQ.into() });
    assert_eq!(bench.lan(4, 0, 2, ACCEPTED), answer(two, 16));
}

#[test]
fn who_waits_too_long_is_refused_for_now() {
    let mut bench = Bench::new(1, RouterConfig::default());
    bench.wan(0, party(0, 1), 16, AARQ);
    bench.wan(5, party(1, 2), 16, AARQ);
    assert_eq!(bench.router.poll_timeout(), Some(second(35)));
    bench.router.handle_timeout(second(34));
    assert_eq!(bench.events(), []);
    bench.router.handle_timeout(second(35));
    let apdu = REJECTED_TRANSIENT.into();
    let refused = RouterEvent::Answer { party: party(1, 2), source: 16, apdu };
    assert_eq!(bench.events(), [refused]);
    assert_eq!(bench.router.holder(NodeId(0)), Some(party(0, 1)));
}

#[test]
fn a_seat_is_free_after_the_silence_of_both_sides() {
    let mut bench = Bench::new(2, RouterConfig::default());
    bench.wan(0, party(0, 1), 16, AARQ);
    bench.wan(10, party(0, 1), 17, AARQ);
    bench.lan(100, 0, 1, ACCEPTED);
    assert_eq!(bench.router.poll_timeout(), Some(second(180)));
    bench.router.handle_timeout(second(190));
    assert_eq!(bench.events(), [RouterEvent::Released { node: NodeId(1) }]);
    bench.router.handle_timeout(second(279));
    assert_eq!(bench.events(), []);
    bench.router.handle_timeout(second(280));
    assert_eq!(bench.events(), [RouterEvent::Released { node: NodeId(0) }]);
    assert_eq!((bench.router.associations(), bench.router.poll_timeout()), (0, None));
}

#[test]
fn a_seat_that_was_used_again_does_not_hold_up_the_end_of_another() {
    let mut bench = Bench::new(2, RouterConfig::default());
    bench.wan(0, party(0, 1), 16, AARQ);
    bench.lan(100, 0, 1, ACCEPTED);
    bench.wan(170, party(0, 1), 17, AARQ);
    bench.router.handle_timeout(second(180));
    assert_eq!(bench.router.poll_timeout(), Some(second(280)));
    bench.router.handle_timeout(second(280));
    assert_eq!(bench.events(), [RouterEvent::Released { node: NodeId(0) }]);
    assert_eq!(bench.router.poll_timeout(), Some(second(350)));
}

#[test]
fn a_connection_that_ends_leaves_its_seats_and_its_waiting() {
    let mut bench = Bench::new(2, RouterConfig::default());
    bench.wan(0, party(0, 1), 16, AARQ);
    bench.wan(0, party(1, 1), 17, AARQ);
    bench.wan(1, party(0, 1), 17, AARQ);
    bench.router.handle_wan_closed(second(2), WanId(0));
    assert_eq!(bench.events(), [RouterEvent::Released { node: NodeId(0) }]);
    bench.router.handle_wan_closed(second(3), WanId(1));
    assert_eq!(bench.events(), [RouterEvent::Released { node: NodeId(1) }]);
    assert_eq!(bench.router.associations(), 0);
}

/// A WAN that was cut leaves a connection that nobody closes.
#[test]
fn a_head_end_that_connects_again_takes_its_own_seat_over_at_once() {
    let mut bench = Bench::new(1, RouterConfig::default());
    for (wan, host) in [(0, 1), (1, 1), (2, 2)] {
        bench.router.handle_wan_opened(WanId(wan), Peer::at([192, 0, 2, host].into()));
    }
    bench.wan(0, party(0, 1), 16, AARQ);
    bench.lan(0, 0, 1, ACCEPTED);
    bench.wan(1, party(0, 1), 16, GET);
    // Somebody else, another client of theirs, and who opens no association: they wait.
    assert_eq!(bench.wan(2, party(2, 1), 16, AARQ), Verdict::Kept);
    assert_eq!(bench.wan(2, party(1, 2), 16, AARQ), Verdict::Kept);
    assert_eq!(bench.wan(2, party(1, 1), 16, GET), Verdict::Kept);
    assert_eq!(bench.events(), []);

    assert_eq!(bench.wan(3, party(1, 1), 16, AARQ), Verdict::Kept);
    let to = Forward { node: NodeId(0), server: 1, skip: 0 };
    let expected = [
        RouterEvent::Answer { party: party(0, 1), source: 16, apdu: NOT_POSSIBLE.into() },
        RouterEvent::Released { node: NodeId(0) },
        RouterEvent::Forward { to, client: 1, apdu: AARQ.into() },
    ];
    assert_eq!(bench.events(), expected);
    assert_eq!(bench.lan(4, 0, 1, ACCEPTED), answer(party(1, 1), 16));
    assert_eq!((bench.router.associations(), bench.router.counters().taken_over), (1, 1));
    // The old connection is closed at last, and takes nothing with it.
    bench.router.handle_wan_closed(second(90), WanId(0));
    assert_eq!(bench.router.holder(NodeId(0)), Some(party(1, 1)));
}

#[test]
fn who_leaves_one_meter_keeps_the_others() {
    let mut bench = Bench::new(2, RouterConfig::default());
    bench.wan(0, party(0, 1), 16, AARQ);
    bench.wan(0, party(0, 1), 17, AARQ);
    bench.wan(1, party(1, 1), 16, AARQ);
    bench.router.handle_left(second(2), party(0, 1), 16);
    assert_eq!(bench.router.holder(NodeId(0)), Some(party(1, 1)));
    assert_eq!(bench.router.holder(NodeId(1)), Some(party(0, 1)));
}

#[test]
fn a_meter_that_refuses_an_association_is_free_for_the_next() {
    let mut bench = Bench::new(1, RouterConfig::default());
    bench.wan(0, party(0, 1), 16, AARQ);
    assert_eq!(bench.lan(1, 0, 1, &REJECTED_PERMANENT), answer(party(0, 1), 16));
    assert_eq!(bench.events(), [RouterEvent::Released { node: NodeId(0) }]);
    assert_eq!(bench.wan(1, party(1, 2), 16, AARQ), to(0));
}

#[test]
fn a_meter_out_of_reach_is_told_in_the_terms_of_who_asked() {
    let mut bench = Bench::new(1, RouterConfig::default());
    for (apdu, expected) in [(AARQ, &REJECTED_TRANSIENT[..]), (GET, &NOT_POSSIBLE[..])] {
        bench.wan(0, party(0, 1), 16, apdu);
        bench.router.handle_lan_failed(second(1), NodeId(0));
        let apdu = expected.into();
        let told = RouterEvent::Answer { party: party(0, 1), source: 16, apdu };
        let released = RouterEvent::Released { node: NodeId(0) };
        assert_eq!(bench.events(), [told, released]);
    }
}

#[test]
fn a_meter_that_hangs_up_when_it_owes_nothing_is_no_answer() {
    let mut bench = Bench::new(1, RouterConfig::default());
    bench.wan(0, party(0, 1), 16, AARQ);
    bench.lan(1, 0, 1, ACCEPTED);
    bench.router.handle_lan_failed(second(200), NodeId(0));
    assert_eq!(bench.events(), [RouterEvent::Released { node: NodeId(0) }]);
}

#[test]
fn an_unknown_sap_is_met_with_silence_unless_a_refusal_is_asked_for() {
    let mut bench = Bench::new(1, RouterConfig::default());
    let silence = Verdict::Discard(Discard::UnknownSap);
    for sap in [0, 2, 15, 17, 0xFFFF] {
        assert_eq!(bench.wan(0, party(0, 1), sap, AARQ), silence, "{sap}");
    }
    let unknown_sap = UnknownSap::Reject;
    let mut bench = Bench::new(1, RouterConfig { unknown_sap, ..RouterConfig::default() });
    assert_eq!(bench.wan(0, party(0, 1), 17, AARQ), Verdict::Answer(&REJECTED_PERMANENT));
    assert_eq!(bench.wan(0, party(0, 1), 17, GET), Verdict::Answer(&NOT_POSSIBLE));
    assert_eq!(bench.router.counters().unknown_sap, 2);
}

#[test]
fn what_nobody_asked_for_is_a_push_with_the_sap_of_its_meter() {
    let mut bench = Bench::new(2, RouterConfig::default());
    let push = Upward::Push { source: 17 };
    assert_eq!(bench.lan(0, 1, 1, &[0xDB, 0x08]), push);
    bench.wan(0, party(0, 1), 17, AARQ);
    // Another client, or what no answer begins with.
    assert_eq!(bench.lan(0, 1, 102, &[0xDB, 0x08]), push);
    assert_eq!(bench.lan(0, 1, 1, &[0x0F, 0x00]), push);
    assert_eq!(bench.lan(0, 1, 1, &[0xDB, 0x08]), answer(party(0, 1), 17));
}

#[test]
fn an_answer_to_somebody_who_has_left_is_no_push() {
    let mut bench = Bench::new(1, RouterConfig::default());
    bench.wan(0, party(0, 1), 16, GET);
    bench.router.handle_wan_closed(second(1), WanId(0));
    for first in [0xC4, 0xC5, 0xC7, 0xCC, 0x61, 0x63, 0x0E, 0xD8] {
        assert_eq!(bench.lan(2, 0, 1, &[first, 0x01]), Upward::Late, "{first:02X}");
    }
    // Of these nobody can tell.
    for first in [0xDB, 0xDD, 0xDF, 0xE0] {
        assert_eq!(bench.lan(2, 0, 1, &[first]), Upward::Push { source: 16 }, "{first:02X}");
    }
    assert_eq!((bench.router.counters().late, bench.router.counters().pushed), (8, 4));
}

#[test]
fn a_gateway_header_is_no_way_to_all_meters() {
    let config = RouterConfig { broadcast_clients: vec![1], ..RouterConfig::default() };
    let mut bench = Bench::new(1, config);
    let request = [&[0xE6, 0x00, 16][..], b"ABC0000000000000", GET].concat();
    for sap in [0, 0x7F, 0xFF, 0x3FFF, 0xFFFF] {
        let silence = Verdict::Discard(Discard::UnknownSap);
        assert_eq!(bench.wan(0, party(0, 1), sap, &request), silence, "{sap:04X}");
    }
}

#[test]
fn only_clients_that_may_speak_to_all_meters_and_none_wants_an_answer() {
    let config = RouterConfig { broadcast_clients: vec![102], ..RouterConfig::default() };
    let mut bench = Bench::new(1, config);
    let unconfirmed = [0xC1, 0x01, 0x01, 0x00];
    assert_eq!(bench.wan(0, party(0, 102), 0x7F, &unconfirmed), Verdict::Broadcast);
    assert_eq!(bench.wan(0, party(0, 102), 0x7F, &[0xC9, 0x20]), Verdict::Broadcast);
    let refused = Verdict::Discard(Discard::Broadcast);
    assert_eq!(bench.wan(0, party(0, 1), 0x7F, &unconfirmed), refused);
    for confirmed in [AARQ, GET, &[0xC1, 0x01, 0x41, 0x00]] {
        assert_eq!(bench.wan(0, party(0, 102), 0x7F, confirmed), refused);
    }
}

#[test]
fn a_gateway_header_names_the_meter_and_stands_before_the_answer() {
    let mut bench = Bench::new(2, RouterConfig::default());
    let header = [&[0xE6, 0x00, 16][..], b"ABC0000000000001"].concat();
    let request = [&header, GET].concat();
    let forward = Forward { node: NodeId(1), server: 1, skip: 19 };
    assert_eq!(bench.wan(0, party(0, 1), 1, &request), Verdict::Forward(forward));
    let mut prefix = header;
    prefix[0] = 0xE7;
    let expected = Upward::Answer { party: party(0, 1), source: 1, prefix: &prefix };
    assert_eq!(bench.lan(0, 1, 1, &[0xC4]), expected);

    let silence = Verdict::Discard(Discard::UnknownSap);
    assert_eq!(bench.wan(0, party(0, 1), 1, &[0xE6, 0, 1, b'X', 0xC0]), silence);
    let cut = Verdict::Discard(Discard::Malformed);
    assert_eq!(bench.wan(0, party(0, 1), 1, &[0xE6, 0, 16, b'A']), cut);
    assert_eq!(bench.wan(0, party(0, 1), 1, &[]), cut);
}

#[test]
fn there_are_no_more_associations_than_there_may_be() {
    let config = RouterConfig { associations_max: 1, ..RouterConfig::default() };
    let mut bench = Bench::new(2, config);
    bench.wan(0, party(0, 1), 16, AARQ);
    let refused = Verdict::Answer(&REJECTED_TRANSIENT);
    assert_eq!(bench.wan(0, party(0, 1), 17, AARQ), refused);
    assert_eq!(bench.router.counters().too_many, 1);
}

#[test]
fn a_refusal_is_what_the_standard_calls_one() {
    for (apdu, result) in [
        (REJECTED_PERMANENT, AssociationResult::RejectedPermanent),
        (REJECTED_TRANSIENT, AssociationResult::RejectedTransient),
    ] {
        let aare = Aare::decode(&apdu).unwrap();
        assert_eq!(aare.result, result);
        let diagnostic = Diagnostic::User(AcseUserDiagnostic::NoReasonGiven);
        assert_eq!(aare.diagnostic, diagnostic);
    }
}
