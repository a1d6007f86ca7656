//! A capture as XML, for translators and for whoever wants to change it and send it again.
//!
//! What is said beside the APDUs, of faults and of what keys opened, stands in comments: the
//! octets that `headend encode` makes of the XML are those of the capture. An APDU that came in
//! parts is shown joined, without its frames.

use dlms_xml::Style;
use hdlc::{control::Control, frame::Frame, llc::Llc};

use super::{
    Fault,
    keyring::{KeyRing, Seal},
    layers::LAYERS_MAX,
    transport::{Event, Framing, Receiver},
};

/// The first line of a document by the schema.
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";

/// The messages of a capture as XML, and whether everything in it could be decoded.
#[derive(Debug)]
pub(crate) struct Xml {
    style: Style,
    /// Elements, each a message, and comments.
    text: String,
    /// Elements at the top.
    messages: usize,
    /// The APDU that was shown in its frame.
    framed: Option<Vec<u8>>,
    /// Whether the last frame was not the last of its PDU.
    in_segments: bool,
    /// The first fault.
    pub(crate) fault: Option<Fault>,
    /// Whether a tag did not verify.
    pub(crate) forged: bool,
    /// APDUs in it.
    pub(crate) apdus: usize,
}

impl Xml {
    /// Decodes `octets`.
    pub(crate) fn new(octets: &[u8], framing: Framing, keys: &KeyRing, style: Style) -> Self {
        let mut xml = Self {
            style,
            text: String::new(),
            messages: 0,
            framed: None,
            in_segments: false,
            fault: None,
            forged: false,
            apdus: 0,
        };
        let mut receiver = Receiver::new(framing);
        let mut on = |event: Event<'_>| xml.event(event, keys);
        receiver.feed(octets, &mut on);
        receiver.finish(&mut on);
        xml
    }

    /// The document, with a line end behind every line. Several messages have one element around
    /// them.
    pub(crate) fn text(&self) -> String {
        let declaration = if self.style == Style::Asn1 { DECLARATION } else { "" };
        match self.messages {
            1 => format!("{declaration}{}", self.text),
            _ => format!("{declaration}<Messages>\n{}</Messages>\n", self.text),
        }
    }

    fn event(&mut self, event: Event<'_>, keys: &KeyRing) {
        match event {
            Event::Hdlc(frame) => self.hdlc(frame),
            Event::Wrapper(frame) => {
                self.framed = None;
                if self.style == Style::Short
                    && let Ok(element) = dlms_xml::decode_wrapper(&frame.header, frame.apdu)
                {
                    self.message(&element);
                    self.framed = Some(frame.apdu.to_vec());
                }
            }
            Event::Apdu(apdu) => {
                self.apdus += 1;
                self.apdu(apdu, keys);
            }
            Event::Bad(fault) | Event::Stray(fault) => self.fault(fault),
            Event::Llc(_) | Event::Mbus(_) | Event::Block(_) | Event::Gateway(..) => {}
        }
    }

    fn hdlc(&mut self, frame: &Frame<'_>) {
        self.framed = None;
        let continued = core::mem::replace(&mut self.in_segments, frame.segmented);
        // A part of a PDU is shown when all of it is there.
        if self.style == Style::Asn1 || frame.segmented || continued {
            return;
        }
        let has_pdu = matches!(frame.control, Control::I { .. } | Control::Ui { .. });
        let apdu = Llc::decode(frame.information).ok().filter(|_| has_pdu).map(|(_, apdu)| {
            let (llc, _) = frame.information.split_at(frame.information.len() - apdu.len());
            (llc, apdu)
        });
        // An APDU that has no XML is told of when it comes by itself.
        if let Ok(element) = dlms_xml::decode_hdlc(frame, apdu) {
            self.message(&element);
            self.framed = apdu.map(|(_, apdu)| apdu.to_vec());
        }
    }

    /// An APDU, unless its frame showed it already, and what is inside of it.
    fn apdu(&mut self, apdu: &[u8], keys: &KeyRing) {
        if self.framed.take().as_deref() != Some(apdu) {
            match dlms_xml::decode(apdu, self.style) {
                Ok(element) => {
                    let element = element.strip_prefix(DECLARATION).unwrap_or(&element).to_owned();
                    self.message(&element);
                }
                Err(malformed) => return self.fault(malformed.into()),
            }
        }
        let mut apdu = apdu.to_vec();
        for _ in 0..LAYERS_MAX {
            let Ok(envelope) = keys.open(&mut apdu) else { return };
            let verdict = match &envelope.seal {
                Seal::Verified => "verified".to_owned(),
                Seal::Unverified(why) => format!("unverified ({why})"),
                Seal::Closed(_) => return,
                Seal::Forged(fault) => {
                    self.forged = true;
                    self.fault.get_or_insert_with(|| fault.clone());
                    let text = format!("FORGED, damaged, or for other keys: {}", fault.text);
                    return self.comment(&text);
                }
                Seal::Refused(fault) => {
                    let fault = fault.clone();
                    return self.fault(fault);
                }
            };
            let Some(plain) = envelope.plain.map(<[u8]>::to_vec) else { return };
            match dlms_xml::decode(&plain, self.style) {
                Ok(inside) => {
                    let inside = inside.strip_prefix(DECLARATION).unwrap_or(&inside);
                    self.comment(&format!("{verdict}, and inside:\n{inside}"));
                }
                Err(malformed) => return self.fault(malformed.into()),
            }
            apdu = plain;
        }
    }

