//! Setting the clocks of meters, within limits.
//!
//! A clock that is off by little is left alone: each setting is an event in the meter and may cost
//! a capture. One that is off by much is left alone, too: then something is wrong, with the meter
//! or here, and a head-end is told. Between the two limits it is set, if that is permitted at all.

use dlms_core::{
    association::Request,
    axdr::DataBuf,
    cosem::{AttributeDescriptor, ClassId, DateTime, LogicalName, MethodDescriptor},
};

/// The most that shift_time takes, in seconds (IEC 62056-6-2, class Clock, method 6).
const SHIFT_MAX_S: i64 = 900;

/// How a clock is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// By writing the attribute `time`.
    Time,
    /// By the method shift_time, for up to 900 s: the meter needs to understand no date.
    Shift,
}

/// Within which limits clocks are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimits {
    /// How, if it is permitted: companion specifications say whether a client without keys may.
    /// Default: it is not.
    pub setting: Option<Setting>,
    /// Seconds by which a clock may be off without being set. Default: 10.
    pub tolerated_s: u32,
    /// Seconds beyond which it is not set but told. Default: 300.
    pub trusted_s: u32,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self { setting: None, tolerated_s: 10, trusted_s: 300 }
    }
}

/// What becomes of the clock of a meter.
#[derive(Clone, Debug, PartialEq)]
pub enum TimeVerdict {
    /// It is right.
    Right,
    /// It is not, and it is not permitted to set it.
    NotPermitted,
    /// It is off by too much to be believed, or to be set in this way.
    TooFar,
    /// The answer took too long to say how far off it is.
    Unknown,
    /// It is to be set by this request.
    Set(Box<Request>),
}

/// What the clock of a meter showed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// What the meter said.
    pub meter: DateTime,
    /// When it was asked, by the own clock, in milliseconds since 1970.
    pub asked_ms: i64,
    /// When it had answered.
    pub answered_ms: i64,
}

impl Comparison {
    /// Seconds by which the meter is ahead, rounded; None when its time is not complete or has no
    /// deviation from UTC. It is taken to have looked at its clock in the middle.
    #[must_use]
    pub fn ahead_s(&self) -> Option<i64> {
        let own_ms = self.asked_ms.midpoint(self.answered_ms);
        let ahead_ms = self.meter.unix_utc()?.checked_mul(1_000)?.checked_sub(own_ms)?;
        // A clock shows the second that has begun: it is half a second later on average.
        Some(ahead_ms.checked_add(1_000)?.div_euclid(1_000))
    }

    /// What becomes of the clock, when the request would go out now, in seconds since 1970.
    #[must_use]
    pub fn verdict(&self, now_s: i64, limits: &TimeLimits) -> TimeVerdict {
        let round_trip_ms = self.answered_ms.saturating_sub(self.asked_ms);
        let tolerated_s = i64::from(limits.tolerated_s);
        if round_trip_ms < 0 || round_trip_ms > tolerated_s.max(1).saturating_mul(2_000) {
            return TimeVerdict::Unknown;
        }
        let Some(ahead_s) = self.ahead_s() else { return TimeVerdict::Unknown };
        let off_s = ahead_s.saturating_abs();
        if off_s <= tolerated_s {
            return TimeVerdict::Right;
        }
        if off_s > limits.trusted_s.into() {
            return TimeVerdict::TooFar;
        }
        let request = match limits.setting {
            None => return TimeVerdict::NotPermitted,
            Some(Setting::Time) => self.write(now_s),
            Some(Setting::Shift) => shift(-ahead_s),
        };
        request.map_or(TimeVerdict::TooFar, |request| TimeVerdict::Set(Box::new(request)))
    }

    /// The meter's own time zone, in its own form.
    fn write(&self, now_s: i64) -> Option<Request> {
        let mut now = DateTime::from_unix(now_s, self.meter.deviation())?;
        now.status = self.meter.status;
        let attribute = AttributeDescriptor::new(ClassId::CLOCK, LogicalName::CLOCK, 2);
        let value = now.to_data().to_octets();
        Some(Request::Set { attribute, selection: None, value })
    }
}

