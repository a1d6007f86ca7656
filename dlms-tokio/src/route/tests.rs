//! The table in simulated time.

use proptest::prelude::*;

use super::*;

const NAME: &[u8] = b"ABC0000000000001";
const NAMES: [&[u8]; 4] = [NAME, b"ABC0000000000002", b"ABC0000000000003", b"ABC0000000000004"];

fn after(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}

/// A table with two concentrators, both up, and the meter at SAP 16 of the first and 44 of the
/// second. What there was to tell was told.
fn two() -> (Routes, ConcentratorId, ConcentratorId, MeterId) {
    let mut routes = Routes::new(RoutesConfig::default());
    let [first, second] = [0, 1].map(|cost| routes.add_concentrator(cost).unwrap());
    for (concentrator, sap) in [(first, 16), (second, 44)] {
        assert!(routes.handle_connected(after(0), concentrator, 7));
        routes.handle_list(after(0), concentrator, [(1, &b"DC"[..]), (sap, NAME)]);
    }
    let meter = routes.meter(NAME).unwrap();
    told(&mut routes);
    (routes, first, second, meter)
}

fn told(routes: &mut Routes) -> Vec<Event> {
    core::iter::from_fn(|| routes.poll_event()).collect()
}

fn over(routes: &Routes, meter: MeterId) -> Option<(ConcentratorId, u16)> {
    routes.via(meter).map(|via| (via.concentrator, via.sap))
}

#[test]
fn three_missed_heartbeats_are_borne_no_longer() {
    let (mut routes, first, second, meter) = two();
    routes.handle_heartbeat(after(30), second, 7);
    routes.handle_heartbeat(after(30), first, 7);
    assert_eq!(routes.poll_timeout(), Some(after(120)));
    routes.handle_heartbeat(after(60), second, 7);
    routes.handle_timeout(after(119));
    assert_eq!(told(&mut routes), []);
    assert_eq!(over(&routes, meter), Some((first, 16)));
    let from = routes.via(meter);
    routes.handle_timeout(after(120));
    assert_eq!(over(&routes, meter), Some((second, 44)));
    let down = Event::Down { concentrator: first, lost: Lost::Silent };
    let to = Some(Via { concentrator: second, sap: 44, epoch: 7 });
    assert_eq!(told(&mut routes), [down, Event::Moved { meter, from, to }]);
    assert_eq!(routes.counters().takeovers, 1);
}

#[test]
fn a_concentrator_that_sends_no_heartbeats_is_given_up_with_its_connection_only() {
    let config = RoutesConfig { heartbeat: None, ..RoutesConfig::default() };
    let mut routes = Routes::new(config);
    let only = routes.add_concentrator(0).unwrap();
    routes.handle_connected(after(0), only, 1);
    assert_eq!(routes.poll_timeout(), None);
    routes.handle_timeout(after(1_000_000));
    assert_eq!(routes.health(only), Health::Up);
    routes.handle_disconnected(after(1_000_000), only);
    assert_eq!(routes.health(only), Health::Down);
}

#[test]
fn a_revived_concentrator_is_fenced_until_its_epoch_is_higher() {
    let (mut routes, first, second, meter) = two();
    let old = routes.via(meter).unwrap();
    routes.handle_disconnected(after(1), first);
    told(&mut routes);
    for epoch in [7, 6, 0] {
        assert!(!routes.handle_connected(after(2), first, epoch));
        assert!(!routes.handle_heartbeat(after(2), first, epoch));
        let fenced = Event::Fenced { concentrator: first, epoch };
        assert_eq!(told(&mut routes), [fenced, fenced]);
        assert_eq!(routes.health(first), Health::Down);
    }
    assert!(routes.handle_connected(after(3), first, 8));
    assert_eq!(told(&mut routes), [Event::Up { concentrator: first, epoch: 8 }]);
    // What works is not left for what is cheaper.
    assert_eq!(over(&routes, meter), Some((second, 44)));
    assert!(!routes.is_current(meter, old));
    // But it is there when it is needed, and an answer of its former life is none.
    routes.handle_disconnected(after(4), second);
    assert_eq!(over(&routes, meter), Some((first, 16)));
    assert!(!routes.is_current(meter, old));
    assert_eq!(routes.counters().fenced, 6);
}

#[test]
fn a_concentrator_that_restarts_unnoticed_is_known_by_its_epoch() {
    let (mut routes, first, _, meter) = two();
    let old = routes.via(meter).unwrap();
    assert!(routes.handle_heartbeat(after(1), first, 8));
    assert!(!routes.is_current(meter, old));
    let up = Event::Up { concentrator: first, epoch: 8 };
    assert_eq!(told(&mut routes).first(), Some(&up));
    // The life before is over.
    assert!(!routes.handle_heartbeat(after(2), first, 7));
}

