use super::*;
use crate::axdr::{DataBuf, RawData, Reader};
use alloc::string::{String, ToString};
use proptest::prelude::*;
use std::{format, vec};

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> =
        hex.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

/// What a body says, a line a value: `1-0:1.7.0*255 = DoubleLongUnsigned(5) W`.
fn said(hex: &str) -> Vec<String> {
    let octets = octets(hex);
    let raw = RawData::from_octets(&octets).unwrap();
    lines(Patterns::built_in().interpret(&raw.data().unwrap()).unwrap())
}

fn lines(values: Vec<PushValue<'_>>) -> Vec<String> {
    let line = |value: PushValue<'_>| {
        let name = value.object.map_or_else(|| "?".into(), |object| object.instance.to_string());
        let unit = value.scaler_unit.map_or(String::new(), |both| match both {
            ScalerUnit { scaler: 0, unit } => format!(" {unit}"),
            ScalerUnit { scaler, unit } => format!(" e{scaler} {unit}"),
        });
        format!("{name} = {:?}{unit}", value.value)
    };
    values.into_iter().map(line).collect()
}

#[test]
fn names_values_and_their_units_may_stand_in_structures_of_their_own() {
    let body = "01 02 02 03 0906 0100010700ff 06 00000005 02 02 0f 00 16 1b
                02 02 0906 0000600100ff 0a 02 4142";
    assert_eq!(
        said(body),
        ["1-0:1.7.0*255 = DoubleLongUnsigned(5) W", "0-0:96.1.0*255 = VisibleString([65, 66])"]
    );
}

#[test]
fn or_all_in_one_row_behind_a_text() {
    let body = "02 07 0a 02 4b4d 0906 0100200700ff 12 08fd 02 02 0f ff 16 23
                0906 0100010800ff 06 00000009 16 05";
    assert_eq!(
        said(body),
        [
            "? = VisibleString([75, 77])",
            "1-0:32.7.0*255 = LongUnsigned(2301) e-1 V",
            "1-0:1.8.0*255 = DoubleLongUnsigned(9)",
            "? = Enum(5)",
        ]
    );
}

#[test]
fn scaler_and_unit_may_stand_in_line() {
    let body = "02 04 0906 0100200700ff 12 08fd 0f ff 16 23";
    assert_eq!(said(body), ["1-0:32.7.0*255 = LongUnsigned(2301) e-1 V"]);
}

#[test]
fn a_name_may_be_a_text_and_come_with_class_and_attribute() {
    let body = "02 02 0a 0b 312d303a312e382e302a32 05 00000001";
    assert_eq!(said(body), ["1-0:1.8.0*2 = DoubleLong(1)"]);
    let body = "02 04 12 0003 0906 0100010800ff 0f 02 06 00000009";
    let octets = octets(body);
    let data = Data::decode(&mut Reader::new(&octets)).unwrap();
    let values = Patterns::built_in().interpret(&data).unwrap();
    let object = values[0].object.unwrap();
    assert_eq!((object.class, object.attribute), (Some(ClassId(3)), Some(AttributeId(2))));
    assert_eq!(values[0].value, Data::DoubleLongUnsigned(9));
}

#[test]
fn six_characters_are_no_name() {
    let body = "02 02 0906 313630343536 12 0001";
    assert_eq!(said(body), ["? = OctetString([49, 54, 48, 52, 53, 54])", "? = LongUnsigned(1)"]);
    // But they may be what is named.
    let body = "02 02 0906 0000600101ff 0906 313630343536";
    assert_eq!(said(body), ["0-0:96.1.1*255 = OctetString([49, 54, 48, 52, 53, 54])"]);
}

/// The push setup itself, a register, its scaler and unit, a profile row.
const LISTED: &str = "01 04
    02 04 12 0028 0906 0000190900ff 0f 02 12 0000
    02 04 12 0003 0906 0100010800ff 0f 02 12 0000
    02 04 12 0003 0906 0100010800ff 0f 03 12 0000
    02 04 12 0001 0906 0000636204ff 0f 02 12 0000";
const VALUES: &str = "06 00000009 02 02 0f 03 16 1e 02 02 11 01 11 02";

#[test]
fn a_push_object_list_in_front_names_by_position() {
    let energy = [
        "1-0:1.8.0*255 = DoubleLongUnsigned(9) e3 Wh",
        "1-0:1.8.0*255 = Structure([Integer(3), Enum(30)])",
        "0-0:99.98.4*255 = Structure([Unsigned(1), Unsigned(2)])",
    ];
    assert_eq!(said(&format!("02 04 {LISTED} {VALUES}")), energy);
    // A list that leaves itself out.
    let without = LISTED.replacen("01 04", "01 03", 1).replacen(
        "02 04 12 0028 0906 0000190900ff 0f 02 12 0000",
        "",
        1,
    );
    assert_eq!(said(&format!("02 04 {without} {VALUES}")), energy);
}

#[test]
fn a_list_that_does_not_fit_names_nothing() {
    let said = said(&format!("02 03 {LISTED} 06 00000009 06 00000008"));
    assert_eq!(said.last().unwrap(), "? = DoubleLongUnsigned(8)");
}

