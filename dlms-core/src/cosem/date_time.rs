//! Dates and times of COSEM (IEC 62056-6-2 clause 4.1.6.1).
//!
//! Every field may be left unspecified, and some name a day by rule (the last of the month). All of
//! that is kept as it was sent; who needs a point in time asks for
//! [`unix_utc`](DateTime::unix_utc), which is there only when the fields determine one.
//!
//! The deviation is in minutes *to add to local time to get UTC*: Central European Time is -60.
//! RFC 3339 writes the opposite sign, `+01:00`, and so does the text form here.

mod date;
mod parse;
mod time;

pub use date::Date;
pub use parse::ParseDateTimeError;
pub use time::Time;

use core::fmt;

use crate::{
    Malformed, MalformedKind,
    axdr::{Data, DataBuf, Reader, Writer},
};

/// Octet of a field that is not specified (two of them for the year).
const UNSPECIFIED: u8 = 0xff;
const DEVIATION_UNSPECIFIED: i16 = i16::MIN;
/// The standard has 720; Kiribati (+14:00) needs more.
const DEVIATION_MAX: i16 = 840;
const SECONDS_PER_DAY: i64 = 86_400;

/// The clock status octet of a date-time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClockStatus(pub u8);

impl ClockStatus {
    /// Not specified: no bit means anything.
    pub const UNSPECIFIED: Self = Self(0xff);
    /// Nothing is wrong and daylight saving is not active.
    pub const GOOD: Self = Self(0x00);

    /// The time cannot be recovered after an incident.
    pub const fn is_invalid(self) -> bool {
        self.has(0x01)
    }

    /// The time was recovered after an incident, but its value is not guaranteed.
    pub const fn is_doubtful(self) -> bool {
        self.has(0x02)
    }

    /// The time comes from another clock base than usual.
    pub const fn is_different_base(self) -> bool {
        self.has(0x04)
    }

    /// The status itself is not to be trusted.
    pub const fn is_invalid_status(self) -> bool {
        self.has(0x08)
    }

    /// Daylight saving is active: the deviation contains it.
    pub const fn is_dst_active(self) -> bool {
        self.has(0x80)
    }

    const fn has(self, bit: u8) -> bool {
        self.0 != Self::UNSPECIFIED.0 && self.0 & bit != 0
    }
}

/// A date and time with deviation from UTC and clock status, twelve octets.
///
/// ```
/// use dlms_core::{axdr::Reader, cosem::DateTime};
///
/// // 2026-01-15, Thursday, 17:30:00, deviation -60: Central European Time
/// let octets = [0x07, 0xea, 1, 15, 4, 17, 30, 0, 0, 0xff, 0xc4, 0x00];
/// let time = DateTime::decode(&mut Reader::new(&octets))?;
/// assert_eq!(time.to_string(), "2026-01-15T17:30:00+01:00");
/// assert_eq!(time.unix_utc(), Some(1_768_494_600));
/// # Ok::<(), dlms_core::Malformed>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DateTime {
    /// The date.
    pub date: Date,
    /// The time of day.
    pub time: Time,
    deviation: i16,
    /// The clock status.
    pub status: ClockStatus,
}

impl DateTime {
    /// No field specified.
    pub const UNSPECIFIED: Self = Self::new(Date::UNSPECIFIED, Time::UNSPECIFIED);

    /// `date` and `time`, deviation and status unspecified.
    pub const fn new(date: Date, time: Time) -> Self {
        Self { date, time, deviation: DEVIATION_UNSPECIFIED, status: ClockStatus::UNSPECIFIED }
    }

    /// The same date and time with another `deviation`, or with none. `None` when it is out of
    /// -840..=840 minutes.
    pub fn with_deviation(self, deviation: Option<i16>) -> Option<Self> {
        let deviation = deviation.unwrap_or(DEVIATION_UNSPECIFIED);
        is_deviation(deviation).then_some(Self { deviation, ..self })
    }

