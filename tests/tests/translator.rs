//! The XML of `dlms-xml` and that of a translator which nobody here wrote: each reads the other's
//! to the same octets, but for the faults of that translator, which are listed.

use std::fs;

use dlms_tests::{Folder, Foreign};
use dlms_xml::Style;
use serde_json::{Value, json};

/// An APDU of every kind and shape.
const APDUS: [(&str, &str); 60] = [
    ("aarq", "601da109060760857405080101be10040e01000000065f1f040000181dffff"),
    (
        "aarq of LLS",
        "6036a1090607608574050801018a0207808b0760857405080201ac0a80083132333435363738be10040e\
         01000000065f1f0400001e1d04b0",
    ),
    (
        "aarq, ciphered",
        "606ba109060760857405080103a60a04084d4d4d0000bc614ea9030201058a0207808b07608574050802\
         05ac0a80084b35366956616759be34043221303001234567801302ff8a7874133d414ced25b42534d28d\
         b0047720606b175bd52211be6841db204d39ee6fdb8e356855",
    ),
    ("aare, rejected", "611fa109060760857405080101a203020101a305a103020101be0604040e010600"),
    (
        "aare",
        "6129a109060760857405080101a203020100a305a103020100be10040e0800065f1f040000501d04c80007",
    ),
    (
        "aare of HLS",
        "614ea109060760857405080101a203020100a305a10302010ea40a04084d4d4d00000000018802078089\
         0760857405080205aa0a8008503677524a323146be10040e0800065f1f040000501d04c80007",
    ),
    ("rlrq", "6203800100"),
    ("rlre", "6303800100"),
    ("rlre with initiate", "6316800100be11040f080100065f1f0400001e1d04c80007"),
    ("initiate-request", "01000000065f1f0400007e1fffff"),
    ("initiate-request with key", "01011000112233445566778899aabbccddeeff0000065f1f0400007e1f04b0"),
    ("initiate-response", "0800065f1f040000501d04c80007"),
    ("get-request-normal", "c001c100030000010000ff0200"),
    (
        "get-request-normal, selective",
        "c001c100070100630100ff0201010204020412000809060000010000ff0f02120000090c07e40101ff00\
         000000000000090c07e40102ff000000000000000100",
    ),
    ("get-request-next", "c002c100000002"),
    ("get-request-with-list", "c003c10200080000010000ff020000030100010800ff0200"),
    ("get-response-normal", "c401c1000600bc614e"),
    ("get-response-normal, refused", "c401c10104"),
    ("get-response-with-datablock", "c402c100000000010003010203"),
    ("get-response-with-datablock, refused", "c402c101000000020103"),
    ("get-response-with-list", "c403c102000600bc614e0104"),
    ("set-request-normal", "c101c100080000010000ff0200090c07e40101ff00000000000000"),
    ("set-request-first", "c102c100080000010000ff0200000000000103010203"),
    ("set-request-block", "c103c10100000002020405"),
    ("set-request-with-list", "c104c10200080000010000ff020000010000600100ff02000206000000010901aa"),
    (
        "set-request-with-list-first",
        "c105c10200080000010000ff020000010000600100ff02000000000001020200",
    ),
    ("set-response-normal", "c501c100"),
    ("set-response-block", "c502c100000001"),
    ("set-response-last", "c503c10000000002"),
    ("set-response-last-with-list", "c504c102000400000002"),
    ("set-response-with-list", "c505c1020004"),
    ("action-request-normal", "c301c10046000060030aff01010f00"),
    ("action-request-next", "c302c100000001"),
    ("action-request-with-list", "c303c1020046000060030aff010046000060030aff02020f000f00"),
    ("action-request-first", "c304c10046000060030aff010000000001020f00"),
    ("action-request-with-list-first", "c305c1010046000060030aff010000000001020f00"),
    ("action-request-block", "c306c10100000002020f00"),
    ("action-response-normal", "c701c10000"),
    ("action-response-normal with data", "c701c1000100091110000000011a52fe7dd3e72748973c1e28"),
    ("action-response-block", "c702c10100000001020f00"),
    ("action-response-with-list", "c703c1020000040101fa"),
    ("action-response-next", "c704c100000001"),
    ("exception-response", "d80101"),
    ("exception-response with counter", "d8010600000102"),
    ("confirmed-service-error", "0e010602"),
    ("data-notification", "0f00000001000203060000000111000901aa"),
    ("event-notification", "c20000030100010800ff020600000001"),
    ("glo-get-request", "c81e3001234567411312ff935a47566827c467bc7d825c3be4a77c3fcc056b6b"),
    (
        "general-glo-ciphering",
        "db084d4d4d0000bc614e1e3001234567411312ff935a47566827c467bc7d825c3be4a77c3fcc056b6b",
    ),
    (
        "general-ciphering",
        "dd080102030405060708084d4d4d0000bc614e084d4d4d000000000100000100001e3001234567411312\
         ff935a47566827c467bc7cb6a92695ef3e4d35be7f6b",
    ),
    ("general-block-transfer", "e0c00001000003c00102"),
    ("read-request", "0501020fa0"),
    ("read-response", "0c01000600000001"),
    ("read-response, refused", "0c010103"),
    ("write-request", "0601020fa0010600000001"),
    ("write-response", "0d0100"),
    ("write-response, refused", "0d010103"),
    ("information-report-request", "180001020fa0010600000001"),
    ("access-request", "d90000000100020100080000010000ff02030046000060030aff0102000f00"),
    ("access-response", "da000000010000020600000001000201000300"),
];

