//! What flows through a meter: the consumption, the generation and the voltage of one household.
//!
//! Nothing is stored. Every figure is a function of the serial number and the time, so that
//! thousands of meters with years of history fit in one process and a register, a profile row and a
//! power reading of the same moment always agree: the register is the integral of the power.
//!
//! The energy of whole days has a closed form (a mean, a yearly wave, more on weekends, and a
//! jitter that cancels from day to day); a day's energy is spread over its 96 quarters of an hour
//! by a curve of household habits, different every day.

use core::f64::consts::TAU;

/// Seconds of a quarter of an hour: the curve is constant within it.
pub(crate) const QUARTER_S: i64 = 900;
/// When the meters were installed, 2020-01-01T00:00:00Z: all registers were zero then.
pub(crate) const INSTALLED_UNIX_S: i64 = 1_577_836_800;

const DAY_S: i64 = 86_400;
const QUARTERS: usize = 96;
const YEAR_DAYS: f64 = 365.2425;
/// People live by local time; winter time all the year is close enough for a curve.
const LOCAL_S: i64 = 3_600;
const INSTALLED_DAY: i64 = INSTALLED_UNIX_S / DAY_S;

/// The direction in which energy flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// From the grid to the household, the meter's `+A`.
    Import,
    /// From the household's roof to the grid, the meter's `-A`.
    Export,
}

/// One household, known by the serial number of its meter.
#[derive(Clone, Copy, Debug)]
pub struct Household {
    serial: u32,
    import_wh_per_day: f64,
    export_wh_per_day: f64,
}

/// A household's way to use or make energy in the course of a year.
struct Year {
    mean_wh: f64,
    /// How much the mean swings over the year, in parts of the mean.
    swing: f64,
    /// The day of the year with most energy.
    peak_day: f64,
    /// What a day at the weekend has more, in parts of the mean.
    weekend: f64,
    /// How much single days differ, in parts of the mean. Below `1 - swing`, so that no day is
    /// negative.
    jitter: f64,
}

/// Habits: the weight of each hour on a working day and at the weekend.
const WORKDAY: [u32; 24] = [
    30, 26, 24, 24, 25, 32, 62, 84, 66, 50, 46, 48, 58, 54, 46, 46, 58, 88, 118, 126, 112, 90, 62,
    42,
];
const WEEKEND: [u32; 24] = [
    36, 30, 26, 25, 25, 27, 34, 50, 76, 92, 94, 98, 108, 98, 82, 74, 78, 92, 112, 116, 104, 88, 66,
    48,
];

impl Household {
    /// The household behind the meter with this serial number.
    pub fn new(serial: u32) -> Self {
        let import_wh_per_day = 6_000.0 + 10_000.0 * unit(mix(serial, 0, 1));
        // One roof in four carries photovoltaics.
        let roof = if serial % 4 == 3 { 4_000.0 + 9_000.0 * unit(mix(serial, 0, 2)) } else { 0.0 };
        Self { serial, import_wh_per_day, export_wh_per_day: roof }
    }

    /// Energy in Wh since installation until `unix_s`.
    pub fn energy_wh(&self, flow: Flow, unix_s: i64) -> u64 {
        self.meterage(flow).energy_wh(unix_s)
    }

    /// The same for many moments: it remembers the curve of the day it was last asked about.
    pub fn meterage(&self, flow: Flow) -> Meterage {
        Meterage { household: *self, flow, curve: None }
    }

    /// Power in W.
    pub fn power_w(&self, flow: Flow, unix_s: i64) -> u32 {
        let quarter = unix_s.div_euclid(QUARTER_S) * QUARTER_S;
        self.demand_w(flow, quarter)
    }

    /// The mean power in W over the quarter of an hour that starts at `quarter_s`.
    pub fn demand_w(&self, flow: Flow, quarter_s: i64) -> u32 {
        let mut meterage = self.meterage(flow);
        let before = meterage.energy_wh(quarter_s);
        let after = meterage.energy_wh(quarter_s + QUARTER_S);
        u32::try_from(after.saturating_sub(before) * 4).unwrap_or(u32::MAX)
    }

    /// The voltage in tenths of a volt: around 230 V, lower under load.
    pub fn voltage_dv(&self, unix_s: i64) -> u16 {
        let wave = (unit(mix(self.serial, unix_s.div_euclid(60), 3)) - 0.5) * 24.0;
        let flicker = (unit(mix(self.serial, unix_s.div_euclid(5), 4)) - 0.5) * 8.0;
        let load = f64::from(self.power_w(Flow::Import, unix_s)) / 400.0;
        let volts = 2_301.0 + wave + flicker - load;
        volts.clamp(2_070.0, 2_530.0) as u16
    }

    /// The current in hundredths of an ampere, negative while the household exports.
    pub fn current_ca(&self, unix_s: i64) -> i16 {
        let power = f64::from(self.power_w(Flow::Import, unix_s))
            - f64::from(self.power_w(Flow::Export, unix_s));
        let volts = f64::from(self.voltage_dv(unix_s)) / 10.0;
        (power / volts * 100.0).clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16
    }

