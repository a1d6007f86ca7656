//! SAP assignment (class 17): the logical devices behind one address.

use alloc::vec::Vec;

use super::{AttributeRights, Call, CosemObject, Get, MethodRights, put};
use crate::{
    axdr::{Data, DataBuf},
    cosem::{ClassId, LogicalName},
    xdlms::{ActionResult, DataAccessResult},
};

/// A logical device and the SAP that it answers at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SapAssignmentItem {
    /// The SAP. Any number but 0 is ordinary, above 0x7F too.
    pub sap: u16,
    /// The logical device name.
    pub logical_device_name: Vec<u8>,
}

impl SapAssignmentItem {
    /// A structure of long-unsigned and octet-string.
    pub fn from_data(data: &Data<'_>) -> Option<Self> {
        let mut fields = data.as_structure().filter(|fields| fields.len() == 2)?;
        let mut next = || fields.next()?.ok();
        Some(Self {
            sap: next()?.as_unsigned()?.try_into().ok()?,
            logical_device_name: next()?.as_octets()?.to_vec(),
        })
    }

    /// An array of them: the attribute SAP_assignment_list.
    pub fn list_from_data(data: &Data<'_>) -> Option<Vec<Self>> {
        data.as_array()?.map(|item| Self::from_data(&item.ok()?)).collect()
    }

    /// The structure.
    pub fn to_data(&self) -> DataBuf {
        DataBuf::structure([
            self.sap.into(),
            DataBuf::octet_string(self.logical_device_name.clone()),
        ])
    }
}

/// The list of the logical devices of a physical device, which its management logical device shows
/// to the public client, too.
#[derive(Debug)]
pub struct SapAssignment<W> {
    list: fn(&W) -> Vec<SapAssignmentItem>,
    #[expect(clippy::type_complexity, reason = "a name for it would tell less than it does")]
    connect: Option<fn(&mut W, SapAssignmentItem) -> Result<(), ActionResult>>,
}

impl<W> SapAssignment<W> {
    /// `list` tells which logical devices there are: at a concentrator they come and go.
    pub const fn new(list: fn(&W) -> Vec<SapAssignmentItem>) -> Self {
        Self { list, connect: None }
    }

    /// The same, and `connect` does what connect_logical_device asks for: to give a device a SAP,
    /// or with SAP 0 to take it away.
    #[must_use]
    pub const fn connectable(
        self,
        connect: fn(&mut W, SapAssignmentItem) -> Result<(), ActionResult>,
    ) -> Self {
        Self { connect: Some(connect), ..self }
    }
}

impl<W> CosemObject<W> for SapAssignment<W> {
    fn class(&self) -> ClassId {
        ClassId::SAP_ASSIGNMENT
    }

    fn name(&self) -> LogicalName {
        LogicalName::SAP_ASSIGNMENT
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[AttributeRights::READ]
    }

    /// connect_logical_device: at most devices, who is at which SAP is not for clients to say.
    fn methods(&self) -> &[MethodRights] {
        match self.connect {
            Some(_) => &[MethodRights::ACCESS],
            None => &[MethodRights::NONE],
        }
    }

    fn get(&self, get: &Get<'_, W>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        let list = (self.list)(get.world);
        put(out, &DataBuf::array(list.iter().map(SapAssignmentItem::to_data)))
    }

    fn invoke(
        &mut self,
        _method: i8,
        parameter: &Data<'_>,
        call: &mut Call<'_, W>,
        _out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        let connect = self.connect.ok_or(ActionResult::ReadWriteDenied)?;
        let item = SapAssignmentItem::from_data(parameter).ok_or(ActionResult::TypeUnmatched)?;
        connect(call.world, item)
    }
}
