//! Image transfer (class 18, version 0): the firmware of the concentrator itself.
//!
//! Blocks go into a file as they come, in any order. An image ends with the SHA-256 of all before:
//! that is what verifying looks at, in a thread of its own, while routing goes on. Whether a
//! firmware is genuine is for whom activates it, the owner of the device. After a restart a
//! transfer begins anew.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    thread,
};

use dlms_core::{
    axdr::{BitStringBuf, Data, DataBuf},
    cosem::{
        ClassId, LogicalName,
        value::{CosemValue, ImageBlock, ImageToActivate, ImageTransferInitiate, OctetString},
    },
    device::{AttributeRights, Call, CosemObject, Get, MethodRights, put},
    security::CryptoProvider,
    xdlms::{ActionResult, DataAccessResult},
};

use crate::management::{crypto::Provider, device::World, event};

/// Octets of every block but the last: with its protection it fits into one APDU.
const BLOCK_LEN: usize = 1_024;
/// Octets of an image. The program is half of that, and while it is verified it is in memory.
const IMAGE_LEN_MAX: usize = 16 * 1024 * 1024;
/// Octets of an image identifier.
const IDENTIFIER_LEN_MAX: usize = 64;
/// Octets of the check sum at the end.
const CHECK_LEN: usize = 32;
/// The file of an image that is coming, and of one that was verified.
const PART: &str = "image.part";
const VERIFIED: &str = "image.verified";

/// image_transfer_status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    NotInitiated = 0,
    Initiated = 1,
    Verifying = 2,
    Verified = 3,
    VerificationFailed = 4,
    Activating = 5,
    Activated = 6,
    ActivationFailed = 7,
}

/// The image transfer.
pub(super) struct ImageTransfer {
    enabled: bool,
    status: Status,
    identifier: Vec<u8>,
    len: usize,
    /// Which blocks came.
    blocks: Vec<bool>,
    file: Option<File>,
    /// What the thread that verifies found.
    outcome: Arc<OnceLock<bool>>,
}

impl Default for ImageTransfer {
    fn default() -> Self {
        Self {
            enabled: true,
            status: Status::NotInitiated,
            identifier: Vec::new(),
            len: 0,
            blocks: Vec::new(),
            file: None,
            outcome: Arc::default(),
        }
    }
}

impl ImageTransfer {
    /// The status as it is by now.
    fn status(&self, world: &World) -> Status {
        match (self.status, self.outcome.get(), world.images.activated) {
            (Status::Verifying, Some(true), _) => Status::Verified,
            (Status::Verifying, Some(false), _) => Status::VerificationFailed,
            (Status::Activating, _, Some(true)) => Status::Activated,
            (Status::Activating, _, Some(false)) => Status::ActivationFailed,
            (status, ..) => status,
        }
    }

    fn first_missing(&self) -> usize {
        self.blocks.iter().position(|came| !came).unwrap_or(self.blocks.len())
    }

    fn initiate(&mut self, folder: &Path, parameter: &Data<'_>) -> ActionResult {
        let Some(image) = ImageTransferInitiate::from_data(parameter) else {
            return ActionResult::TypeUnmatched;
        };
        let len = usize::try_from(image.size).unwrap_or(usize::MAX);
        let fits = (CHECK_LEN + 1..=IMAGE_LEN_MAX).contains(&len);
        if !fits || image.identifier.0.len() > IDENTIFIER_LEN_MAX {
            return ActionResult::OtherReason;
        }
        // The thread that verifies an image before it works on the same file.
        if self.status == Status::Verifying {
            return ActionResult::TemporaryFailure;
        }
        *self = Self::default();
        let part = folder.join(PART);
        let mut open = File::options();
        let file = open.read(true).write(true).create(true).truncate(true).open(&part);
        let file = file.and_then(|file| file.set_len(len as u64).map(|()| file));
        match file {
            Ok(file) => self.file = Some(file),
            Err(error) => {
                tracing::error!(path = %part.display(), %error, "no image can be taken");
                return ActionResult::HardwareFault;
            }
        }
        self.status = Status::Initiated;
        self.identifier = image.identifier.0;
        self.len = len;
        self.blocks = vec![false; len.div_ceil(BLOCK_LEN)];
        ActionResult::Success
    }

    fn transfer(&mut self, parameter: &Data<'_>) -> ActionResult {
        let Some(block) = ImageBlock::from_data(parameter) else {
            return ActionResult::TypeUnmatched;
        };
        let (Some(file), Status::Initiated | Status::VerificationFailed) =
            (&self.file, self.status)
        else {
            return ActionResult::OtherReason;
        };
        let number = usize::try_from(block.number).unwrap_or(usize::MAX);
        let Some(came) = self.blocks.get_mut(number) else { return ActionResult::OtherReason };
        let start = number * BLOCK_LEN;
        let len = BLOCK_LEN.min(self.len - start);
        // Some clients fill the last block up.
        if block.value.0.len() != len && block.value.0.len() != BLOCK_LEN {
            return ActionResult::OtherReason;
        }
        if file.write_all_at(&block.value.0[..len], start as u64).is_err() {
            return ActionResult::HardwareFault;
        }
        *came = true;
        ActionResult::Success
    }

