//! Disconnect control (class 70). The disconnector itself is the world's: registers stand still
//! while it is open.

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{ClassId, LogicalName},
    device::{
        AttributeRights, Call, CosemObject, Get, Initiator, MethodRights, NoTransition, Switching,
        put,
    },
    xdlms::{ActionResult, DataAccessResult},
};

use super::{ACCESS, READ, READ_WRITE};
use crate::{events::code, world::World};

/// The name of the disconnector.
pub(super) const NAME: LogicalName = LogicalName([0, 0, 96, 3, 10, 255]);

/// The methods of this class.
pub(super) const REMOTE_DISCONNECT: i8 = 1;
pub(super) const REMOTE_RECONNECT: i8 = 2;

/// The disconnector.
pub(super) struct DisconnectControl;

impl CosemObject<World> for DisconnectControl {
    fn class(&self) -> ClassId {
        ClassId::DISCONNECT_CONTROL
    }

    fn name(&self) -> LogicalName {
        NAME
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[READ, READ, READ_WRITE]
    }

    fn methods(&self) -> &[MethodRights] {
        &[ACCESS, ACCESS]
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        let supply = &get.world.supply;
        match get.attribute {
            2 => put(out, &DataBuf::Boolean(supply.is_connected())),
            3 => put(out, &DataBuf::Enum(supply.state().code())),
            _ => put(out, &DataBuf::Enum(supply.mode())),
        }
    }

    fn set(
        &mut self,
        _attribute: i8,
        value: &Data<'_>,
        call: &mut Call<'_, World>,
    ) -> Result<(), DataAccessResult> {
        let mode = value.as_enum().ok_or(DataAccessResult::TypeUnmatched)?;
        if call.world.supply.set_mode(mode) { Ok(()) } else { Err(DataAccessResult::OtherReason) }
    }

    /// What a client began is remote, even through a script. What a limiter or a schedule began is
    /// local: then somebody at the meter can connect again.
    fn invoke(
        &mut self,
        method: i8,
        _parameter: &Data<'_>,
        call: &mut Call<'_, World>,
        _out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        let switching = match (method, call.initiator) {
            (REMOTE_DISCONNECT, Initiator::Client) => Switching::RemoteDisconnect,
            (REMOTE_DISCONNECT, Initiator::Device) => Switching::LocalDisconnect,
            (_, Initiator::Client) => Switching::RemoteReconnect,
            (_, Initiator::Device) => Switching::LocalReconnect,
        };
        switch(switching, call.world).map_err(|NoTransition| ActionResult::OtherReason)
    }
}

/// Works the disconnector and logs it.
pub(crate) fn switch(switching: Switching, world: &mut World) -> Result<(), NoTransition> {
    let now = world.now();
    if world.supply.switch(switching, now)? {
        let connected = world.supply.is_connected();
        world.log(match switching {
            Switching::RemoteDisconnect => code::REMOTE_DISCONNECTION,
            Switching::RemoteReconnect if connected => code::REMOTE_CONNECTION,
            Switching::RemoteReconnect => code::READY_FOR_RECONNECTION,
            Switching::ManualDisconnect => code::MANUAL_DISCONNECTION,
            Switching::ManualReconnect => code::MANUAL_CONNECTION,
            Switching::LocalDisconnect => code::LOCAL_DISCONNECTION,
            Switching::LocalReconnect => code::LOCAL_RECONNECTION,
        });
    }
    Ok(())
}
