//! Disconnector, limiter and register monitor.

use dlms_core::{
    axdr::DataBuf,
    cosem::{
        ClassId, DateTime, LogicalName,
        value::{ActionSet, EmergencyProfile, ExecutedScript, LimiterActions, ValueDefinition},
    },
    xdlms::{ActionResult, DataAccessResult},
};
use simulator::Button;

use super::{DISCONNECT_SCRIPTS, events, invoke, set};
use crate::desk::{Desk, NOON};

const DISCONNECTOR: &str = "0-0:96.3.10*255";
const LIMITER: &str = "0-0:17.0.0*255";
const MONITOR: &str = "0-0:16.0.0*255";
const POWER: &str = "1-0:1.7.0*255";
const ZERO: DataBuf = DataBuf::Integer(0);

fn state(desk: &mut Desk) -> u8 {
    let state = desk.get(ClassId::DISCONNECT_CONTROL, DISCONNECTOR, 3);
    let DataBuf::Enum(state) = state else { panic!("{state:?}") };
    let output = desk.get(ClassId::DISCONNECT_CONTROL, DISCONNECTOR, 2);
    assert_eq!(output, DataBuf::Boolean(state == 1), "output_state of {state}");
    state
}

fn control_mode(desk: &mut Desk, mode: u8) {
    let written = desk.set(ClassId::DISCONNECT_CONTROL, DISCONNECTOR, 4, &DataBuf::Enum(mode));
    assert_eq!(written, DataAccessResult::Success);
}

fn script(script: u16) -> ExecutedScript {
    ExecutedScript { script_table: DISCONNECT_SCRIPTS, script }
}

#[test]
fn every_control_mode_goes_its_transitions() {
    let remote = |desk: &mut Desk, method| {
        desk.invoke(ClassId::DISCONNECT_CONTROL, DISCONNECTOR, method, &ZERO)
            == ActionResult::Success
    };
    // b; a or d; e; f; c. The state after each, and whether there is such a transition.
    for (mode, expected) in [
        (0, [(1, false), (1, false), (1, false), (1, false), (1, false)]),
        (1, [(0, true), (2, true), (1, true), (2, true), (0, true)]),
        (2, [(0, true), (1, true), (1, true), (2, true), (0, true)]),
        (3, [(0, true), (2, true), (1, true), (1, false), (0, true)]),
        (4, [(0, true), (1, true), (1, true), (1, false), (0, true)]),
        (5, [(0, true), (2, true), (1, true), (2, true), (0, true)]),
        (6, [(0, true), (2, true), (1, true), (1, false), (0, true)]),
    ] {
        let mut desk = Desk::new();
        control_mode(&mut desk, mode);
        let mut gone = Vec::new();
        let there_is = remote(&mut desk, 1);
        gone.push((state(&mut desk), there_is));
        let there_is = remote(&mut desk, 2);
        gone.push((state(&mut desk), there_is));
        let there_is = desk.meter().push_button(Button::Reconnect);
        gone.push((state(&mut desk), there_is));
        let there_is = desk.meter().push_button(Button::Disconnect);
        gone.push((state(&mut desk), there_is));
        let there_is = remote(&mut desk, 1);
        gone.push((state(&mut desk), there_is));
        assert_eq!(gone, expected, "mode {mode}");
    }
}

#[test]
fn nobody_at_the_meter_undoes_a_remote_disconnection() {
    let mut desk = Desk::new();
    invoke(&mut desk, ClassId::DISCONNECT_CONTROL, DISCONNECTOR, 1, &ZERO);
    assert!(desk.meter().push_button(Button::Reconnect));
    assert_eq!(state(&mut desk), 0);
    // Nor what a client disconnected through a script.
    let mut desk = Desk::new();
    let scripts = DISCONNECT_SCRIPTS.to_string();
    invoke(&mut desk, ClassId::SCRIPT_TABLE, &scripts, 1, &DataBuf::LongUnsigned(1));
    desk.meter().push_button(Button::Reconnect);
    assert_eq!(state(&mut desk), 0);
    assert_eq!(events(&mut desk, 1), [62]);
}

/// A meter that takes more than its limit from now on; at NOON it takes it for a whole quarter.
fn limited(mode: u8) -> Desk {
    let mut desk = Desk::new();
    control_mode(&mut desk, mode);
    let power = u32::try_from(desk.number(ClassId::REGISTER, POWER, 2)).unwrap();
    set(&mut desk, ClassId::LIMITER, LIMITER, 4, &(power - 1));
    desk
}

