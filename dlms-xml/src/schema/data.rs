//! Data and TypeDescription.

use super::{
    Alternative, BOOLEAN, INTEGER8, INTEGER16, INTEGER32, INTEGER64, Item, NULL, OCTETS, Type,
    UNSIGNED8, UNSIGNED16, UNSIGNED32, UNSIGNED64, Wrapped, choice, member,
};
use crate::name::Name;

const DATA_NAME: Name = Name::new("Data", "Data");

/// A value of whatever type.
pub(super) static DATA: Type = Type::Choice(&[
    choice(0, "null-data", "None", &NULL),
    choice(1, "array", "Array", &ELEMENTS),
    choice(2, "structure", "Structure", &ELEMENTS),
    choice(3, "boolean", "Boolean", &BOOLEAN),
    choice(4, "bit-string", "BitString", &Type::Bits),
    choice(5, "double-long", "Int32", &INTEGER32),
    choice(6, "double-long-unsigned", "UInt32", &UNSIGNED32),
    choice(9, "octet-string", "OctetString", &OCTETS),
    choice(10, "visible-string", "String", &Type::Visible),
    choice(12, "utf8-string", "StringUTF8", &Type::Utf8),
    choice(13, "bcd", "BCD", &INTEGER8),
    choice(15, "integer", "Int8", &INTEGER8),
    choice(16, "long", "Int16", &INTEGER16),
    choice(17, "unsigned", "UInt8", &UNSIGNED8),
    choice(18, "long-unsigned", "UInt16", &UNSIGNED16),
    choice(19, "compact-array", "CompactArray", &COMPACT_ARRAY),
    choice(20, "long64", "Int64", &INTEGER64),
    choice(21, "long64-unsigned", "UInt64", &UNSIGNED64),
    choice(22, "enum", "Enum", &UNSIGNED8),
    choice(23, "float32", "Float32", &Type::OctetsOf(4)),
    choice(24, "float64", "Float64", &Type::OctetsOf(8)),
    choice(25, "date-time", "DateTime", &Type::OctetsOf(12)),
    choice(26, "date", "Date", &Type::OctetsOf(5)),
    choice(27, "time", "Time", &Type::OctetsOf(4)),
    choice(28, "delta-integer", "DeltaInt8", &INTEGER8),
    choice(29, "delta-long", "DeltaInt16", &INTEGER16),
    choice(30, "delta-double-long", "DeltaInt32", &INTEGER32),
    choice(31, "delta-unsigned", "DeltaUInt8", &UNSIGNED8),
    choice(32, "delta-long-unsigned", "DeltaUInt16", &UNSIGNED16),
    choice(33, "delta-double-long-unsigned", "DeltaUInt32", &UNSIGNED32),
    choice(255, "dont-care", "DontCare", &NULL),
]);

static ELEMENTS: Type = Type::List(&Item { name: DATA_NAME, of: &DATA, wrapped: Wrapped::Never });

/// SEQUENCE OF Data, of a list of values.
pub(super) static DATA_LIST: Type =
    Type::List(&Item { name: DATA_NAME, of: &DATA, wrapped: Wrapped::Asn1 });

/// A compact-array. Its contents have no types of their own and are left as octets.
static COMPACT_ARRAY: Type = Type::Sequence(&[
    member("contents-description", "ContentsDescription", &TYPE_DESCRIPTION),
    member("array-contents", "ArrayContents", &OCTETS),
]);

static TYPE_DESCRIPTION: Type = Type::Choice(&[
    nothing(0, "null-data", "None"),
    choice(1, "array", "Array", &ARRAY_DESCRIPTION),
    choice(2, "structure", "Structure", &TYPE_DESCRIPTIONS),
    nothing(3, "boolean", "Boolean"),
    nothing(4, "bit-string", "BitString"),
    nothing(5, "double-long", "Int32"),
    nothing(6, "double-long-unsigned", "UInt32"),
    nothing(9, "octet-string", "OctetString"),
    nothing(10, "visible-string", "String"),
    nothing(12, "utf8-string", "StringUTF8"),
    nothing(13, "bcd", "BCD"),
    nothing(15, "integer", "Int8"),
    nothing(16, "long", "Int16"),
    nothing(17, "unsigned", "UInt8"),
    nothing(18, "long-unsigned", "UInt16"),
    nothing(20, "long64", "Int64"),
    nothing(21, "long64-unsigned", "UInt64"),
    nothing(22, "enum", "Enum"),
    nothing(23, "float32", "Float32"),
    nothing(24, "float64", "Float64"),
    nothing(25, "date-time", "DateTime"),
    nothing(26, "date", "Date"),
    nothing(27, "time", "Time"),
    nothing(28, "delta-integer", "DeltaInt8"),
    nothing(29, "delta-long", "DeltaInt16"),
    nothing(30, "delta-double-long", "DeltaInt32"),
    nothing(31, "delta-unsigned", "DeltaUInt8"),
    nothing(32, "delta-long-unsigned", "DeltaUInt16"),
    nothing(33, "delta-double-long-unsigned", "DeltaUInt32"),
    nothing(255, "dont-care", "DontCare"),
]);

const fn nothing(tag: u8, asn1: &'static str, short: &'static str) -> Alternative {
    choice(tag, asn1, short, &NULL)
}

static ARRAY_DESCRIPTION: Type = Type::Sequence(&[
    member("number-of-elements", "NumberOfElements", &UNSIGNED16),
    member("type-description", "TypeDescription", &TYPE_DESCRIPTION),
]);

static TYPE_DESCRIPTIONS: Type = Type::List(&Item {
    name: Name::new("TypeDescription", "TypeDescription"),
    of: &TYPE_DESCRIPTION,
    wrapped: Wrapped::Never,
});
