//! SAP assignment (class 17): the logical devices behind this address, which is one.

use dlms_core::{
    axdr::DataBuf,
    cosem::{ClassId, LogicalName},
    xdlms::DataAccessResult,
};

use super::{CosemObject, Read, Rights, put};
use crate::meter::LOGICAL_DEVICE;

/// The list of logical devices.
pub(super) struct SapAssignment;

impl CosemObject for SapAssignment {
    fn class(&self) -> ClassId {
        ClassId::SAP_ASSIGNMENT
    }

    fn name(&self) -> LogicalName {
        LogicalName::SAP_ASSIGNMENT
    }

    fn attributes(&self) -> &'static [Rights] {
        &[Rights::Read]
    }

    /// connect_logical_device
    fn methods(&self) -> &'static [bool] {
        &[false]
    }

    fn read(&self, read: &Read<'_>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        let device = DataBuf::structure([
            DataBuf::LongUnsigned(LOGICAL_DEVICE),
            DataBuf::octet_string(read.world.logical_device_name()),
        ]);
        put(out, &DataBuf::array([device]))
    }
}
