//! Script table (class 9): the two scripts that other objects work the disconnector with.

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{ClassId, LogicalName},
    device::{AttributeRights, Call, CosemObject, Get, MethodRights, put},
    xdlms::{ActionResult, DataAccessResult},
};

use super::{
    ACCESS, READ,
    disconnect_control::{self, REMOTE_DISCONNECT, REMOTE_RECONNECT},
};
use crate::world::World;

/// The service of a script's action: execute a method.
const EXECUTE: u8 = 2;
/// Script identifiers and what they do.
const SCRIPTS: [(u16, i8); 2] = [(1, REMOTE_DISCONNECT), (2, REMOTE_RECONNECT)];

/// The disconnector's script table.
pub(super) struct ScriptTable;

impl CosemObject<World> for ScriptTable {
    fn class(&self) -> ClassId {
        ClassId::SCRIPT_TABLE
    }

    fn name(&self) -> LogicalName {
        LogicalName([0, 0, 10, 0, 106, 255])
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[READ]
    }

    /// execute
    fn methods(&self) -> &[MethodRights] {
        &[ACCESS]
    }

    fn get(&self, _get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        put(
            out,
            &DataBuf::array(SCRIPTS.map(|(id, method)| {
                let action = DataBuf::structure([
                    DataBuf::Enum(EXECUTE),
                    DataBuf::LongUnsigned(ClassId::DISCONNECT_CONTROL.0),
                    DataBuf::octet_string(disconnect_control::NAME.0),
                    DataBuf::Integer(method),
                    DataBuf::Integer(0),
                ]);
                DataBuf::structure([DataBuf::LongUnsigned(id), DataBuf::array([action])])
            })),
        )
    }

    fn invoke(
        &mut self,
        _method: i8,
        parameter: &Data<'_>,
        call: &mut Call<'_, World>,
        _out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        let Data::LongUnsigned(id) = parameter else { return Err(ActionResult::TypeUnmatched) };
        let script = SCRIPTS.iter().find(|(known, _)| known == id);
        let (_, method) = script.ok_or(ActionResult::ObjectUndefined)?;
        disconnect_control::operate(*method, call.world)
    }
}
