//! One concentrator, asked for the rows of its spool again and again.

use core::time::Duration;
use std::sync::Arc;

use dlms_core::{
    association::Selection,
    axdr::{DataBuf, RawData},
    cosem::{
        AttributeDescriptor, ClassId, LogicalName,
        concentrator::{EPOCH, SPOOL, SPOOL_ACKNOWLEDGED, SPOOL_NEXT, SpoolRow, spool_range},
    },
};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::{sleep, timeout},
};

use super::Heard;
use crate::{
    associate::device_name,
    commands::associate,
    diagnosis::{Context, Diagnosis},
    error::Error,
    meter::Meter,
    report,
    settings::Settings,
    spool::KeptPush,
};

/// How long to wait before a concentrator that failed is asked again, at first; then twice as long
/// each time,
const PAUSE: Duration = Duration::from_secs(1);
/// up to this.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Octets of an answer. A concentrator sends a mebibyte of APDUs at most, and their rows.
const ANSWER_LEN_MAX: usize = 16 * 1024 * 1024;

const NAME: AttributeDescriptor = data(LogicalName::LOGICAL_DEVICE_NAME);
const BUFFER: AttributeDescriptor = AttributeDescriptor::new(ClassId::PROFILE_GENERIC, SPOOL, 2);

const fn data(name: LogicalName) -> AttributeDescriptor {
    AttributeDescriptor::new(ClassId::DATA, name, 2)
}

/// What a reader is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Nothing is new.
    Rest,
    /// Read rows from this number on.
    ReadFrom(u64),
    /// It gives numbers again: neither read nor acknowledge.
    Refuse,
}

/// How a concentrator is read.
#[derive(Clone)]
pub(super) struct Reader {
    pub(super) settings: Settings,
    pub(super) context: Context,
    /// Whether what was taken is acknowledged.
    pub(super) acknowledges: bool,
    /// How often to look, for who goes on; None for one time.
    pub(super) every: Option<Duration>,
    /// Wakes it before that.
    pub(super) news: Arc<Notify>,
    pub(super) heard: mpsc::Sender<Heard>,
}

/// Why a reader stops.
enum Stop {
    Failed(Diagnosis),
    /// Who takes the rows is gone: the command ends, and says why.
    Nobody,
}

