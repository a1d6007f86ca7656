//! Image transfer (class 18): firmware in, checked, activated.
//!
//! The octets of the image are looked at and dropped: a thousand meters may be updated at once, and
//! nothing here would run the firmware. What is kept is which blocks came.

use dlms_core::{
    axdr::{BitStringBuf, Data, DataBuf},
    cosem::{ClassId, LogicalName},
    device::{AttributeRights, Call, CosemObject, Get, MethodRights, put},
    xdlms::{ActionResult, DataAccessResult},
};

use super::{ACCESS, READ, READ_WRITE};
use crate::{events::code, world::World};

/// Octets of every block but the last.
const BLOCK_LEN: usize = 200;
/// Octets of an image.
const IMAGE_LEN_MAX: usize = 4 * 1024 * 1024;
/// Octets of an image identifier.
const IDENTIFIER_LEN_MAX: usize = 64;

/// image_transfer_status.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    NotInitiated = 0,
    Initiated = 1,
    Verified = 3,
    VerificationFailed = 4,
    Activated = 6,
}

/// The image transfer.
pub(super) struct ImageTransfer {
    enabled: bool,
    status: Status,
    identifier: Vec<u8>,
    len: usize,
    /// Which blocks came.
    blocks: Vec<bool>,
}

impl Default for ImageTransfer {
    fn default() -> Self {
        Self {
            enabled: true,
            status: Status::NotInitiated,
            identifier: Vec::new(),
            len: 0,
            blocks: Vec::new(),
        }
    }
}

impl ImageTransfer {
    fn first_missing(&self) -> usize {
        self.blocks.iter().position(|came| !came).unwrap_or(self.blocks.len())
    }

    fn initiate(&mut self, parameter: &Data<'_>) -> Option<ActionResult> {
        let mut fields = parameter.as_structure().filter(|fields| fields.len() == 2)?;
        let identifier = fields.next()?.ok()?.as_octets()?;
        let len = usize::try_from(fields.next()?.ok()?.as_unsigned()?).ok()?;
        if !(1..=IMAGE_LEN_MAX).contains(&len) || identifier.len() > IDENTIFIER_LEN_MAX {
            return Some(ActionResult::OtherReason);
        }
        self.status = Status::Initiated;
        self.identifier = identifier.to_vec();
        self.len = len;
        self.blocks = vec![false; len.div_ceil(BLOCK_LEN)];
        Some(ActionResult::Success)
    }

    fn transfer(&mut self, parameter: &Data<'_>) -> Option<ActionResult> {
        let mut fields = parameter.as_structure().filter(|fields| fields.len() == 2)?;
        let number = usize::try_from(fields.next()?.ok()?.as_unsigned()?).ok()?;
        let octets = fields.next()?.ok()?.as_octets()?;
        if !matches!(self.status, Status::Initiated | Status::VerificationFailed) {
            return Some(ActionResult::OtherReason);
        }
        let last = number + 1 == self.blocks.len();
        // Some clients fill the last block with zeros.
        let short = self.len - number.min(self.blocks.len().saturating_sub(1)) * BLOCK_LEN;
        let fits = octets.len() == BLOCK_LEN || (last && octets.len() == short);
        match self.blocks.get_mut(number) {
            Some(came) if fits => {
                *came = true;
                Some(ActionResult::Success)
            }
            _ => Some(ActionResult::OtherReason),
        }
    }

    fn verify(&mut self, world: &mut World) -> ActionResult {
        match self.status {
            Status::Initiated | Status::Verified | Status::VerificationFailed
                if self.blocks.iter().all(|came| *came) =>
            {
                self.status = Status::Verified;
                world.log(code::FIRMWARE_READY);
                ActionResult::Success
            }
            Status::Initiated | Status::VerificationFailed => {
                self.status = Status::VerificationFailed;
                ActionResult::OtherReason
            }
            _ => ActionResult::OtherReason,
        }
    }

    fn activate(&mut self, world: &mut World) -> ActionResult {
        if self.status != Status::Verified {
            return ActionResult::OtherReason;
        }
        self.status = Status::Activated;
        world.firmware.clone_from(&self.identifier);
        world.log(code::FIRMWARE_ACTIVATED);
        ActionResult::Success
    }
}

impl CosemObject<World> for ImageTransfer {
    fn class(&self) -> ClassId {
        ClassId::IMAGE_TRANSFER
    }

    fn name(&self) -> LogicalName {
        LogicalName([0, 0, 44, 0, 0, 255])
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[READ, READ, READ, READ_WRITE, READ, READ]
    }

    /// image_transfer_initiate, image_block_transfer, image_verify, image_activate
    fn methods(&self) -> &[MethodRights] {
        &[ACCESS; 4]
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        let number =
            |value: usize| DataBuf::DoubleLongUnsigned(u32::try_from(value).unwrap_or(u32::MAX));
        match get.attribute {
            2 => put(out, &number(BLOCK_LEN)),
            3 => {
                let bits = self.blocks.iter().copied();
                put(out, &DataBuf::BitString(BitStringBuf::from_bits(bits)))
            }
            4 => put(out, &number(self.first_missing())),
            5 => put(out, &DataBuf::Boolean(self.enabled)),
            6 => put(out, &DataBuf::Enum(self.status as u8)),
            _ => {
                let image = || {
                    DataBuf::structure([
                        number(self.len),
                        DataBuf::octet_string(self.identifier.clone()),
                        DataBuf::octet_string([]),
                    ])
                };
                let verified = self.status == Status::Verified;
                put(out, &DataBuf::array(verified.then(image)))
            }
        }
    }

    fn set(
        &mut self,
        _attribute: i8,
        value: &Data<'_>,
        _call: &mut Call<'_, World>,
    ) -> Result<(), DataAccessResult> {
        self.enabled = value.as_boolean().ok_or(DataAccessResult::TypeUnmatched)?;
        Ok(())
    }

    fn invoke(
        &mut self,
        method: i8,
        parameter: &Data<'_>,
        call: &mut Call<'_, World>,
        _out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        if !self.enabled {
            return Err(ActionResult::ReadWriteDenied);
        }
        let result = match method {
            1 => self.initiate(parameter).unwrap_or(ActionResult::TypeUnmatched),
            2 => self.transfer(parameter).unwrap_or(ActionResult::TypeUnmatched),
            3 => self.verify(call.world),
            _ => self.activate(call.world),
        };
        match result {
            ActionResult::Success => Ok(()),
            refusal => Err(refusal),
        }
    }
}
