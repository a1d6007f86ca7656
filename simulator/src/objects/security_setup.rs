//! Security setup (class 64, version 0 in suite 0 and version 1 beyond): suite, policy and titles,
//! and the methods that change keys and policy. What they do is
//! [`dlms_core::security::SecuritySetup`]; certificates are not kept.

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{ClassId, LogicalName},
    device::{AttributeRights, Call, CosemObject, Get, Initiator, MethodRights, put},
    security::{RustCrypto, SecuritySetupVersion},
    xdlms::{ActionResult, DataAccessResult},
};

use super::{ACCESS, DENIED, READ};
use crate::world::World;

/// The name of the security setup of all associations.
pub(super) const NAME: LogicalName = LogicalName([0, 0, 43, 0, 0, 255]);

/// The security setup.
pub(super) struct SecuritySetup(pub(super) SecuritySetupVersion);

impl CosemObject<World> for SecuritySetup {
    fn class(&self) -> ClassId {
        ClassId::SECURITY_SETUP
    }

    fn version(&self) -> u8 {
        match self.0 {
            SecuritySetupVersion::V0 => 0,
            SecuritySetupVersion::V1 => 1,
        }
    }

    fn name(&self) -> LogicalName {
        NAME
    }

    /// security_policy, security_suite, client_system_title, server_system_title; certificates
    fn attributes(&self) -> &[AttributeRights] {
        match self.0 {
            SecuritySetupVersion::V0 => &[READ; 4],
            SecuritySetupVersion::V1 => &[READ; 5],
        }
    }

    /// security_activate, key_transfer; key_agreement, and five of certificates
    fn methods(&self) -> &[MethodRights] {
        match self.0 {
            SecuritySetupVersion::V0 => &[ACCESS; 2],
            SecuritySetupVersion::V1 => {
                &[ACCESS, ACCESS, ACCESS, DENIED, DENIED, DENIED, DENIED, DENIED]
            }
        }
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        let security = &get.world.security;
        match get.attribute {
            2 => {
                let code = security.policy.code(self.0);
                put(out, &DataBuf::Enum(code.ok_or(DataAccessResult::OtherReason)?))
            }
            3 => put(out, &DataBuf::Enum(security.suite.id())),
            4 => {
                let title = get.access.and_then(|access| access.client_title);
                let title = title.map_or_else(Vec::new, |title| title.0.to_vec());
                put(out, &DataBuf::octet_string(title))
            }
            5 => put(out, &DataBuf::octet_string(get.world.title.0)),
            _ => put(out, &DataBuf::array([])),
        }
    }

    fn invoke(
        &mut self,
        method: i8,
        parameter: &Data<'_>,
        call: &mut Call<'_, World>,
        out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        // Without proof of who asks, a recorded request could bring an old key back.
        let client = match call.initiator {
            Initiator::Client => call.world.proven_client.ok_or(ActionResult::ReadWriteDenied)?,
            Initiator::Device => return Err(ActionResult::ReadWriteDenied),
        };
        let World { security, title, .. } = &mut *call.world;
        match method {
            1 => security.activate(parameter),
            2 => security.transfer_keys(&RustCrypto, parameter),
            3 => {
                let fill = |octets: &mut [u8]| {
                    getrandom::fill(octets).expect("the operating system has random octets");
                };
                security.agree_on_keys(&RustCrypto, client, *title, parameter, fill, out)
            }
            _ => Err(ActionResult::ObjectUndefined),
        }
    }
}