    /// Takes twelve octets.
    ///
    /// # Errors
    /// [`MalformedKind::Value`] at a field outside its range.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut ahead = reader.clone();
        let date = Date::decode(&mut ahead)?;
        let time = Time::decode(&mut ahead)?;
        let at = ahead.offset();
        let deviation = ahead.i16()?;
        if !is_deviation(deviation) {
            return Err(Malformed::new(MalformedKind::Value, at));
        }
        let status = ClockStatus(ahead.u8()?);
        *reader = ahead;
        Ok(Self { date, time, deviation, status })
    }

    /// Appends twelve octets.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.octets(&self.octets());
    }

    /// The twelve octets.
    pub const fn octets(&self) -> [u8; 12] {
        let [y0, y1, month, day, day_of_week] = self.date.octets();
        let [hour, minute, second, hundredths] = self.time.octets();
        let [d0, d1] = self.deviation.to_be_bytes();
        [y0, y1, month, day, day_of_week, hour, minute, second, hundredths, d0, d1, self.status.0]
    }

    /// A `date-time`, or an octet-string of twelve octets, whose fields are in range.
    pub fn from_data(data: &Data<'_>) -> Option<Self> {
        match data {
            Data::DateTime(octets) => whole(octets, Self::decode),
            Data::OctetString(octets) => whole(octets, Self::decode),
            _ => None,
        }
    }

    /// An octet-string of twelve octets, as attributes and profile buffers carry it.
    pub fn to_data(&self) -> DataBuf {
        DataBuf::octet_string(self.octets())
    }

    /// Minutes to add to local time to get UTC, when specified.
    pub const fn deviation(&self) -> Option<i16> {
        if self.deviation == DEVIATION_UNSPECIFIED { None } else { Some(self.deviation) }
    }

    /// Whether year, month, day, hour, minute and second are all plain numbers.
    pub const fn is_complete(&self) -> bool {
        self.date.is_complete() && self.time.is_complete()
    }

    /// Seconds since 1970-01-01T00:00:00Z, when the time is complete and its deviation specified.
    pub fn unix_utc(&self) -> Option<i64> {
        let deviation = i64::from(self.deviation()?).saturating_mul(60);
        Some(self.unix_local()?.saturating_add(deviation))
    }

    /// Seconds from 1970-01-01T00:00:00 to this time on the same wall clock, when the time is
    /// complete.
    pub fn unix_local(&self) -> Option<i64> {
        let days = self.date.days_since_1970()?;
        let seconds = self.time.seconds_since_midnight()?;
        Some(days.saturating_mul(SECONDS_PER_DAY).saturating_add(seconds))
    }

    /// The local time at `seconds` after 1970-01-01T00:00:00Z where `deviation` minutes have to be
    /// added to get UTC; without a deviation `seconds` count on the wall clock itself. The status
    /// is unspecified without a deviation, else good. `None` outside the years 0 to 65,534 and for
    /// a deviation out of -840..=840.
    pub fn from_unix(seconds: i64, deviation: Option<i16>) -> Option<Self> {
        let minutes = i64::from(deviation.unwrap_or(0));
        let local = seconds.checked_sub(minutes.saturating_mul(60))?;
        let date = Date::from_days_since_1970(local.div_euclid(SECONDS_PER_DAY))?;
        let time = Time::from_seconds_since_midnight(local.rem_euclid(SECONDS_PER_DAY))?;
        let status = if deviation.is_some() { ClockStatus::GOOD } else { ClockStatus::UNSPECIFIED };
        Self { status, ..Self::new(date, time) }.with_deviation(deviation)
    }

    /// This time and `seconds` more, on the same clock: deviation, status and hundredths stay.
    /// `None` when this time is incomplete.
    pub fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        let sum = Self::from_unix(self.unix_local()?.checked_add(seconds)?, None)?;
        let time = sum.time.with_hundredths(self.time.hundredths())?;
        Some(Self { date: sum.date, time, ..*self })
    }
}

