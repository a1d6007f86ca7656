//! One attribute as it is shown: the mantissa as the meter sent it, scaler and unit beside it, and
//! a text for people.
//!
//! | type | `value` | `text` |
//! |---|---|---|
//! | integers | a number; beyond ±2⁵³ a string | scaled, with unit: `230.1 V` |
//! | octet-string | lower-case hexadecimal | as characters, if they all are some |
//! | octet-string that is a date-time | RFC 3339, with offset if specified | the same |
//! | visible-string, utf8-string | the text | the same |
//! | bit-string | zeros and ones from the left | the same |
//! | boolean, null-data | `true`, `false`, `null` | the same |
//! | array, structure, compact-array | a list of such values | the list as JSON |
//!
//! The octets of a date-time stand beside it in `raw`. One whose deviation is unspecified has no
//! offset: it is the meter's local time.

use dlms_core::{
    Malformed,
    axdr::{CompactArrayRules, Data, Elements},
    cosem::{
        AttributeId, ClassId, Date, DateTime, LogicalName, ScalerUnit, Time, Unit, obis,
        scaled_text,
    },
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    diagnosis::{Diagnosis, ErrorObject},
    hex, registry,
    render::{self, Align, Header, Record},
    time_rules::TimeRules,
};

/// The largest integer that every JSON reader takes exactly.
const JSON_INTEGER_MAX: u128 = 1 << 53;

/// One attribute that was asked for and what came of it: a line of `headend read`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reading {
    /// `1-0:1.8.0*255`.
    pub logical_name: String,
    /// Null when it was not given and could not be found out.
    pub class: Option<u16>,
    /// The number of the attribute.
    pub attribute: i8,
    /// Value, scaler, unit and text; all null when there is an error.
    #[serde(flatten)]
    pub shown: Shown,
    /// Why there is no value.
    pub error: Option<ErrorObject>,
}

/// A value as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Shown {
    /// The type, as the standard spells it. An octet-string that is a date-time is `date-time`.
    #[serde(rename = "type")]
    pub data_type: Option<&'static str>,
    /// The value as the meter sent it, not scaled. Null for a date-time that leaves something open.
    pub value: Value,
    /// The octets of a date-time, and of a string that is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// The power of ten to multiply the value with.
    pub scaler: Option<i8>,
    /// The unit; null for a plain count.
    pub unit: Option<String>,
    /// For people.
    pub text: Option<String>,
}

impl Reading {
    /// What was read of attribute `attribute` of `instance`.
    #[must_use]
    pub fn new(
        instance: LogicalName,
        class: Option<ClassId>,
        attribute: AttributeId,
        outcome: Result<Shown, &Diagnosis>,
    ) -> Self {
        let error = outcome.as_ref().err().map(|diagnosis| diagnosis.to_object());
        Self {
            logical_name: instance.to_string(),
            class: class.map(|class| class.0),
            attribute: attribute.0,
            shown: outcome.unwrap_or_default(),
            error,
        }
    }
}

impl Shown {
    /// Shows `data`, the value of attribute `attribute` of an object of `class`.
    ///
    /// # Errors
    /// A compact-array that contradicts its own description.
    pub fn new(
        data: &Data<'_>,
        class: ClassId,
        attribute: AttributeId,
        scaler_unit: Option<ScalerUnit>,
    ) -> Result<Self, Malformed> {
        if let Some(date_time) = date_time(data, class, attribute) {
            return Ok(Self::date_time(date_time, TimeRules::default()));
        }
        let value = json(data)?;
        let text = text(data, &value, scaler_unit);
        Ok(Self {
            data_type: Some(data.type_name()),
            value,
            raw: match data {
                Data::VisibleString(octets) | Data::Utf8String(octets)
                    if core::str::from_utf8(octets).is_err() =>
                {
                    Some(hex::text(octets))
                }
                _ => None,
            },
            scaler: scaler_unit.map(|scaler_unit| scaler_unit.scaler),
            unit: scaler_unit.and_then(|ScalerUnit { unit, .. }| {
                Some(unit.to_string()).filter(|symbol| !symbol.is_empty())
            }),
            text: Some(text),
        })
    }
}

