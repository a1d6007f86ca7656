//! Image transfer (class 18, version 0): the firmware of the concentrator itself.
//!
//! Blocks go into a file as they come, in any order. Which of them are on the disk is written
//! beside it now and then, so that a transfer goes on after a power cut: what came since is asked
//! for again. Whether an image is genuine is found out in a thread of its own, while routing goes
//! on; what a genuine one is, and how it is activated, is for the owner of the device.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::{Arc, OnceLock},
    thread::{self, JoinHandle},
};

use dlms_core::{
    axdr::{BitStringBuf, Data, DataBuf},
    cosem::{
        ClassId, LogicalName,
        value::{CosemValue, ImageBlock, ImageToActivate, ImageTransferInitiate, OctetString},
    },
    device::{AttributeRights, Call, CosemObject, Get, MethodRights, put},
    xdlms::{ActionResult, DataAccessResult},
};
use serde::{Deserialize, Serialize};

use crate::{
    firmware::{IsGenuine, SIGNATURE_LEN, replace},
    management::{Firmware, device::World, event},
};

/// Octets of every block but the last: with its protection it fits into one APDU.
const BLOCK_LEN: usize = 1_024;
/// Octets of an image. The static program has 13 MB, and while it is verified it is in memory.
const IMAGE_LEN_MAX: usize = 16 * 1024 * 1024;
/// Octets of an image identifier.
const IDENTIFIER_LEN_MAX: usize = 64;
/// The file of an image that is coming, and of one that was verified.
const PART: &str = "image.part";
const VERIFIED: &str = "image.verified";
/// The file that says how far that has got, and who may read it.
const PROGRESS: &str = "image.json";
const PROGRESS_MODE: u32 = 0o600;
/// Blocks after which that is written.
const KEPT_EVERY: usize = 64;

/// image_transfer_status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    #[default]
    NotInitiated = 0,
    Initiated = 1,
    Verifying = 2,
    Verified = 3,
    VerificationFailed = 4,
    Activating = 5,
    Activated = 6,
    ActivationFailed = 7,
}

/// What of a transfer is there after a restart.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Progress {
    status: Status,
    identifier: Vec<u8>,
    len: usize,
    /// Which blocks came.
    blocks: Vec<bool>,
}

/// The image transfer.
pub(super) struct ImageTransfer {
    /// Where images are kept, and which are genuine; none where there is no way to activate one.
    firmware: Option<Firmware>,
    enabled: bool,
    progress: Progress,
    file: Option<File>,
    /// What the thread that verifies found.
    outcome: Arc<OnceLock<bool>>,
    /// The thread that writes how far it has got.
    keeping: Option<JoinHandle<()>>,
    /// Blocks that came since it began.
    since_kept: usize,
}

impl Progress {
    fn read(folder: &Path) -> Option<(Self, Option<File>)> {
        let text = fs::read(folder.join(PROGRESS)).ok()?;
        let mut progress: Self = serde_json::from_slice(&text).ok()?;
        if progress.blocks.len() != progress.len.div_ceil(BLOCK_LEN) {
            return None;
        }
        let is_there = folder.join(VERIFIED).exists();
        let file = || File::options().read(true).write(true).open(folder.join(PART)).ok();
        match progress.status {
            Status::Initiated | Status::Verifying | Status::VerificationFailed => {
                progress.status = Status::Initiated;
                let file = file()?;
                return Some((progress, Some(file)));
            }
            Status::Verified | Status::ActivationFailed if !is_there => return None,
            // The image goes when the program has taken its place.
            Status::Activating if is_there => progress.status = Status::ActivationFailed,
            Status::Activating => progress.status = Status::Activated,
            _ => {}
        }
        Some((progress, None))
    }

    /// Writes it to the disk, after the blocks in `file`.
    fn keep(&self, folder: &Path, file: Option<&File>) -> io::Result<()> {
        if let Some(file) = file {
            file.sync_data()?;
        }
        replace(&folder.join(PROGRESS), &serde_json::to_vec(self)?, PROGRESS_MODE)
    }
}

