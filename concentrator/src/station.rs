//! The station that the concentrator stands in: voltage and current of its three phases, and when
//! they deviate from what is configured.
//!
//! Who measures is a program or a driver of somebody else. It writes lines into a file, or is a
//! command that prints them; volts and amperes, in decimals:
//!
//! ```text
//! 1-0:32.7.0 230.1
//! 1-0:31.7.0 57.25
//! ```
//!
//! Voltages are judged as EN 50160 does, by their mean over ten minutes, and an interruption at
//! once. Time is an argument; [`run`] is what has a clock.

use core::time::Duration;
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, PoisonError},
};

use dlms_core::cosem::LogicalName;
use serde::Deserialize;
use tokio::time::{self, Instant};

/// Octets of what is read at a time: six lines are 150.
const TEXT_LEN_MAX: usize = 64 * 1024;
/// Intervals after which a reading that was not repeated is none any more.
const KEPT_INTERVALS: u32 = 3;
/// Digits after the point: of volts, of amperes.
pub const VOLTAGE_DIGITS: u8 = 1;
/// See [`VOLTAGE_DIGITS`].
pub const CURRENT_DIGITS: u8 = 2;

/// What is read: the voltage of L1, L2 and L3, and then their current.
pub const QUANTITIES: [LogicalName; 6] = [
    LogicalName([1, 0, 32, 7, 0, 255]),
    LogicalName([1, 0, 52, 7, 0, 255]),
    LogicalName([1, 0, 72, 7, 0, 255]),
    LogicalName([1, 0, 31, 7, 0, 255]),
    LogicalName([1, 0, 51, 7, 0, 255]),
    LogicalName([1, 0, 71, 7, 0, 255]),
];

/// `[station]`: who reads, and what is a deviation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StationConfig {
    /// The file in which the readings are. Or:
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// the command that prints them, with its arguments.
    #[serde(default)]
    pub command: Vec<String>,
    /// Seconds from one reading to the next. Default: 10.
    #[serde(default = "ten")]
    pub every_s: u32,
    /// What is a deviation.
    #[serde(default)]
    pub limits: Limits,
}

const fn ten() -> u32 {
    10
}

/// `[station.limits]`. The defaults are those of EN 50160 for low voltage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Limits {
    /// The nominal voltage, in volts. Default: 230.
    pub nominal_voltage: u32,
    /// Percent of it by which the mean may be lower. Default: 10.
    pub low_percent: u32,
    /// Percent of it by which the mean may be higher. Default: 10.
    pub high_percent: u32,
    /// Percent of it below which the supply is interrupted. Default: 5.
    pub lost_percent: u32,
    /// The highest mean of a current, in amperes. Default: none.
    pub current_max: Option<u32>,
    /// Seconds over which the mean is. Default: 600.
    pub average_s: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            nominal_voltage: 230,
            low_percent: 10,
            high_percent: 10,
            lost_percent: 5,
            current_max: None,
            average_s: 600,
        }
    }
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadingError {
    /// The file or the command.
    #[error("{what}: {error}")]
    System {
        /// Which.
        what: String,
        /// What the system says.
        error: io::Error,
    },
    /// A line is not what it should be.
    #[error("line {line} is no reading: {text:?}; write one as 1-0:32.7.0 230.1")]
    NotAReading {
        /// Its number, from 1.
        line: usize,
        /// What it says.
        text: String,
    },
}

/// The values of [`QUANTITIES`], in tenths of volts and hundredths of amperes.
pub type Values = [Option<u32>; 6];

/// What was read last, shared by who reads and who shows it.
#[derive(Clone, Debug, Default)]
pub struct Readings(Arc<Mutex<Values>>);

impl Readings {
    /// The values, as far as they are known.
    #[must_use]
    pub fn values(&self) -> Values {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, values: Values) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = values;
    }
}

/// Reads lines. What is not named keeps its old value; empty lines and those that begin with `#`
/// say nothing.
///
/// # Errors
/// [`ReadingError::NotAReading`].
pub fn parse(text: &str, values: &mut Values) -> Result<(), ReadingError> {
    for (line, number) in text.lines().map(str::trim).zip(1..) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let not_a_reading = || ReadingError::NotAReading { line: number, text: line.to_owned() };
        let (name, value) = line.split_once(char::is_whitespace).ok_or_else(not_a_reading)?;
        let name: Option<LogicalName> = name.parse().ok();
        let index = QUANTITIES.iter().position(|known| Some(*known) == name);
        let index = index.ok_or_else(not_a_reading)?;
        let digits = if index < 3 { VOLTAGE_DIGITS } else { CURRENT_DIGITS };
        values[index] = Some(fixed_point(value.trim(), digits).ok_or_else(not_a_reading)?);
    }
    Ok(())
}

