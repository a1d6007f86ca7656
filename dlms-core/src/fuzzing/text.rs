//! What people type.

use alloc::string::ToString;

use crate::{
    cosem::{DateTime, LogicalName, obis},
    security::{Key, SystemTitle},
};

/// A text that can be read is written to a text that reads the same.
pub fn text(octets: &[u8]) {
    let Ok(text) = core::str::from_utf8(octets) else { return };
    if let Ok(name) = text.parse::<LogicalName>() {
        assert_eq!(name.to_string().parse(), Ok(name));
        if let Some(name) = obis::name(name) {
            assert!(!name.to_string().is_empty());
        }
    }
    if let Ok(time) = text.parse::<DateTime>() {
        assert_eq!(
            time.to_string().parse::<DateTime>().map(|again| again.octets()[..8].to_vec()),
            Ok(time.octets()[..8].to_vec())
        );
        assert!(time.unix_local().is_some());
    }
    if let Ok(title) = text.parse::<SystemTitle>() {
        assert_eq!(title.to_string().get(..16).map(str::parse), Some(Ok(title)), "{title}");
    }
    if let Ok(key) = text.parse::<Key>() {
        assert_eq!(Key::try_from(key.octets()), Ok(key));
    }
}
