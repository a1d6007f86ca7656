//! How times of a meter are to be understood that it writes in its own way.

use dlms_core::cosem::DateTime;

/// What is known of a meter's times. Nothing: as with any meter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TimeRules {
    /// Whether its deviations are minutes to add to UTC to get local time, against the standard.
    pub(crate) reversed: bool,
    /// What deviation it means where it writes none, in minutes as the standard counts them. A
    /// clock that stays in standard time all year has one.
    pub(crate) unspecified_means: Option<i16>,
    /// Whether it takes times only without deviation where it is asked for a range.
    pub(crate) ranges_are_local: bool,
}

impl TimeRules {
    /// What `time` of the meter means, as the standard writes it.
    pub(crate) fn understood(self, time: DateTime) -> DateTime {
        match time.deviation() {
            Some(deviation) if self.reversed => time.with_deviation(Some(-deviation)),
            None => time.with_deviation(self.unspecified_means),
            Some(_) => None,
        }
        .unwrap_or(time)
    }

    /// How the meter would write `time`, which is written as the standard does. A time without
    /// deviation is the meter's local time to both.
    pub(crate) fn written(self, time: DateTime) -> DateTime {
        match time.deviation() {
            Some(deviation) if self.reversed => {
                time.with_deviation(Some(-deviation)).unwrap_or(time)
            }
            _ => time,
        }
    }

    /// How a bound of a range is written for the meter.
    pub(crate) fn bound(self, time: DateTime) -> DateTime {
        match self.ranges_are_local {
            true => time.with_deviation(None).unwrap_or(time),
            false => self.written(time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime {
        text.parse().unwrap()
    }

    #[test]
    fn a_reversed_deviation_is_turned_round_both_ways() {
        let rules = TimeRules { reversed: true, ..TimeRules::default() };
        let (meant, written) =
            (time("2026-01-15T12:00:00+01:00"), time("2026-01-15T12:00:00-01:00"));
        assert_eq!(rules.understood(written), meant);
        assert_eq!(rules.written(meant), written);
        let local = time("2026-01-15T12:00:00");
        assert_eq!((rules.understood(local), rules.written(local)), (local, local));
    }

    #[test]
    fn a_bound_is_local_where_the_meter_takes_no_other() {
        let rules = TimeRules { ranges_are_local: true, ..TimeRules::default() };
        let typed = time("2026-01-15T12:00:00+01:00");
        assert_eq!(rules.bound(typed).to_string(), "2026-01-15T12:00:00");
        assert_eq!((rules.written(typed), TimeRules::default().bound(typed)), (typed, typed));
    }

    #[test]
    fn an_unspecified_deviation_is_the_one_that_is_known() {
        let rules = TimeRules { unspecified_means: Some(-60), ..TimeRules::default() };
        let local = time("2026-07-15T12:00:00");
        assert_eq!(rules.understood(local).to_string(), "2026-07-15T12:00:00+01:00");
        let told = time("2026-07-15T12:00:00+02:00");
        assert_eq!(rules.understood(told), told);
    }

    #[test]
    fn without_rules_a_time_stays_what_it_is() {
        for text in ["2026-07-15T12:00:00", "2026-07-15T12:00:00+02:00"] {
            assert_eq!(TimeRules::default().understood(time(text)), time(text));
        }
    }
}
