//! Push setup (class 40, version 0): what would be pushed, and where to. It is kept and read back;
//! nothing is pushed.

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{AttributeDescriptor, CaptureObject, ClassId, LogicalName},
    device::{AttributeRights, Call, CosemObject, Get, MethodRights, put},
    xdlms::DataAccessResult,
};

use super::{DENIED, READ_WRITE, register, replace};
use crate::world::World;

/// The transport service TCP.
const TCP: u8 = 0;
/// The message is A-XDR encoded xDLMS.
const AXDR: u8 = 0;

/// The push setup: attributes 2 to 7 as they were written.
pub(super) struct PushSetup([DataBuf; 6]);

impl Default for PushSetup {
    fn default() -> Self {
        let register =
            |name| CaptureObject::new(AttributeDescriptor::new(ClassId::REGISTER, name, 2));
        let pushed = [
            CaptureObject::CLOCK_TIME,
            register(register::IMPORT),
            register(register::IMPORT_POWER),
            register(register::VOLTAGE),
        ];
        Self([
            DataBuf::array(pushed.map(|object| object.to_data())),
            DataBuf::structure([
                DataBuf::Enum(TCP),
                DataBuf::octet_string(*b"127.0.0.1:4059"),
                DataBuf::Enum(AXDR),
            ]),
            DataBuf::array([]),
            DataBuf::LongUnsigned(0),
            DataBuf::Unsigned(0),
            DataBuf::LongUnsigned(0),
        ])
    }
}

impl CosemObject<World> for PushSetup {
    fn class(&self) -> ClassId {
        ClassId::PUSH_SETUP
    }

    fn name(&self) -> LogicalName {
        LogicalName([0, 0, 25, 9, 0, 255])
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[READ_WRITE; 6]
    }

    /// push
    fn methods(&self) -> &[MethodRights] {
        &[DENIED]
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        put(out, &self.0[attribute_index(get.attribute)])
    }

    fn set(
        &mut self,
        attribute: i8,
        value: &Data<'_>,
        _call: &mut Call<'_, World>,
    ) -> Result<(), DataAccessResult> {
        replace(&mut self.0[attribute_index(attribute)], value)
    }
}

/// Attributes are kept from 2 on.
fn attribute_index(attribute: i8) -> usize {
    usize::from(attribute.unsigned_abs()) - 2
}