/// What gurux-dlms 1.0.203 makes no XML of, or XML that says something else than the octets: in
/// which style, None for both, and what is wrong.
const WRONG_XML: [(&str, Option<Style>, &str); 16] = [
    ("rlre with initiate", Some(Style::Short), "elements that are not well nested"),
    ("initiate-request", Some(Style::Asn1), "the default of response-allowed is written out"),
    ("initiate-request with key", Some(Style::Asn1), "the same"),
    ("get-response-with-list", None, "an item that is refused is left out"),
    ("set-request-with-list-first", None, "no XML"),
    ("set-response-last-with-list", None, "no XML"),
    ("action-request-next", None, "no XML"),
    ("action-request-with-list", None, "no XML"),
    ("action-request-first", None, "an element with nothing in it"),
    ("action-request-with-list-first", None, "no XML"),
    ("action-request-block", None, "no XML"),
    ("action-response-normal", Some(Style::Asn1), "elements that are not well nested"),
    ("action-response-block", None, "no XML"),
    ("action-response-with-list", None, "no XML"),
    ("exception-response with counter", None, "no XML"),
    ("general-ciphering", None, "no XML"),
];

/// Of what XML it makes no octets, or others than the XML says.
const WRONG_OCTETS: [(&str, Option<Style>, &str); 41] = [
    ("aarq", None, "the conformance bits are replaced by its own"),
    ("aarq of LLS", None, "the same"),
    ("aarq, ciphered", None, "none"),
    ("aare, rejected", Some(Style::Asn1), "none"),
    ("aare", None, "the conformance bits are left out"),
    ("aare of HLS", None, "none"),
    ("rlrq", None, "none"),
    ("rlre", None, "none"),
    ("rlre with initiate", None, "none"),
    ("initiate-request", None, "the conformance bits are replaced by its own"),
    ("initiate-request with key", None, "none"),
    ("initiate-response", None, "the conformance bits are left out"),
    ("get-request-with-list", None, "an octet 1D before each attribute"),
    ("get-response-with-datablock, refused", None, "the choice of result is left out"),
    ("get-response-with-list", None, "none"),
    ("set-request-first", Some(Style::Asn1), "another name than that of the ASN.1 module"),
    ("set-request-with-list", Some(Style::Asn1), "a null-data too many"),
    ("set-request-with-list-first", None, "none"),
    ("set-response-block", Some(Style::Asn1), "another name than that of the ASN.1 module"),
    ("set-response-last", None, "none"),
    ("set-response-last-with-list", None, "none"),
    ("set-response-with-list", None, "none"),
    ("action-request-next", None, "none"),
    ("action-request-with-list", None, "none"),
    ("action-request-first", None, "none"),
    ("action-request-with-list-first", None, "none"),
    ("action-request-block", None, "none"),
    ("action-response-normal", None, "the presence octet of what is returned is left out"),
    ("action-response-block", None, "none"),
    ("action-response-with-list", None, "none"),
    ("action-response-next", None, "none"),
    ("exception-response with counter", None, "none"),
    ("confirmed-service-error", None, "none"),
    ("glo-get-request", None, "none"),
    ("general-glo-ciphering", None, "the ciphered content is left out"),
    ("general-ciphering", None, "none"),
    ("general-block-transfer", None, "none"),
    ("write-request", None, "the count of the variables is doubled"),
    ("write-response", Some(Style::Asn1), "none"),
    ("access-request", None, "the method is taken for an attribute"),
    ("access-response", None, "none"),
];

#[test]
fn each_makes_the_same_octets_of_the_xml_of_the_other_but_for_its_faults() {
    let styles = [("simple", Style::Short), ("standard", Style::Asn1)];
    let mut requests = String::new();
    let mut ask = |request: &Value| {
        requests += &request.to_string();
        requests.push('\n');
    };
    for (what, hex) in APDUS {
        for (name, style) in styles {
            let ours = dlms_xml::decode(&octets(hex), style);
            let ours = ours.unwrap_or_else(|error| panic!("{what}: {error}"));
            ask(&json!({"style": name, "hex": hex}));
            ask(&json!({"style": name, "xml": ours}));
        }
    }
    let folder = Folder::new();
    let file = folder.file("requests");
    fs::write(&file, requests).unwrap();
    let answers = Foreign::gurux_translator(&file).json_lines();
    let mut answers = answers.iter();

    let mut wrong = Vec::new();
    for (what, hex) in APDUS {
        for (_, style) in styles {
            let listed = |faults: &[(&str, Option<Style>, &str)]| {
                faults.iter().any(|&(of, only, _)| of == what && only.is_none_or(|s| s == style))
            };
            let answer = answers.next().expect("an answer for each request");
            let same = answer["xml"]
                .as_str()
                .is_some_and(|xml| dlms_xml::encode(xml).is_ok_and(|read| read == [octets(hex)]));
            if same == listed(&WRONG_XML) {
                wrong.push(format!("{what}, {style:?}: their XML, read by us: {same}; {answer}"));
            }
            let answer = answers.next().expect("an answer for each request");
            let same = answer["hex"].as_str() == Some(hex);
            if same == listed(&WRONG_OCTETS) {
                wrong.push(format!("{what}, {style:?}: our XML, read by them: {same}; {answer}"));
            }
        }
    }
    assert!(wrong.is_empty(), "not as listed:\n{}", wrong.join("\n"));
}

fn octets(hex: &str) -> Vec<u8> {
    let pair = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal digits");
    (0..hex.len()).step_by(2).map(pair).collect()
}
