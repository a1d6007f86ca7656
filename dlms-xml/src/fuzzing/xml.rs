//! An APDU, or a document.

use crate::{Style, XML_PER_OCTET_MAX, decode, encode};

/// Octets of XML for all that is around the values of an APDU: its elements, once each.
const XML_AROUND_MAX: usize = 1024;

/// Octets are an APDU whose XML says the same, or are refused; and XML is what it is by whichever
/// way it came: whatever octets a document has, they are no more than it is long, and their XML
/// has them too.
pub fn xml(octets: &[u8]) {
    there_and_back(octets);
    let Ok(document) = core::str::from_utf8(octets) else { return };
    let Ok(messages) = encode(document) else { return };
    let written: usize = messages.iter().map(Vec::len).sum();
    assert!(written <= document.len(), "{written} octets of {} of XML", document.len());
    for message in &messages {
        there_and_back(message);
    }
}

fn there_and_back(apdu: &[u8]) {
    for style in [Style::Short, Style::Asn1] {
        let Ok(shown) = decode(apdu, style) else { continue };
        let len_max = apdu.len() * XML_PER_OCTET_MAX + XML_AROUND_MAX;
        assert!(shown.len() <= len_max, "{} octets of XML for {}", shown.len(), apdu.len());
        let again = encode(&shown).unwrap_or_else(|error| panic!("{error}\n{shown}"));
        let [again] = again.as_slice() else { panic!("{} messages\n{shown}", again.len()) };
        // What can be written in two ways is written in one from then on.
        assert_eq!(decode(again, style).as_ref(), Ok(&shown));
    }
}