#[test]
fn a_meter_that_another_list_has_is_found_by_its_name_and_never_by_its_sap() {
    let (mut routes, first, second, meter) = two();
    // The first now has another meter at the same SAP.
    routes.handle_list(after(1), first, [(16, NAMES[1])]);
    assert_eq!(over(&routes, meter), Some((second, 44)));
    let other = routes.meter(NAMES[1]).unwrap();
    assert_eq!(over(&routes, other), Some((first, 16)));
    // And the first meter elsewhere: a way again, which is not needed.
    routes.handle_list(after(2), first, [(16, NAMES[1]), (17, NAME)]);
    assert_eq!(over(&routes, meter), Some((second, 44)));
    let saps: Vec<u16> = routes.routes(meter).iter().map(|route| route.via.sap).collect();
    assert_eq!(saps, [17, 44]);
}

#[test]
fn a_sap_that_changes_is_another_way() {
    let (mut routes, first, _, meter) = two();
    let from = routes.via(meter);
    routes.handle_list(after(1), first, [(20, NAME)]);
    let to = Some(Via { concentrator: first, sap: 20, epoch: 7 });
    assert_eq!(told(&mut routes), [Event::Moved { meter, from, to }]);
}

#[test]
fn a_list_is_taken_as_far_as_it_makes_sense() {
    let mut routes = Routes::new(RoutesConfig::default());
    let only = routes.add_concentrator(0).unwrap();
    routes.handle_connected(after(0), only, 1);
    let long = [b'A'; NAME_LEN_MAX + 1];
    routes.handle_list(
        after(0),
        only,
        [(1, NAME), (0, NAME), (16, b""), (17, &long), (18, NAME), (19, NAME)],
    );
    let meter = routes.meter(NAME).unwrap();
    assert_eq!(routes.meters().count(), 1);
    assert_eq!(over(&routes, meter), Some((only, 18)));
    assert_eq!((routes.counters().bad_entries, routes.counters().names_refused), (3, 1));
}

#[test]
fn a_meter_that_holds_its_old_association_is_left_alone_for_as_long_as_it_takes() {
    let (mut routes, first, second, meter) = two();
    routes.handle_disconnected(after(10), first);
    told(&mut routes);
    routes.handle_heartbeat(after(60), second, 7);
    // 120 s and 5 s after the way was lost, whenever it refuses.
    assert_eq!(routes.handle_held(after(12), meter), Some(after(135)));
    assert_eq!(routes.handle_held(after(20), meter), Some(after(135)));
    routes.handle_heartbeat(after(120), second, 7);
    assert_eq!(routes.poll_timeout(), Some(after(135)));
    routes.handle_timeout(after(134));
    assert_eq!(told(&mut routes), []);
    routes.handle_timeout(after(135));
    assert_eq!(told(&mut routes), [Event::Retry { meter }]);
    // Who has it then is somebody else.
    assert_eq!(routes.handle_held(after(136), meter), None);
    assert_eq!(told(&mut routes), [Event::Held { meter }]);
}

#[test]
fn a_meter_that_somebody_else_has_is_left_alone_once() {
    let (mut routes, _, _, meter) = two();
    assert_eq!(routes.handle_held(after(10), meter), Some(after(135)));
    routes.handle_timeout(after(135));
    routes.handle_associated(meter);
    assert_eq!(routes.handle_held(after(200), meter), Some(after(325)));
    routes.handle_associated(meter);
    let waits = routes.poll_timeout();
    assert!(waits.is_none_or(|until| until != after(325)));
}

#[test]
fn a_takeover_ends_a_wait() {
    let (mut routes, first, second, meter) = two();
    routes.handle_held(after(1), meter);
    routes.handle_disconnected(after(2), first);
    told(&mut routes);
    // It may be tried at once over the other one, and then the time counts from the loss.
    assert_eq!(routes.handle_held(after(3), meter), Some(after(127)));
    routes.handle_disconnected(after(4), second);
    assert_eq!(over(&routes, meter), None);
    let waits = routes.poll_timeout();
    assert_eq!(waits, None);
}

/// What may happen to a table.
#[derive(Clone, Debug)]
enum Happens {
    Time(u64),
    Connected(usize, u64),
    Heartbeat(usize, u64),
    Disconnected(usize),
    List(usize, Vec<(u16, usize)>),
    Held(usize),
    Associated(usize),
}

