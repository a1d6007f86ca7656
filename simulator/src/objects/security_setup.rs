//! Security setup (class 64, version 0 in suite 0 and version 1 beyond): suite, policy and titles,
//! and the methods that change keys, policy and certificates. What they do is
//! [`dlms_core::security::SecuritySetup`] and [`dlms_core::security::Certificates`].

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{ClassId, LogicalName},
    device::{AttributeRights, Call, CosemObject, Get, Initiator, MethodRights, put},
    security::{RustCrypto, SecuritySetupVersion},
    xdlms::{ActionResult, DataAccessResult},
};

use super::{ACCESS, READ};
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

    /// security_activate, key_transfer; key_agreement, and with certificates
    /// generate_key_pair, generate_certificate_request, import_, export_ and remove_certificate
    fn methods(&self) -> &[MethodRights] {
        match self.0 {
            SecuritySetupVersion::V0 => &[ACCESS; 2],
            SecuritySetupVersion::V1 => &[ACCESS; 8],
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
            _ => put(out, &get.world.certificates.attribute()),
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
        let now = u64::try_from(call.world.now()).unwrap_or(0);
        let World { security, certificates, title, .. } = &mut *call.world;
        let fill = |octets: &mut [u8]| {
            getrandom::fill(octets).expect("the operating system has random octets");
        };
        match method {
            1 => security.activate(parameter),
            2 => security.transfer_keys(&RustCrypto, parameter),
            3 => security.agree_on_keys(&RustCrypto, client, *title, parameter, fill, out),
            4 => certificates.generate_key_pair(security, parameter, fill),
            5 => certificates.generate_certificate_request(
                security,
                &RustCrypto,
                *title,
                parameter,
                out,
            ),
            6 => {
                let parties = [client, *title];
                certificates.import_certificate(security, &RustCrypto, parties, now, parameter)
            }
            7 => certificates.export_certificate(parameter, out),
            8 => certificates.remove_certificate(security, &RustCrypto, parameter),
            _ => Err(ActionResult::ObjectUndefined),
        }
    }
}
