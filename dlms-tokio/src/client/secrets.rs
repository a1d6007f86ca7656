//! Which octets of a request are secret: passwords and keys on their way into a meter.

use dlms_core::{
    association::{AccessItem, Request},
    axdr::{Data, RawData, Reader},
    cosem::{AttributeDescriptor, AttributeId, ClassId, MethodDescriptor, MethodId},
};

/// secret of an Association LN (IEC 62056-6-2).
const SECRET: AttributeId = AttributeId(7);
/// change_HLS_secret of an Association LN.
const CHANGE_HLS_SECRET: MethodId = MethodId(2);
/// key_transfer of a Security setup.
const KEY_TRANSFER: MethodId = MethodId(2);

/// Gives every secret in `request` to `hide`: the strings in what is written into a secret, or
/// transferred as a key.
pub(super) fn hide(request: &Request, mut hide: impl FnMut(&[u8])) {
    match request {
        Request::Set { attribute, value, .. } if is_secret(*attribute) => strings(value, &mut hide),
        Request::SetList(list) => {
            let secret = list.iter().filter(|(attribute, _)| is_secret(*attribute));
            secret.for_each(|(_, value)| strings(value, &mut hide));
        }
        Request::Action { method, parameters: Some(parameters) } if takes_secret(*method) => {
            strings(parameters, &mut hide);
        }
        Request::ActionList(list) => {
            let secret = list.iter().filter(|(method, _)| takes_secret(*method));
            secret.for_each(|(_, parameters)| strings(parameters, &mut hide));
        }
        Request::Access { items, .. } => items.iter().for_each(|item| match item {
            AccessItem::Set { attribute, value, .. } if is_secret(*attribute) => {
                strings(value, &mut hide);
            }
            AccessItem::Action { method, parameters: Some(parameters) }
                if takes_secret(*method) =>
            {
                strings(parameters, &mut hide);
            }
            _ => {}
        }),
        _ => {}
    }
}

fn is_secret(attribute: AttributeDescriptor) -> bool {
    attribute.class == ClassId::ASSOCIATION_LN && attribute.attribute == SECRET
}

fn takes_secret(method: MethodDescriptor) -> bool {
    (method.class == ClassId::ASSOCIATION_LN && method.method == CHANGE_HLS_SECRET)
        || (method.class == ClassId::SECURITY_SETUP && method.method == KEY_TRANSFER)
}

/// The strings inside encoded Data; all of it where it cannot be decoded.
fn strings(octets: &[u8], hide: &mut impl FnMut(&[u8])) {
    match RawData::decode(&mut Reader::new(octets)).and_then(|raw| raw.data()) {
        Ok(data) => strings_of(&data, hide),
        Err(_) => hide(octets),
    }
}

fn strings_of(data: &Data<'_>, hide: &mut impl FnMut(&[u8])) {
    match data {
        Data::Array(elements) | Data::Structure(elements) => {
            elements.clone().flatten().for_each(|element| strings_of(&element, hide));
        }
        Data::OctetString(octets) | Data::VisibleString(octets) | Data::Utf8String(octets) => {
            hide(octets);
        }
        _ => {}
    }
}
