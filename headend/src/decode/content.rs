//! What a plain APDU carries: the values of a push or of an answer.

use dlms_core::{
    Malformed, MalformedKind,
    axdr::Data,
    cosem::AttributeDescriptor,
    push::{Patterns, PushObject, PushValue, scalar_count},
    xdlms::{Apdu, DataNotificationHead, GetResponse, tag},
};

/// The values of an APDU that carries some.
#[derive(Debug)]
pub(crate) struct Content<'a> {
    /// When it was made: the octets of the date-time; none where there is no place for it.
    pub(crate) time: Option<&'a [u8]>,
    /// The encoded body; none where a meter sends something that is no A-XDR.
    pub(crate) body: Option<Data<'a>>,
    /// Scalar values in the body, null-data included.
    pub(crate) scalars: usize,
    /// The values by their names.
    pub(crate) values: Vec<PushValue<'a>>,
}

/// Reads `apdu`, and the values in it if it is of a kind that has some. What is wrong with it is
/// told beside what could be read.
pub(crate) fn read<'a>(
    apdu: &'a [u8],
    patterns: &Patterns,
) -> (Option<Apdu<'a>>, Option<Content<'a>>, Option<Malformed>) {
    match Apdu::decode(apdu) {
        Ok(decoded) => match content(&decoded, patterns) {
            Ok(content) => (Some(decoded), content, None),
            Err(malformed) => (Some(decoded), None, Some(malformed)),
        },
        // What stands before the octets left over is whole.
        Err(malformed @ Malformed { kind: MalformedKind::Trailing, offset }) => {
            let whole = apdu.get(..offset).and_then(|whole| Apdu::decode(whole).ok());
            let content = whole.as_ref().and_then(|apdu| content(apdu, patterns).ok().flatten());
            match untagged(apdu, patterns) {
                Some(content) => (None, Some(content), None),
                None => (whole, content, Some(malformed)),
            }
        }
        Err(malformed) => match untagged(apdu, patterns) {
            Some(content) => (None, Some(content), None),
            None => (None, None, Some(malformed)),
        },
    }
}

fn content<'a>(apdu: &Apdu<'a>, patterns: &Patterns) -> Result<Option<Content<'a>>, Malformed> {
    match apdu {
        Apdu::DataNotification(push) => {
            let body = push.body.data()?;
            let values = patterns.interpret(&body)?;
            let scalars = scalar_count(&body)?;
            Ok(Some(Content { time: Some(push.date_time), body: Some(body), scalars, values }))
        }
        Apdu::EventNotification(event) => {
            let body = event.value.data()?;
            let AttributeDescriptor { class, instance, attribute } = event.attribute;
            let object = PushObject { class: Some(class), instance, attribute: Some(attribute) };
            let value = PushValue { object: Some(object), value: body.clone(), scaler_unit: None };
            Ok(Some(Content {
                time: Some(event.time.unwrap_or_default()),
                scalars: scalar_count(&body)?,
                body: Some(body),
                values: vec![value],
            }))
        }
        Apdu::GetResponse(GetResponse::Normal { result: Ok(raw), .. }) => {
            let body = raw.data()?;
            let values = pairs().interpret(&body)?;
            let scalars = scalar_count(&body)?;
            Ok(Some(Content { time: None, body: Some(body), scalars, values }))
        }
        Apdu::GetResponse(GetResponse::Normal { result: Err(_), .. }) => {
            Ok(Some(Content { time: None, body: None, scalars: 0, values: Vec::new() }))
        }
        _ => Ok(None),
    }
}

/// What an answer may hold beside plain values. It is no push: classes and attributes in it are
/// what was asked for, such as the columns of a profile.
fn pairs() -> Patterns {
    let patterns = ["name value scaler-unit", "name value"];
    Patterns {
        patterns: patterns.into_iter().filter_map(|text| text.parse().ok()).collect(),
        ..Patterns::default()
    }
}

/// A push whose body is no A-XDR.
fn untagged<'a>(apdu: &'a [u8], patterns: &Patterns) -> Option<Content<'a>> {
    if apdu.first() != Some(&tag::DATA_NOTIFICATION) {
        return None;
    }
    let head = DataNotificationHead::decode(apdu).ok()?;
    let values = patterns.interpret_untagged(head.body)?;
    let scalars = values
        .iter()
        .try_fold(0, |sum, value| scalar_count(&value.value).map(|count| sum + count))
        .ok()?;
    Some(Content { time: Some(head.date_time), body: None, scalars, values })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(hex: &str) -> Vec<u8> {
        super::super::capture::parse(hex).unwrap()
    }

    #[test]
    fn a_push_has_a_time_scalars_and_named_values() {
        let apdu = octets("0f 00000001 00 02 02 0906 0100010800ff 06 00000009");
        let (_, content, malformed) = read(&apdu, &Patterns::built_in());
        let content = content.unwrap();
        assert_eq!((content.time, content.scalars, malformed), (Some(&[][..]), 2, None));
        assert_eq!(content.values[0].object.unwrap().instance.to_string(), "1-0:1.8.0*255");
    }

    #[test]
    fn octets_left_over_do_not_hide_the_value_before_them() {
        let apdu = octets("c4 01 c0 00 0f 05 aa bb");
        let (_, content, malformed) = read(&apdu, &Patterns::built_in());
        assert_eq!(content.unwrap().scalars, 1);
        assert_eq!(malformed, Some(Malformed::new(MalformedKind::Trailing, 6)));
    }

    #[test]
    fn an_answer_that_refuses_has_no_value() {
        let apdu = octets("c4 01 c1 01 04");
        let (_, content, malformed) = read(&apdu, &Patterns::built_in());
        assert_eq!((content.unwrap().scalars, malformed), (0, None));
    }

    #[test]
    fn a_body_that_is_no_axdr_is_read_by_a_layout() {
        let apdu = octets("0f 00000001 00 02 01 0003 0100010800ff 02 06 00000009");
        let (apdu, content, malformed) = read(&apdu, &Patterns::built_in());
        assert!(apdu.is_none() && malformed.is_none());
        assert_eq!(content.unwrap().values.len(), 1);
        let broken = octets("0f 00000001 00 02 01 0003 0100010800ff 02 06 000000");
        let (_, content, malformed) = read(&broken, &Patterns::built_in());
        assert!(malformed.is_some());
        assert!(content.is_none_or(|content| content.values.iter().all(|v| v.object.is_none())));
    }
}