#[test]
fn a_limiter_disconnects_after_its_duration_and_reconnects_where_the_mode_allows() {
    let mut desk = limited(5);
    assert_eq!(state(&mut desk), 1);
    for (second, expected) in [(59, 1), (60, 2), (120, 2), (121, 1), (181, 1), (182, 2)] {
        desk.set_now(NOON + second);
        assert_eq!(state(&mut desk), expected, "after {second} s");
    }
    // threshold exceeded, local disconnection, threshold ok, local reconnection
    assert_eq!(events(&mut desk, 6), [65, 64, 66, 69, 65, 64]);

    // Without transition h somebody has to push the button.
    let mut desk = limited(2);
    state(&mut desk);
    desk.set_now(NOON + 600);
    assert_eq!(state(&mut desk), 2);
    assert!(desk.meter().push_button(Button::Reconnect));
    assert_eq!(state(&mut desk), 1);
    assert_eq!(events(&mut desk, 4), [65, 64, 66, 61]);
}

#[test]
fn a_limit_that_is_kept_does_nothing() {
    let mut desk = limited(2);
    let power = u32::try_from(desk.number(ClassId::REGISTER, POWER, 2)).unwrap();
    set(&mut desk, ClassId::LIMITER, LIMITER, 4, &power);
    desk.set_now(NOON + 899);
    assert_eq!(state(&mut desk), 1);
    // Over, but not for long enough.
    set(&mut desk, ClassId::LIMITER, LIMITER, 6, &100_000_u32);
    set(&mut desk, ClassId::LIMITER, LIMITER, 4, &0_u32);
    desk.set_now(NOON + 50_000);
    assert_eq!(state(&mut desk), 1);
    // Over for long enough, and nothing to do.
    let actions = LimiterActions { over: script(0), under: script(0) };
    set(&mut desk, ClassId::LIMITER, LIMITER, 11, &actions);
    desk.set_now(NOON + 200_000);
    assert_eq!(state(&mut desk), 1);
}

#[test]
fn an_emergency_profile_of_its_group_holds_for_its_duration() {
    let mut desk = Desk::new();
    let power = u32::try_from(desk.number(ClassId::REGISTER, POWER, 2)).unwrap();
    set(&mut desk, ClassId::LIMITER, LIMITER, 5, &(power - 1));
    let activation_time = DateTime::from_unix(NOON + 60, Some(-60)).unwrap();
    let profile = EmergencyProfile { id: 7, activation_time, duration_s: 300 };
    set(&mut desk, ClassId::LIMITER, LIMITER, 8, &profile);
    let active = |desk: &mut Desk, second| {
        desk.set_now(NOON + second);
        let active = desk.get(ClassId::LIMITER, LIMITER, 10) == DataBuf::Boolean(true);
        let threshold = desk.number(ClassId::LIMITER, LIMITER, 3);
        assert_eq!(threshold == i128::from(power - 1), active, "threshold_active");
        active
    };
    // No group of this meter.
    assert!(!active(&mut desk, 60));
    set(&mut desk, ClassId::LIMITER, LIMITER, 9, &vec![3_u16, 7]);
    assert!(active(&mut desk, 60));
    assert!(active(&mut desk, 119));
    assert_eq!(state(&mut desk), 1);
    assert!(active(&mut desk, 120));
    assert_eq!(state(&mut desk), 2, "a minute over the emergency threshold");
    assert!(active(&mut desk, 359));
    assert!(!active(&mut desk, 360));
}

#[test]
fn a_threshold_has_the_type_of_a_number() {
    let mut desk = Desk::new();
    for (attribute, value) in [(4, DataBuf::octet_string(*b"4000")), (8, DataBuf::Null)] {
        let written = desk.set(ClassId::LIMITER, LIMITER, attribute, &value);
        assert_eq!(written, DataAccessResult::TypeUnmatched);
    }
}

#[test]
fn a_register_monitor_executes_a_script_when_its_value_passes_a_threshold() {
    let power = |second| {
        let mut desk = Desk::new();
        desk.set_now(NOON + second);
        desk.number(ClassId::REGISTER, POWER, 2)
    };
    let quarter = 900;
    let (before, after) = (power(0), power(quarter));
    assert_ne!(before, after, "a household whose power changes");
    for (rises, expected) in [(after > before, 2), (after < before, 1)] {
        let mut desk = Desk::new();
        let threshold = u32::try_from(i128::midpoint(before, after)).unwrap();
        let (up, down) = if rises { (1, 0) } else { (0, 1) };
        let actions = ActionSet { up: script(up), down: script(down) };
        set(&mut desk, ClassId::REGISTER_MONITOR, MONITOR, 4, &vec![actions]);
        let power: LogicalName = POWER.parse().unwrap();
        let value = ValueDefinition { class: ClassId::REGISTER, name: power, attribute: 2 };
        set(&mut desk, ClassId::REGISTER_MONITOR, MONITOR, 3, &value);
        set(&mut desk, ClassId::REGISTER_MONITOR, MONITOR, 2, &vec![threshold]);
        desk.set_now(NOON + quarter - 1);
        assert_eq!(state(&mut desk), 1);
        desk.set_now(NOON + quarter);
        assert_eq!(state(&mut desk), expected, "rises: {rises}");
    }
}