fn happens() -> impl Strategy<Value = Happens> {
    let which = 0_usize..3;
    let epoch = 0_u64..6;
    prop_oneof![
        (0_u64..70).prop_map(Happens::Time),
        (which.clone(), epoch.clone()).prop_map(|(which, epoch)| Happens::Connected(which, epoch)),
        (which.clone(), epoch).prop_map(|(which, epoch)| Happens::Heartbeat(which, epoch)),
        which.clone().prop_map(Happens::Disconnected),
        (which, prop::collection::vec((0_u16..24, 0..NAMES.len()), 0..6))
            .prop_map(|(which, list)| Happens::List(which, list)),
        (0..NAMES.len()).prop_map(Happens::Held),
        (0..NAMES.len()).prop_map(Happens::Associated),
    ]
}

proptest! {
    #[test]
    fn a_way_leads_over_who_is_up_and_never_over_who_was_fenced(
        script in prop::collection::vec(happens(), 0..120),
    ) {
        let mut routes = Routes::new(RoutesConfig::default());
        let ids = [2, 1, 1].map(|cost| routes.add_concentrator(cost).unwrap());
        let mut now = Instant::ZERO;
        // The model: what is up since when, in which life, what is over, and the lists.
        let mut up: [Option<(u64, Instant)>; 3] = [None; 3];
        let mut fences: [Option<u64>; 3] = [None; 3];
        let mut lists: [BTreeMap<&[u8], u16>; 3] = Default::default();
        let mut ways: BTreeMap<MeterId, Via> = BTreeMap::new();
        for step in script {
            match step {
                Happens::Time(seconds) => {
                    now += Duration::from_secs(seconds);
                    routes.handle_timeout(now);
                    for which in 0..3 {
                        if let Some((epoch, heard)) = up[which]
                            && heard + Duration::from_secs(90) <= now
                        {
                            fences[which] = Some(epoch);
                            up[which] = None;
                        }
                    }
                    prop_assert!(routes.poll_timeout().is_none_or(|due| due > now));
                }
                Happens::Connected(which, epoch) | Happens::Heartbeat(which, epoch) => {
                    let counts = match step {
                        Happens::Connected(..) => routes.handle_connected(now, ids[which], epoch),
                        _ => routes.handle_heartbeat(now, ids[which], epoch),
                    };
                    let expected = fences[which].is_none_or(|fence| epoch > fence)
                        && up[which].is_none_or(|(life, _)| epoch >= life);
                    prop_assert_eq!(counts, expected);
                    if expected {
                        up[which] = Some((epoch, now));
                    }
                }
                Happens::Disconnected(which) => {
                    routes.handle_disconnected(now, ids[which]);
                    if let Some((epoch, _)) = up[which].take() {
                        fences[which] = Some(epoch);
                    }
                }
                Happens::List(which, list) => {
                    let list: Vec<(u16, &[u8])> =
                        list.iter().map(|(sap, name)| (*sap, NAMES[*name])).collect();
                    routes.handle_list(now, ids[which], list.iter().copied());
                    lists[which].clear();
                    for (sap, name) in list.into_iter().filter(|(sap, _)| *sap > 1) {
                        lists[which].entry(name).or_insert(sap);
                    }
                }
                Happens::Held(name) => {
                    if let Some(meter) = routes.meter(NAMES[name]) {
                        let until = routes.handle_held(now, meter);
                        let most = now + Duration::from_secs(125);
                        prop_assert!(until.is_none_or(|until| now < until && until <= most));
                    }
                }
                Happens::Associated(name) => {
                    if let Some(meter) = routes.meter(NAMES[name]) {
                        routes.handle_associated(meter);
                    }
                }
            }
            for event in told(&mut routes) {
                if let Event::Moved { meter, from, to } = event {
                    let before = match to {
                        Some(to) => ways.insert(meter, to),
                        None => ways.remove(&meter),
                    };
                    prop_assert_eq!(before, from);
                }
            }
            for name in NAMES {
                let Some(meter) = routes.meter(name) else { continue };
                let via = routes.via(meter);
                // What was told is what is.
                prop_assert_eq!(ways.get(&meter).copied(), via);
                let lists_it = |which: usize| lists[which].contains_key(name);
                let usable = |which: &usize| up[*which].is_some() && lists_it(*which);
                let any = (0..3).any(|which| usable(&which));
                prop_assert_eq!(via.is_some(), any);
                if let Some(via) = via {
                    let which = ids.iter().position(|id| *id == via.concentrator).unwrap();
                    prop_assert!(usable(&which));
                    prop_assert_eq!(Some(&via.sap), lists[which].get(name));
                    prop_assert_eq!(Some(via.epoch), up[which].map(|(epoch, _)| epoch));
                }
            }
        }
    }
}
