//! Which octets of a request are secret: passwords and keys on their way into a meter.

use dlms_core::{
    association::{AccessItem, Request},
    axdr::{Data, RawData, Reader},
    cosem::{AttributeDescriptor, AttributeId, ClassId, MethodDescriptor, MethodId},
};

/// Attributes that are secrets (IEC 62056-6-2): secret of an Association LN, PPP_authentication of
/// a PPP setup, login_password of an SMTP setup, mac_key_table of a G3-PLC MAC setup,
/// authentication_keys and client_key of an NTP setup.
const SECRETS: [(ClassId, AttributeId); 6] = [
    (ClassId::ASSOCIATION_LN, AttributeId(7)),
    (ClassId(44), AttributeId(5)),
    (ClassId(46), AttributeId(4)),
    (ClassId(91), AttributeId(5)),
    (ClassId(100), AttributeId(6)),
    (ClassId(100), AttributeId(7)),
];
/// Methods that are given secrets: change_HLS_secret of an Association LN; change_LLS_secret or
/// change_secret, and change_HLS_secret of an Association SN; key_transfer of a Security setup;
/// set_encryption_key and transfer_key of an M-Bus client.
const TAKE_SECRETS: [(ClassId, MethodId); 6] = [
    (ClassId::ASSOCIATION_LN, MethodId(2)),
    (ClassId::ASSOCIATION_SN, MethodId(5)),
    (ClassId::ASSOCIATION_SN, MethodId(6)),
    (ClassId::SECURITY_SETUP, MethodId(2)),
    (ClassId(72), MethodId(7)),
    (ClassId(72), MethodId(8)),
];

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
    SECRETS.contains(&(attribute.class, attribute.attribute))
}

fn takes_secret(method: MethodDescriptor) -> bool {
    TAKE_SECRETS.contains(&(method.class, method.method))
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

#[cfg(test)]
mod tests {
    use dlms_core::cosem::{LogicalName, registry};

    use super::*;

    fn hidden(request: &Request) -> Vec<Vec<u8>> {
        let mut hidden = Vec::new();
        hide(request, |octets| hidden.push(octets.to_vec()));
        hidden
    }

    /// An octet-string of two octets.
    const VALUE: [u8; 4] = [0x09, 2, 0xAA, 0xBB];

    #[test]
    fn whatever_is_called_a_secret_a_password_or_a_key_is_hidden() {
        let name = LogicalName([0, 0, 1, 0, 0, 255]);
        let tells = ["secret", "password", "PPP_authentication", "_key_table", "_keys", "_key"];
        let takes = ["change_LLS_secret", "change_HLS_secret", "change_secret", "key_transfer"];
        let takes = [&takes[..], &["set_encryption_key", "transfer_key"]].concat();
        let mut found = 0;
        for class in registry::classes() {
            for attribute in class.attributes {
                if tells.iter().any(|word| attribute.name.ends_with(word)) {
                    let attribute = AttributeDescriptor::new(class.id, name, attribute.id.0);
                    let request =
                        Request::Set { attribute, selection: None, value: VALUE.to_vec() };
                    assert_eq!(hidden(&request), [[0xAA, 0xBB]], "{attribute}");
                    found += 1;
                }
            }
            for method in class.methods {
                if takes.contains(&method.name) {
                    let method = MethodDescriptor::new(class.id, name, method.id.0);
                    let parameters = Some(VALUE.to_vec());
                    let request = Request::Action { method, parameters };
                    assert_eq!(hidden(&request), [[0xAA, 0xBB]], "{method}");
                    found += 1;
                }
            }
        }
        assert!(found > 10, "the registry calls them otherwise");
    }
}
