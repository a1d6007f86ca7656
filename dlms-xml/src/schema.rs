//! The COSEM PDU module as a table: what the elements are called and how their values are encoded
//! (IEC 62056-5-3 clause 8, COSEMpdu; A-XDR is IEC 61334-6).
//!
//! One walk over the table turns octets into XML, another turns XML into octets, and neither knows
//! an APDU by name: an APDU more is an entry more in [`APDUS`], of the types it consists of.

mod acse;
mod codes;
mod cosem_pdu;
mod data;

pub(crate) use self::{
    acse::{ACSE, AcseApdu, Field, FieldKind, PROVIDER, USER},
    codes::{CONFORMANCE, SERVICE_ERRORS},
    cosem_pdu::APDUS,
};
use crate::name::Name;

/// How a value is encoded, and so what its element holds.
#[derive(Debug)]
pub(crate) enum Type {
    /// NULL: no octet.
    Null,
    /// BOOLEAN: one octet.
    Boolean,
    /// INTEGER of a fixed number of octets.
    Integer {
        /// How many.
        octets: usize,
        /// Whether it may be negative.
        signed: bool,
    },
    /// ENUMERATED: one octet.
    Enumerated(&'static [Code]),
    /// OCTET STRING: a length and octets.
    Octets,
    /// OCTET STRING of a fixed size: no length.
    OctetsOf(usize),
    /// BIT STRING: a length in bits and octets.
    Bits,
    /// VisibleString: a length and octets.
    Visible,
    /// UTF8String: a length and octets.
    Utf8,
    /// SEQUENCE: its members one behind the other.
    Sequence(&'static [Member]),
    /// CHOICE: an octet that tells which, and that.
    Choice(&'static [Alternative]),
    /// SEQUENCE OF: a count and items.
    List(&'static Item),
    /// The conformance block, BER inside of A-XDR.
    Conformance,
    /// The service-error of an exception-response, of which one choice has a value.
    ExceptionService,
    /// The choice of service and of error of a confirmed-service-error.
    ConfirmedServiceError,
}

/// A member of a SEQUENCE.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: Name,
    pub(crate) of: &'static Type,
    /// Whether an octet in front tells if it is there: OPTIONAL and DEFAULT look alike.
    pub(crate) optional: bool,
}

/// An alternative of a CHOICE.
#[derive(Debug)]
pub(crate) struct Alternative {
    /// The octet that chooses it.
    pub(crate) tag: u8,
    pub(crate) name: Name,
    pub(crate) of: &'static Type,
}

/// An item of a SEQUENCE OF.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) name: Name,
    pub(crate) of: &'static Type,
    /// Whether an item that is a CHOICE has an element of its own around the chosen one.
    pub(crate) wrapped: Wrapped,
}

/// In which style an item that is a CHOICE has an element of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrapped {
    /// In both.
    Always,
    /// In that of the schema only.
    Asn1,
    /// In neither.
    Never,
}

/// A value of an ENUMERATED.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) code: u8,
    pub(crate) name: Name,
}

const fn member(asn1: &'static str, short: &'static str, of: &'static Type) -> Member {
    Member { name: Name::new(asn1, short), of, optional: false }
}

const fn optional(asn1: &'static str, short: &'static str, of: &'static Type) -> Member {
    Member { name: Name::new(asn1, short), of, optional: true }
}

const fn choice(
    tag: u8,
    asn1: &'static str,
    short: &'static str,
    of: &'static Type,
) -> Alternative {
    Alternative { tag, name: Name::new(asn1, short), of }
}

const fn code(code: u8, asn1: &'static str, short: &'static str) -> Code {
    Code { code, name: Name::new(asn1, short) }
}

static NULL: Type = Type::Null;
static BOOLEAN: Type = Type::Boolean;
static UNSIGNED8: Type = Type::Integer { octets: 1, signed: false };
static UNSIGNED16: Type = Type::Integer { octets: 2, signed: false };
static UNSIGNED32: Type = Type::Integer { octets: 4, signed: false };
static UNSIGNED64: Type = Type::Integer { octets: 8, signed: false };
static INTEGER8: Type = Type::Integer { octets: 1, signed: true };
static INTEGER16: Type = Type::Integer { octets: 2, signed: true };
static INTEGER32: Type = Type::Integer { octets: 4, signed: true };
static INTEGER64: Type = Type::Integer { octets: 8, signed: true };
static OCTETS: Type = Type::Octets;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tag_and_no_name_of_an_apdu_is_twice_there() {
        let mut seen: Vec<(u8, &str)> = Vec::new();
        for apdu in APDUS {
            for &(tag, name) in &seen {
                assert_ne!(tag, apdu.tag, "{name} and {}", apdu.name.asn1);
                assert!(!apdu.name.matches(name), "{name}");
            }
            seen.push((apdu.tag, apdu.name.asn1));
        }
    }

    #[test]
    fn every_apdu_that_the_core_names_is_in_the_table() {
        for tag in 0..=u8::MAX {
            let named = dlms_core::xdlms::tag::name(tag) != "unknown";
            let listed =
                APDUS.iter().any(|apdu| apdu.tag == tag) || ACSE.iter().any(|apdu| apdu.tag == tag);
            assert_eq!(named, listed, "{tag:#04x} {}", dlms_core::xdlms::tag::name(tag));
        }
    }
}