impl Shown {
    /// Shows a date and time of a meter with these rules. Its octets stay what the meter sent.
    pub(crate) fn date_time(sent: DateTime, rules: TimeRules) -> Self {
        let understood = rules.understood(sent);
        let text = understood.to_string();
        Self {
            data_type: Some("date-time"),
            value: if understood.is_complete() { Value::from(text.clone()) } else { Value::Null },
            raw: Some(hex::text(&sent.octets())),
            text: Some(text),
            ..Self::default()
        }
    }
}

/// The date and time in `data`, if it is one by its type, or by its attribute and length.
pub(crate) fn date_time(
    data: &Data<'_>,
    class: ClassId,
    attribute: AttributeId,
) -> Option<DateTime> {
    match data {
        Data::DateTime(_) => DateTime::from_data(data),
        Data::OctetString(octets) if octets.len() == 12 => {
            registry::is_date_time(class, attribute).then(|| DateTime::from_data(data)).flatten()
        }
        _ => None,
    }
}

/// A value as JSON.
///
/// # Errors
/// A compact-array that contradicts its own description.
pub fn json(data: &Data<'_>) -> Result<Value, Malformed> {
    if let Some(integer) = data.as_integer() {
        return Ok(json_integer(integer));
    }
    if let Some(delta) = data.as_delta() {
        return Ok(json_integer(delta.into()));
    }
    Ok(match data {
        Data::Null => Value::Null,
        Data::Boolean(value) => Value::from(*value),
        Data::Array(elements) | Data::Structure(elements) => json_list(elements)?,
        Data::CompactArray(array) => json_list(&array.elements_by(CompactArrayRules::Standard)?)?,
        Data::BitString(bits) => {
            Value::from(bits.iter().map(|bit| if bit { '1' } else { '0' }).collect::<String>())
        }
        Data::OctetString(octets) => Value::from(hex::text(octets)),
        Data::VisibleString(octets) | Data::Utf8String(octets) => {
            Value::from(String::from_utf8_lossy(octets))
        }
        Data::Bcd(octet) => Value::from(format!("{octet:02x}")),
        Data::Float32(value) => json_float(f64::from(*value), value),
        Data::Float64(value) => json_float(*value, value),
        Data::DateTime(octets) => match DateTime::from_data(data) {
            Some(date_time) => Value::from(date_time.to_string()),
            None => Value::from(hex::text(octets)),
        },
        Data::Date(octets) => match Date::from_data(data) {
            Some(date) => Value::from(date.to_string()),
            None => Value::from(hex::text(octets)),
        },
        Data::Time(octets) => match Time::from_data(data) {
            Some(time) => Value::from(time.to_string()),
            None => Value::from(hex::text(octets)),
        },
        other => Value::from(other.type_name()),
    })
}

fn json_list(elements: &Elements<'_>) -> Result<Value, Malformed> {
    elements.clone().map(|element| json(&element?)).collect::<Result<_, _>>().map(Value::Array)
}

pub(crate) fn json_integer(integer: i128) -> Value {
    match i64::try_from(integer) {
        Ok(small) if integer.unsigned_abs() <= JSON_INTEGER_MAX => Value::from(small),
        _ => Value::from(integer.to_string()),
    }
}

/// JSON has no word for infinity and not-a-number. A float32 is written with its own few digits.
fn json_float(value: f64, shown: &impl ToString) -> Value {
    let shortest = shown.to_string().parse().unwrap_or(value);
    serde_json::Number::from_f64(shortest)
        .map_or_else(|| Value::from(shown.to_string()), Value::Number)
}

