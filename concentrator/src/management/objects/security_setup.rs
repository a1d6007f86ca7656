//! Security setup (class 64, version 0): what the keys of the concentrator demand. They are in
//! files that its owner keeps, so they are changed there and not by methods.

use dlms_core::{
    axdr::DataBuf,
    cosem::{ClassId, LogicalName},
    device::{AttributeRights, CosemObject, Get, MethodRights, put},
    security::{Protection, SecuritySuite},
    xdlms::DataAccessResult,
};

use crate::management::device::{World, protection_of};

pub(super) const NAME: LogicalName = LogicalName([0, 0, 43, 0, 0, 255]);
/// security_policy: all messages to be authenticated and encrypted.
const AUTHENTICATED_ENCRYPTED: u8 = 3;
/// security_policy: nothing is enforced.
const NOTHING: u8 = 0;

pub(super) struct SecuritySetup;

impl CosemObject<World> for SecuritySetup {
    fn class(&self) -> ClassId {
        ClassId::SECURITY_SETUP
    }

    fn name(&self) -> LogicalName {
        NAME
    }

    /// security_policy, security_suite, client_system_title, server_system_title
    fn attributes(&self) -> &[AttributeRights] {
        &[AttributeRights::READ; 4]
    }

    /// security_activate, global_key_transfer
    fn methods(&self) -> &[MethodRights] {
        &[MethodRights::NONE; 2]
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        match get.attribute {
            2 => {
                let wanted = get.access.map(|access| protection_of(access.mechanism));
                let nothing = wanted.is_some_and(|wanted| wanted == Protection::NONE);
                put(out, &DataBuf::Enum(if nothing { NOTHING } else { AUTHENTICATED_ENCRYPTED }))
            }
            3 => put(out, &DataBuf::Enum(SecuritySuite::Suite0.id())),
            4 => {
                let title = get.access.and_then(|access| access.client_title);
                put(out, &DataBuf::octet_string(title.map_or_else(Vec::new, |t| t.0.to_vec())))
            }
            _ => put(out, &DataBuf::octet_string(get.world.title.0)),
        }
    }
}
