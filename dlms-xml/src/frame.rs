//! What is around an APDU on a line: the wrapper of IEC 62056-47 and the frames of IEC 62056-46.
//!
//! The schema of DLMS UA has no elements for either. These are what translators write; of HDLC the
//! addresses are the octets of the address fields, so that their length is told as well.

use dlms_core::{Malformed, wrapper::WrapperHeader};
use hdlc::{
    address::Address,
    control::Control,
    frame::{FRAME_LEN_MAX, Frame},
};

use crate::{
    Style,
    cursor::Cursor,
    decode::decode_at,
    element::hex as hex_text,
    encode::{apdu, hex},
    error::{Problem, XmlError},
    name::same,
};

const WRAPPER: &str = "WRAPPER";
const HDLC: &str = "HDLC";

/// The element of a frame of the wrapper with an APDU in it.
///
/// # Errors
/// As [`decode`](crate::decode()).
pub fn decode_wrapper(header: &WrapperHeader, apdu: &[u8]) -> Result<String, Malformed> {
    let WrapperHeader { source, destination, .. } = header;
    let pdu = decode_at(apdu, Style::Short, 2)?;
    Ok(format!(
        "<{WRAPPER}>\n  <TargetAddress Value=\"{destination:04X}\" />\n  \
         <SourceAddress Value=\"{source:04X}\" />\n  <PDU>\n{pdu}  </PDU>\n</{WRAPPER}>\n"
    ))
}

/// The element of an HDLC frame: with the APDU behind the LLC header `llc` of its information
/// field, if there is one that is whole; else with the information field as octets.
///
/// # Errors
/// As [`decode`](crate::decode()), for the APDU.
pub fn decode_hdlc(frame: &Frame<'_>, apdu: Option<(&[u8], &[u8])>) -> Result<String, Malformed> {
    let address = |address: Address| {
        let octets = address.encode();
        hex_text(octets.get(..address.length().octets()).unwrap_or_default())
    };
    let mut text = format!(
        "<{HDLC}>\n  <TargetAddress Value=\"{}\" />\n  <SourceAddress Value=\"{}\" />\n  \
         <FrameType Value=\"{:02X}\" />\n",
        address(frame.destination),
        address(frame.source),
        frame.control.encode()
    );
    if frame.segmented {
        text.push_str("  <Segmented Value=\"01\" />\n");
    }
    match apdu {
        Some((llc, apdu)) => {
            if !llc.is_empty() {
                text.push_str(&format!("  <LLC Value=\"{}\" />\n", hex_text(llc)));
            }
            let pdu = decode_at(apdu, Style::Short, 2)?;
            text.push_str(&format!("  <PDU>\n{pdu}  </PDU>\n"));
        }
        None if frame.information.is_empty() => {}
        None => {
            let information = hex_text(frame.information);
            text.push_str(&format!("  <Information Value=\"{information}\" />\n"));
        }
    }
    text.push_str(&format!("</{HDLC}>\n"));
    Ok(text)
}

/// What is around an APDU.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Envelope {
    Wrapper,
    Hdlc,
}

/// What was found in the element of an envelope.
#[derive(Debug, Default)]
struct Parts {
    target: Option<Vec<u8>>,
    source: Option<Vec<u8>>,
    frame_type: Option<Vec<u8>>,
    segmented: bool,
    llc: Vec<u8>,
    information: Vec<u8>,
}

impl Envelope {
    /// The envelope whose element is called `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [(WRAPPER, Self::Wrapper), (HDLC, Self::Hdlc)]
            .into_iter()
            .find(|(known, _)| same(known, name))
            .map(|(_, envelope)| envelope)
    }

    /// The octets of the frame whose element was entered, and leaves the element.
    pub(crate) fn encode(self, cursor: &mut Cursor<'_>, out: &mut Vec<u8>) -> Result<(), XmlError> {
        let mut parts = Parts::default();
        while let Some(tag) = cursor.enter()? {
            let name = tag.name.clone();
            if same(&name, "PDU") {
                let tag = cursor.enter()?.ok_or_else(|| cursor.missing("an APDU"))?;
                apdu(cursor, tag, &mut parts.information)?;
                cursor.leave("the end of the element")?;
                continue;
            }
            let known =
                ["TargetAddress", "SourceAddress", "FrameType", "Segmented", "LLC", "Information"];
            if !known.iter().any(|known| same(known, &name)) {
                return Err(cursor.unexpected(&tag, format!("<PDU>, <{}>", known.join(">, <"))));
            }
            let leaf = cursor.leaf(tag)?;
            let digits = leaf.text.trim();
            // Translators write numbers without leading zeros.
            let padded =
                if digits.len() % 2 == 1 { format!("0{digits}") } else { digits.to_owned() };
            let octets =
                hex(&padded).ok_or_else(|| cursor.wrong(&leaf, "octets in hexadecimal"))?;
            match name.to_ascii_lowercase().as_str() {
                "targetaddress" => parts.target = Some(octets),
                "sourceaddress" => parts.source = Some(octets),
                "frametype" => parts.frame_type = Some(octets),
                "segmented" => parts.segmented = octets.iter().any(|octet| *octet != 0),
                "llc" => parts.llc = octets,
                _ => parts.information = octets,
            }
        }
        match self {
            Self::Wrapper => parts.wrapper(cursor, out)?,
            Self::Hdlc => parts.hdlc(cursor, out)?,
        }
        cursor.leave("the end of the element")
    }
}

impl Parts {
    fn wrapper(&self, cursor: &Cursor<'_>, out: &mut Vec<u8>) -> Result<(), XmlError> {
        let wport = |octets: &Option<Vec<u8>>, name: &str| match octets.as_deref() {
            Some([low]) => Ok(u16::from(*low)),
            Some([high, low]) => Ok(u16::from_be_bytes([*high, *low])),
            _ => Err(cursor.missing(format!("{name} of at most two octets"))),
        };
        let length = u16::try_from(self.information.len())
            .map_err(|_| cursor.fail(unfit("the APDU", "at most 65535 octets")))?;
        let header = WrapperHeader {
            source: wport(&self.source, "SourceAddress")?,
            destination: wport(&self.target, "TargetAddress")?,
            length,
        };
        out.extend_from_slice(&header.encode_header());
        out.extend_from_slice(&self.information);
        Ok(())
    }

    fn hdlc(&self, cursor: &Cursor<'_>, out: &mut Vec<u8>) -> Result<(), XmlError> {
        let address = |octets: &Option<Vec<u8>>, name: &str| match octets {
            None => Err(cursor.missing(name)),
            Some(octets) => match Address::decode(octets) {
                Ok(Some((address, []))) => Ok(address),
                _ => Err(cursor.fail(unfit(name, "an address field of 1, 2 or 4 octets"))),
            },
        };
        let information = [self.llc.as_slice(), &self.information].concat();
        let Some([control]) = self.frame_type.as_deref() else {
            return Err(cursor.missing("FrameType of one octet"));
        };
        let frame = Frame {
            destination: address(&self.target, "TargetAddress")?,
            source: address(&self.source, "SourceAddress")?,
            control: Control::decode(*control),
            segmented: self.segmented,
            information: &information,
        };
        let mut octets = [0; FRAME_LEN_MAX];
        let length = frame
            .encode(&mut octets)
            .map_err(|error| cursor.fail(unfit("the frame", &error.to_string())))?;
        out.extend_from_slice(octets.get(..length).unwrap_or_default());
        Ok(())
    }
}

fn unfit(found: &str, expected: &str) -> Problem {
    Problem::Value { found: found.to_owned(), expected: expected.to_owned() }
}
