//! Orders over the control socket: given, listed, and what became of them.

use dlms_core::cosem::{
    AttributeDescriptor, DateTime, MethodDescriptor,
    concentrator::collection::{Order, OrderState, OrderedService},
};
use serde::{Deserialize, Serialize};

use crate::{
    collection::{Attribute, OrderStatus, Orders, StoredResult},
    daemon::utc,
};

/// Seconds within which an order is begun that does not say how long.
const WINDOW_S: u32 = 3_600;
/// Orders and results in one answer.
const SHOWN_MAX: u32 = 10_000;

/// An order to be given. What is wanted is said once: `read`, `clock`, `write` or `invoke`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewOrder {
    /// Its number. Default: the time in milliseconds.
    pub id: Option<u64>,
    /// Which meters, by name: `*` for any characters, `?` for one.
    pub meters: String,
    /// Seconds from now until it may be begun. Default: 0.
    pub begins_in_s: u32,
    /// Seconds from then on until it may not be begun any more. Default: an hour.
    pub window_s: Option<u32>,
    /// What goes first: the greater. Default: 200, before all tasks that say nothing else.
    pub priority: Option<u8>,
    /// Attributes to read, each `CLASS:NAME` or `CLASS:NAME:ATTRIBUTE`.
    pub read: Vec<String>,
    /// Whether the clock is to be compared, and set within the limits.
    pub clock: bool,
    /// An attribute to write with `data`.
    pub write: Option<String>,
    /// A method to invoke, `CLASS:NAME:METHOD`, with `data` if there is any.
    pub invoke: Option<String>,
    /// One encoded Data, hexadecimal.
    pub data: Option<String>,
    /// What to read when it is not known whether it was done.
    pub look_up: Option<String>,
}

/// An order that is remembered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OrderView {
    /// Its number.
    pub id: u64,
    /// Which meters.
    pub meters: String,
    /// `read`, `clock`, `write` or `invoke`, and what.
    pub what: String,
    /// From when on it may be begun, in seconds since 1970.
    pub begins: i64,
    /// From when on not any more.
    pub expires: i64,
    /// What goes first: the greater.
    pub priority: u8,
    /// `open` or `done`.
    pub state: String,
    /// At how many meters something was begun that changes something and is not finished.
    pub started: u32,
    /// Results that no head-end has acknowledged.
    pub results: u32,
}

/// What became of an order at a meter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ResultView {
    /// The number to acknowledge it by.
    pub number: i64,
    /// The order.
    pub order: u64,
    /// The meter; none for an order that meant none.
    pub meter: Option<String>,
    /// When, in seconds since 1970.
    pub at: i64,
    /// `done`, `refused`, `expired` or `unknown`.
    pub state: String,
    /// Why it was not done.
    pub cause: String,
    /// What was read, returned or looked up: encoded Data, hexadecimal.
    pub value: String,
}

/// Gives an order: what it is then.
pub(super) fn give(orders: &Orders, new: &NewOrder) -> Result<OrderView, String> {
    let now_s = utc();
    let order = order(new, now_s)?;
    orders.take(now_s, &order).map_err(|error| error.to_string())?;
    let started = 0;
    Ok(view(&OrderStatus { order, open: true, started, results: 0 }))
}

/// The orders that are remembered, the newest first.
pub(super) fn list(orders: &Orders) -> Result<Vec<OrderView>, String> {
    let found = orders.ledger().orders(SHOWN_MAX).map_err(|error| error.to_string())?;
    Ok(found.iter().map(view).collect())
}

/// What became of an order, as far as no head-end has acknowledged it.
pub(super) fn results(orders: &Orders, id: u64) -> Result<Vec<ResultView>, String> {
    let found = orders.ledger().results(0, i64::MAX, usize::MAX);
    let found = found.map_err(|error| error.to_string())?;
    Ok(found.into_iter().filter(|result| result.order == id).map(result).collect())
}

fn order(new: &NewOrder, now_s: i64) -> Result<Order, String> {
    let at = |utc_s| DateTime::from_unix(utc_s, Some(0)).ok_or_else(|| "no such time".to_owned());
    let begins_s = now_s.saturating_add(new.begins_in_s.into());
    let expires_s = begins_s.saturating_add(new.window_s.unwrap_or(WINDOW_S).into());
    let data = new.data.as_deref().map(octets).transpose()?;
    let look_up = new.look_up.as_deref().map(attribute).transpose()?;
    let service = match (&*new.read, new.clock, &new.write, &new.invoke) {
        ([_, ..], false, None, None) => {
            let read = new.read.iter().map(|text| attribute(text));
            OrderedService::Read(read.collect::<Result<_, _>>()?)
        }
        ([], true, None, None) => OrderedService::Clock,
        ([], false, Some(text), None) => OrderedService::Write {
            attribute: attribute(text)?,
            value: data.ok_or("what is written is missing: --data")?,
            look_up,
        },
        ([], false, None, Some(text)) => {
            let AttributeDescriptor { class, instance, attribute } = member(text, None)?;
            OrderedService::Invoke {
                method: MethodDescriptor::new(class, instance, attribute.0),
                parameters: data.unwrap_or_default(),
                look_up,
            }
        }
        _ => return Err("an order says one of: --read, --clock, --write, --invoke".into()),
    };
    Ok(Order {
        id: new.id.unwrap_or_else(|| now_s.unsigned_abs().saturating_mul(1_000)),
        issued: at(now_s)?,
        begins: at(begins_s)?,
        expires: at(expires_s)?,
        priority: new.priority.unwrap_or(200),
        meters: new.meters.clone().into_bytes(),
        service,
    })
}

