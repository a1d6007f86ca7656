//! APDUs as XML and back.
//!
//! DLMS UA publishes a schema of the COSEM PDU module (`http://www.dlms.com/COSEMpdu`), and
//! translators in the field write a shorter form of the same thing; [`Style`] tells them apart.
//! [`decode()`] makes XML of an APDU, [`encode()`] makes octets of XML in whichever style it is.
//! All APDUs of xDLMS and ACSE are there; what is ciphered stays as it is.
//!
//! ```
//! use dlms_xml::{Style, decode, encode};
//!
//! // get-request-normal: the total of the active energy imported.
//! let apdu = [0xc0, 0x01, 0xc1, 0x00, 0x03, 1, 0, 1, 8, 0, 255, 0x02, 0x00];
//! let xml = decode(&apdu, Style::Short)?;
//! assert_eq!(xml, r#"<GetRequest>
//!   <GetRequestNormal>
//!     <InvokeIdAndPriority Value="C1" />
//!     <AttributeDescriptor>
//!       <ClassId Value="0003" />
//!       <InstanceId Value="0100010800FF" />
//!       <AttributeId Value="02" />
//!     </AttributeDescriptor>
//!   </GetRequestNormal>
//! </GetRequest>
//! "#);
//! assert_eq!(encode(&xml)?, [apdu]);
//!
//! let error = encode("<GetRequest>\n  <GetRequestNormal>\n    <Invoke/>").unwrap_err();
//! assert_eq!(error.to_string(), "line 3, column 5, in <GetRequestNormal>: <Invoke> where \
//!     <InvokeIdAndPriority> is expected");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Octets come back as they were, with these exceptions, all of them one thing written in two ways:
//! a length in more octets than it needs, unused bits of a bit-string, fields of ACSE in another
//! order or without content, a conformance block with the short tag of old meters, and in the style
//! of the schema a boolean that is neither 00, 01 nor FF.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::panic,
        clippy::unwrap_used,
        clippy::expect_used
    )
)]

mod cursor;
mod decode;
mod element;
mod encode;
mod error;
mod frame;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod name;
mod schema;
#[cfg(test)]
mod tests;

pub use cursor::XML_LEN_MAX;
pub use decode::{APDU_LEN_MAX, XML_PER_OCTET_MAX, decode};
pub use encode::encode;
pub use error::{Problem, XmlError};
pub use frame::{decode_hdlc, decode_wrapper};

/// How an APDU is written as XML. [`encode()`] reads both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// As translators write it: names in one word, values as an attribute `Value` in hexadecimal
    /// (rules at <https://i-cube.ch/xmlencoding.html>).
    Short,
    /// By the schema of DLMS UA: the names of the ASN.1 module, values between the tags, numbers in
    /// decimal.
    Asn1,
}