impl ImageTransfer {
    /// A transfer that goes on with what there was before a restart.
    pub(super) fn new(firmware: Option<Firmware>) -> Self {
        let restored = firmware.as_ref().and_then(|firmware| Progress::read(&firmware.folder));
        let (progress, file) = restored.unwrap_or_default();
        Self {
            firmware,
            enabled: true,
            progress,
            file,
            outcome: Arc::default(),
            keeping: None,
            since_kept: 0,
        }
    }

    /// The status as it is by now.
    fn status(&self, world: &World) -> Status {
        match (self.progress.status, self.outcome.get(), world.images.activated) {
            (Status::Verifying, Some(true), _) => Status::Verified,
            (Status::Verifying, Some(false), _) => Status::VerificationFailed,
            (Status::Activating, _, Some(true)) => Status::Activated,
            (Status::Activating, _, Some(false)) => Status::ActivationFailed,
            (status, ..) => status,
        }
    }

    /// Has written how far it has got, by a thread: at once, or when the one before is done.
    fn keep(&mut self, folder: &Path, at_once: bool) {
        if !at_once && self.keeping.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        self.since_kept = 0;
        let (progress, folder) = (self.progress.clone(), folder.to_owned());
        let file = self.file.as_ref().and_then(|file| file.try_clone().ok());
        let before = self.keeping.take();
        self.keeping = Some(thread::spawn(move || {
            // What is newer is written later.
            let _ = before.map(JoinHandle::join);
            if let Err(error) = progress.keep(&folder, file.as_ref()) {
                tracing::error!(%error, "how far an image has come cannot be kept");
            }
        }));
    }

    fn first_missing(&self) -> usize {
        self.progress.blocks.iter().position(|came| !came).unwrap_or(self.progress.blocks.len())
    }

    fn initiate(&mut self, folder: &Path, parameter: &Data<'_>) -> ActionResult {
        let Some(image) = ImageTransferInitiate::from_data(parameter) else {
            return ActionResult::TypeUnmatched;
        };
        let len = usize::try_from(image.size).unwrap_or(usize::MAX);
        let fits = (SIGNATURE_LEN + 1..=IMAGE_LEN_MAX).contains(&len);
        if !fits || image.identifier.0.len() > IDENTIFIER_LEN_MAX {
            return ActionResult::OtherReason;
        }
        // The thread that verifies an image before it works on the same file.
        if self.progress.status == Status::Verifying {
            return ActionResult::TemporaryFailure;
        }
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
        self.progress = Progress {
            status: Status::Initiated,
            identifier: image.identifier.0,
            len,
            blocks: vec![false; len.div_ceil(BLOCK_LEN)],
        };
        self.keep(folder, true);
        ActionResult::Success
    }

    fn transfer(&mut self, folder: &Path, parameter: &Data<'_>) -> ActionResult {
        let Some(block) = ImageBlock::from_data(parameter) else {
            return ActionResult::TypeUnmatched;
        };
        let (Some(file), Status::Initiated | Status::VerificationFailed) =
            (&self.file, self.progress.status)
        else {
            return ActionResult::OtherReason;
        };
        let number = usize::try_from(block.number).unwrap_or(usize::MAX);
        let Some(came) = self.progress.blocks.get_mut(number) else {
            return ActionResult::OtherReason;
        };
        let start = number * BLOCK_LEN;
        let len = BLOCK_LEN.min(self.progress.len - start);
        // Some clients fill the last block up.
        if block.value.0.len() != len && block.value.0.len() != BLOCK_LEN {
            return ActionResult::OtherReason;
        }
        if file.write_all_at(&block.value.0[..len], start as u64).is_err() {
            return ActionResult::HardwareFault;
        }
        *came = true;
        self.since_kept += 1;
        if self.since_kept >= KEPT_EVERY || self.first_missing() == self.progress.blocks.len() {
            self.keep(folder, false);
        }
        ActionResult::Success
    }

