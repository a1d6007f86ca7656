//! Script table (class 9): what other objects have done together.

use dlms_core::{
    axdr::{Data, DataBuf, RawData},
    cosem::{
        AttributeDescriptor, ClassId, LogicalName, MethodDescriptor,
        value::{CosemValue, ExecutedScript, Script, ScriptAction, ScriptService},
    },
    device::{AttributeRights, Call, CosemObject, Get, MethodRights, put},
    xdlms::{ActionResult, DataAccessResult},
};

use super::{
    ACCESS, READ_WRITE, billing_profile,
    disconnect_control::{self, REMOTE_DISCONNECT, REMOTE_RECONNECT},
    register_activation,
};
use crate::world::World;

/// The disconnector's script table.
pub(super) const DISCONNECT: LogicalName = LogicalName([0, 0, 10, 0, 106, 255]);
/// The tariffication script table, which the day profiles of the calendar refer to.
pub(super) const TARIFFICATION: LogicalName = LogicalName([0, 0, 10, 0, 100, 255]);
/// The end of billing period script table.
pub(super) const END_OF_BILLING: LogicalName = LogicalName([0, 0, 10, 0, 1, 255]);

/// Scripts of a table.
const SCRIPTS_MAX: usize = 32;

/// Adds the objects of this class.
pub(super) fn add(objects: &mut Vec<Box<dyn CosemObject<World>>>) {
    let disconnector = |method| {
        let descriptor =
            MethodDescriptor::new(ClassId::DISCONNECT_CONTROL, disconnect_control::NAME, method);
        execution(descriptor)
    };
    let mask = |name: &[u8]| ScriptAction {
        service: ScriptService::Write,
        class: ClassId::REGISTER_ACTIVATION,
        name: register_activation::NAME,
        index: register_activation::ACTIVE_MASK,
        parameter: DataBuf::octet_string(name),
    };
    let capture = MethodDescriptor::new(
        ClassId::PROFILE_GENERIC,
        billing_profile::NAME,
        billing_profile::CAPTURE,
    );
    let [t1, t2] = register_activation::MASKS;
    for (name, actions) in [
        (DISCONNECT, vec![disconnector(REMOTE_DISCONNECT), disconnector(REMOTE_RECONNECT)]),
        (TARIFFICATION, vec![mask(t1), mask(t2)]),
        (END_OF_BILLING, vec![execution(capture)]),
    ] {
        let scripts = (1..).zip(actions).map(|(id, action)| Script { id, actions: vec![action] });
        objects.push(Box::new(ScriptTable { name, scripts: scripts.collect() }));
    }
}

fn execution(method: MethodDescriptor) -> ScriptAction {
    ScriptAction {
        service: ScriptService::Execute,
        class: method.class,
        name: method.instance,
        index: method.method.0,
        parameter: DataBuf::Integer(0),
    }
}

/// Executes a script, as other objects do. What it cannot do stays undone, and nobody is told.
pub(super) fn execute(script: &ExecutedScript, call: &mut Call<'_, World>) {
    // 0 is no script.
    if script.script == 0 {
        return;
    }
    let method = MethodDescriptor::new(ClassId::SCRIPT_TABLE, script.script_table, 1);
    let _ = call.objects.perform(call.world, method, &Data::LongUnsigned(script.script));
}

struct ScriptTable {
    name: LogicalName,
    scripts: Vec<Script>,
}

impl CosemObject<World> for ScriptTable {
    fn class(&self) -> ClassId {
        ClassId::SCRIPT_TABLE
    }

    fn name(&self) -> LogicalName {
        self.name
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[READ_WRITE]
    }

    /// execute
    fn methods(&self) -> &[MethodRights] {
        &[ACCESS]
    }

    fn get(&self, _get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        put(out, &self.scripts.to_data())
    }

    fn set(
        &mut self,
        _attribute: i8,
        value: &Data<'_>,
        _call: &mut Call<'_, World>,
    ) -> Result<(), DataAccessResult> {
        let scripts = Vec::<Script>::from_data(value).ok_or(DataAccessResult::TypeUnmatched)?;
        if scripts.len() > SCRIPTS_MAX {
            return Err(DataAccessResult::OtherReason);
        }
        self.scripts = scripts;
        Ok(())
    }

    /// The actions of the script, in order, up to the first that is refused.
    fn invoke(
        &mut self,
        _method: i8,
        parameter: &Data<'_>,
        call: &mut Call<'_, World>,
        _out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        let Data::LongUnsigned(id) = parameter else { return Err(ActionResult::TypeUnmatched) };
        let script = self.scripts.iter().find(|script| script.id == *id);
        script
            .ok_or(ActionResult::ObjectUndefined)?
            .actions
            .iter()
            .try_for_each(|action| act(action, call))
    }
}

fn act(action: &ScriptAction, call: &mut Call<'_, World>) -> Result<(), ActionResult> {
    let parameter = action.parameter.to_octets();
    let parameter = RawData::from_octets(&parameter).and_then(|raw| raw.data());
    let parameter = parameter.map_err(|_| ActionResult::TypeUnmatched)?;
    match action.service {
        ScriptService::Write => {
            let attribute = AttributeDescriptor::new(action.class, action.name, action.index);
            let written = call.objects.write(call.world, attribute, &parameter);
            written.map_err(|_| ActionResult::OtherReason)
        }
        ScriptService::Execute => {
            let method = MethodDescriptor::new(action.class, action.name, action.index);
            call.objects.perform(call.world, method, &parameter).map(|_| ())
        }
        ScriptService::Other(_) => Err(ActionResult::TypeUnmatched),
    }
}
