//! Association LN (class 15, version 1): the association that the client speaks through, and the
//! list of all objects with what this client may do.

use dlms_core::{
    axdr::{BitStringBuf, DataBuf},
    cosem::{ClassId, LogicalName},
    xdlms::DataAccessResult,
};

use super::{CosemObject, Objects, Read, Rights, method_allowed, put, rights};
use crate::client::Role;

/// access_mode of an attribute: no access, read only, read and write.
const fn access_mode(rights: Rights) -> u8 {
    match rights {
        Rights::NoAccess => 0,
        Rights::Read => 1,
        Rights::ReadWrite => 3,
    }
}

/// The status of an association that answers: associated.
const ASSOCIATED: u8 = 2;
const DLMS_VERSION: u8 = 6;

/// The current association. All it tells comes from the association that asks.
pub(super) struct AssociationLn;

impl CosemObject for AssociationLn {
    fn class(&self) -> ClassId {
        ClassId::ASSOCIATION_LN
    }

    fn version(&self) -> u8 {
        1
    }

    fn name(&self) -> LogicalName {
        LogicalName::CURRENT_ASSOCIATION
    }

    fn attributes(&self) -> &'static [Rights] {
        use Rights::{NoAccess, Read};
        &[Read, Read, Read, Read, Read, NoAccess, Read, Read]
    }

    /// reply_to_HLS_authentication, change_HLS_secret, add_object, remove_object
    fn methods(&self) -> &'static [bool] {
        &[true, false, false, false]
    }

    fn read(&self, read: &Read<'_>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        let access = read.access;
        match read.attribute {
            2 => put(out, &object_list(read.objects, read.role)),
            // The client's SAP is an integer of eight bits in this version of the class.
            3 => put(
                out,
                &DataBuf::structure([
                    DataBuf::Integer(access.client as i8),
                    DataBuf::LongUnsigned(1),
                ]),
            ),
            4 => put(out, &DataBuf::octet_string(access.application_context.object_identifier())),
            5 => {
                let conformance = access.conformance.octets();
                let bits = (0..24).map(|bit| conformance[bit / 8] & (0x80 >> (bit % 8)) != 0);
                put(
                    out,
                    &DataBuf::structure([
                        DataBuf::BitString(BitStringBuf::from_bits(bits)),
                        DataBuf::LongUnsigned(access.max_receive_pdu),
                        DataBuf::LongUnsigned(access.max_send_pdu),
                        DataBuf::Unsigned(DLMS_VERSION),
                        DataBuf::Integer(0),
                        DataBuf::octet_string([]),
                    ]),
                )
            }
            6 => put(out, &DataBuf::octet_string(access.mechanism.object_identifier())),
            8 => put(out, &DataBuf::Enum(ASSOCIATED)),
            _ => put(out, &DataBuf::octet_string(super::security_setup::NAME.0)),
        }
    }
}

fn object_list(objects: &Objects, role: Role) -> DataBuf {
    DataBuf::array(objects.iter().map(|object| {
        DataBuf::structure([
            DataBuf::LongUnsigned(object.class().0),
            DataBuf::Unsigned(object.version()),
            DataBuf::octet_string(object.name().0),
            DataBuf::structure([
                DataBuf::array(attribute_access(object, role)),
                DataBuf::array(method_access(object, role)),
            ]),
        ])
    }))
}

fn attribute_access(object: &dyn CosemObject, role: Role) -> Vec<DataBuf> {
    let item = |attribute: i8| {
        let rights = rights(object, role, attribute).ok()?;
        let selectors = match object.selectors(attribute) {
            [] => DataBuf::Null,
            selectors => {
                DataBuf::array(selectors.iter().map(|selector| DataBuf::Integer(*selector)))
            }
        };
        Some(DataBuf::structure([
            DataBuf::Integer(attribute),
            DataBuf::Enum(access_mode(rights)),
            selectors,
        ]))
    };
    (1..=i8::MAX).map_while(item).collect()
}

fn method_access(object: &dyn CosemObject, role: Role) -> Vec<DataBuf> {
    let item = |method: i8| {
        let allowed = method_allowed(object, role, method)?;
        Some(DataBuf::structure([DataBuf::Integer(method), DataBuf::Enum(allowed.into())]))
    };
    (1..=i8::MAX).map_while(item).collect()
}
