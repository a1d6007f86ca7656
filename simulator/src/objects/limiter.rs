//! Limiter (class 71): what happens when too much is taken for too long.
//!
//! The household takes the same power all through a quarter of an hour, so the value is looked at
//! when a quarter begins, and when a duration ends.

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{
        ClassId, DateTime, LogicalName,
        value::{CosemValue, EmergencyProfile, ExecutedScript, LimiterActions, ValueDefinition},
    },
    device::{AttributeRights, Call, CosemObject, Get, put},
    xdlms::DataAccessResult,
};

use super::{READ, READ_WRITE, integer, register, script_table};
use crate::{events::code, household::QUARTER_S, world::World};

/// More than the main fuse of a household lets through, in W: no limit.
const NO_LIMIT_W: u32 = 100_000;
/// Seconds over or under the threshold before something happens.
const DURATION_S: u32 = 60;
/// Groups of emergency profiles.
const GROUPS_MAX: usize = 16;

/// The limiter of the active power import.
pub(super) struct Limiter {
    monitored: ValueDefinition,
    threshold_normal: DataBuf,
    threshold_emergency: DataBuf,
    over_duration_s: u32,
    under_duration_s: u32,
    emergency: EmergencyProfile,
    groups: Vec<u16>,
    actions: LimiterActions,
    /// On which side of the threshold the value is, and since when.
    side: Side,
    since: i64,
    /// The side for which its action was done.
    acted: Side,
    /// When the value is looked at next.
    next: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Under,
    Over,
}

impl Default for Limiter {
    fn default() -> Self {
        let script = |script| ExecutedScript { script_table: script_table::DISCONNECT, script };
        Self {
            monitored: ValueDefinition {
                class: ClassId::REGISTER,
                name: register::IMPORT_POWER,
                attribute: 2,
            },
            threshold_normal: NO_LIMIT_W.into(),
            threshold_emergency: NO_LIMIT_W.into(),
            over_duration_s: DURATION_S,
            under_duration_s: DURATION_S,
            emergency: EmergencyProfile {
                id: 0,
                activation_time: DateTime::UNSPECIFIED,
                duration_s: 0,
            },
            groups: Vec::new(),
            actions: LimiterActions { over: script(1), under: script(2) },
            side: Side::Under,
            since: i64::MIN,
            acted: Side::Under,
            next: i64::MIN,
        }
    }
}

impl Limiter {
    /// From when until when on the meter's clock the emergency profile holds, if one of its groups
    /// is meant.
    fn emergency_time(&self, world: &World) -> Option<(i64, i64)> {
        let begin = world.moment(&self.emergency.activation_time)?;
        let end = begin.saturating_add(self.emergency.duration_s.into());
        self.groups.contains(&self.emergency.id).then_some((begin, end))
    }

    fn is_emergency(&self, world: &World) -> bool {
        self.emergency_time(world).is_some_and(|(begin, end)| (begin..end).contains(&world.clock()))
    }

    fn threshold_active(&self, world: &World) -> &DataBuf {
        if self.is_emergency(world) { &self.threshold_emergency } else { &self.threshold_normal }
    }

    /// When what was found out last must be looked at again.
    fn duration_ends(&self) -> Option<i64> {
        let duration = match self.side {
            Side::Over => self.over_duration_s,
            Side::Under => self.under_duration_s,
        };
        (self.side != self.acted).then(|| self.since.saturating_add(duration.into()))
    }
}

impl CosemObject<World> for Limiter {
    fn class(&self) -> ClassId {
        ClassId::LIMITER
    }

    fn name(&self) -> LogicalName {
        LogicalName([0, 0, 17, 0, 0, 255])
    }

    fn attributes(&self) -> &[AttributeRights] {
        const ATTRIBUTES: [AttributeRights; 10] = [
            READ_WRITE, READ, READ_WRITE, READ_WRITE, READ_WRITE, READ_WRITE, READ_WRITE,
            READ_WRITE, READ, READ_WRITE,
        ];
        &ATTRIBUTES
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        match get.attribute {
            2 => put(out, &self.monitored.to_data()),
            3 => put(out, self.threshold_active(get.world)),
            4 => put(out, &self.threshold_normal),
            5 => put(out, &self.threshold_emergency),
            6 => put(out, &self.over_duration_s.into()),
            7 => put(out, &self.under_duration_s.into()),
            8 => put(out, &self.emergency.to_data()),
            9 => put(out, &self.groups.to_data()),
            10 => put(out, &self.is_emergency(get.world).into()),
            _ => put(out, &self.actions.to_data()),
        }
    }

    fn set(
        &mut self,
        attribute: i8,
        value: &Data<'_>,
        call: &mut Call<'_, World>,
    ) -> Result<(), DataAccessResult> {
        fn read<T: CosemValue>(value: &Data<'_>) -> Result<T, DataAccessResult> {
            T::from_data(value).ok_or(DataAccessResult::TypeUnmatched)
        }
        let threshold = || {
            value.as_integer().ok_or(DataAccessResult::TypeUnmatched)?;
            read::<DataBuf>(value)
        };
        match attribute {
            2 => self.monitored = read(value)?,
            4 => self.threshold_normal = threshold()?,
            5 => self.threshold_emergency = threshold()?,
            6 => self.over_duration_s = read(value)?,
            7 => self.under_duration_s = read(value)?,
            8 => self.emergency = read(value)?,
            9 => {
                let groups: Vec<u16> = read(value)?;
                if groups.len() > GROUPS_MAX {
                    return Err(DataAccessResult::OtherReason);
                }
                self.groups = groups;
            }
            _ => self.actions = read(value)?,
        }
        // The value may be on the other side of the threshold now.
        self.next = call.world.now();
        Ok(())
    }

    fn poll_timeout(&self, world: &World) -> Option<i64> {
        let clock = world.clock();
        let emergency = self.emergency_time(world).and_then(|(begin, end)| {
            [begin, end].into_iter().find(|edge| *edge > clock).map(|edge| world.true_time(edge))
        });
        let looks = [Some(self.next), self.duration_ends(), emergency];
        looks.into_iter().flatten().min()
    }

    fn handle_timeout(&mut self, now: i64, call: &mut Call<'_, World>) {
        self.next = (now.div_euclid(QUARTER_S) + 1) * QUARTER_S;
        let value = call.objects.value(call.world, self.monitored.descriptor()).ok();
        let value = value.as_ref().and_then(integer);
        let threshold = integer(self.threshold_active(call.world));
        // What cannot be compared is not over the threshold.
        let over = value.zip(threshold).is_some_and(|(value, threshold)| value > threshold);
        let side = if over { Side::Over } else { Side::Under };
        if side != self.side {
            (self.side, self.since) = (side, now);
        }
        if self.duration_ends().is_some_and(|ends| ends <= now) {
            self.acted = side;
            let (event, script) = match side {
                Side::Over => (code::LIMITER_THRESHOLD_EXCEEDED, &self.actions.over),
                Side::Under => (code::LIMITER_THRESHOLD_OK, &self.actions.under),
            };
            call.world.log(event);
            script_table::execute(script, call);
            // What was done may have changed the value.
            self.next = now + 1;
        }
    }
}