fn attribute(text: &str) -> Result<AttributeDescriptor, String> {
    member(text, Some("2"))
}

/// An attribute or a method: `CLASS:NAME:NUMBER`.
fn member(text: &str, usual: Option<&str>) -> Result<AttributeDescriptor, String> {
    Attribute::parse(text, usual).ok_or_else(|| {
        let number = if usual.is_some() { "" } else { ":METHOD" };
        format!("{text:?} is not CLASS:NAME{number}, such as \"8:0-0:1.0.0*255:6\"")
    })
}

fn octets(text: &str) -> Result<Vec<u8>, String> {
    let digits = text.as_bytes().chunks(2);
    let octet = |pair: &[u8]| {
        let pair = core::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    };
    let octets: Option<Vec<u8>> = digits.map(octet).collect();
    octets.ok_or_else(|| "the data is no row of hexadecimal octets".into())
}

fn view(status: &OrderStatus) -> OrderView {
    let order = &status.order;
    let what = match &order.service {
        OrderedService::Read(attributes) => {
            let attributes: Vec<String> = attributes.iter().map(ToString::to_string).collect();
            format!("read {}", attributes.join(" "))
        }
        OrderedService::Clock => "clock".to_owned(),
        OrderedService::Write { attribute, .. } => format!("write {attribute}"),
        OrderedService::Invoke { method, .. } => format!("invoke {method}"),
    };
    OrderView {
        id: order.id,
        meters: String::from_utf8_lossy(&order.meters).into_owned(),
        what,
        begins: order.begins.unix_utc().unwrap_or_default(),
        expires: order.expires.unix_utc().unwrap_or_default(),
        priority: order.priority,
        state: if status.open { "open" } else { "done" }.to_owned(),
        started: status.started,
        results: status.results,
    }
}

fn result(result: StoredResult) -> ResultView {
    ResultView {
        number: result.number,
        order: result.order,
        meter: result.meter.map(|meter| meter.to_string()),
        at: result.at_s,
        state: match result.state {
            OrderState::Accepted => "accepted",
            OrderState::Started => "started",
            OrderState::Done => "done",
            OrderState::Refused => "refused",
            OrderState::Expired => "expired",
            OrderState::Unknown => "unknown",
        }
        .to_owned(),
        cause: result.cause,
        value: result.value.iter().map(|octet| format!("{octet:02X}")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use dlms_core::cosem::{ClassId, LogicalName};

    use super::*;

    #[test]
    fn an_order_says_one_thing_and_says_it_whole() {
        let refused = |new: NewOrder| order(&new, 1_767_225_600).unwrap_err();
        let all = NewOrder { meters: "*".into(), ..NewOrder::default() };
        assert!(refused(all.clone()).contains("one of"));
        let both = NewOrder { clock: true, read: vec!["1:0-0:42.0.0*255".into()], ..all.clone() };
        assert!(refused(both).contains("one of"));
        let bare = NewOrder { write: Some("3:1-0:1.8.0*255".into()), ..all.clone() };
        assert!(refused(bare).contains("--data"));
        let method = NewOrder { invoke: Some("8:0-0:1.0.0*255".into()), ..all.clone() };
        assert!(refused(method).contains(":METHOD"));
        let odd = NewOrder { data: Some("0F0".into()), clock: true, ..all.clone() };
        assert!(refused(odd).contains("hexadecimal"));

        let shift = NewOrder {
            invoke: Some("8:0-0:1.0.0*255:6".into()),
            data: Some("10003C".into()),
            begins_in_s: 60,
            window_s: Some(30),
            ..all
        };
        let order = order(&shift, 1_767_225_600).unwrap();
        let method = MethodDescriptor::new(ClassId::CLOCK, LogicalName::CLOCK, 6);
        let service =
            OrderedService::Invoke { method, parameters: vec![0x10, 0, 60], look_up: None };
        assert_eq!((order.service, order.id), (service, 1_767_225_600_000));
        assert_eq!(order.begins.unix_utc(), Some(1_767_225_660));
        assert_eq!(order.expires.unix_utc(), Some(1_767_225_690));
    }
}