/// A decimal number with so many digits after the point; further ones are rounded.
fn fixed_point(text: &str, digits: u8) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let kept = usize::from(digits);
    let padded = format!("{fraction:0<width$}", width = kept + 1);
    let value: u32 = format!("{whole}{}", padded.get(..kept)?).parse().ok()?;
    let rounds_up = padded.as_bytes().get(kept).is_some_and(|digit| *digit >= b'5');
    value.checked_add(u32::from(rounds_up))
}

/// What is the matter with a phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Voltage {
    #[default]
    Normal,
    Low,
    High,
    Lost,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: u64,
    count: u64,
}

impl Mean {
    fn add(&mut self, value: u32) {
        self.sum += u64::from(value);
        self.count += 1;
    }

    /// The mean of what there was, which is forgotten.
    fn take(&mut self) -> Option<u64> {
        let Self { sum, count } = core::mem::take(self);
        sum.checked_div(count)
    }
}

/// When phases deviate, and when they do no more.
#[derive(Debug)]
pub struct Deviations {
    limits: Limits,
    voltages: [Voltage; 3],
    is_current_high: [bool; 3],
    means: [Mean; 6],
    /// When the means are looked at.
    until_s: Option<u64>,
}

impl Deviations {
    /// Of what nothing is known yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            voltages: Default::default(),
            is_current_high: Default::default(),
            means: Default::default(),
            until_s: None,
        }
    }

    /// Takes what was read at a monotonic time: the codes of what has changed
    /// ([`code`]).
    pub fn handle_values(&mut self, now_s: u64, values: &Values) -> Vec<u16> {
        let mut codes = Vec::new();
        let lost_below = self.percent(self.limits.lost_percent);
        let (voltages, currents) = values.split_at(3);
        for (phase, value) in voltages.iter().enumerate() {
            let Some(value) = *value else { continue };
            if u64::from(value) < lost_below {
                // What was before the interruption is no part of a mean after it.
                self.means[phase].take();
                self.enter(phase, Voltage::Lost, &mut codes);
            } else {
                if self.voltages[phase] == Voltage::Lost {
                    self.enter(phase, Voltage::Normal, &mut codes);
                }
                self.means[phase].add(value);
            }
        }
        for (mean, value) in self.means[3..].iter_mut().zip(currents) {
            value.inspect(|value| mean.add(*value));
        }
        let average_s = u64::from(self.limits.average_s);
        let until = *self.until_s.get_or_insert_with(|| now_s.saturating_add(average_s));
        if now_s >= until {
            self.until_s = Some(now_s.saturating_add(average_s));
            self.judge(&mut codes);
        }
        codes
    }

    /// Looks at the means.
    fn judge(&mut self, codes: &mut Vec<u16>) {
        let low = self.percent(100_u32.saturating_sub(self.limits.low_percent));
        let high = self.percent(100_u32.saturating_add(self.limits.high_percent));
        for phase in 0..3 {
            if let Some(mean) = self.means[phase].take() {
                let voltage = match mean {
                    _ if self.voltages[phase] == Voltage::Lost => Voltage::Lost,
                    mean if mean < low => Voltage::Low,
                    mean if mean > high => Voltage::High,
                    _ => Voltage::Normal,
                };
                self.enter(phase, voltage, codes);
            }
            let mean = self.means[phase + 3].take();
            if let (Some(mean), Some(most)) = (mean, self.limits.current_max) {
                let is_high = mean > u64::from(most) * 10_u64.pow(CURRENT_DIGITS.into());
                if core::mem::replace(&mut self.is_current_high[phase], is_high) != is_high {
                    let kind = if is_high { code::CURRENT_HIGH } else { code::CURRENT_NORMAL };
                    codes.push(code::of(phase, kind));
                }
            }
        }
    }

    fn enter(&mut self, phase: usize, voltage: Voltage, codes: &mut Vec<u16>) {
        if core::mem::replace(&mut self.voltages[phase], voltage) != voltage {
            codes.push(code::of(
                phase,
                match voltage {
                    Voltage::Normal => code::VOLTAGE_NORMAL,
                    Voltage::Low => code::VOLTAGE_LOW,
                    Voltage::High => code::VOLTAGE_HIGH,
                    Voltage::Lost => code::VOLTAGE_LOST,
                },
            ));
        }
    }

    /// So much of the nominal voltage, as voltages are here.
    fn percent(&self, percent: u32) -> u64 {
        let nominal = u64::from(self.limits.nominal_voltage) * 10_u64.pow(VOLTAGE_DIGITS.into());
        nominal * u64::from(percent) / 100
    }
}