impl Reader {
    /// Reads once, or for ever.
    pub(super) async fn run(self) -> Result<(), Diagnosis> {
        let mut pause = PAUSE;
        loop {
            let failed = match self.session(&mut pause).await {
                Ok(()) | Err(Stop::Nobody) => return Ok(()),
                Err(Stop::Failed(failed)) => failed,
            };
            if self.every.is_none() {
                return Err(failed);
            }
            report::diagnosis(&failed);
            report::note(&format!("note: it is tried again in {} s", pause.as_secs()));
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Reads over one association until that fails; or once.
    async fn session(&self, pause: &mut Duration) -> Result<(), Stop> {
        let settings = self.settings.clone();
        let mut meter = associate(settings, &self.context).await.map_err(Stop::Failed)?;
        *pause = PAUSE;
        let ended = self.rounds(&mut meter).await;
        meter.release().await;
        ended
    }

    async fn rounds(&self, meter: &mut Meter) -> Result<(), Stop> {
        let failed = |phase: &'static str| {
            move |error| Stop::Failed(Diagnosis::error(&error, phase, &self.context))
        };
        let name = name(meter).await.map_err(failed("get the name of the concentrator"))?;
        let mut acknowledged =
            number(meter, SPOOL_ACKNOWLEDGED).await.map_err(failed("look at the spool"))?;
        let mut is_first = true;
        loop {
            let epoch = number(meter, EPOCH).await.map_err(failed("look at the spool"))?;
            let epoch = u32::try_from(epoch).unwrap_or(u32::MAX);
            let next = number(meter, SPOOL_NEXT).await.map_err(failed("look at the spool"))?;
            let (reply, task) = oneshot::channel();
            let concentrator = name.clone();
            self.tell(Heard::Round { concentrator, epoch, next, is_first, reply }).await?;
            let mut from = match task.await.map_err(|_| Stop::Nobody)? {
                Task::Rest => None,
                Task::ReadFrom(from) => Some(from),
                Task::Refuse => {
                    let concentrator = device_name(&name);
                    let error = Error::SpoolRestarted { concentrator, epoch, next };
                    return Err(failed("look at the spool")(error));
                }
            };
            is_first = false;
            while let Some(first) = from {
                let rows = rows(meter, first).await.map_err(failed("get the spool"))?;
                from = rows.last().map(|last| last.sequence.saturating_add(1));
                let Some(last) = rows.last().map(|last| last.sequence) else { break };
                let concentrator = &name;
                let pushes = rows
                    .into_iter()
                    .map(|row| KeptPush { concentrator: concentrator.clone(), row })
                    .collect();
                let (reply, stored) = oneshot::channel();
                self.tell(Heard::Rows { pushes, reply }).await?;
                stored.await.map_err(|_| Stop::Nobody)?;
                if self.acknowledges && last > acknowledged {
                    let value = DataBuf::Long64Unsigned(last);
                    let written = meter.write(data(SPOOL_ACKNOWLEDGED), &value).await;
                    match written.map_err(failed("acknowledge"))? {
                        Ok(()) => acknowledged = last,
                        Err(refusal) => {
                            let phase = "acknowledge";
                            let diagnosis = Diagnosis::data_access(refusal, phase, &self.context);
                            return Err(Stop::Failed(diagnosis));
                        }
                    }
                }
            }
            let Some(every) = self.every else { return Ok(()) };
            // Whether it was woken or it is time, it looks.
            let _ = timeout(every, self.news.notified()).await;
        }
    }

    async fn tell(&self, heard: Heard) -> Result<(), Stop> {
        self.heard.send(heard).await.map_err(|_| Stop::Nobody)
    }
}

async fn name(meter: &mut Meter) -> Result<Vec<u8>, Error> {
    let octets = meter.read(NAME).await?.map_err(Error::NameRefused)?;
    let raw = RawData::from_octets(&octets).ok();
    let data = raw.and_then(|raw| raw.data().ok());
    let name = data.and_then(|data| data.as_octets().map(<[u8]>::to_vec));
    name.ok_or(Error::Shape("logical device name"))
}

async fn number(meter: &mut Meter, name: LogicalName) -> Result<u64, Error> {
    let octets = meter.read(data(name)).await?.map_err(Error::SpoolRefused)?;
    let raw = RawData::from_octets(&octets).ok();
    let number = raw.and_then(|raw| raw.data().ok()?.as_unsigned());
    number.ok_or(Error::Shape("number"))
}

/// The rows from number `first` on, oldest first: as many as the concentrator gives at a time.
async fn rows(meter: &Meter, first: u64) -> Result<Vec<SpoolRow>, Error> {
    let parameters = spool_range(first, u64::MAX).to_data().to_octets();
    let selection = Selection { selector: 1, parameters };
    let mut blocks = meter.read_blocks(BUFFER, Some(selection)).await?;
    let mut octets = Vec::new();
    while let Some(block) = blocks.next().await {
        octets.extend(block?.map_err(Error::SpoolRefused)?);
        if octets.len() > ANSWER_LEN_MAX {
            return Err(Error::Shape("part of a spool: it is far too long"));
        }
    }
    let raw = RawData::from_octets(&octets).ok();
    let data = raw.and_then(|raw| raw.data().ok());
    let rows = data.and_then(|data| {
        data.as_array()?.map(|row| SpoolRow::from_data(&row.ok()?)).collect::<Option<Vec<_>>>()
    });
    let rows = rows.ok_or(Error::Shape("spool"))?;
    // What is acknowledged is told by one number: it must be that of the last of them.
    let ascending = rows.is_sorted_by(|one, other| one.sequence < other.sequence);
    let in_range = rows.first().is_none_or(|row| row.sequence >= first.max(1));
    if ascending && in_range { Ok(rows) } else { Err(Error::Shape("spool: numbers do not grow")) }
}
