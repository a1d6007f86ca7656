//! Tasks and orders: what is to be read from which meters.

use dlms_core::{
    axdr::RawData,
    cosem::{
        AttributeDescriptor, ClassId, DateTime, MethodDescriptor,
        concentrator::collection::{self, OrderedService},
    },
};

use super::Calendar;
use crate::nodes::LogicalDeviceName;

/// How long data is kept when there is no room for all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keep {
    /// It goes first.
    Ordinary,
    /// It goes when nothing ordinary is left: people are billed by it.
    Billing,
}

/// Which meters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whom {
    /// Only those on this medium, an index into the configured ones. None: on any, or on none.
    pub medium: Option<u16>,
    /// Only those whose logical device name has this pattern: `*` stands for any characters, `?`
    /// for one. None: any name.
    pub name: Option<Box<str>>,
}

impl Whom {
    /// Whether a meter on `medium`, None for one with an endpoint of its own, is meant.
    #[must_use]
    pub fn means(&self, name: &LogicalDeviceName, medium: Option<u16>) -> bool {
        let on_it = self.medium.is_none_or(|wanted| medium == Some(wanted));
        let pattern = self.name.as_deref();
        on_it && pattern.is_none_or(|pattern| fits(pattern.as_bytes(), name.octets()))
    }
}

/// Whether `name` has this pattern. Linear in both but for the last star, which is tried again.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while seen < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, seen));
                at += 1;
            }
            Some(&wanted) if wanted == b'?' || wanted == name[seen] => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((after, from)) = star else { return false };
                star = Some((after, from + 1));
                (at, seen) = (after, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|&octet| octet == b'*')
}

/// What is read again and again.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// What it is called. What was done is remembered under this name.
    pub name: Box<str>,
    /// The attributes that are read. Of a profile generic it is the buffer, from the last row that
    /// is stored on.
    pub read: Vec<AttributeDescriptor>,
    /// From which meters.
    pub whom: Whom,
    /// When.
    pub calendar: Calendar,
    /// What goes first when several tasks are due: the greater.
    pub priority: u8,
    /// How long what is read is kept.
    pub keep: Keep,
}

/// What a head-end wants once.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The number that the head-end gave it. One number is one order.
    pub id: u64,
    /// When the head-end gave it, in seconds since 1970.
    pub issued_s: i64,
    /// From when on it may be begun, in seconds since 1970.
    pub begins_s: i64,
    /// From when on nothing of it is begun any more, in seconds since 1970.
    pub expires_s: i64,
    /// From which meters.
    pub whom: Whom,
    /// What.
    pub what: What,
    /// As in a task.
    pub priority: u8,
}

/// What a meter is wanted for.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Attributes are read and kept like this.
    Read(Vec<AttributeDescriptor>, Keep),
    /// The clock is compared, and set within the limits that are configured.
    Time,
    /// Something is changed, once at most.
    Change {
        /// What.
        deed: Deed,
        /// What is read when it is not known whether it was done.
        look_up: Option<AttributeDescriptor>,
    },
}

/// What changes something at a meter.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// An attribute is written, with one encoded Data.
    Write(AttributeDescriptor, Vec<u8>),
    /// A method is invoked, with one encoded Data if it has parameters.
    Invoke(MethodDescriptor, Option<Vec<u8>>),
}

/// Why an order is refused before it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefusal {
    /// A time in it is not complete, or does not say how far it is from UTC.
    #[error("its times must be complete and say how far they are from UTC")]
    Times,
    /// Its end is before its beginning.
    #[error("it expires before it may be begun")]
    Window,
    /// It reads nothing.
    #[error("it says nothing that is to be read")]
    Nothing,
    /// The pattern of names is no text.
    #[error("the names of meters are no text")]
    Names,
    /// A value is no encoded Data.
    #[error("its value is not one encoded Data")]
    Value,
    /// Only the head-end may do it, end to end.
    #[error(
        "disconnecting, changing keys and activating images is for the head-end alone, end to \
         end with keys that are not here"
    )]
    HeadEndOnly,
}

impl TryFrom<&collection::Order> for Order {
    type Error = OrderRefusal;

