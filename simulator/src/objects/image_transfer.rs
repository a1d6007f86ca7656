//! Image transfer (class 18): firmware in, checked, activated.
//!
//! The octets of the image are looked at and dropped: a thousand meters may be updated at once, and
//! nothing here would run the firmware. What is kept is which blocks came.

use dlms_core::{
    axdr::{BitStringBuf, Data, DataBuf},
    cosem::{
        ClassId, LogicalName,
        value::{CosemValue, ImageBlock, ImageToActivate, ImageTransferInitiate, OctetString},
    },
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
    Verifying = 2,
    Verified = 3,
    VerificationFailed = 4,
    Activating = 5,
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
    /// When verifying or activating is done.
    done_at: Option<i64>,
}

impl Default for ImageTransfer {
    fn default() -> Self {
        Self {
            enabled: true,
            status: Status::NotInitiated,
            identifier: Vec::new(),
            len: 0,
            blocks: Vec::new(),
            done_at: None,
        }
    }
}

impl ImageTransfer {
    fn first_missing(&self) -> usize {
        self.blocks.iter().position(|came| !came).unwrap_or(self.blocks.len())
    }

    fn initiate(&mut self, parameter: &Data<'_>) -> Option<ActionResult> {
        let image = ImageTransferInitiate::from_data(parameter)?;
        let len = usize::try_from(image.size).ok()?;
        if !(1..=IMAGE_LEN_MAX).contains(&len) || image.identifier.0.len() > IDENTIFIER_LEN_MAX {
            return Some(ActionResult::OtherReason);
        }
        self.status = Status::Initiated;
        self.done_at = None;
        self.identifier = image.identifier.0;
        self.len = len;
        self.blocks = vec![false; len.div_ceil(BLOCK_LEN)];
        Some(ActionResult::Success)
    }

    fn transfer(&mut self, parameter: &Data<'_>) -> Option<ActionResult> {
        let block = ImageBlock::from_data(parameter)?;
        let number = usize::try_from(block.number).ok()?;
        if !matches!(self.status, Status::Initiated | Status::VerificationFailed) {
            return Some(ActionResult::OtherReason);
        }
        let last = number.checked_add(1) == Some(self.blocks.len());
        // Some clients fill the last block with zeros.
        let short = self.len - number.min(self.blocks.len().saturating_sub(1)) * BLOCK_LEN;
        let len = block.value.0.len();
        match self.blocks.get_mut(number) {
            Some(came) if len == BLOCK_LEN || (last && len == short) => {
                *came = true;
                Some(ActionResult::Success)
            }
            _ => Some(ActionResult::OtherReason),
        }
    }

    /// Begins to verify, or to activate: what takes time is answered by temporary-failure.
    fn begin(&mut self, status: Status, world: &mut World) -> ActionResult {
        self.status = status;
        if world.image_time_s > 0 {
            self.done_at = Some(world.now().saturating_add(world.image_time_s.into()));
            return ActionResult::TemporaryFailure;
        }
        self.finish(world)
    }

    /// Ends what was begun.
    fn finish(&mut self, world: &mut World) -> ActionResult {
        self.done_at = None;
        match self.status {
            Status::Verifying if self.blocks.iter().all(|came| *came) => {
                self.status = Status::Verified;
                world.log(code::FIRMWARE_READY);
                ActionResult::Success
            }
            Status::Verifying => {
                self.status = Status::VerificationFailed;
                ActionResult::OtherReason
            }
            _ => {
                self.status = Status::Activated;
                world.firmware.clone_from(&self.identifier);
                world.log(code::FIRMWARE_ACTIVATED);
                ActionResult::Success
            }
        }
    }

    fn verify(&mut self, world: &mut World) -> ActionResult {
        match self.status {
            Status::Initiated | Status::Verified | Status::VerificationFailed => {
                self.begin(Status::Verifying, world)
            }
            // It is still at it.
            Status::Verifying => ActionResult::TemporaryFailure,
            Status::NotInitiated | Status::Activating | Status::Activated => {
                ActionResult::OtherReason
            }
        }
    }

    fn activate(&mut self, world: &mut World) -> ActionResult {
        match self.status {
            Status::Verified => self.begin(Status::Activating, world),
            Status::Activating => ActionResult::TemporaryFailure,
            _ => ActionResult::OtherReason,
        }
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
                let image = || ImageToActivate {
                    size: u32::try_from(self.len).unwrap_or(u32::MAX),
                    identification: OctetString(self.identifier.clone()),
                    signature: OctetString::default(),
                };
                let verified = matches!(self.status, Status::Verified | Status::Activating);
                let images: Vec<_> = verified.then(image).into_iter().collect();
                put(out, &images.to_data())
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

    fn poll_timeout(&self, _world: &World) -> Option<i64> {
        self.done_at
    }

    fn handle_timeout(&mut self, _now: i64, call: &mut Call<'_, World>) {
        self.finish(call.world);
    }
}
