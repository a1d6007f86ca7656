//! Twelve octets of date and time, and their text.

use alloc::string::ToString;

use crate::{
    axdr::Reader,
    cosem::{Date, DateTime, Time},
};

/// A date-time that can be read is written to the same octets; one that names a point in time is
/// found again from that point and from its text.
///
/// First twelve octets the date-time; the rest a number of seconds.
pub fn date_time(octets: &[u8]) {
    let mut reader = Reader::new(octets);
    let Ok(read) = DateTime::decode(&mut reader) else {
        assert_eq!(reader.offset(), 0);
        return;
    };
    assert_eq!(read.octets(), octets[..12]);
    assert_eq!(Date::decode(&mut Reader::new(&octets[..5])), Ok(read.date));
    assert_eq!(Time::decode(&mut Reader::new(&octets[5..9])), Ok(read.time));

    let text = read.to_string();
    assert!(text.len() <= 64, "{text}");
    if let Ok(parsed) = text.parse::<DateTime>() {
        assert_eq!(parsed.to_string(), text);
        assert_eq!(parsed.unix_local(), read.unix_local());
        assert_eq!(parsed.unix_utc(), read.unix_utc());
    } else {
        // RFC 3339 has years of four digits.
        let is_later = read.date.year().is_some_and(|year| year > 9_999);
        assert!(is_later || read.unix_local().is_none(), "{text} names a time");
    }

    if let Some(local) = read.unix_local() {
        assert!(read.is_complete());
        let again = DateTime::from_unix(local, None).expect("a year that was read");
        assert_eq!(again.unix_local(), Some(local));
        assert_eq!((again.date.year(), again.date.month()), (read.date.year(), read.date.month()));
        assert_eq!((again.date.day(), again.time.hour()), (read.date.day(), read.time.hour()));
        let seconds = octets.get(12..20).and_then(<[u8]>::first_chunk).copied();
        let seconds = i64::from_be_bytes(seconds.unwrap_or_default());
        if let Some(later) = read.checked_add_seconds(seconds) {
            assert_eq!(later.unix_local(), local.checked_add(seconds));
            assert_eq!(later.deviation(), read.deviation());
        }
    }
    if let Some(utc) = read.unix_utc() {
        let again = DateTime::from_unix(utc, read.deviation());
        // In the first hours of the year 0 and the last of 65,534 the other clock has no year.
        if let Some(again) = again {
            assert_eq!((again.unix_utc(), again.unix_local()), (Some(utc), read.unix_local()));
        }
    }
}
