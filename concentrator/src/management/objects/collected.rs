//! What the concentrator read by itself, what is missing of it, and orders: profiles (class 7,
//! version 1) that are read by number or by position and whose rows go when they are acknowledged,
//! and the Data that acknowledge them and take orders.

use dlms_core::{
    axdr::{Data as Value, DataBuf, RawData},
    cosem::{
        CaptureObject, ClassId, LogicalName,
        concentrator::collection::{
            MISSING, MISSING_ACKNOWLEDGED, MISSING_COLUMNS, MISSING_ENTRY, MissingRow, ORDER,
            ORDER_RESULTS, ORDER_RESULTS_ACKNOWLEDGED, ORDER_RESULTS_COLUMNS, ORDER_RESULTS_ENTRY,
            Order, OrderResult, READING_BLOCKS, READING_BLOCKS_ACKNOWLEDGED,
            READING_BLOCKS_COLUMNS, READING_BLOCKS_ENTRY, READINGS, READINGS_ACKNOWLEDGED,
            READINGS_COLUMNS, READINGS_ENTRY, ReadingRow,
        },
    },
    device::{AttributeRights, CosemObject, Data, Get, MethodRights, put},
    xdlms::DataAccessResult,
};

use super::profile::{FIFO, Selection, numbered, row};
use crate::{
    collection::{
        Keep, LedgerError, MISSING_MAX, Missing, NotTaken, Orders, RESULTS_MAX, Reason, Receipt,
        Ring, RingRow, StoredResult,
    },
    management::device::{World, date_time},
};

/// Octets of rows in one answer, as they are stored. Who asks for more gets what fits, and asks
/// again from the last number on.
const ANSWER_OCTETS_MAX: usize = 256 * 1024;
/// Rows of one answer of the other two profiles, each of some hundred octets.
const ANSWER_ROWS_MAX: usize = 2_048;

/// Blocks of one answer: each is read whole before it is compressed.
const ANSWER_BLOCKS_MAX: usize = 64;

/// What the collection has to show.
#[derive(Clone, Debug)]
pub struct Collected {
    /// What was read.
    pub ring: std::sync::Arc<Ring>,
    /// Orders.
    pub orders: Orders,
}

/// Which rows of a profile.
enum Wanted {
    /// With these numbers, both included.
    Numbers(i64, i64),
    /// At these places, from 0 on.
    Places(core::ops::Range<usize>),
}

/// A profile whose rows have numbers.
struct Numbered {
    name: LogicalName,
    columns: &'static [CaptureObject],
    entries_max: u32,
    count: fn(&Collected) -> Option<u64>,
    rows: fn(&Collected, Wanted) -> Option<Vec<Vec<DataBuf>>>,
}

/// The objects.
pub(super) fn objects() -> Vec<Box<dyn CosemObject<World>>> {
    let profiles = [
        Numbered {
            name: READINGS,
            columns: &READINGS_COLUMNS,
            entries_max: u32::MAX,
            count: |of| Some(of.ring.status().ok()?.rows),
            rows: readings,
        },
        Numbered {
            name: READING_BLOCKS,
            columns: &READING_BLOCKS_COLUMNS,
            entries_max: u32::MAX,
            count: |of| Some(of.ring.blocks_waiting().ok()?.into()),
            rows: blocks,
        },
        Numbered {
            name: MISSING,
            columns: &MISSING_COLUMNS,
            entries_max: MISSING_MAX,
            count: |of| Some(of.ring.missing_waiting().ok()?.into()),
            rows: missing,
        },
        Numbered {
            name: ORDER_RESULTS,
            columns: &ORDER_RESULTS_COLUMNS,
            entries_max: RESULTS_MAX,
            count: |of| Some(of.orders.ledger().results_waiting().ok()?.into()),
            rows: results,
        },
    ];
    let data = [
        Data::new(READINGS_ENTRY, |_: &World| DataBuf::Null),
        Data::new(READING_BLOCKS_ENTRY, |_: &World| DataBuf::Null),
        Data::new(READING_BLOCKS_ACKNOWLEDGED, |_: &World| DataBuf::Null).writable(receipts),
        Data::new(MISSING_ENTRY, |_: &World| DataBuf::Null),
        Data::new(ORDER_RESULTS_ENTRY, |_: &World| DataBuf::Null),
        Data::new(READINGS_ACKNOWLEDGED, |world: &World| {
            let status = world.collected.as_ref().and_then(|of| of.ring.status().ok());
            status.map_or(DataBuf::Null, |status| status.acknowledged.unsigned_abs().into())
        })
        .writable(|world, value| {
            acknowledge(world, value, |of, number| of.ring.acknowledge_through(number).is_queued())
        }),
        Data::new(MISSING_ACKNOWLEDGED, |_: &World| DataBuf::Null).writable(|world, value| {
            acknowledge(world, value, |of, number| of.ring.acknowledge_missing(number).is_queued())
        }),
        Data::new(ORDER_RESULTS_ACKNOWLEDGED, |_: &World| DataBuf::Null).writable(
            |world, value| {
                acknowledge(world, value, |of, number| {
                    of.orders.ledger().acknowledge(number).is_ok()
                })
            },
        ),
        Data::new(ORDER, |world: &World| {
            let of = world.collected.as_ref();
            let last = of.and_then(|of| of.orders.ledger().orders(1).ok()?.pop());
            last.map_or(DataBuf::Null, |last| last.order.id.into())
        })
        .writable(order),
    ];
    let profiles = profiles.into_iter().map(|of| Box::new(of) as Box<dyn CosemObject<World>>);
    profiles.chain(data.map(|of| Box::new(of) as Box<dyn CosemObject<World>>)).collect()
}