    /// What the reading client must not do is refused here already, whatever rights it has.
    fn try_from(order: &collection::Order) -> Result<Self, OrderRefusal> {
        let at = |time: &DateTime| time.unix_utc().ok_or(OrderRefusal::Times);
        let name = core::str::from_utf8(&order.meters).map_err(|_| OrderRefusal::Names)?;
        let (begins_s, expires_s) = (at(&order.begins)?, at(&order.expires)?);
        if expires_s <= begins_s {
            return Err(OrderRefusal::Window);
        }
        let is_data = |octets: &[u8]| RawData::from_octets(octets).is_ok();
        let what = match &order.service {
            OrderedService::Read(attributes) if attributes.is_empty() => {
                return Err(OrderRefusal::Nothing);
            }
            OrderedService::Read(attributes) => What::Read(attributes.clone(), Keep::Ordinary),
            OrderedService::Clock => What::Time,
            OrderedService::Write { value, .. } if !is_data(value) => {
                return Err(OrderRefusal::Value);
            }
            OrderedService::Invoke { parameters, .. }
                if !parameters.is_empty() && !is_data(parameters) =>
            {
                return Err(OrderRefusal::Value);
            }
            OrderedService::Write { attribute, .. } if is_head_end_only(attribute.class) => {
                return Err(OrderRefusal::HeadEndOnly);
            }
            OrderedService::Invoke { method, .. } if is_head_end_only(method.class) => {
                return Err(OrderRefusal::HeadEndOnly);
            }
            OrderedService::Write { attribute, value, look_up } => {
                What::Change { deed: Deed::Write(*attribute, value.clone()), look_up: *look_up }
            }
            OrderedService::Invoke { method, parameters, look_up } => {
                let parameters = Some(parameters).filter(|octets| !octets.is_empty()).cloned();
                What::Change { deed: Deed::Invoke(*method, parameters), look_up: *look_up }
            }
        };
        Ok(Self {
            id: order.id,
            issued_s: at(&order.issued)?,
            begins_s,
            expires_s,
            whom: Whom { medium: None, name: Some(name.into()) },
            what,
            priority: order.priority,
        })
    }
}

/// Disconnect control, security setup, image transfer, and the associations with their secrets.
const fn is_head_end_only(class: ClassId) -> bool {
    matches!(
        class,
        ClassId::DISCONNECT_CONTROL
            | ClassId::SECURITY_SETUP
            | ClassId::IMAGE_TRANSFER
            | ClassId::ASSOCIATION_LN
            | ClassId::ASSOCIATION_SN
    )
}

#[cfg(test)]
mod tests {
    use dlms_core::cosem::LogicalName;

    use super::*;

    fn means(pattern: &str, name: &str) -> bool {
        let whom = Whom { medium: None, name: Some(pattern.into()) };
        whom.means(&name.as_bytes().try_into().unwrap(), Some(1))
    }

    #[test]
    fn a_pattern_has_stars_for_any_characters_and_question_marks_for_one() {
        for (pattern, name) in [
            ("ABC*", "ABC0000000000001"),
            ("*01", "ABC0000000000001"),
            ("*", "A"),
            ("A?C*1", "ABC0000000000001"),
            ("*0*0*1*", "ABC0000000000001"),
            ("ABC", "ABC"),
        ] {
            assert!(means(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("ABC", "ABCD"), ("AB", "ABC"), ("?", "AB"), ("*2", "AB1"), ("", "A"), ("A??", "AB")]
        {
            assert!(!means(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn a_medium_leaves_out_meters_that_are_elsewhere() {
        let whom = Whom { medium: Some(2), name: None };
        let name = b"ABC1"[..].try_into().unwrap();
        assert!(whom.means(&name, Some(2)));
        assert!(!whom.means(&name, Some(1)));
        assert!(!whom.means(&name, None));
    }

    #[test]
    fn an_order_that_is_for_the_head_end_alone_is_not_taken() {
        let at = |utc_s| DateTime::from_unix(utc_s, Some(0)).unwrap();
        let order = |service| collection::Order {
            id: 1,
            issued: at(0),
            begins: at(0),
            expires: at(60),
            priority: 0,
            meters: b"*".to_vec(),
            service,
        };
        let refusal = |order: &collection::Order| Order::try_from(order).err();
        for (class, taken) in [
            (ClassId::DISCONNECT_CONTROL, false),
            (ClassId::SECURITY_SETUP, false),
            (ClassId::IMAGE_TRANSFER, false),
            (ClassId::ASSOCIATION_LN, false),
            (ClassId::CLOCK, true),
        ] {
            let method = MethodDescriptor::new(class, LogicalName([0; 6]), 1);
            let invoke =
                OrderedService::Invoke { method, parameters: vec![0x0F, 0], look_up: None };
            let expected = (!taken).then_some(OrderRefusal::HeadEndOnly);
            assert_eq!(refusal(&order(invoke)), expected, "{class}");
        }
        let late = collection::Order { begins: at(60), ..order(OrderedService::Clock) };
        assert_eq!(refusal(&late), Some(OrderRefusal::Window));
        let nothing = order(OrderedService::Read(Vec::new()));
        assert_eq!(refusal(&nothing), Some(OrderRefusal::Nothing));
        let attribute = AttributeDescriptor::new(ClassId::DATA, LogicalName([0; 6]), 2);
        let cut = OrderedService::Write { attribute, value: vec![0x06, 0], look_up: None };
        assert_eq!(refusal(&order(cut)), Some(OrderRefusal::Value));
    }
}