/// The codes of events: 100, ten times the phase (1 to 3), and one of these.
pub mod code {
    /// The voltage is what it should be again.
    pub const VOLTAGE_NORMAL: u16 = 0;
    /// Its mean is too low.
    pub const VOLTAGE_LOW: u16 = 1;
    /// Its mean is too high.
    pub const VOLTAGE_HIGH: u16 = 2;
    /// There is none.
    pub const VOLTAGE_LOST: u16 = 3;
    /// The mean of the current is what it should be again.
    pub const CURRENT_NORMAL: u16 = 4;
    /// The mean of the current is too high.
    pub const CURRENT_HIGH: u16 = 5;

    /// The code of what happened to a phase, which counts from 0 here.
    pub(super) fn of(phase: usize, kind: u16) -> u16 {
        let tens = (phase as u16).saturating_add(1).saturating_mul(10);
        tens.saturating_add(100).saturating_add(kind)
    }
}

impl StationConfig {
    /// Takes a relative path as beside the configuration in `folder`.
    pub(crate) fn beside(&mut self, folder: &Path) {
        if let Some(file) = &mut self.file {
            *file = folder.join(&*file);
        }
    }

    /// What is wrong with it, if anything is.
    pub(crate) fn mistake(&self) -> Option<&'static str> {
        match (&self.file, &self.command[..]) {
            (Some(_), []) | (None, [_, ..]) if self.every_s > 0 => None,
            (Some(_), []) | (None, [_, ..]) => Some("station.every-s is at least 1"),
            _ => Some("[station] has either file = or command ="),
        }
    }

    /// What stands there now.
    fn read(&self) -> Result<String, ReadingError> {
        let failed = |what: String| move |error| ReadingError::System { what, error };
        let mut octets = match (&self.file, &self.command[..]) {
            (Some(file), _) => fs::read(file).map_err(failed(file.display().to_string()))?,
            (None, [command, arguments @ ..]) => {
                let output = Command::new(command).args(arguments).output();
                let output = output.map_err(failed(command.clone()))?;
                if !output.status.success() {
                    return Err(failed(command.clone())(io::Error::other(
                        output.status.to_string(),
                    )));
                }
                output.stdout
            }
            (None, []) => Vec::new(),
        };
        octets.truncate(TEXT_LEN_MAX);
        Ok(String::from_utf8_lossy(&octets).into_owned())
    }
}

