//! What requests and answers mean, for the trace: one line each, values as the meter sent them.

use core::fmt::Write;

use dlms_core::{
    association::{AccessAnswer, AccessItem, Request, Response},
    axdr::{Data, RawData, Reader},
    xdlms::{ActionResult, DataAccessResult},
};

/// Elements of arrays and structures that are written out; the rest is counted.
const ELEMENTS_MAX: usize = 24;

/// A request. Strings in what is written are shown by their length only: they may be passwords or
/// keys.
pub(crate) fn asked(request: &Request) -> String {
    match request {
        Request::Get { attribute, selection } | Request::GetBlocks { attribute, selection } => {
            let selected = if selection.is_some() { " (selected)" } else { "" };
            format!("read {attribute}{selected}")
        }
        Request::GetList(list) => {
            let names: Vec<_> = list.iter().map(|(attribute, _)| attribute.to_string()).collect();
            format!("read {}", names.join(", "))
        }
        Request::Set { attribute, value, .. } => format!("write {attribute} = {}", hidden(value)),
        Request::SetList(list) => {
            let writes: Vec<_> = list
                .iter()
                .map(|(attribute, value)| format!("{attribute} = {}", hidden(value)))
                .collect();
            format!("write {}", writes.join(", "))
        }
        Request::Action { method, parameters } => {
            let parameters = parameters.as_deref().map(hidden).unwrap_or_default();
            format!("invoke {method}({parameters})")
        }
        Request::ActionList(list) => {
            let calls: Vec<_> = list
                .iter()
                .map(|(method, parameters)| format!("{method}({})", hidden(parameters)))
                .collect();
            format!("invoke {}", calls.join(", "))
        }
        Request::Access { items, .. } => {
            let items: Vec<_> = items.iter().map(item_asked).collect();
            items.join(", ")
        }
    }
}

fn item_asked(item: &AccessItem) -> String {
    match item {
        AccessItem::Get { attribute, .. } => format!("read {attribute}"),
        AccessItem::Set { attribute, value, .. } => {
            format!("write {attribute} = {}", hidden(value))
        }
        AccessItem::Action { method, parameters } => {
            let parameters = parameters.as_deref().map(hidden).unwrap_or_default();
            format!("invoke {method}({parameters})")
        }
    }
}

/// An answer.
pub(crate) fn answered(response: &Response) -> String {
    match response {
        Response::Get(result) => result_shown(result),
        Response::GetBlocks(Ok(())) => "last block".to_owned(),
        Response::GetBlocks(Err(refusal)) => refused(*refusal),
        Response::GetList(results) => {
            results.iter().map(result_shown).collect::<Vec<_>>().join(", ")
        }
        Response::Unconfirmed => "nothing: it is not answered".to_owned(),
        Response::Set(result) => refused(*result),
        Response::SetList(results) => {
            results.iter().map(|result| refused(*result)).collect::<Vec<_>>().join(", ")
        }
        Response::Action(outcome) => action_shown(outcome.result, outcome.returned.as_ref()),
        Response::ActionList(outcomes) => outcomes
            .iter()
            .map(|outcome| action_shown(outcome.result, outcome.returned.as_ref()))
            .collect::<Vec<_>>()
            .join(", "),
        Response::Access(answers) => answers
            .iter()
            .map(|answer| match answer {
                AccessAnswer::Get(result) => result_shown(result),
                AccessAnswer::Set(result) => refused(*result),
                AccessAnswer::Action(outcome) => {
                    action_shown(outcome.result, outcome.returned.as_ref())
                }
            })
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn result_shown(result: &Result<Vec<u8>, DataAccessResult>) -> String {
    match result {
        Ok(octets) => shown(octets),
        Err(refusal) => refused(*refusal),
    }
}

fn refused(result: DataAccessResult) -> String {
    format!("{} ({})", result.name(), result.code())
}

fn action_shown(
    result: ActionResult,
    returned: Option<&Result<Vec<u8>, DataAccessResult>>,
) -> String {
    let mut text = format!("{} ({})", result.name(), result.code());
    if let Some(returned) = returned {
        text.push_str(", returned ");
        text.push_str(&result_shown(returned));
    }
    text
}

fn shown(octets: &[u8]) -> String {
    text(octets, true)
}

fn hidden(octets: &[u8]) -> String {
    text(octets, false)
}

fn text(octets: &[u8], strings: bool) -> String {
    let mut text = String::new();
    match RawData::decode(&mut Reader::new(octets)).and_then(|raw| raw.data()) {
        Ok(data) => show(&data, strings, &mut text),
        Err(malformed) => text = format!("not decodable: {malformed}"),
    }
    text
}

fn show(data: &Data<'_>, strings: bool, out: &mut String) {
    match data {
        Data::Array(elements) | Data::Structure(elements) => {
            let _ = write!(out, "{}(", data.type_name());
            for (index, element) in elements.clone().enumerate() {
                if index == ELEMENTS_MAX {
                    let _ = write!(out, ", and {} more", elements.len().saturating_sub(index));
                    break;
                }
                if index > 0 {
                    out.push_str(", ");
                }
                match element {
                    Ok(element) => show(&element, strings, out),
                    Err(malformed) => {
                        let _ = write!(out, "not decodable: {malformed}");
                    }
                }
            }
            out.push(')');
        }
        Data::OctetString(octets) | Data::VisibleString(octets) | Data::Utf8String(octets)
            if !strings =>
        {
            let _ = write!(out, "{} of {} octets", data.type_name(), octets.len());
        }
        Data::OctetString(octets) => {
            let _ = write!(out, "{} ", data.type_name());
            octets.iter().for_each(|octet| {
                let _ = write!(out, "{octet:02X}");
            });
        }
        Data::VisibleString(octets) | Data::Utf8String(octets) => {
            let _ = write!(out, "{} {:?}", data.type_name(), String::from_utf8_lossy(octets));
        }
        other => match other.as_integer() {
            Some(number) => {
                let _ = write!(out, "{} {number}", data.type_name());
            }
            None => out.push_str(data.type_name()),
        },
    }
}

#[cfg(test)]
mod tests {
    use dlms_core::cosem::{AttributeDescriptor, ClassId, LogicalName};

    use super::*;

    #[test]
    fn requests_and_answers_read_as_sentences() {
        let attribute = AttributeDescriptor::new(ClassId::CLOCK, LogicalName::CLOCK, 2);
        let request = Request::Get { attribute, selection: None };
        assert_eq!(asked(&request), "read 8:0-0:1.0.0*255:2");
        let value = vec![0x02, 0x02, 0x12, 0x08, 0xfd, 0x09, 0x02, 0xab, 0xcd];
        assert_eq!(
            answered(&Response::Get(Ok(value))),
            "structure(long-unsigned 2301, octet-string ABCD)"
        );
        assert_eq!(
            answered(&Response::Get(Err(DataAccessResult::ObjectUndefined))),
            "object-undefined (4)"
        );
    }
}