/// All up to this number is with the head-end. When the power goes before that is on the disk, it
/// is offered again.
fn acknowledge(
    world: &World,
    value: &Value<'_>,
    done: fn(&Collected, i64) -> bool,
) -> Result<(), DataAccessResult> {
    let number = value.as_unsigned().ok_or(DataAccessResult::TypeUnmatched)?;
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    let collected = world.collected.as_ref().ok_or(DataAccessResult::ObjectUnavailable)?;
    done(collected, number).then_some(()).ok_or(DataAccessResult::TemporaryFailure)
}

/// Blocks that a head-end has stored, by their receipts.
fn receipts(world: &mut World, value: &Value<'_>) -> Result<(), DataAccessResult> {
    let octets = value.as_octets().ok_or(DataAccessResult::TypeUnmatched)?;
    let (receipts, rest) = octets.as_chunks::<{ Receipt::LEN }>();
    if !rest.is_empty() || receipts.len() > ANSWER_BLOCKS_MAX {
        return Err(DataAccessResult::TypeUnmatched);
    }
    let collected = world.collected.as_ref().ok_or(DataAccessResult::ObjectUnavailable)?;
    let acknowledge = |octets| collected.ring.acknowledge(Receipt::from_octets(octets)).is_queued();
    let done = receipts.iter().all(acknowledge);
    done.then_some(()).ok_or(DataAccessResult::TemporaryFailure)
}

/// An order is on the disk when it is answered.
fn order(world: &mut World, value: &Value<'_>) -> Result<(), DataAccessResult> {
    let order = Order::from_data(value).ok_or(DataAccessResult::TypeUnmatched)?;
    let collected = world.collected.as_ref().ok_or(DataAccessResult::ObjectUnavailable)?;
    collected.orders.take(world.now(), &order).map_err(|error| {
        tracing::warn!(order = order.id, %error, "an order is not taken");
        match error {
            NotTaken::Refused(_) | NotTaken::OutOfDate => DataAccessResult::OtherReason,
            NotTaken::Ledger(LedgerError::TooMany) => DataAccessResult::TemporaryFailure,
            NotTaken::Ledger(LedgerError::Other) => DataAccessResult::ReadWriteDenied,
            NotTaken::Ledger(_) => DataAccessResult::HardwareFault,
        }
    })
}

fn readings(of: &Collected, wanted: Wanted) -> Option<Vec<Vec<DataBuf>>> {
    let rows = match wanted {
        Wanted::Numbers(first, last) => of.ring.rows(first, last, ANSWER_OCTETS_MAX),
        Wanted::Places(places) => {
            of.ring.entries(places.start as u64..places.end as u64, ANSWER_OCTETS_MAX)
        }
    };
    Some(rows.ok()?.into_iter().map(|row| reading(row).columns()).collect())
}

fn reading(RingRow { sequence, meter, attribute, keep, row }: RingRow) -> ReadingRow {
    let value = RawData::from_octets(&row.octets).and_then(|raw| DataBuf::try_from(&raw.data()?));
    ReadingRow {
        number: sequence.unsigned_abs(),
        arrived: at(row.arrived_s),
        meter: meter.octets().to_vec(),
        attribute,
        captured: at(row.captured_s),
        // What a meter sent and nobody here can read is passed on as it is.
        value: value.unwrap_or(DataBuf::OctetString(row.octets)),
        status: if keep == Keep::Billing { ReadingRow::BILLING } else { 0 },
    }
}

/// Days, compressed.
fn blocks(of: &Collected, wanted: Wanted) -> Option<Vec<Vec<DataBuf>>> {
    let places = match wanted {
        Wanted::Places(places) => places,
        Wanted::Numbers(..) => 0..usize::MAX,
    };
    let end = places.end.min(places.start.saturating_add(ANSWER_BLOCKS_MAX));
    let uploads = of.ring.uploads(u32::try_from(end).ok()?).ok()?;
    let (mut rows, mut octets) = (Vec::new(), 0);
    for upload in uploads.into_iter().skip(places.start) {
        let block = upload.block.encode();
        octets += block.len();
        if octets > ANSWER_OCTETS_MAX && !rows.is_empty() {
            break;
        }
        let receipt = DataBuf::octet_string(upload.receipt.octets());
        rows.push(vec![receipt, DataBuf::octet_string(block)]);
    }
    Some(rows)
}