    fn verify(&mut self, folder: PathBuf) -> ActionResult {
        match (self.status, &self.file) {
            // It is still at it.
            (Status::Verifying, _) => ActionResult::TemporaryFailure,
            (Status::Verified, _) => ActionResult::Success,
            (Status::Initiated | Status::VerificationFailed, Some(file))
                if self.blocks.iter().all(|came| *came) =>
            {
                let Ok(file) = file.try_clone() else { return ActionResult::HardwareFault };
                self.status = Status::Verifying;
                self.outcome = Arc::default();
                let (outcome, len) = (Arc::clone(&self.outcome), self.len);
                thread::spawn(move || {
                    let verified = check(&file, len).and_then(|same| {
                        if same {
                            fs::rename(folder.join(PART), folder.join(VERIFIED))?;
                        }
                        Ok(same)
                    });
                    // Nobody else sets it.
                    let _ = outcome.set(verified.unwrap_or(false));
                });
                ActionResult::TemporaryFailure
            }
            (Status::Initiated | Status::VerificationFailed, _) => {
                self.status = Status::VerificationFailed;
                ActionResult::OtherReason
            }
            _ => ActionResult::OtherReason,
        }
    }

    fn activate(&mut self, folder: &Path, world: &mut World) -> ActionResult {
        match self.status {
            Status::Verified | Status::ActivationFailed => {
                world.images.asked = Some((folder.join(VERIFIED), self.identifier.clone()));
                world.images.activated = None;
                self.status = Status::Activating;
                ActionResult::TemporaryFailure
            }
            Status::Activating => ActionResult::TemporaryFailure,
            Status::Activated => ActionResult::Success,
            _ => ActionResult::OtherReason,
        }
    }
}

/// Whether an image ends with its check sum. It is on the disk after this.
fn check(file: &File, len: usize) -> io::Result<bool> {
    file.sync_all()?;
    let mut image = vec![0; len];
    file.read_exact_at(&mut image, 0)?;
    let (image, check) = image.split_at(len - CHECK_LEN);
    Ok(Provider.sha256(&[image]).is_ok_and(|sum| sum[..] == *check))
}

impl CosemObject<World> for ImageTransfer {
    fn class(&self) -> ClassId {
        ClassId::IMAGE_TRANSFER
    }

    fn name(&self) -> LogicalName {
        LogicalName([0, 0, 44, 0, 0, 255])
    }

    /// image_block_size, image_transferred_blocks_status, image_first_not_transferred_block_number,
    /// image_transfer_enabled, image_transfer_status, image_to_activate_info
    fn attributes(&self) -> &[AttributeRights] {
        const READ: AttributeRights = AttributeRights::READ;
        &[READ, READ, READ, AttributeRights::READ_WRITE, READ, READ]
    }

    /// image_transfer_initiate, image_block_transfer, image_verify, image_activate
    fn methods(&self) -> &[MethodRights] {
        &[MethodRights::ACCESS; 4]
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        let number =
            |value: usize| DataBuf::DoubleLongUnsigned(u32::try_from(value).unwrap_or(u32::MAX));
        let status = self.status(get.world);
        match get.attribute {
            2 => put(out, &number(BLOCK_LEN)),
            3 => {
                let bits = self.blocks.iter().copied();
                put(out, &DataBuf::BitString(BitStringBuf::from_bits(bits)))
            }
            4 => put(out, &number(self.first_missing())),
            5 => put(out, &DataBuf::Boolean(self.enabled && get.world.images.folder.is_some())),
            6 => put(out, &DataBuf::Enum(status as u8)),
            _ => {
                let image = || ImageToActivate {
                    size: u32::try_from(self.len).unwrap_or(u32::MAX),
                    identification: OctetString(self.identifier.clone()),
                    signature: OctetString::default(),
                };
                let verified = matches!(status, Status::Verified | Status::Activating);
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
        let folder = call.world.images.folder.clone().filter(|_| self.enabled);
        let folder = folder.ok_or(ActionResult::ReadWriteDenied)?;
        let before = self.status;
        self.status = self.status(call.world);
        if (before, self.status) == (Status::Verifying, Status::Verified) {
            call.world.log(event::IMAGE_VERIFIED);
        }
        let result = match method {
            1 => self.initiate(&folder, parameter),
            2 => self.transfer(parameter),
            3 => self.verify(folder),
            _ => self.activate(&folder, call.world),
        };
        match result {
            ActionResult::Success => Ok(()),
            refusal => Err(refusal),
        }
    }
}
