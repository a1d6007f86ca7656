//! Security setup (class 64, version 0): which suite, and whose titles.

use dlms_core::{
    axdr::DataBuf,
    cosem::{ClassId, LogicalName},
    device::{AttributeRights, CosemObject, Get, MethodRights, put},
    security::SecuritySuite,
    xdlms::DataAccessResult,
};

use super::{DENIED, READ};
use crate::world::World;

/// The name of the security setup of all associations.
pub(super) const NAME: LogicalName = LogicalName([0, 0, 43, 0, 0, 255]);

/// The policy that nothing need be protected; what a client must do is said per client.
const NOTHING: u8 = 0;

/// The security setup. It can be read; keys and policy are those that the meter was made with.
pub(super) struct SecuritySetup;

impl CosemObject<World> for SecuritySetup {
    fn class(&self) -> ClassId {
        ClassId::SECURITY_SETUP
    }

    fn name(&self) -> LogicalName {
        NAME
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[READ; 4]
    }

    /// security_activate, global_key_transfer
    fn methods(&self) -> &[MethodRights] {
        &[DENIED, DENIED]
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        match get.attribute {
            2 => put(out, &DataBuf::Enum(NOTHING)),
            3 => put(out, &DataBuf::Enum(SecuritySuite::Suite0.id())),
            4 => {
                let title = get.access.and_then(|access| access.client_title);
                let title = title.map_or_else(Vec::new, |title| title.0.to_vec());
                put(out, &DataBuf::octet_string(title))
            }
            _ => put(out, &DataBuf::octet_string(get.world.title.0)),
        }
    }
}