fn text(data: &Data<'_>, value: &Value, scaler_unit: Option<ScalerUnit>) -> String {
    if let (Some(number), Some(ScalerUnit { unit, .. })) = (scaled(data, scaler_unit), scaler_unit)
    {
        return format!("{number} {unit}").trim_end().to_owned();
    }
    match (data, value) {
        (Data::OctetString(octets), _) if is_text(octets) => String::from_utf8_lossy(octets).into(),
        (_, Value::String(text)) => text.clone(),
        (_, value) => value.to_string(),
    }
}

/// The decimal text of a number, scaled exactly and without its unit; None for what is no number.
pub(crate) fn scaled(data: &Data<'_>, scaler_unit: Option<ScalerUnit>) -> Option<String> {
    let scaler = scaler_unit.map_or(0, |scaler_unit| scaler_unit.scaler);
    match data {
        // The fewest digits that tell it from every other float.
        Data::Float32(value) => Some(shifted(&value.to_string(), scaler)),
        Data::Float64(value) => Some(shifted(&value.to_string(), scaler)),
        _ => {
            let count = ScalerUnit::new(scaler, Unit::Count);
            data.as_integer().map(|integer| scaled_text(integer, count).to_string())
        }
    }
}

/// A decimal text with its point `places` further right. What has other characters than digits is
/// left as it is: infinity times ten is infinity.
fn shifted(decimal: &str, places: i8) -> String {
    let (sign, digits) = decimal.strip_prefix('-').map_or(("", decimal), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if !whole.bytes().chain(fraction.bytes()).all(|octet| octet.is_ascii_digit()) {
        return decimal.to_owned();
    }
    let count = usize::from(places.unsigned_abs());
    let (whole, fraction) = if places < 0 {
        let whole = format!("{whole:0>width$}", width = count + 1);
        let (whole, moved) = whole.split_at(whole.len() - count);
        (whole.to_owned(), format!("{moved}{fraction}"))
    } else {
        let fraction = format!("{fraction:0<count$}");
        let (moved, fraction) = fraction.split_at(count);
        (format!("{whole}{moved}"), fraction.to_owned())
    };
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

fn is_text(octets: &[u8]) -> bool {
    !octets.is_empty() && octets.iter().all(|octet| matches!(octet, 0x20..=0x7e))
}

impl Reading {
    /// The columns of readings.
    pub(crate) fn header() -> Header {
        Header::new(
            &[("OBJECT", Align::Left), ("NAME", Align::Left), ("VALUE", Align::Left)],
            &[
                "logical_name",
                "class",
                "attribute",
                "type",
                "value",
                "raw",
                "scaler",
                "unit",
                "text",
                "error",
            ],
        )
    }
}

impl Record for Reading {
    fn table(&self) -> Vec<String> {
        let class = self.class.map(|class| format!("{class}:")).unwrap_or_default();
        let object = format!("{class}{}:{}", self.logical_name, self.attribute);
        let name = self.logical_name.parse().ok().and_then(obis::name);
        let value = match (&self.shown.text, &self.error) {
            (Some(text), _) => text.clone(),
            (None, Some(error)) => format!("- {} ({})", error.name, error.code),
            (None, None) => String::new(),
        };
        vec![object, name.map(|name| name.to_string()).unwrap_or_default(), value]
    }

    fn csv(&self) -> Vec<String> {
        let shown = &self.shown;
        vec![
            self.logical_name.clone(),
            self.class.map(|class| class.to_string()).unwrap_or_default(),
            self.attribute.to_string(),
            shown.data_type.unwrap_or_default().to_owned(),
            render::csv_cell(&shown.value),
            shown.raw.clone().unwrap_or_default(),
            shown.scaler.map(|scaler| scaler.to_string()).unwrap_or_default(),
            shown.unit.clone().unwrap_or_default(),
            shown.text.clone().unwrap_or_default(),
            self.error.as_ref().map(ErrorObject::to_string).unwrap_or_default(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use dlms_core::axdr::Reader;

    use super::*;
    use crate::diagnosis::Context;

    const ENERGY: LogicalName = LogicalName([1, 0, 1, 8, 0, 255]);

    fn shown(class: u16, attribute: i8, octets: &str, scaler_unit: Option<ScalerUnit>) -> Shown {
        let octets = hex::parse(&octets.replace(' ', "")).unwrap();
        let data = Data::decode(&mut Reader::new(&octets)).unwrap();
        Shown::new(&data, ClassId(class), AttributeId(attribute), scaler_unit).unwrap()
    }

    fn value(octets: &str) -> String {
        shown(1, 2, octets, None).value.to_string()
    }

    fn text(octets: &str) -> String {
        shown(1, 2, octets, None).text.unwrap()
    }

    #[test]
    fn a_register_is_mantissa_scaler_unit_and_text() {
        let volts = Some(ScalerUnit::new(-1, Unit::from_code(35)));
        let reading = Reading::new(
            LogicalName([1, 0, 32, 7, 0, 255]),
            Some(ClassId::REGISTER),
            AttributeId(2),
            Ok(shown(3, 2, "12 08fd", volts)),
        );
        assert_eq!(
            serde_json::to_string(&reading).unwrap(),
            concat!(
                r#"{"logical_name":"1-0:32.7.0*255","class":3,"attribute":2,"#,
                r#""type":"long-unsigned","#,
                r#""value":2301,"scaler":-1,"unit":"V","text":"230.1 V","error":null}"#
            )
        );
        assert_eq!(reading.table()[0], "3:1-0:32.7.0*255:2");
        assert_eq!(reading.table()[2], "230.1 V");
        assert_eq!(
            render::csv_line(&reading).unwrap(),
            "1-0:32.7.0*255,3,2,long-unsigned,2301,,-1,V,230.1 V,"
        );
    }

    #[test]
    fn a_refusal_is_a_line_too() {
        let refusal = Diagnosis::data_access(
            dlms_core::xdlms::DataAccessResult::ObjectUndefined,
            "get 3:1-0:1.8.0*255:2",
            &Context::default(),
        );
        let reading = Reading::new(ENERGY, None, AttributeId(2), Err(&refusal));
        let line = serde_json::to_string(&reading).unwrap();
        let expected = concat!(
            r#"{"logical_name":"1-0:1.8.0*255","class":null,"attribute":2,"type":null,"#,
            r#""value":null,"scaler":null,"unit":null,"text":null,"#,
            r#""error":{"code":"E-DAR-4","name":"object-undefined","hint":""#
        );
        assert!(line.starts_with(expected), "{line}");
        assert_eq!(reading.table()[2], "- object-undefined (E-DAR-4)");
    }

    #[test]
    fn a_clock_is_a_date_time_with_its_octets_beside_it() {
        let clock = shown(8, 2, "09 0c 07ea010f04111e0000ffc400", None);
        assert_eq!(
            serde_json::to_string(&clock).unwrap(),
            concat!(
                r#"{"type":"date-time","value":"2026-01-15T17:30:00+01:00","#,
                r#""raw":"07ea010f04111e0000ffc400","#,
                r#""scaler":null,"unit":null,"text":"2026-01-15T17:30:00+01:00"}"#
            )
        );
        let local = shown(4, 5, "09 0c 07ea010f04111e0000800000", None);
        assert_eq!(local.value, "2026-01-15T17:30:00");
        // The same octets elsewhere are octets, and so is a clock with impossible ones.
        assert_eq!(
            shown(1, 2, "09 0c 07ea010f04111e0000ffc400", None).data_type,
            Some("octet-string")
        );
        assert_eq!(shown(8, 2, "09 02 0102", None).value, "0102");
        // By its own type it is one everywhere.
        assert_eq!(shown(1, 2, "19 07ea010f04111e0000800000", None).value, "2026-01-15T17:30:00");
    }

    #[test]
    fn integers_beyond_two_to_the_53_are_strings() {
        assert_eq!(value("15 0020000000000000"), "9007199254740992");
        assert_eq!(value("15 0020000000000001"), r#""9007199254740993""#);
        assert_eq!(value("14 ffdfffffffffffff"), r#""-9007199254740993""#);
        assert_eq!(value("15 ffffffffffffffff"), r#""18446744073709551615""#);
    }

    #[test]
    fn every_type_has_a_json_value() {
        for (octets, expected) in [
            ("00", "null"),
            ("03 01", "true"),
            ("04 05 68", r#""01101""#),
            ("05 fffffff6", "-10"),
            ("09 03 0102ff", r#""0102ff""#),
            ("0a 03 414243", r#""ABC""#),
            ("0c 02 c3a9", r#""é""#),
            ("0d 42", r#""42""#),
            ("16 01", "1"),
            ("17 3dcccccd", "0.1"),
            ("17 7fc00000", r#""NaN""#),
            ("18 c000000000000000", "-2.0"),
            ("1a 07ea010f04", r#""2026-01-15""#),
            ("1b 11 1e 00 00", r#""17:30:00""#),
            ("01 02 11 01 11 02", "[1,2]"),
            ("02 02 09 01 ff 02 01 00", r#"["ff",[null]]"#),
            ("13 02 02 12 11 06 00010a 00020b", "[[1,10],[2,11]]"),
            ("1d fffe", "-2"),
            ("ff", r#""don't-care""#),
        ] {
            assert_eq!(value(octets), expected, "{octets}");
        }
    }

    #[test]
    fn an_octet_string_of_characters_is_shown_as_such() {
        assert_eq!(text("09 03 475258"), "GRX");
        assert_eq!(text("09 03 475200"), "475200");
        assert_eq!(text("09 00"), "");
        assert_eq!(text("02 02 11 01 00"), "[1,null]");
        assert_eq!(text("06 00000005"), "5");
    }

    #[test]
    fn a_count_has_a_scaler_and_no_unit() {
        let count = shown(3, 2, "11 05", Some(ScalerUnit::COUNT));
        assert_eq!((count.scaler, count.unit), (Some(0), None));
        assert_eq!(count.text.unwrap(), "5");
    }

    #[test]
    fn a_float_is_scaled_for_the_eye_only() {
        let volts = Some(ScalerUnit::new(0, Unit::from_code(35)));
        let float = shown(3, 2, "17 3dcccccd", volts);
        assert_eq!((float.value.to_string(), float.text.unwrap()), ("0.1".into(), "0.1 V".into()));
    }

    #[test]
    fn a_float_is_scaled_by_its_decimal_digits() {
        for (octets, scaler, expected) in [
            // 2301, 0.1, -12.5, 0, infinity and the smallest that there is.
            ("17 450fd000", -1, "230.1 V"),
            ("18 40a1fa0000000000", -1, "230.1 V"),
            ("17 450fd000", 2, "230100 V"),
            ("17 3dcccccd", 1, "1 V"),
            ("17 3dcccccd", -2, "0.001 V"),
            ("17 c1480000", -3, "-0.0125 V"),
            ("17 c1480000", 0, "-12.5 V"),
            ("17 00000000", 3, "0 V"),
            ("17 7f800000", -1, "inf V"),
        ] {
            let volts = Some(ScalerUnit::new(scaler, Unit::Volt));
            assert_eq!(shown(3, 2, octets, volts).text.unwrap(), expected, "{octets} {scaler}");
        }
    }

    #[test]
    fn a_date_time_that_leaves_something_open_is_no_value() {
        let yearly = shown(8, 2, "09 0c ffff0c19ff00000000800000", None);
        assert_eq!(yearly.value, Value::Null);
        assert_eq!(yearly.raw.as_deref(), Some("ffff0c19ff00000000800000"));
        assert!(yearly.text.unwrap().contains("-12-25T"));
    }

    #[test]
    fn a_string_that_is_not_text_keeps_its_octets() {
        let latin = shown(1, 2, "0a 03 5ae468", None);
        assert_eq!((latin.value, latin.raw.as_deref()), ("Z\u{fffd}h".into(), Some("5ae468")));
        assert_eq!(shown(1, 2, "0a 03 5a6168", None).raw, None);
    }
}