    fn verify(&mut self, Firmware { folder, is_genuine }: Firmware) -> ActionResult {
        match (self.progress.status, &self.file) {
            // It is still at it.
            (Status::Verifying, _) => ActionResult::TemporaryFailure,
            (Status::Verified, _) => ActionResult::Success,
            (Status::Initiated | Status::VerificationFailed, Some(file))
                if self.progress.blocks.iter().all(|came| *came) =>
            {
                let Ok(file) = file.try_clone() else { return ActionResult::HardwareFault };
                let verified = Progress { status: Status::Verified, ..self.progress.clone() };
                let before = self.keeping.take();
                self.progress.status = Status::Verifying;
                self.outcome = Arc::default();
                let outcome = Arc::clone(&self.outcome);
                thread::spawn(move || {
                    let _ = before.map(JoinHandle::join);
                    let result = verify(&file, &verified, &folder, &is_genuine);
                    if let Err(error) = &result {
                        tracing::error!(%error, "an image cannot be verified");
                    }
                    // Nobody else sets it.
                    let _ = outcome.set(result.unwrap_or(false));
                });
                ActionResult::TemporaryFailure
            }
            (Status::Initiated | Status::VerificationFailed, _) => {
                self.progress.status = Status::VerificationFailed;
                ActionResult::OtherReason
            }
            _ => ActionResult::OtherReason,
        }
    }

    fn activate(&mut self, folder: &Path, world: &mut World) -> ActionResult {
        match self.progress.status {
            Status::Verified | Status::ActivationFailed => {
                self.progress.status = Status::Activating;
                // What becomes of it is known after a restart only if this is on the disk.
                if let Err(error) = self.progress.keep(folder, None) {
                    tracing::error!(%error, "an image cannot be activated");
                    self.progress.status = Status::ActivationFailed;
                    return ActionResult::HardwareFault;
                }
                let identifier = self.progress.identifier.clone();
                world.images.asked = Some((folder.join(VERIFIED), identifier));
                world.images.activated = None;
                ActionResult::TemporaryFailure
            }
            Status::Activating => ActionResult::TemporaryFailure,
            Status::Activated => ActionResult::Success,
            _ => ActionResult::OtherReason,
        }
    }
}

/// Whether an image is genuine. One that is stays, and is on the disk after this.
fn verify(
    file: &File,
    verified: &Progress,
    folder: &Path,
    is_genuine: &IsGenuine,
) -> io::Result<bool> {
    file.sync_all()?;
    let mut image = vec![0; verified.len];
    file.read_exact_at(&mut image, 0)?;
    if !is_genuine(&image) {
        return Ok(false);
    }
    fs::rename(folder.join(PART), folder.join(VERIFIED))?;
    verified.keep(folder, None)?;
    Ok(true)
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
                let bits = self.progress.blocks.iter().copied();
                put(out, &DataBuf::BitString(BitStringBuf::from_bits(bits)))
            }
            4 => put(out, &number(self.first_missing())),
            5 => put(out, &DataBuf::Boolean(self.enabled && self.firmware.is_some())),
            6 => put(out, &DataBuf::Enum(status as u8)),
            _ => {
                let image = || ImageToActivate {
                    size: u32::try_from(self.progress.len).unwrap_or(u32::MAX),
                    identification: OctetString(self.progress.identifier.clone()),
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
        let firmware = self.firmware.clone().filter(|_| self.enabled);
        let firmware = firmware.ok_or(ActionResult::ReadWriteDenied)?;
        let before = self.progress.status;
        self.progress.status = self.status(call.world);
        match (before, self.progress.status) {
            (Status::Verifying, Status::Verified) => call.world.log(event::IMAGE_VERIFIED),
            (Status::Verifying, Status::VerificationFailed) => {
                call.world.log(event::IMAGE_REFUSED);
            }
            _ => {}
        }
        let result = match method {
            1 => self.initiate(&firmware.folder, parameter),
            2 => self.transfer(&firmware.folder, parameter),
            3 => self.verify(firmware),
            _ => self.activate(&firmware.folder, call.world),
        };
        match result {
            ActionResult::Success => Ok(()),
            refusal => Err(refusal),
        }
    }
}
