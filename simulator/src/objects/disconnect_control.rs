//! Disconnect control (class 70). The disconnector itself is the world's: registers stand still
//! while it is open.

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{ClassId, LogicalName},
    device::{AttributeRights, Call, CosemObject, Get, MethodRights, put},
    xdlms::{ActionResult, DataAccessResult},
};

use super::{ACCESS, READ, READ_WRITE};
use crate::{events::code, supply::ControlState, world::World};

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
        call.world.supply.set_mode(mode).map_err(|_| DataAccessResult::OtherReason)
    }

    fn invoke(
        &mut self,
        method: i8,
        _parameter: &Data<'_>,
        call: &mut Call<'_, World>,
        _out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        operate(method, call.world)
    }
}

/// Executes a method of this class; scripts do so too.
pub(super) fn operate(method: i8, world: &mut World) -> Result<(), ActionResult> {
    let now = world.now();
    let before = world.supply.state();
    let done = match method {
        REMOTE_DISCONNECT => world.supply.remote_disconnect(now),
        _ => world.supply.remote_reconnect(now),
    };
    done.map_err(|_| ActionResult::OtherReason)?;
    if world.supply.state() != before {
        world.log(match world.supply.state() {
            ControlState::Disconnected => code::REMOTE_DISCONNECTION,
            ControlState::Connected => code::REMOTE_CONNECTION,
            ControlState::ReadyForReconnection => code::READY_FOR_RECONNECTION,
        });
    }
    Ok(())
}