    fn message(&mut self, element: &str) {
        self.messages += 1;
        self.text.push_str(element);
    }

    fn fault(&mut self, fault: Fault) {
        self.comment(&format!("error at octet {}: {}", fault.offset, fault.text));
        self.fault.get_or_insert(fault);
    }

    fn comment(&mut self, text: &str) {
        // Two hyphens would end it.
        let mut text = text.trim_end().replace("--", "- -");
        if text.ends_with('-') {
            text.push(' ');
        }
        self.text.push_str(&format!("<!-- {text} -->\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "c81e3001234567411312ff935a47566827c467bc7d825c3be4a77c3fcc056b6b";

    fn octets(hex: &str) -> Vec<u8> {
        crate::hex::parse(&hex.replace(' ', "")).unwrap()
    }

    fn xml(hex: &str, framing: Framing, keys: &KeyRing, style: Style) -> Xml {
        Xml::new(&octets(hex), framing, keys, style)
    }

    /// What the XML of a capture says, which must be the capture.
    fn comes_back(hex: &str, framing: Framing) -> String {
        let xml = xml(hex, framing, &KeyRing::default(), Style::Short);
        let text = xml.text();
        let messages = dlms_xml::encode(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(crate::hex::text(&messages.concat()), hex.replace(' ', ""), "{text}");
        text
    }

    #[test]
    fn frames_come_back_as_they_were() {
        comes_back("0001 0010 0001 0002 6200 0001 0001 0010 0005 6303800100", Framing::Wrapper);
        let blocks = "0001 0010 0001 000a e0c00001000003c00102";
        assert!(comes_back(blocks, Framing::Wrapper).contains("<GeneralBlockTransfer>"));
        let snrm = "7ea0070321930f017e";
        assert!(comes_back(snrm, Framing::Hdlc).contains("FrameType Value=\"93\""));
        comes_back("c401c10104", Framing::Apdu);
    }

    #[test]
    fn an_apdu_in_segments_is_shown_joined() {
        use hdlc::address::Address;

        let mut line = Vec::new();
        for (information, segmented) in [("e6e700c401c1", true), ("0104", false)] {
            let information = octets(information);
            let frame = Frame {
                destination: Address::try_one(0x10).unwrap(),
                source: Address::try_one(0x01).unwrap(),
                control: Control::Ui { pf: false },
                segmented,
                information: &information,
            };
            let mut out = [0; 64];
            let length = frame.encode(&mut out).unwrap();
            line.extend_from_slice(&out[..length]);
        }
        for style in [Style::Short, Style::Asn1] {
            let xml = Xml::new(&line, Framing::Hdlc, &KeyRing::default(), style);
            assert_eq!(dlms_xml::encode(&xml.text()).unwrap(), [octets("c401c10104")]);
        }
    }

    #[test]
    fn what_keys_open_stands_in_a_comment() {
        let keys = KeyRing {
            encryption: Some("000102030405060708090A0B0C0D0E0F".parse().unwrap()),
            authentication: Some("D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF".parse().unwrap()),
            title: Some("4D4D4D0000BC614E".parse().unwrap()),
            ..KeyRing::default()
        };
        for (style, inside) in [(Style::Short, "<GetRequestNormal>"), (Style::Asn1, "normal>")] {
            let opened = xml(EXAMPLE, Framing::Apdu, &keys, style);
            let text = opened.text();
            assert!(text.contains("<!-- verified, and inside:\n"), "{text}");
            assert!(text.contains(inside), "{text}");
            assert_eq!(dlms_xml::encode(&text).unwrap(), [octets(EXAMPLE)]);
        }
        let forged = EXAMPLE.replace("6b6b", "6b6c");
        let forged = xml(&forged, Framing::Apdu, &keys, Style::Short);
        assert!(forged.forged && forged.text().contains("FORGED"));
        let closed = xml(EXAMPLE, Framing::Apdu, &KeyRing::default(), Style::Short);
        assert!(!closed.text().contains("<!--"), "{}", closed.text());
    }

    #[test]
    fn what_is_wrong_is_told_and_counted() {
        let wrong = xml("c401c10004", Framing::Apdu, &KeyRing::default(), Style::Short);
        assert_eq!(wrong.fault.as_ref().map(|fault| fault.code), Some("truncated"));
        assert_eq!(
            wrong.text(),
            "<Messages>\n<!-- error at octet 5: input ends too early -->\n</Messages>\n"
        );
        let damaged = "7ea0070321930f027e";
        let damaged = xml(damaged, Framing::Hdlc, &KeyRing::default(), Style::Short);
        assert!(damaged.fault.is_some(), "{damaged:?}");
    }
}
