use dlms_core::cosem::{
    AttributeDescriptor, ClassId, DateTime, LogicalName, concentrator::collection::OrderedService,
};

use super::*;
use crate::state::Scratch;

fn meter(number: u32) -> LogicalDeviceName {
    format!("ABC{number:013}").as_bytes().try_into().unwrap()
}

fn order(id: u64) -> Order {
    let at = |utc_s| DateTime::from_unix(utc_s, Some(0)).unwrap();
    let relay = LogicalName([0, 0, 96, 3, 10, 255]);
    Order {
        id,
        issued: at(1_000),
        begins: at(1_000),
        expires: at(2_000),
        priority: 1,
        meters: b"ABC*".to_vec(),
        service: OrderedService::Write {
            attribute: AttributeDescriptor::new(ClassId::REGISTER, relay, 2),
            value: vec![0],
            look_up: None,
        },
    }
}

fn ledger(folder: &Scratch) -> Ledger {
    std::fs::create_dir_all(folder.path()).unwrap();
    Ledger::open(&folder.path().join("ledger.db")).unwrap()
}

fn states(ledger: &Ledger) -> Vec<(u64, Option<LogicalDeviceName>, OrderState)> {
    let results = ledger.results(0, i64::MAX, usize::MAX).unwrap();
    results.into_iter().map(|of| (of.order, of.meter, of.state)).collect()
}

#[test]
fn an_order_is_taken_once_and_another_with_its_number_is_not() {
    let folder = Scratch::new();
    let open = ledger(&folder);
    assert!(open.accept(1_000, &order(7)).unwrap());
    assert!(!open.accept(1_001, &order(7)).unwrap());
    let other = Order { priority: 2, ..order(7) };
    assert!(matches!(open.accept(1_001, &other), Err(LedgerError::Other)));
    drop(open);
    let open = ledger(&folder);
    assert_eq!(open.open_orders().unwrap(), [(order(7), BTreeSet::new())]);
    open.close(1_002, 7, None).unwrap();
    assert_eq!(open.open_orders().unwrap(), []);
    assert!(!open.accept(1_003, &order(7)).unwrap(), "it was done before");
}

#[test]
fn more_orders_than_there_may_be_are_refused() {
    let folder = Scratch::new();
    let open = ledger(&folder);
    for id in 0..ORDERS_MAX as u64 {
        assert!(open.accept(0, &order(id)).unwrap());
    }
    assert!(matches!(open.accept(0, &order(9_999)), Err(LedgerError::TooMany)));
}

#[test]
fn what_was_started_and_has_no_result_is_unknown_and_never_expired() {
    let folder = Scratch::new();
    let open = ledger(&folder);
    open.accept(1_000, &order(7)).unwrap();
    assert_eq!(open.start(7, &meter(1)).unwrap(), Begun::Now);
    drop(open);
    let open = ledger(&folder);
    assert_eq!(open.start(7, &meter(1)).unwrap(), Begun::Before);
    let expired = Outcome::Failed(Cause::Expired);
    open.finish(2_000, 7, &meter(1), expired, &[]).unwrap();
    open.finish(2_000, 7, &meter(2), expired, &[]).unwrap();
    // A result that comes later changes nothing.
    open.finish(2_001, 7, &meter(1), Outcome::Done, &[]).unwrap();
    let expected =
        [(7, Some(meter(1)), OrderState::Unknown), (7, Some(meter(2)), OrderState::Expired)];
    assert_eq!(states(&open), expected);
}

#[test]
fn an_order_that_is_out_of_date_after_a_restart_says_what_was_begun() {
    let folder = Scratch::new();
    let open = ledger(&folder);
    open.accept(1_000, &order(7)).unwrap();
    open.start(7, &meter(1)).unwrap();
    open.close(5_000, 7, Some((OrderState::Expired, "it is out of date"))).unwrap();
    let expected = [(7, Some(meter(1)), OrderState::Unknown), (7, None, OrderState::Expired)];
    assert_eq!(states(&open), expected);
}

#[test]
fn results_stay_until_they_are_acknowledged_and_an_open_order_remembers_them_after_that() {
    let folder = Scratch::new();
    let open = ledger(&folder);
    open.accept(1_000, &order(7)).unwrap();
    for number in 1..4 {
        open.finish(1_001, 7, &meter(number), Outcome::Done, &[0x11, 5]).unwrap();
    }
    assert_eq!(open.results(2, 2, 9).unwrap()[0].value, [0x11, 5]);
    open.acknowledge(2).unwrap();
    assert_eq!(states(&open), [(7, Some(meter(3)), OrderState::Done)]);
    assert_eq!(open.results_waiting().unwrap(), 1);
    let (_, done) = open.open_orders().unwrap().remove(0);
    assert_eq!(done.len(), 3, "it is not done again at any of them");
    open.close(1_002, 7, None).unwrap();
    open.acknowledge(3).unwrap();
    assert_eq!(states(&open), []);
}

#[test]
fn a_counter_is_reserved_once_for_all_meters_of_a_key_and_never_lowered() {
    let folder = Scratch::new();
    let open = ledger(&folder);
    let client = SystemTitle(*b"DHCREAD1");
    let one = CounterKey::new(client, &Key::from([1; 16]));
    let other = CounterKey::new(client, &Key::from([2; 16]));
    assert_ne!(one, other);
    assert_eq!(open.reserve(&one, 64).unwrap(), 1..65);
    drop(open);
    let open = ledger(&folder);
    assert_eq!(open.reserve(&one, 10).unwrap(), 65..75);
    assert_eq!(open.reserve(&other, 10).unwrap(), 1..11);
    assert_eq!(open.reserve(&one, u32::MAX).unwrap(), 75..u32::MAX);
    assert!(matches!(open.reserve(&one, 1), Err(LedgerError::Exhausted)));
}

#[test]
fn a_received_counter_is_never_lowered_but_for_another_meter() {
    let folder = Scratch::new();
    let open = ledger(&folder);
    let key = CounterKey::new(SystemTitle(*b"DHCREAD1"), &Key::from([1; 16]));
    let from = |title: &[u8; 8], last| Received {
        originator: SystemTitle(*title),
        counter: ReceiveCounter::after(last),
    };
    assert_eq!(open.received(&key, &meter(1)).unwrap(), None);
    for last in [7, 5] {
        open.accept_received(&key, &meter(1), from(b"ABC00001", last)).unwrap();
    }
    assert_eq!(open.received(&key, &meter(1)).unwrap(), Some(from(b"ABC00001", 7)));
    open.accept_received(&key, &meter(1), from(b"ABC00002", 3)).unwrap();
    assert_eq!(open.received(&key, &meter(1)).unwrap(), Some(from(b"ABC00002", 3)));
}