#[test]
fn positions_name_where_the_version_is_known() {
    let head = "0907 4b464d5f303031 0901 31 0901 32 06 00000005 06 00000000";
    let rest = "06 00000000 06 00000001 06 000003e8 06 000008fd";
    assert_eq!(
        said(&format!("02 09 {head} {rest}"))[3..],
        [
            "1-0:1.7.0*255 = DoubleLongUnsigned(5) W",
            "1-0:2.7.0*255 = DoubleLongUnsigned(0) W",
            "1-0:3.7.0*255 = DoubleLongUnsigned(0) var",
            "1-0:4.7.0*255 = DoubleLongUnsigned(1) var",
            "1-0:31.7.0*255 = DoubleLongUnsigned(1000) e-3 A",
            "1-0:32.7.0*255 = DoubleLongUnsigned(2301) e-1 V",
        ]
    );
    let other = head.replace("4b464d", "4b464e");
    assert!(said(&format!("02 09 {other} {rest}")).iter().all(|line| line.starts_with('?')));
}

#[test]
fn an_untagged_body_must_be_explained_to_its_last_octet() {
    // 02 02, then class, name and attribute as bare octets before each value.
    let body = octets("02 02 0001 0000600100ff 02 0902 4142 0003 0100010800ff 02 06 00000009");
    let values = Patterns::built_in().interpret_untagged(&body).unwrap();
    assert_eq!(
        lines(values),
        ["0-0:96.1.0*255 = OctetString([65, 66])", "1-0:1.8.0*255 = DoubleLongUnsigned(9)"]
    );
    assert!(RawData::from_octets(&body).is_err());
    for end in 0..body.len() {
        assert_eq!(Patterns::built_in().interpret_untagged(&body[..end]), None, "{end}");
    }
    let longer = [&body[..], &[0]].concat();
    assert_eq!(Patterns::built_in().interpret_untagged(&longer), None);
    // A head before each entry.
    let body = octets("01 01 02 04 0003 0100010800ff 02 06 00000009");
    assert_eq!(
        lines(Patterns::built_in().interpret_untagged(&body).unwrap()),
        ["1-0:1.8.0*255 = DoubleLongUnsigned(9)"]
    );
}

#[test]
fn patterns_are_written_in_words() {
    for text in ["name value", "class name attribute any-value scaler unit", "skip value skip name"]
    {
        assert_eq!(text.parse::<Pattern>().unwrap().to_string(), text);
    }
    for text in ["", "value", "name", "name value value", "name value any-value", "name worth"] {
        assert_eq!(text.parse::<Pattern>(), Err(ParsePatternError), "{text}");
    }
    assert!("head class name value".parse::<Untagged>().is_ok());
    for text in ["", "name", "name worth", "name name value"] {
        assert_eq!(text.parse::<Untagged>(), Err(ParseUntaggedError), "{text}");
    }
    assert_eq!(Patterns::built_in().patterns.len(), 8);
    assert_eq!(Patterns::built_in().untagged.len(), 3);
    assert_eq!(Patterns::built_in().lists.len(), 4);
}

#[test]
fn ones_own_patterns_go_first() {
    let own = Patterns { patterns: vec!["value name".parse().unwrap()], ..Patterns::default() };
    let patterns = own.before(Patterns::built_in());
    let body = DataBuf::structure([1_u8.into(), DataBuf::octet_string([1, 0, 1, 8, 0, 255])]);
    let octets = body.to_octets();
    let raw = RawData::from_octets(&octets).unwrap();
    let values = patterns.interpret(&raw.data().unwrap()).unwrap();
    assert_eq!(lines(values), ["1-0:1.8.0*255 = Unsigned(1)"]);
}

#[test]
fn every_scalar_counts() {
    for (hex, count) in [("00", 1), ("02 00", 0), ("02 03 00 01 02 11 01 11 02 ff", 4)] {
        let octets = octets(hex);
        let raw = RawData::from_octets(&octets).unwrap();
        assert_eq!(scalar_count(&raw.data().unwrap()), Ok(count), "{hex}");
    }
}

proptest! {
    #[test]
    fn no_body_at_all_makes_interpreting_panic(
        octets in proptest::collection::vec(
            prop_oneof![0..=3_u8, Just(6), Just(9), Just(15), Just(18), Just(22), any::<u8>()],
            0..80,
        ),
    ) {
        let patterns = Patterns::built_in();
        if let Ok(data) = Data::decode(&mut Reader::new(&octets)) {
            let _ = patterns.interpret(&data);
            let _ = scalar_count(&data);
        }
        let _ = patterns.interpret_untagged(&octets);
    }
}

#[test]
fn a_body_of_more_values_than_the_longest_push_has_octets_is_refused() {
    let values = |count: usize| {
        let inner = vec![DataBuf::Null; count / 2];
        DataBuf::array([DataBuf::array(inner.clone()), DataBuf::array(inner)]).to_octets()
    };
    let interpreted = |octets: &[u8]| {
        let raw = RawData::from_octets(octets).unwrap();
        Patterns::built_in().interpret(&raw.data().unwrap()).map(|values| values.len())
    };
    assert_eq!(interpreted(&values(PUSHED_LEN_MAX)), Ok(PUSHED_LEN_MAX));
    let refused = interpreted(&values(PUSHED_LEN_MAX + 2));
    assert_eq!(refused, Err(Malformed::new(MalformedKind::Length, 0)));
}