/// RFC 3339, with the offset only when the deviation is specified: `2026-01-15T17:30:00+01:00`.
/// Unspecified fields are written as [`Date`] and [`Time`] write them: `****-12-25T00:00:00`.
impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{}", self.date, self.time)?;
        match self.deviation() {
            None => Ok(()),
            Some(0) => f.write_str("Z"),
            Some(deviation) => {
                let sign = if deviation < 0 { '+' } else { '-' };
                let minutes = deviation.unsigned_abs();
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

fn is_deviation(deviation: i16) -> bool {
    deviation == DEVIATION_UNSPECIFIED || deviation.unsigned_abs() <= DEVIATION_MAX.unsigned_abs()
}

/// Takes one octet that must be allowed.
fn field(reader: &mut Reader<'_>, allowed: impl Fn(u8) -> bool) -> Result<u8, Malformed> {
    match reader.peek() {
        Some(octet) if !allowed(octet) => Err(reader.fail(MalformedKind::Value)),
        _ => reader.u8(),
    }
}

/// `decode` on all of `octets`.
fn whole<T>(
    octets: &[u8],
    decode: impl FnOnce(&mut Reader<'_>) -> Result<T, Malformed>,
) -> Option<T> {
    let mut reader = Reader::new(octets);
    let value = decode(&mut reader).ok()?;
    reader.is_empty().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::ToString, vec::Vec};
    use proptest::prelude::*;

    fn decode(octets: &[u8; 12]) -> Result<DateTime, Malformed> {
        DateTime::decode(&mut Reader::new(octets))
    }

    // (octets, text, seconds since 1970 in UTC)
    const KNOWN: [([u8; 12], &str, Option<i64>); 7] = [
        // Central European Summer Time
        (
            [0x07, 0xea, 7, 15, 3, 12, 0, 0, 0, 0xff, 0x88, 0x80],
            "2026-07-15T12:00:00+02:00",
            Some(1_784_109_600),
        ),
        // a Kamstrup meter: deviation unspecified
        ([0x07, 0xe3, 12, 31, 2, 23, 59, 50, 0xff, 0x80, 0, 0], "2019-12-31T23:59:50", None),
        // UTC, with hundredths
        (
            [0x07, 0xd0, 2, 29, 2, 0, 0, 0, 50, 0, 0, 0],
            "2000-02-29T00:00:00.50Z",
            Some(951_782_400),
        ),
        // west of Greenwich
        (
            [0x07, 0xb2, 1, 1, 4, 0, 0, 0, 0, 0x01, 0x0e, 0],
            "1970-01-01T00:00:00-04:30",
            Some(16_200),
        ),
        // every Christmas
        ([0xff, 0xff, 12, 25, 0xff, 0, 0, 0, 0, 0x80, 0, 0xff], "****-12-25T00:00:00", None),
        // the last Sunday in March, 02:00
        ([0xff, 0xff, 3, 0xfe, 7, 2, 0, 0, 0xff, 0x80, 0, 0xff], "****-03-L1/7T02:00:00", None),
        // daylight saving ends, second last day, every minute
        (
            [0xff, 0xff, 0xfd, 0xfd, 0xff, 0xff, 0xff, 0, 0, 0xff, 0xc4, 0xff],
            "****-DE-L2T**:**:00+01:00",
            None,
        ),
    ];

    #[test]
    fn known_times_have_their_text_and_their_instant() {
        for (octets, text, utc) in KNOWN {
            let time = decode(&octets).unwrap();
            assert_eq!(time.octets(), octets, "{text}");
            assert_eq!(time.to_string(), text);
            assert_eq!(time.unix_utc(), utc, "{text}");
            assert_eq!(time.is_complete(), !text.contains(['*', 'L', 'D']), "{text}");
        }
    }

    #[test]
    fn a_field_out_of_range_is_named_at_its_octet() {
        let good = KNOWN[0].0;
        for (index, octet) in [
            (2, 0),
            (2, 13),
            (2, 0xfc),
            (3, 0),
            (3, 32),
            (3, 0xfc),
            (4, 8),
            (5, 24),
            (6, 60),
            (7, 60),
            (8, 100),
        ] {
            let mut octets = good;
            octets[index] = octet;
            assert_eq!(decode(&octets), Err(Malformed::new(MalformedKind::Value, index)));
        }
        for deviation in [841_i16, -841, 0x7fff, -0x7fff] {
            let mut octets = good;
            octets[9..11].copy_from_slice(&deviation.to_be_bytes());
            assert_eq!(decode(&octets), Err(Malformed::new(MalformedKind::Value, 9)));
        }
    }

    #[test]
    fn a_day_that_its_month_lacks_does_not_exist() {
        for (year, month, day, exists) in [
            (2024, 2, 29, true),
            (2026, 2, 29, false),
            (1900, 2, 29, false),
            (2026, 4, 31, false),
            (2026, 12, 31, true),
            (2026, 1, 0, false),
            (2026, 0, 1, false),
        ] {
            assert_eq!(Date::new(year, month, day).is_some(), exists, "{year}-{month}-{day}");
        }
        // In no given year February may have 29 days.
        assert!(Date::decode(&mut Reader::new(&[0xff, 0xff, 2, 29, 0xff])).is_ok());
        assert!(Date::decode(&mut Reader::new(&[0xff, 0xff, 2, 30, 0xff])).is_err());
    }

    #[test]
    fn a_date_with_wildcards_means_every_day_that_fits() {
        let means = |octets: [u8; 5]| {
            let date = Date::decode(&mut Reader::new(&octets)).unwrap();
            let days = (0..366).map(|day| Date::from_days_since_1970(20_454 + day).unwrap());
            days.filter(|day| date.matches(*day)).map(|day| day.to_string()).collect::<Vec<_>>()
        };
        // From 2026-01-01 to 2027-01-01.
        assert_eq!(means([0xff, 0xff, 12, 25, 0xff]), ["2026-12-25"]);
        assert_eq!(means([0xff, 0xff, 1, 1, 0xff]), ["2026-01-01", "2027-01-01"]);
        assert_eq!(means([0x07, 0xea, 1, 1, 0xff]), ["2026-01-01"]);
        assert_eq!(means([0xff, 0xff, 10, 0xfe, 7]), ["2026-10-25"]);
        assert_eq!(means([0xff, 0xff, 10, 0xfd, 7]), ["2026-10-18"]);
        assert_eq!(means([0xff, 0xff, 2, 0xfe, 0xff]), ["2026-02-28"]);
        assert_eq!(means([0xff, 0xff, 2, 0xfd, 0xff]), ["2026-02-27"]);
        assert_eq!(means([0xff, 0xff, 0xff, 0xfe, 0xff]).len(), 12);
        assert_eq!(means([0xff, 0xff, 0xff, 0xff, 1]).len(), 52);
        assert_eq!(means([0xff; 5]).len(), 366);
        assert_eq!(means([0xff, 0xff, 0xfe, 1, 0xff]).len(), 0);
        assert!(!Date::UNSPECIFIED.matches(Date::UNSPECIFIED));
    }

    #[test]
    fn the_day_of_the_week_is_computed() {
        for (year, month, day, day_of_week) in
            [(1970, 1, 1, 4), (2000, 2, 29, 2), (2026, 11, 20, 5), (1969, 12, 31, 3), (0, 1, 1, 6)]
        {
            assert_eq!(Date::new(year, month, day).unwrap().day_of_week(), Some(day_of_week));
        }
    }

    #[test]
    fn text_is_read_with_and_without_offset() {
        for (text, written, deviation) in [
            ("2026-01-15", "2026-01-15T00:00:00", None),
            ("2026-01-15T17:30", "2026-01-15T17:30:00", None),
            ("2026-01-15 17:30:00", "2026-01-15T17:30:00", None),
            ("2026-01-15T17:30:00+01:00", "2026-01-15T17:30:00+01:00", Some(-60)),
            ("2026-01-15T17:30:00-03:30", "2026-01-15T17:30:00-03:30", Some(210)),
            ("2026-01-15t17:30:00z", "2026-01-15T17:30:00Z", Some(0)),
            ("2026-01-15T17:30:00.256Z", "2026-01-15T17:30:00.25Z", Some(0)),
            ("2026-01-15T17:30+14:00", "2026-01-15T17:30:00+14:00", Some(-840)),
        ] {
            let time: DateTime = text.parse().unwrap();
            assert_eq!(time.to_string(), written);
            assert_eq!(time.deviation(), deviation, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for text in [
            "",
            "2026",
            "2026-1-15",
            "2026-02-29",
            "2026-01-15T",
            "2026-01-15T17",
            "2026-01-15T24:00",
            "2026-01-15T17:30:60",
            "2026-01-15T17:30:00.",
            "2026-01-15T17:30.5",
            "2026-01-15T17:30:00+14:01",
            "2026-01-15T17:30:00+01:60",
            "2026-01-15T17:30:00+0100",
            "2026-01-15T17:30:00Z ",
            "+026-01-15",
            "20\u{e4}6-01-15",
        ] {
            assert_eq!(text.parse::<DateTime>(), Err(ParseDateTimeError), "{text}");
        }
    }

    #[test]
    fn an_unspecified_status_says_nothing() {
        assert!(!ClockStatus::UNSPECIFIED.is_invalid());
        assert!(!ClockStatus::UNSPECIFIED.is_dst_active());
        assert!(ClockStatus(0x81).is_dst_active());
        assert!(ClockStatus(0x81).is_invalid());
        assert!(!ClockStatus(0x81).is_doubtful());
    }

    #[test]
    fn a_time_is_taken_from_an_octet_string_or_a_date_time() {
        let (octets, ..) = KNOWN[0];
        let time = decode(&octets).unwrap();
        assert_eq!(DateTime::from_data(&Data::OctetString(&octets)), Some(time));
        assert_eq!(DateTime::from_data(&Data::DateTime(octets)), Some(time));
        assert_eq!(DateTime::from_data(&Data::OctetString(&octets[..11])), None);
        assert_eq!(DateTime::from_data(&Data::OctetString(&[0; 13])), None);
        assert_eq!(DateTime::from_data(&Data::Null), None);
        let mut out = Vec::new();
        time.to_data().encode(&mut Writer::new(&mut out));
        assert_eq!(out[..2], [0x09, 0x0c]);
    }

    #[test]
    fn every_day_of_eight_centuries_follows_the_one_before() {
        let mut date = Date::new(1700, 1, 1).unwrap();
        let first = date.days_since_1970().unwrap();
        for days in first..first + 2 * 146_097 {
            assert_eq!(date.days_since_1970(), Some(days));
            assert_eq!(Date::from_days_since_1970(days), Some(date));
            let (year, month, day) =
                (date.year().unwrap(), date.month().unwrap(), date.day().unwrap());
            date = Date::new(year, month, day + 1)
                .or_else(|| Date::new(year, month + 1, 1))
                .or_else(|| Date::new(year + 1, 1, 1))
                .unwrap();
        }
        assert_eq!(Some(date), Date::new(2500, 1, 1));
    }

    proptest! {
        #[test]
        fn octets_that_decode_are_written_again(octets in any::<[u8; 12]>()) {
            if let Ok(time) = decode(&octets) {
                prop_assert_eq!(time.octets(), octets);
            }
        }

        #[test]
        fn an_instant_is_the_same_on_every_clock(
            seconds in -62_167_219_200_i64..1_000_000_000_000,
            deviation in -840_i16..=840,
        ) {
            if let Some(time) = DateTime::from_unix(seconds, Some(deviation)) {
                prop_assert_eq!(time.unix_utc(), Some(seconds));
                prop_assert_eq!(decode(&time.octets()), Ok(time));
                prop_assert_eq!(time.unix_local(), Some(seconds - i64::from(deviation) * 60));
            } else {
                // Only the edge of year 0 is out of reach.
                prop_assert!(seconds < -62_167_219_200 + 840 * 60);
            }
        }

        #[test]
        fn text_is_read_back(
            seconds in -62_135_596_800_i64..250_000_000_000,
            deviation in proptest::option::of(-840_i16..=840),
        ) {
            let time = DateTime::from_unix(seconds, deviation).unwrap();
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }

        #[test]
        fn any_seconds_are_a_time_or_none(seconds in any::<i64>(), more in any::<i64>()) {
            if let Some(time) = DateTime::from_unix(seconds, None) {
                prop_assert_eq!(time.unix_local(), Some(seconds));
                let _ = time.checked_add_seconds(more);
            }
        }

        #[test]
        fn any_text_is_a_time_or_refused(text in "\\PC{0,30}") {
            if let Ok(time) = text.parse::<DateTime>() {
                prop_assert!(time.is_complete());
            }
        }
    }
}