/// Reads again and again, for ever, and hands the codes of deviations to `deviates`. A reading that
/// fails is told once, and what was read before is nothing after a while.
pub async fn run(
    config: StationConfig,
    readings: Readings,
    deviates: impl Fn(&[u16]) + Send + 'static,
) {
    let config = Arc::new(config);
    let mut deviations = Deviations::new(config.limits);
    let (started, every) = (Instant::now(), Duration::from_secs(config.every_s.into()));
    let mut interval = time::interval(every);
    interval.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    let (mut read_at, mut fails) = (started, false);
    loop {
        interval.tick().await;
        let reading = Arc::clone(&config);
        // A command may take its time, and nobody waits for it but this.
        let read = tokio::task::spawn_blocking(move || reading.read()).await;
        let mut values = Values::default();
        let read = match read {
            Ok(read) => read.and_then(|text| parse(&text, &mut values)),
            Err(_) => return,
        };
        match read {
            Ok(()) => {
                (read_at, fails) = (Instant::now(), false);
                readings.set(values);
                let codes = deviations.handle_values(started.elapsed().as_secs(), &values);
                if !codes.is_empty() {
                    deviates(&codes);
                }
            }
            Err(error) => {
                if !core::mem::replace(&mut fails, true) {
                    tracing::warn!(%error, "the station cannot be read");
                }
                if read_at.elapsed() >= every * KEPT_INTERVALS {
                    readings.set(Values::default());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_name_and_a_decimal_number() {
        let mut values = Values::default();
        let text = "# L1\n1-0:32.7.0 230.1\n\n1-0:31.7.0*255\t57.256 \n1-0:52.7.0 231\n";
        parse(text, &mut values).unwrap();
        assert_eq!(values, [Some(2_301), Some(2_310), None, Some(5_726), None, None]);
        for (text, line) in [
            ("1-0:32.7.0 230.1\n1-0:33.7.0 1", 2),
            ("1-0:32.7.0", 1),
            ("1-0:32.7.0 -1", 1),
            ("1-0:32.7.0 1e9", 1),
            ("1-0:32.7.0 .5", 1),
            ("1-0:32.7.0 5.", 1),
            ("1-0:32.7.0 429496729.6", 1),
            ("1-0:32.7.0 2\u{b2}", 1),
            ("voltage 230", 1),
        ] {
            let error = parse(text, &mut Values::default()).unwrap_err().to_string();
            assert!(error.starts_with(&format!("line {line} is no reading")), "{text}: {error}");
        }
    }

    /// The codes of each minute, for a voltage of L2 that is read once in it.
    fn minutes(voltages: impl IntoIterator<Item = u32>) -> Vec<(u64, u16)> {
        let mut deviations = Deviations::new(Limits::default());
        let minutes = voltages.into_iter().zip(0..);
        let codes = minutes.flat_map(|(voltage, minute)| {
            let values = [None, Some(voltage * 10), None, None, None, None];
            let codes = deviations.handle_values(minute * 60, &values);
            codes.into_iter().map(move |code| (minute, code)).collect::<Vec<_>>()
        });
        codes.collect()
    }

    #[test]
    fn a_voltage_is_judged_by_its_mean_over_ten_minutes() {
        // A dip of one minute is no deviation of the mean, 9 of 10 minutes at 200 V are.
        let dip = (0..40).map(|minute| if minute == 5 { 150 } else { 230 });
        assert_eq!(minutes(dip), []);
        let low = (0..60).map(|minute| if (12..38).contains(&minute) { 200 } else { 230 });
        assert_eq!(minutes(low), [(20, 121), (40, 120)]);
        let high = (0..40).map(|_| 254);
        assert_eq!(minutes(high), [(10, 122)]);
        // The limits themselves are within.
        assert_eq!(minutes([207; 21]), []);
        assert_eq!(minutes([253; 21]), []);
    }

    #[test]
    fn an_interruption_is_told_at_once_and_so_is_its_end() {
        let interrupted = (0..40).map(|minute| if (3..7).contains(&minute) { 0 } else { 230 });
        assert_eq!(minutes(interrupted), [(3, 123), (7, 120)]);
        assert_eq!(minutes([0; 30]), [(0, 123)]);
    }

    #[test]
    fn a_current_is_judged_where_a_limit_is_given() {
        let judged = |current_max| {
            let mut deviations = Deviations::new(Limits { current_max, ..Limits::default() });
            let amperes = (0..40).map(|minute: u64| if minute < 20 { 101 } else { 99 });
            let codes = (0..).zip(amperes).flat_map(|(minute, amperes)| {
                let values = [None, None, None, None, None, Some(amperes * 100)];
                deviations.handle_values(minute * 60, &values)
            });
            codes.collect::<Vec<u16>>()
        };
        assert_eq!(judged(Some(100)), [135, 134]);
        assert!(judged(None).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_read_any_more_is_not_shown_for_long() {
        let folder = crate::state::Scratch::new();
        fs::create_dir_all(folder.path()).unwrap();
        let file = folder.path().join("station");
        fs::write(&file, "1-0:32.7.0 0\n").unwrap();
        let config = StationConfig {
            file: Some(file.clone()),
            command: Vec::new(),
            every_s: 10,
            limits: Limits::default(),
        };
        let (readings, (told, mut codes)) = (Readings::default(), tokio::sync::mpsc::channel(4));
        let deviates = move |codes: &[u16]| told.try_send(codes.to_vec()).unwrap();
        tokio::spawn(run(config, readings.clone(), deviates));
        assert_eq!(codes.recv().await, Some(vec![113]));
        assert_eq!(readings.values()[0], Some(0));
        fs::remove_file(file).unwrap();
        let lost_at = Instant::now();
        while readings.values()[0].is_some() && lost_at.elapsed().as_secs() < 60 {
            time::sleep_until(Instant::now() + Duration::from_secs(1)).await;
        }
        let shown_for = lost_at.elapsed().as_secs();
        assert!((20..=40).contains(&shown_for), "{shown_for}");
    }

    #[test]
    fn a_command_is_run_and_what_it_prints_is_read() {
        let by = |command: &[&str]| {
            let command = command.iter().map(ToString::to_string).collect();
            let limits = Limits::default();
            StationConfig { file: None, command, every_s: 10, limits }.read()
        };
        assert_eq!(by(&["echo", "1-0:32.7.0 230.1"]).unwrap(), "1-0:32.7.0 230.1\n");
        assert!(by(&["false"]).unwrap_err().to_string().starts_with("false: "));
    }
}