fn missing(of: &Collected, wanted: Wanted) -> Option<Vec<Vec<DataBuf>>> {
    let all = of.ring.missing(MISSING_MAX).ok()?.into_iter();
    let rows: Vec<Missing> = match wanted {
        Wanted::Numbers(first, last) => {
            let with = all.filter(|of| (first..=last).contains(&of.sequence));
            with.take(ANSWER_ROWS_MAX).collect()
        }
        Wanted::Places(places) => {
            all.skip(places.start).take(places.len().min(ANSWER_ROWS_MAX)).collect()
        }
    };
    let row = |of: Missing| MissingRow {
        number: of.sequence.unsigned_abs(),
        meter: of.meter.octets().to_vec(),
        attribute: of.attribute,
        after: at(of.stretch.after_s),
        until: at(of.stretch.until_s),
        reason: match of.stretch.reason {
            Reason::Overwritten => 0,
            Reason::NotCaptured => 1,
            Reason::Evicted => 2,
            Reason::Ahead => 3,
        },
    };
    Some(rows.into_iter().map(|of| row(of).columns()).collect())
}

fn results(of: &Collected, wanted: Wanted) -> Option<Vec<Vec<DataBuf>>> {
    let ledger = of.orders.ledger();
    let rows: Vec<StoredResult> = match wanted {
        Wanted::Numbers(first, last) => ledger.results(first, last, ANSWER_ROWS_MAX).ok()?,
        Wanted::Places(places) => {
            let end = places.end.min(places.start.saturating_add(ANSWER_ROWS_MAX));
            let all = ledger.results(0, i64::MAX, end).ok()?;
            all.into_iter().skip(places.start).collect()
        }
    };
    let row = |of: StoredResult| OrderResult {
        number: of.number.unsigned_abs(),
        order: of.order,
        meter: of.meter.map(|meter| meter.octets().to_vec()).unwrap_or_default(),
        at: at(of.at_s),
        state: of.state,
        cause: of.cause.into_bytes(),
        value: of.value,
    };
    Some(rows.into_iter().map(|of| row(of).columns()).collect())
}

fn at(utc_s: i64) -> dlms_core::cosem::DateTime {
    date_time(utc_s.saturating_mul(1_000))
}

impl Numbered {
    fn buffer(&self, get: &Get<'_, World>) -> Result<DataBuf, DataAccessResult> {
        let collected = get.world.collected.as_ref();
        let collected = collected.ok_or(DataAccessResult::ObjectUnavailable)?;
        let selection = Selection::new(get.selection.as_ref())?;
        let columns = selection.columns(self.columns)?;
        let count = (self.count)(collected).ok_or(DataAccessResult::HardwareFault)?;
        let wanted = match &selection {
            Selection::All => Wanted::Numbers(0, i64::MAX),
            Selection::Range(range) => {
                if range.restricting_object != self.columns[0] {
                    return Err(DataAccessResult::ScopeOfAccessViolated);
                }
                let (first, last) = (&range.from_value, &range.to_value);
                let number = |value| super::spool_profile::number(value);
                let bound = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
                Wanted::Numbers(bound(number(first)?), bound(number(last)?))
            }
            Selection::Entry(entry) => {
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                Wanted::Places(numbered(entry.from_entry, entry.to_entry, count))
            }
        };
        // The disk cannot be read.
        let rows = (self.rows)(collected, wanted).ok_or(DataAccessResult::HardwareFault)?;
        let mut before: &[DataBuf] = &[];
        let mut compressed = Vec::new();
        for cells in &rows {
            let cells_left_out = cells.iter().enumerate().map(|(index, cell)| {
                if before.get(index) == Some(cell) { DataBuf::Null } else { cell.clone() }
            });
            compressed.push(row(cells_left_out, &columns));
            before = cells;
        }
        Ok(DataBuf::array(compressed))
    }
}

impl CosemObject<World> for Numbered {
    fn class(&self) -> ClassId {
        ClassId::PROFILE_GENERIC
    }

    fn version(&self) -> u8 {
        1
    }

    fn name(&self) -> LogicalName {
        self.name
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[AttributeRights::READ; 7]
    }

    /// reset, capture: rows go when they are acknowledged, and come when meters are read.
    fn methods(&self) -> &[MethodRights] {
        &[MethodRights::NONE; 2]
    }

    fn selectors(&self, attribute: i8) -> &[u8] {
        if attribute == 2 { &[1, 2] } else { &[] }
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        match get.attribute {
            2 => put(out, &self.buffer(get)?),
            3 => put(out, &DataBuf::array(self.columns.iter().map(CaptureObject::to_data))),
            4 => put(out, &DataBuf::DoubleLongUnsigned(0)),
            5 => put(out, &DataBuf::Enum(FIFO)),
            6 => put(out, &self.columns[0].to_data()),
            7 => {
                let count = get.world.collected.as_ref().and_then(self.count);
                let count = count.and_then(|count| u32::try_from(count).ok());
                put(out, &count.unwrap_or(u32::MAX).into())
            }
            _ => put(out, &self.entries_max.into()),
        }
    }
}