fn shift(by_s: i64) -> Option<Request> {
    let by_s = Some(by_s).filter(|by| by.abs() <= SHIFT_MAX_S)?;
    let method = MethodDescriptor::new(ClassId::CLOCK, LogicalName::CLOCK, 6);
    let parameters = DataBuf::Long(i16::try_from(by_s).ok()?).to_octets();
    Some(Request::Action { method, parameters: Some(parameters) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_767_225_600;
    const LIMITS: TimeLimits =
        TimeLimits { setting: Some(Setting::Shift), tolerated_s: 10, trusted_s: 300 };

    fn ahead(seconds: i64) -> Comparison {
        let meter = DateTime::from_unix(NOW + seconds, Some(-60)).unwrap();
        // It had shown that second for half of it.
        Comparison { meter, asked_ms: NOW * 1_000, answered_ms: NOW * 1_000 + 1_000 }
    }

    fn verdict(seconds: i64, limits: &TimeLimits) -> TimeVerdict {
        ahead(seconds).verdict(NOW, limits)
    }

    #[test]
    fn a_clock_is_set_only_between_the_two_limits() {
        for (seconds, expected) in [
            (0, "right"),
            (10, "right"),
            (-10, "right"),
            (11, "set"),
            (-11, "set"),
            (300, "set"),
            (-300, "set"),
            (301, "too far"),
            (-301, "too far"),
            (86_400, "too far"),
        ] {
            let found = match verdict(seconds, &LIMITS) {
                TimeVerdict::Right => "right",
                TimeVerdict::Set(_) => "set",
                TimeVerdict::TooFar => "too far",
                other => panic!("{seconds}: {other:?}"),
            };
            assert_eq!(found, expected, "{seconds}");
        }
    }

    #[test]
    fn a_clock_is_not_set_unless_that_is_permitted() {
        assert_eq!(verdict(60, &TimeLimits::default()), TimeVerdict::NotPermitted);
        assert_eq!(verdict(5, &TimeLimits::default()), TimeVerdict::Right);
    }

    #[test]
    fn a_clock_is_shifted_by_what_it_is_off() {
        let TimeVerdict::Set(request) = verdict(60, &LIMITS) else { panic!() };
        let method = MethodDescriptor::new(ClassId::CLOCK, LogicalName::CLOCK, 6);
        let parameters = Some(vec![0x10, 0xFF, 0xC4]); // long: -60
        assert_eq!(*request, Request::Action { method, parameters });
        let far = TimeLimits { trusted_s: 10_000, ..LIMITS };
        assert_eq!(verdict(901, &far), TimeVerdict::TooFar);
    }

    #[test]
    fn a_time_is_written_in_the_zone_of_the_meter() {
        let limits = TimeLimits { setting: Some(Setting::Time), ..LIMITS };
        let TimeVerdict::Set(request) = verdict(60, &limits) else { panic!() };
        let Request::Set { value, .. } = *request else { panic!() };
        // 2026-01-01, Thursday, 01:00:00 in Central Europe.
        let expected = [0x09, 12, 0x07, 0xEA, 1, 1, 4, 1, 0, 0, 0, 0xFF, 0xC4, 0];
        assert_eq!(value, expected);
    }

    #[test]
    fn an_answer_that_took_longer_than_what_matters_says_nothing() {
        let slow = Comparison { answered_ms: NOW * 1_000 + 20_001, ..ahead(60) };
        assert_eq!(slow.verdict(NOW, &LIMITS), TimeVerdict::Unknown);
        let back = Comparison { answered_ms: NOW * 1_000 - 1, ..ahead(60) };
        assert_eq!(back.verdict(NOW, &LIMITS), TimeVerdict::Unknown);
        let nowhere = Comparison { meter: DateTime::UNSPECIFIED, ..ahead(60) };
        assert_eq!(nowhere.verdict(NOW, &LIMITS), TimeVerdict::Unknown);
    }
}
