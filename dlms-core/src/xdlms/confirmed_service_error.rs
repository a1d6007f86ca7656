//! ConfirmedServiceError: the server refuses an initiate, read or write (IEC 62056-5-3 clause 8,
//! ConfirmedServiceError and ServiceError).

use core::fmt;

use super::{head, tag};
use crate::{
    Malformed,
    axdr::{Reader, Writer},
};

/// The kinds of [`ServiceError`] and the names of their values, from 0. The gap is change-scope,
/// which is reserved.
const CHOICES: [(u8, &str, &[&str]); 9] = [
    (
        0,
        "application-reference",
        &[
            "other",
            "time-elapsed",
            "application-unreachable",
            "application-reference-invalid",
            "application-context-unsupported",
            "provider-communication-error",
            "deciphering-error",
        ],
    ),
    (
        1,
        "hardware-resource",
        &[
            "other",
            "memory-unavailable",
            "processor-resource-unavailable",
            "mass-storage-unavailable",
            "other-resource-unavailable",
        ],
    ),
    (
        2,
        "vde-state-error",
        &["other", "no-dlms-context", "loading-data-set", "status-nochange", "status-inoperable"],
    ),
    (3, "service", &["other", "pdu-size", "service-unsupported"]),
    (
        4,
        "definition",
        &[
            "other",
            "object-undefined",
            "object-class-inconsistent",
            "object-attribute-inconsistent",
        ],
    ),
    (
        5,
        "access",
        &[
            "other",
            "scope-of-access-violated",
            "object-access-violated",
            "hardware-fault",
            "object-unavailable",
        ],
    ),
    (
        6,
        "initiate",
        &[
            "other",
            "dlms-version-too-low",
            "incompatible-conformance",
            "pdu-size-too-short",
            "refused-by-the-VDE-handler",
        ],
    ),
    (
        7,
        "load-data-set",
        &[
            "other",
            "primitive-out-of-sequence",
            "not-loadable",
            "dataset-size-too-large",
            "not-awaited-segment",
            "interpretation-failure",
            "storage-failure",
            "data-set-not-ready",
        ],
    ),
    (9, "task", &["other", "no-remote-control", "ti-stopped", "ti-running", "ti-unusable"]),
];

/// A kind of error and a value of that kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServiceError {
    /// The kind of error: 0 application-reference to 9 task.
    pub choice: u8,
    /// What it is.
    pub value: u8,
}

impl ServiceError {
    /// The name of the kind in the standard; `unknown` if it lacks it.
    pub fn choice_name(self) -> &'static str {
        self.names().map_or("unknown", |(choice, _)| choice)
    }

    /// The name of the value in the standard; `unknown` if it lacks it.
    pub fn value_name(self) -> &'static str {
        self.names()
            .and_then(|(_, values)| values.get(usize::from(self.value)).copied())
            .unwrap_or("unknown")
    }

    fn names(self) -> Option<(&'static str, &'static [&'static str])> {
        CHOICES
            .iter()
            .find(|&&(choice, ..)| choice == self.choice)
            .map(|&(_, name, values)| (name, values))
    }
}

/// Kind and value with their codes: `initiate (6), incompatible-conformance (2)`.
impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (choice, value) = (self.choice_name(), self.value_name());
        write!(f, "{choice} ({}), {value} ({})", self.choice, self.value)
    }
}

/// The refusal of an initiate, read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConfirmedServiceError {
    /// What is refused: [`INITIATE`](Self::INITIATE), [`READ`](Self::READ) or
    /// [`WRITE`](Self::WRITE).
    pub service: u8,
    /// Why.
    pub error: ServiceError,
}

impl ConfirmedServiceError {
    /// initiateError.
    pub const INITIATE: u8 = 1;
    /// read.
    pub const READ: u8 = 5;
    /// write.
    pub const WRITE: u8 = 6;

    /// The name of the refused service in the standard; `unknown` if it lacks it.
    pub const fn service_name(self) -> &'static str {
        match self.service {
            Self::INITIATE => "initiateError",
            Self::READ => "read",
            Self::WRITE => "write",
            _ => "unknown",
        }
    }

    /// Reads a confirmed-service-error, which must be all of `apdu`. Codes are not judged.
    ///
    /// # Errors
    /// Another tag, or another length than four octets.
    pub fn decode(apdu: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        head::take_tag(&mut reader, tag::CONFIRMED_SERVICE_ERROR)?;
        let [service, choice, value] = reader.array()?;
        reader.finish()?;
        Ok(Self { service, error: ServiceError { choice, value } })
    }

    /// Appends the confirmed-service-error.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        let ServiceError { choice, value } = self.error;
        writer.octets(&[tag::CONFIRMED_SERVICE_ERROR, self.service, choice, value]);
    }
}

/// Service, kind and value with their codes.
impl fmt::Display for ConfirmedServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.service_name(), self.service, self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use std::string::ToString;

    #[test]
    fn a_refused_initiate_says_why() {
        let octets = [0x0e, 0x01, 0x06, 0x01];
        let refused = ConfirmedServiceError::decode(&octets).unwrap();
        assert_eq!(
            refused.to_string(),
            "initiateError (1): initiate (6), dlms-version-too-low (1)"
        );
        let mut out = Vec::new();
        refused.encode(&mut Writer::new(&mut out));
        assert_eq!(out, octets);
    }

    #[test]
    fn codes_without_a_name_are_kept() {
        let odd = ConfirmedServiceError::decode(&[0x0e, 0x07, 0x08, 0x00]).unwrap();
        assert_eq!(odd.to_string(), "unknown (7): unknown (8), unknown (0)");
        let odd = ConfirmedServiceError::decode(&[0x0e, 0x05, 0x03, 0x03]).unwrap();
        assert_eq!(odd.to_string(), "read (5): service (3), unknown (3)");
    }
}