    /// The greatest demand of all whole quarters between two moments, in W, and when its quarter
    /// ended. Zero at `from_s` when there is none.
    pub fn peak_w(&self, flow: Flow, from_s: i64, to_s: i64) -> (u32, i64) {
        let mut meterage = self.meterage(flow);
        let mut peak = (0, from_s);
        let mut start = from_s.div_euclid(QUARTER_S) * QUARTER_S;
        let mut before = meterage.energy_wh(start);
        while start + QUARTER_S <= to_s {
            start += QUARTER_S;
            let after = meterage.energy_wh(start);
            let demand = u32::try_from(after.saturating_sub(before) * 4).unwrap_or(u32::MAX);
            if demand > peak.0 {
                peak = (demand, start);
            }
            before = after;
        }
        peak
    }

    /// The grid failure of a day, if it had one: when it began and ended. About six a year, of some
    /// seconds, too short to show in the energy.
    pub fn power_failure(&self, day: i64) -> Option<(i64, i64)> {
        let draw = mix(self.serial, day, 5);
        if !draw.is_multiple_of(61) {
            return None;
        }
        let from = day * DAY_S + i64::try_from(mix(self.serial, day, 6) % 80_000).unwrap_or(0);
        let lasts = 2 + i64::try_from(mix(self.serial, day, 7) % 30).unwrap_or(0);
        Some((from, from + lasts))
    }

    fn year(&self, flow: Flow) -> Year {
        match flow {
            Flow::Import => Year {
                mean_wh: self.import_wh_per_day,
                swing: 0.3,
                peak_day: 15.0,
                weekend: 0.12,
                jitter: 0.5,
            },
            Flow::Export => Year {
                mean_wh: self.export_wh_per_day,
                swing: 0.75,
                peak_day: 172.0,
                weekend: 0.0,
                jitter: 0.24,
            },
        }
    }

    /// Energy in Wh from installation to the beginning of a local day.
    fn energy_before_day(&self, flow: Flow, day: i64) -> u64 {
        let days = (day - INSTALLED_DAY).max(0);
        let year = self.year(flow);
        let angle = |days: f64| (days - year.peak_day) * TAU / YEAR_DAYS;
        let n = days as f64;
        let wave = year.swing * YEAR_DAYS / TAU * (angle(n).sin() - angle(0.0).sin());
        let weekends = year.weekend * weekend_days(INSTALLED_DAY, INSTALLED_DAY + days) as f64;
        let jitter = year.jitter * unit(mix(self.serial, days, 8 + flow as u64));
        (year.mean_wh * (n + wave + weekends + jitter)) as u64
    }

    fn weights(&self, flow: Flow, day: i64) -> [u32; QUARTERS] {
        let mut weights = [0; QUARTERS];
        let season = ((day - INSTALLED_DAY) as f64 - 172.0) * TAU / YEAR_DAYS;
        // Hours from noon to sunset.
        let half_day = 6.1 + 2.1 * season.cos();
        for (quarter, weight) in weights.iter_mut().enumerate() {
            let hour = quarter / 4;
            let draw = mix(self.serial, day * 96 + quarter as i64, 10 + flow as u64);
            *weight = match flow {
                Flow::Import => {
                    let habit = if is_weekend(day) { WEEKEND[hour] } else { WORKDAY[hour] };
                    // Around the habit, and now and then an oven or a washing machine.
                    let appliance = if draw.is_multiple_of(23) { 3 } else { 1 };
                    habit * (60 + (draw >> 8) as u32 % 81) * appliance
                }
                Flow::Export => {
                    let from_noon = (quarter as f64 + 0.5) / 4.0 - 12.2;
                    let sun = (from_noon / half_day * TAU / 4.0).cos();
                    let clouds = 0.65 + 0.35 * unit(draw);
                    if from_noon.abs() < half_day { (sun * clouds * 10_000.0) as u32 } else { 0 }
                }
            };
        }
        weights
    }
}

/// The energy of one flow at one moment after the other.
#[derive(Clone, Debug)]
pub struct Meterage {
    household: Household,
    flow: Flow,
    curve: Option<Curve>,
}

/// How the energy of one day comes together.
#[derive(Clone, Debug)]
struct Curve {
    day: i64,
    before_wh: u64,
    of_day_wh: u64,
    /// Weight until the beginning of each quarter, and of the whole day.
    until: [u32; QUARTERS + 1],
}

impl Meterage {
    /// Energy in Wh since installation until `unix_s`.
    pub fn energy_wh(&mut self, unix_s: i64) -> u64 {
        if unix_s < INSTALLED_UNIX_S {
            return 0;
        }
        let local = unix_s + LOCAL_S;
        let day = local.div_euclid(DAY_S);
        let curve = match self.curve.take() {
            Some(curve) if curve.day == day => curve,
            _ => self.curve_of(day),
        };
        let second = local.rem_euclid(DAY_S);
        let quarter = usize::try_from(second / QUARTER_S).unwrap_or(0);
        let within = u64::try_from(second % QUARTER_S).unwrap_or(0);
        let (from, to) = (u64::from(curve.until[quarter]), u64::from(curve.until[quarter + 1]));
        let quarter_s = QUARTER_S.unsigned_abs();
        let share = from * quarter_s + (to - from) * within;
        let whole = (u64::from(curve.until[QUARTERS]) * quarter_s).max(1);
        let energy = curve.before_wh + curve.of_day_wh * share / whole;
        self.curve = Some(curve);
        energy
    }

