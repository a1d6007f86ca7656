//! Transcripts in both styles, errors, and every APDU there can be.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::schema::{ACSE, APDUS, Field, FieldKind, Type};

fn octets(hex: &str) -> Vec<u8> {
    encode::hex(hex).unwrap()
}

/// What `xml` says, which must be one message.
fn only(xml: &str) -> Vec<u8> {
    let messages = encode(xml).unwrap_or_else(|error| panic!("{error}\n{xml}"));
    assert_eq!(messages.len(), 1, "{xml}");
    messages[0].clone()
}

#[test]
fn a_value_of_every_type_is_written_in_both_styles() {
    for (hex, short, asn1) in [
        ("00", r#"<None />"#, "<x:null-data />"),
        ("03ff", r#"<Boolean Value="FF" />"#, "<x:boolean>true</x:boolean>"),
        ("0301", r#"<Boolean Value="01" />"#, "<x:boolean>1</x:boolean>"),
        ("0405a8", r#"<BitString Value="10101" />"#, "<x:bit-string>10101</x:bit-string>"),
        ("05fffffffe", r#"<Int32 Value="FFFFFFFE" />"#, "<x:double-long>-2</x:double-long>"),
        (
            "0600bc614e",
            r#"<UInt32 Value="00BC614E" />"#,
            "<x:double-long-unsigned>12345678</x:double-long-unsigned>",
        ),
        ("0902aabb", r#"<OctetString Value="AABB" />"#, "<x:octet-string>AABB</x:octet-string>"),
        (
            "0a04413c2642",
            r#"<String Value="A&lt;&amp;B" />"#,
            "<x:visible-string>A&lt;&amp;B</x:visible-string>",
        ),
        ("0a0241ff", r#"<String Hex="41FF" />"#, r#"<x:visible-string Hex="41FF" />"#),
        ("0a0220 0a", r#"<String Hex="200A" />"#, r#"<x:visible-string Hex="200A" />"#),
        ("0c02c3a4", "<StringUTF8 Value=\"\u{e4}\" />", "<x:utf8-string>\u{e4}</x:utf8-string>"),
        ("0d12", r#"<BCD Value="12" />"#, "<x:bcd>18</x:bcd>"),
        ("0fff", r#"<Int8 Value="FF" />"#, "<x:integer>-1</x:integer>"),
        ("10fffe", r#"<Int16 Value="FFFE" />"#, "<x:long>-2</x:long>"),
        ("11fe", r#"<UInt8 Value="FE" />"#, "<x:unsigned>254</x:unsigned>"),
        ("12fffe", r#"<UInt16 Value="FFFE" />"#, "<x:long-unsigned>65534</x:long-unsigned>"),
        (
            "148000000000000000",
            r#"<Int64 Value="8000000000000000" />"#,
            "<x:long64>-9223372036854775808</x:long64>",
        ),
        (
            "15ffffffffffffffff",
            r#"<UInt64 Value="FFFFFFFFFFFFFFFF" />"#,
            "<x:long64-unsigned>18446744073709551615</x:long64-unsigned>",
        ),
        ("161e", r#"<Enum Value="1E" />"#, "<x:enum>30</x:enum>"),
        ("173fc00000", r#"<Float32 Value="3FC00000" />"#, "<x:float32>3FC00000</x:float32>"),
        ("1b0102 0304", r#"<Time Value="01020304" />"#, "<x:time>01020304</x:time>"),
        ("1fff", r#"<DeltaUInt8 Value="FF" />"#, "<x:delta-unsigned>255</x:delta-unsigned>"),
        ("ff", r#"<DontCare />"#, "<x:dont-care />"),
    ] {
        let apdu = octets(&format!("c401c100{hex}"));
        for (style, element) in [(Style::Short, short), (Style::Asn1, asn1)] {
            let xml = decode(&apdu, style).unwrap();
            assert!(xml.lines().any(|line| line.trim() == element), "{element} in\n{xml}");
            assert_eq!(only(&xml), apdu, "{xml}");
        }
    }
}

#[test]
fn the_schema_has_the_names_of_the_asn1_module() {
    let apdu = octets("c001c100070100630100ff02010102020f011101");
    let xml = decode(&apdu, Style::Asn1).unwrap();
    assert_eq!(
        xml,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>
<x:xDLMS-APDU xmlns:x=\"http://www.dlms.com/COSEMpdu\">
<x:get-request>
  <x:get-request-normal>
    <x:invoke-id-and-priority>193</x:invoke-id-and-priority>
    <x:cosem-attribute-descriptor>
      <x:class-id>7</x:class-id>
      <x:instance-id>0100630100FF</x:instance-id>
      <x:attribute-id>2</x:attribute-id>
    </x:cosem-attribute-descriptor>
    <x:access-selection>
      <x:access-selector>1</x:access-selector>
      <x:access-parameters>
        <x:structure>
          <x:integer>1</x:integer>
          <x:unsigned>1</x:unsigned>
        </x:structure>
      </x:access-parameters>
    </x:access-selection>
  </x:get-request-normal>
</x:get-request>
</x:xDLMS-APDU>
"
    );
    assert_eq!(only(&xml), apdu);
}

#[test]
fn an_association_request_is_taken_apart_down_to_its_conformance() {
    let apdu = octets(
        "6036a1090607608574050801018a0207808b0760857405080201ac0a80083132333435363738\
         be10040e01000000065f1f0400001e1d04b0",
    );
    let xml = decode(&apdu, Style::Short).unwrap();
    assert_eq!(
        xml,
        r#"<AssociationRequest>
  <ApplicationContextName Value="LN" />
  <SenderACSERequirements Value="1" />
  <MechanismName Value="Low" />
  <CallingAuthentication Value="3132333435363738" />
  <InitiateRequest>
    <ProposedDlmsVersionNumber Value="06" />
    <ProposedConformance>
      <ConformanceBit Name="BlockTransferWithGetOrRead" />
      <ConformanceBit Name="BlockTransferWithSetOrWrite" />
      <ConformanceBit Name="BlockTransferWithAction" />
      <ConformanceBit Name="MultipleReferences" />
      <ConformanceBit Name="Get" />
      <ConformanceBit Name="Set" />
      <ConformanceBit Name="SelectiveAccess" />
      <ConformanceBit Name="Action" />
    </ProposedConformance>
    <ProposedMaxPduSize Value="04B0" />
  </InitiateRequest>
</AssociationRequest>
"#
    );
    assert_eq!(only(&xml), apdu);
    let xml = decode(&apdu, Style::Asn1).unwrap();
    assert!(xml.contains("<x:application-context-name>2.16.756.5.8.1.1</x:"), "{xml}");
    assert!(xml.contains("<x:user-information>01000000065F1F0400001E1D04B0</x:"), "{xml}");
    assert_eq!(only(&xml), apdu);
}

#[test]
fn apdus_of_other_stacks_come_back_as_they_were() {
    for hex in [
        "601da109060760857405080101be10040e01000000065f1f0400007e1fffff",
        "606ba109060760857405080103a60a04084d4d4d0000bc614ea9030201058a0207808b0760857405\
         080205ac0a80084b35366956616759be34043221303001234567801302ff8a7874133d414ced25b4\
         2534d28db0047720606b175bd52211be6841db204d39ee6fdb8e356855",
        "611fa109060760857405080101a203020101a305a103020101be0604040e010600",
        "614ea109060760857405080101a203020100a305a10302010ea40a04084d4d4d000000000188020780\
         890760857405080205aa0a8008503677524a323146be10040e0800065f1f040000501d04c80007",
        "6303800100",
        "6316800100be11040f080100065f1f0400001e1d04c80007",
        "01011000112233445566778899aabbccddeeff0000065f1f0400007e1f04b0",
        "c402c101000000020103",
        "c505c1020004",
        "c303c1020046000060030aff010046000060030aff02020f000f00",
        "c703c1020000040101fa",
        "d80101",
        "d8010600000102",
        "0e010602",
        "0f00000001000203060000000111000901aa",
        "c2010c07e40101ff0000000000000000030100010800ff020600000001",
        "2107 30012345678013",
        "db084d4d4d0000bc614e1e3001234567411312ff935a47566827c467bc7d825c3be4a77c3fcc056b6b",
        "dd080102030405060708084d4d4d0000bc614e084d4d4d00000000010000010000 1e3001234567411312ff\
         935a47566827c467bc7cb6a92695ef3e4d35be7f6b",
        "df090200000000000003ea0800db1234567890a00890b3d51f300100000002000b0302010302aabb",
        "e0c00001000003c00102",
        "0501020fa0",
        "050104c008011105",
        "0c010201000102aabb",
        "0601020fa0010600000001",
        "0d0100",
        "180001020fa0010600000001",
        "d90000000100020100080000010000ff02030046000060030aff0102000f00",
        "da000000010000020600000001000201000300",
        "1000000001 00",
    ] {
        let apdu = octets(hex);
        for style in [Style::Short, Style::Asn1] {
            let xml = decode(&apdu, style).unwrap_or_else(|error| panic!("{hex}: {error}"));
            assert_eq!(only(&xml), apdu, "{xml}");
        }
    }
}

#[test]
fn what_translators_write_differently_is_read_as_well() {
    for (xml, hex) in [
        // A list without elements around its choices, and with them.
        (
            "<get-response><get-response-with-list><invoke-id-and-priority>193\
             </invoke-id-and-priority><result><data><unsigned>7</unsigned></data>\
             <Get-Data-Result><data-access-result>object-undefined</data-access-result>\
             </Get-Data-Result></result></get-response-with-list></get-response>",
            "c403c1020011070104",
        ),
        // Names as the standard has them, numbers short, in whatever case.
        (
            "<getresponse><GetResponseNormal><InvokeIdAndPriority Value='1'/><Result>\
             <DataAccessError Value='ObjectUnavailable'/></Result></GetResponseNormal>\
             </getresponse>",
            "c40101010b",
        ),
        ("<ReadRequest Qty='1'><VariableName Value='0FA0'/></ReadRequest>", "0501020fa0"),
        (
            "<x:aarq xmlns:x='a'><x:application-context-name>1</x:application-context-name>\
             </x:aarq>",
            "600ba109060760857405080101",
        ),
        (
            "<!-- anybody's --><exception-response><state-error>service-unknown</state-error>\
             <service-error><operation-not-possible/></service-error></exception-response>",
            "d80201",
        ),
        (
            "<AccessRequest><LongInvokeIdAndPriority Value='1'/><DateTime Value=''/>\
             <AccessRequestBody><AccessRequestSpecification Qty='01'><_AccessRequestSpecification>\
             <AccessRequestAction><AttributeDescriptor><ClassId Value='46'/>\
             <InstanceId Value='000060030AFF'/><AttributeId Value='1'/></AttributeDescriptor>\
             </AccessRequestAction></_AccessRequestSpecification></AccessRequestSpecification>\
             <AccessRequestListOfData Qty='01'><Int8 Value='00'/></AccessRequestListOfData>\
             </AccessRequestBody></AccessRequest>",
            "d900000001000103 0046000060030aff 01010f00",
        ),
    ] {
        assert_eq!(only(xml), octets(hex), "{xml}");
    }
}

#[test]
fn several_messages_of_one_document_are_told_apart() {
    let xml = "<Messages>\n<ReleaseRequest />\n<x:xDLMS-APDU xmlns:x=\"u\"><x:readRequest/>\
               </x:xDLMS-APDU></Messages>";
    assert_eq!(encode(xml).unwrap(), [octets("6200"), octets("0500")]);
    assert_eq!(encode("<ReleaseRequest/><ReleaseResponse/>").unwrap().len(), 2);
}

#[test]
fn a_frame_comes_back_with_its_addresses() {
    let header = dlms_core::wrapper::WrapperHeader { source: 1, destination: 0x10, length: 2 };
    let xml = decode_wrapper(&header, &[0x62, 0x00]).unwrap();
    assert_eq!(only(&xml), octets("0001 0001 0010 0002 6200"), "{xml}");
    // As another translator writes it.
    let theirs = "<WRAPPER len=\"2\" ><TargetAddress Value=\"10\" /><SourceAddress Value=\"1\" />\
                  <PDU><ReleaseRequest/></PDU></WRAPPER>";
    assert_eq!(only(theirs), octets("0001 0001 0010 0002 6200"));

    let snrm = octets("7ea0070321930f017e");
    let frame = hdlc::frame::Frame::decode(&snrm[1..snrm.len() - 1]).unwrap();
    let xml = decode_hdlc(&frame, None).unwrap();
    assert_eq!(only(&xml), snrm, "{xml}");
    let information = octets("e6e6006200");
    let frame = hdlc::frame::Frame { information: &information, ..frame };
    let with_apdu = only(&decode_hdlc(&frame, Some((&information[..3], &[0x62, 0]))).unwrap());
    assert_eq!(only(&decode_hdlc(&frame, None).unwrap()), with_apdu);
}

#[test]
fn an_error_tells_the_place_the_element_and_what_was_expected() {
    for (xml, error) in [
        ("", "line 1, column 1: the document ends where an APDU is expected"),
        ("<GetRequest", "line 1, column 1: not well-formed: "),
        ("<GetReqest/>", "line 1, column 1: <GetReqest> where the name of an APDU is expected"),
        ("<GetRequest/>", "line 1, column 14, in <GetRequest>: one of <GetRequestNormal>, "),
        (
            "<GetRequest>\n <GetRequestForNextDataBlock>\n  <InvokeIdAndPriority Value=\"1C1\"/>",
            "line 3, column 3, in <InvokeIdAndPriority>: \"1C1\" is not an unsigned integer of 1 \
             octets, in hexadecimal",
        ),
        (
            "<SetResponse><SetResponseNormal><InvokeIdAndPriority Value='1'/>\n<Result \
             Value='Fine'/>",
            "line 2, column 1, in <Result>: \"Fine\" is not one of Success, HardwareFault, ",
        ),
        (
            "<SetResponse><SetResponseWithList><InvokeIdAndPriority Value='1'/>\n<Result \
             Qty='02'><DataAccessResult Value='Success'/></Result>",
            "line 2, column 53, in <Result>: Qty says 02, and there are 1",
        ),
        (
            "<ReleaseRequest>\n\ttoo &amp; much</ReleaseRequest>",
            "in <ReleaseRequest>: \"too & much\" is not an element",
        ),
        ("<ReleaseRequest>&x;</ReleaseRequest>", "&x; is not known"),
        ("<a><ReleaseRequest/></a>", "<a> where the name of an APDU is expected"),
        ("<ReleaseRequest><Reason>0</Reason><Reason>0</Reason>", "where each field once is"),
    ] {
        match encode(xml) {
            Ok(_) => panic!("{xml}"),
            Err(found) => {
                assert!(found.to_string().contains(error), "{xml}\n{found}\ninstead of\n{error}");
            }
        }
    }
}

#[test]
fn what_is_nested_too_deeply_or_too_long_is_refused_both_ways() {
    let nested = [&[0xc4, 0x01, 0xc1, 0x00][..], &[0x01, 0x01].repeat(100), &[0x00]].concat();
    let refused = decode(&nested, Style::Short).unwrap_err();
    assert_eq!(refused.kind, dlms_core::MalformedKind::Nesting);
    let nested = format!(
        "<GetResponse><GetResponseNormal><InvokeIdAndPriority Value='1'/><Result><Data>{}",
        "<Array>".repeat(100_000)
    );
    assert_eq!(encode(&nested).unwrap_err().problem, Problem::Nesting);
    let messages = "<Messages>".repeat(100_000);
    assert_eq!(encode(&messages).unwrap_err().problem, Problem::Nesting);

    let long = [&[0x21, 0x83][..], &(1_u32 << 20).to_be_bytes()[1..], &vec![0; 1 << 20]].concat();
    assert_eq!(decode(&long, Style::Asn1).unwrap_err().kind, dlms_core::MalformedKind::Length);
    let long = " ".repeat(XML_LEN_MAX + 1);
    assert_eq!(encode(&long).unwrap_err().problem, Problem::TooLong);
}

#[test]
fn the_longest_apdu_has_xml_that_is_not_too_long() {
    // null-data in arrays as deep as they may be: nothing has more XML for an octet.
    let count = APDU_LEN_MAX - 64;
    let mut apdu = octets("c401c100");
    apdu.extend([0x01, 0x01].repeat(15));
    apdu.extend([0x01, 0x83]);
    apdu.extend(&u32::try_from(count).unwrap().to_be_bytes()[1..]);
    apdu.resize(apdu.len() + count, 0);
    let xml = decode(&apdu, Style::Asn1).unwrap();
    assert!(xml.len() <= XML_LEN_MAX, "{}", xml.len());
    assert_eq!(only(&xml), apdu);
}

/// An APDU of the schema, made of whatever octets come; when they are used up, of zeros.
struct Grown<'a> {
    seed: core::slice::Iter<'a, u8>,
    out: Vec<u8>,
}

impl Grown<'_> {
    fn next(&mut self) -> u8 {
        self.seed.next().copied().unwrap_or_default()
    }

    fn some(&mut self, count: usize) {
        for _ in 0..count {
            let octet = self.next();
            self.out.push(octet);
        }
    }

    fn string(&mut self) {
        let count = self.next() % 20;
        self.out.push(count);
        self.some(count.into());
    }

    fn grow(&mut self, of: &Type, depth: usize) {
        match *of {
            Type::Null => {}
            Type::Boolean => {
                let octet = [0x00, 0x01, 0xff][usize::from(self.next() % 3)];
                self.out.push(octet);
            }
            Type::Integer { octets, .. } | Type::OctetsOf(octets) => self.some(octets),
            Type::Enumerated(_) => self.some(1),
            Type::Octets | Type::Visible | Type::Utf8 => self.string(),
            Type::Bits => {
                let count = self.next() % 40;
                self.out.push(count);
                for place in 0..count.div_ceil(8) {
                    let unused = (8 * (place + 1)).saturating_sub(count);
                    let octet = self.next() & (0xff << unused);
                    self.out.push(octet);
                }
            }
            Type::Sequence(members) => {
                for member in members {
                    let there = !member.optional || self.next() % 2 == 1;
                    if member.optional {
                        self.out.push(there.into());
                    }
                    if there {
                        self.grow(member.of, depth + 1);
                    }
                }
            }
            Type::Choice(alternatives) => {
                // Deep down the first one, which is never a list of the same.
                let index = if depth > 30 { 0 } else { usize::from(self.next()) };
                let chosen = &alternatives[index % alternatives.len()];
                self.out.push(chosen.tag);
                self.grow(chosen.of, depth + 1);
            }
            Type::List(item) => {
                let count = self.next() % 4;
                self.out.push(count);
                for _ in 0..count {
                    self.grow(item.of, depth + 1);
                }
            }
            Type::Conformance => {
                self.out.extend([0x5f, 0x1f, 0x04, 0x00]);
                self.some(3);
            }
            Type::ExceptionService => {
                let code = self.next();
                self.out.push(code);
                if code == 6 {
                    self.some(4);
                }
            }
            Type::ConfirmedServiceError => {
                let service = [1, 5, 6][usize::from(self.next() % 3)];
                let choice = [0, 1, 2, 3, 4, 5, 6, 7, 9][usize::from(self.next() % 9)];
                self.out.extend([service, choice]);
                self.some(1);
            }
        }
    }

    fn field(&mut self, field: &Field) {
        let mut inner = Grown { seed: self.seed.clone(), out: Vec::new() };
        match field.kind {
            FieldKind::ObjectIdentifier { family, explicit, .. } => {
                if explicit {
                    inner.out.extend([6, 7]);
                }
                let name = inner.next() % 128;
                inner.out.extend([0x60, 0x85, 0x74, 5, 8, family, name]);
            }
            FieldKind::Octets | FieldKind::UserInformation => {
                inner.out.push(4);
                inner.string();
            }
            FieldKind::Integer | FieldKind::Code => {
                let value = inner.next() % 128;
                inner.out.extend([2, 1, value]);
            }
            FieldKind::Reason(_) => {
                let value = inner.next() % 128;
                inner.out.push(value);
            }
            FieldKind::Bit => {
                let bit = inner.next() & 0x80;
                inner.out.extend([7, bit]);
            }
            FieldKind::Charstring => {
                inner.out.push(0x80);
                inner.string();
            }
            FieldKind::Implicit => inner.some(5),
            FieldKind::Diagnostic => {
                let (source, code) = (0xa1 + inner.next() % 2, inner.next() % 128);
                inner.out.extend([source, 3, 2, 1, code]);
            }
        }
        self.seed = inner.seed;
        self.out.extend([field.tag, u8::try_from(inner.out.len()).unwrap()]);
        self.out.extend(inner.out);
    }
}

/// The APDU number `index` of the schema, made of `seed`.
fn grown(index: usize, seed: &[u8]) -> Vec<u8> {
    let mut grown = Grown { seed: seed.iter(), out: Vec::new() };
    match APDUS.get(index) {
        Some(schema) => {
            grown.out.push(schema.tag);
            grown.grow(schema.of, 0);
            grown.out
        }
        None => {
            let schema = &ACSE[(index - APDUS.len()) % ACSE.len()];
            for field in schema.fields {
                if grown.next() % 2 == 1 {
                    grown.field(field);
                }
            }
            let mut apdu = vec![schema.tag];
            dlms_core::axdr::Writer::new(&mut apdu).octet_string(&grown.out);
            apdu
        }
    }
}

proptest! {
    #[test]
    fn every_apdu_that_the_schema_has_comes_back_as_it_was(
        index in 0..APDUS.len() + ACSE.len(),
        seed in vec(any::<u8>(), 0..400),
    ) {
        let apdu = grown(index, &seed);
        for style in [Style::Short, Style::Asn1] {
            let xml = decode(&apdu, style).map_err(|error| {
                TestCaseError::fail(format!("{error}: {apdu:02x?}"))
            })?;
            let again = encode(&xml);
            let again = again.map_err(|error| TestCaseError::fail(format!("{error}\n{xml}")))?;
            prop_assert_eq!(again.as_slice(), core::slice::from_ref(&apdu), "{}", xml);
        }
    }

    #[test]
    fn what_the_core_decodes_has_xml_that_the_core_decodes_and_that_is_the_same(
        index in 0..APDUS.len() + ACSE.len(),
        seed in vec(any::<u8>(), 0..400),
        at: prop::sample::Index,
        octet: u8,
    ) {
        let mut apdu = grown(index, &seed);
        let at = at.index(apdu.len());
        apdu[at] = octet;
        let decoded = dlms_core::xdlms::Apdu::decode(&apdu);
        // Of an exception that it does not know, and of a push with a tagged time, it takes more
        // than the standard has.
        if let (Ok(core), Ok(xml)) = (&decoded, decode(&apdu, Style::Short)) {
            let again = only(&xml);
            let read = dlms_core::xdlms::Apdu::decode(&again);
            prop_assert_eq!(read.map(|apdu| apdu.tag()), Ok(core.tag()), "{}", xml);
            // What differs has no meaning, such as the unused bits of a bit-string.
            prop_assert_eq!(decode(&again, Style::Short), Ok(xml));
        }
    }

    #[test]
    fn noise_is_an_error_in_its_place_or_something_with_xml(octets: Vec<u8>, index: usize) {
        let tags: Vec<u8> = APDUS.iter().map(|apdu| apdu.tag).chain([0x60, 0x61]).collect();
        let noise = [&[tags[index % tags.len()]][..], &octets].concat();
        match decode(&noise, Style::Short) {
            Ok(xml) => { only(&xml); }
            Err(malformed) => prop_assert!(malformed.offset <= noise.len()),
        }
    }

    #[test]
    fn damaged_xml_is_an_error_in_its_place_or_something_else(
        index in 0..APDUS.len() + ACSE.len(),
        seed in vec(any::<u8>(), 0..100),
        at: prop::sample::Index,
        character in any::<char>(),
    ) {
        let xml = decode(&grown(index, &seed), Style::Short).unwrap();
        let at = at.index(xml.len() + 1);
        let damaged = format!("{}{character}{}", &xml[..at], &xml[at..]);
        if let Err(error) = encode(&damaged) {
            prop_assert!(error.line <= damaged.matches('\n').count() + 1);
        }
    }
}

#[test]
fn the_xml_of_the_longest_apdu_is_not_too_long_to_be_read() {
    // Of all octets, those of null-data have the most XML, the more the deeper they are.
    let deep = "0101".repeat(58);
    let around = octets(&format!("c401c100{deep}018303ff00"));
    let apdu = [around, vec![0; 0x3_ff00]].concat();
    assert!(apdu.len() <= APDU_LEN_MAX && apdu.len() > APDU_LEN_MAX - 256);
    for style in [Style::Short, Style::Asn1] {
        let xml = decode(&apdu, style).unwrap();
        assert!(xml.len() <= apdu.len() * XML_PER_OCTET_MAX, "{}", xml.len() / apdu.len());
        let again = encode(&xml);
        assert!(again.is_ok_and(|again| again == [apdu.as_slice()]), "{} octets", xml.len());
    }
}