    fn curve_of(&self, day: i64) -> Curve {
        let before_wh = self.household.energy_before_day(self.flow, day);
        let after_wh = self.household.energy_before_day(self.flow, day + 1);
        let mut until = [0; QUARTERS + 1];
        let mut sum = 0;
        for (until, weight) in until[1..].iter_mut().zip(self.household.weights(self.flow, day)) {
            sum += weight;
            *until = sum;
        }
        Curve { day, before_wh, of_day_wh: after_wh.saturating_sub(before_wh), until }
    }
}

/// 1970-01-01 was a Thursday.
fn is_weekend(day: i64) -> bool {
    matches!(day.rem_euclid(7), 2 | 3)
}

fn weekend_days(from_day: i64, to_day: i64) -> i64 {
    let until = |day: i64| day.div_euclid(7) * 2 + (day.rem_euclid(7) - 2).clamp(0, 2);
    until(to_day) - until(from_day)
}

/// Evenly spread bits of a serial number, a moment and a purpose (the finalizer of SplitMix64).
fn mix(serial: u32, moment: i64, purpose: u64) -> u64 {
    let mut bits = (u64::from(serial) << 32)
        .wrapping_add(moment.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_add(purpose.wrapping_mul(0xd1b5_4a32_d192_ed03));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The upper bits as a number from 0 to 1.
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_768_474_800; // 2026-01-15T11:00:00Z, a Thursday

    #[test]
    fn a_register_never_runs_backwards_and_is_the_integral_of_the_power() {
        for serial in [1000, 1003, 77_777] {
            for flow in [Flow::Import, Flow::Export] {
                let household = Household::new(serial);
                let mut meterage = household.meterage(flow);
                let mut before = meterage.energy_wh(NOON);
                for quarter in 0..96 * 40 {
                    let start = NOON + quarter * QUARTER_S;
                    let after = meterage.energy_wh(start + QUARTER_S);
                    assert!(after >= before);
                    let demand = u64::from(household.demand_w(flow, start));
                    assert_eq!(after - before, demand / 4, "{serial} {flow:?} {quarter}");
                    before = after;
                }
            }
        }
    }

    #[test]
    fn a_household_uses_some_kilowatt_hours_a_day_and_more_in_winter() {
        for serial in 1000..1050 {
            let household = Household::new(serial);
            let week = |from: i64| {
                household.energy_wh(Flow::Import, from + 7 * DAY_S)
                    - household.energy_wh(Flow::Import, from)
            };
            let (winter, summer) = (week(NOON), week(NOON + 182 * DAY_S));
            assert!(winter > summer, "{serial}: {winter} {summer}");
            assert!((15_000..200_000).contains(&summer), "{serial}: {summer}");
        }
    }

    #[test]
    fn the_evening_takes_more_than_the_night() {
        let household = Household::new(1000);
        let hours = |from: i64| -> u64 {
            (0..30)
                .map(|day| {
                    let start = NOON + day * DAY_S + from * 3_600;
                    household.energy_wh(Flow::Import, start + 7_200)
                        - household.energy_wh(Flow::Import, start)
                })
                .sum()
        };
        // 19 to 21 o'clock against 2 to 4, counted from noon
        assert!(hours(7) > 2 * hours(14));
    }

    #[test]
    fn the_sun_does_not_shine_at_night() {
        let household = Household::new(1003);
        assert_eq!(household.power_w(Flow::Export, NOON + 12 * 3_600), 0);
        assert!(household.power_w(Flow::Export, NOON + 1_000) > 0);
        assert_eq!(Household::new(1000).energy_wh(Flow::Export, NOON), 0);
    }

    #[test]
    fn voltage_stays_within_ten_percent_of_230_volts() {
        for second in 0..5_000 {
            let voltage = Household::new(1000).voltage_dv(NOON + 17 * second);
            assert!((2_070..=2_530).contains(&voltage));
        }
    }

    #[test]
    fn the_peak_is_the_greatest_demand() {
        let household = Household::new(1000);
        let (peak, at) = household.peak_w(Flow::Import, NOON, NOON + DAY_S);
        assert_eq!(peak, household.demand_w(Flow::Import, at - QUARTER_S));
        let greatest = (0..96)
            .map(|quarter| household.demand_w(Flow::Import, NOON + quarter * QUARTER_S))
            .max();
        assert_eq!(Some(peak), greatest);
        assert_eq!(household.peak_w(Flow::Import, NOON, NOON), (0, NOON));
    }

    #[test]
    fn every_serial_number_is_another_household() {
        let energy = |serial| Household::new(serial).energy_wh(Flow::Import, NOON);
        assert_ne!(energy(1000), energy(1001));
    }
}
