//! Blocks in the file: what arrives is merged into them, and what is missing is read off them.

use dlms_core::cosem::{ClassId, LogicalName};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Block, EncodedBlock, Interval, Quality, Step, UtcDay,
    gaps::{self, Span},
    merge::{self, Reason},
};
use crate::{error::StoreError, file::Store, metering::MeterId};

/// A column of a load profile of a meter, as long as its scaler and unit stay the same: when they
/// change, it is another channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChannelKey {
    /// Whose.
    pub meter: MeterId,
    /// The profile that captures it.
    pub profile: LogicalName,
    /// The class of the captured object.
    pub class: ClassId,
    /// Its name.
    pub logical_name: LogicalName,
    /// The captured attribute.
    pub attribute: i8,
    /// Which part of it, as in a capture object; 0 is all of it.
    pub data_index: u16,
    /// The exponent to the base of 10.
    pub scaler: i8,
    /// The code of the unit.
    pub unit: u8,
    /// How far intervals are apart.
    pub step: Step,
}

/// A channel in this store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub i64);

/// Values of one channel that have arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    channel: ChannelId,
    step: Step,
    intervals: Vec<(UtcDay, u16, Interval)>,
}

impl Arrived {
    /// Nothing yet.
    pub fn new(channel: ChannelId, step: Step) -> Self {
        Self { channel, step, intervals: Vec::new() }
    }

    /// A value that was captured at the second `unix_s`. A clock that is up to `tolerance_s` early
    /// is taken to have meant the full interval.
    pub fn capture(
        &mut self,
        unix_s: i64,
        tolerance_s: u32,
        value: i64,
        status: u64,
        quality: Quality,
    ) {
        let place = self.step.place(unix_s, tolerance_s);
        let interval = Interval { value, status, offset_s: place.offset_s, quality };
        self.intervals.push((place.day, place.slot, interval));
    }
}

/// What became of values that arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Values for intervals that had none.
    pub added: u64,
    /// Values that gave way to another one, or had to: see [`StoredRevision`].
    pub revisions: u64,
    /// Blocks that were written.
    pub blocks: u64,
}

impl core::ops::AddAssign for Stored {
    fn add_assign(&mut self, other: Self) {
        self.added += other.added;
        self.revisions += other.revisions;
        self.blocks += other.blocks;
    }
}

/// A value that is not the one that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredRevision {
    /// Of which day.
    pub day: UtcDay,
    /// Of which interval.
    pub slot: u16,
    /// The value.
    pub interval: Interval,
    /// Why.
    pub reason: Reason,
}

impl Store {
    /// The channel of this key, which is made if need be.
    ///
    /// # Errors
    /// If the file cannot be written, or there is no such meter.
    pub async fn channel(&self, key: ChannelKey) -> Result<ChannelId, StoreError> {
        self.write(move |file| channel(file, &key)).await
    }

    /// Stores what arrived. What is there already is not written again.
    ///
    /// # Errors
    /// If the file cannot be written, or a block in it is damaged. Then nothing of it is stored.
    pub async fn store_readings(
        &self,
        arrived: Vec<Arrived>,
        now: Timestamp,
    ) -> Result<Stored, StoreError> {
        self.write(move |file| put_all(file, &arrived, now)).await
    }

    /// The channels of a meter, and what each captures.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn channels(
        &self,
        meter: MeterId,
    ) -> Result<Vec<(ChannelId, ChannelKey)>, StoreError> {
        self.read(move |file| channels(file, meter)).await
    }

    /// What is stored of a channel from one day to another, both included.
    ///
    /// # Errors
    /// If the file cannot be read, or a block in it is damaged.
    pub async fn blocks(
        &self,
        channel: ChannelId,
        from: UtcDay,
        to: UtcDay,
    ) -> Result<Vec<(UtcDay, Block)>, StoreError> {
        self.read(move |file| {
            let step = step_of(file, channel)?;
            let encoded = encoded_blocks(file, channel, from, to)?;
            encoded.iter().map(|(day, block)| Ok((*day, Block::decode(step, block)?))).collect()
        })
        .await
    }

    /// What of `wanted` is missing in a channel.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn missing(&self, channel: ChannelId, wanted: Span) -> Result<Vec<Span>, StoreError> {
        self.read(move |file| {
            let step = step_of(file, channel)?;
            let second = |number: i64| number.saturating_mul(i64::from(step.seconds()));
            let first = UtcDay::of(second(wanted.start));
            let last = UtcDay::of(second(wanted.end));
            let stored = encoded_blocks(file, channel, first, last)?;
            let stored = stored.iter().map(|(day, block)| (*day, block));
            Ok(gaps::missing(step, wanted, stored))
        })
        .await
    }

    /// The values of a channel that do not count, oldest interval first.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn revisions(&self, channel: ChannelId) -> Result<Vec<StoredRevision>, StoreError> {
        self.read(move |file| {
            let mut statement = file.prepare_cached(
                "SELECT day, slot, value, status, offset_s, quality, reason FROM revision \
                 WHERE channel = ? ORDER BY day, slot, at",
            )?;
            let found = statement.query_map([channel.0], |row| {
                let reason = match row.get(6)? {
                    0_u8 => Reason::Replaced,
                    1 => Reason::Inferior,
                    _ => Reason::OutOfTurn,
                };
                let (day, slot) = (UtcDay(row.get(0)?), row.get(1)?);
                Ok(StoredRevision { day, slot, interval: interval(row, 2)?, reason })
            })?;
            Ok(found.collect::<Result<_, _>>()?)
        })
        .await
    }
}

fn channel(file: &Connection, key: &ChannelKey) -> Result<ChannelId, StoreError> {
    let parameters = params![
        key.meter.0,
        key.profile.0,
        key.class.0,
        key.logical_name.0,
        key.attribute,
        key.data_index,
        key.scaler,
        key.unit,
        key.step.seconds(),
    ];
    let found = file
        .prepare_cached(
            "SELECT id FROM channel WHERE (meter, profile, class, logical_name, attribute, \
             data_index, scaler, unit, step_s) = (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .query_row(parameters, |row| row.get(0))
        .optional()?;
    if let Some(id) = found {
        return Ok(ChannelId(id));
    }
    let id = file
        .prepare_cached(
            "INSERT INTO channel (meter, profile, class, logical_name, attribute, data_index, \
             scaler, unit, step_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        )?
        .query_row(parameters, |row| row.get(0))?;
    Ok(ChannelId(id))
}

fn channels(file: &Connection, meter: MeterId) -> Result<Vec<(ChannelId, ChannelKey)>, StoreError> {
    let mut statement = file.prepare_cached(
        "SELECT id, profile, class, logical_name, attribute, data_index, scaler, unit, step_s \
         FROM channel WHERE meter = ? ORDER BY id",
    )?;
    let mut rows = statement.query([meter.0])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let step = step(row.get(8)?)?;
        let key = ChannelKey {
            meter,
            profile: LogicalName(row.get(1)?),
            class: ClassId(row.get(2)?),
            logical_name: LogicalName(row.get(3)?),
            attribute: row.get(4)?,
            data_index: row.get(5)?,
            scaler: row.get(6)?,
            unit: row.get(7)?,
            step,
        };
        found.push((ChannelId(row.get(0)?), key));
    }
    Ok(found)
}

fn step(seconds: u32) -> Result<Step, StoreError> {
    Step::from_seconds(seconds).map_err(|_| StoreError::Unknown {
        what: "length of an interval",
        name: seconds.to_string(),
    })
}

fn step_of(file: &Connection, channel: ChannelId) -> Result<Step, StoreError> {
    let seconds = file
        .prepare_cached("SELECT step_s FROM channel WHERE id = ?")?
        .query_row([channel.0], |row| row.get(0))
        .optional()?;
    let unknown = || StoreError::Unknown { what: "channel", name: channel.0.to_string() };
    step(seconds.ok_or_else(unknown)?)
}

fn encoded_blocks(
    file: &Connection,
    channel: ChannelId,
    from: UtcDay,
    to: UtcDay,
) -> Result<Vec<(UtcDay, EncodedBlock)>, StoreError> {
    let mut statement = file.prepare_cached(
        "SELECT day, present, \"values\", notes FROM block \
         WHERE channel = ? AND day BETWEEN ? AND ? ORDER BY day",
    )?;
    let found = statement.query_map(params![channel.0, from.0, to.0], |row| {
        let (present, values, notes) = (row.get(1)?, row.get(2)?, row.get(3)?);
        Ok((UtcDay(row.get(0)?), EncodedBlock { present, values, notes }))
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Merges all that arrived, day by day.
pub(crate) fn put_all(
    file: &Connection,
    arrived: &[Arrived],
    now: Timestamp,
) -> Result<Stored, StoreError> {
    let mut stored = Stored::default();
    for arrived in arrived {
        let mut rest = arrived.intervals.as_slice();
        while let Some(&(day, ..)) = rest.first() {
            let of_day = rest.iter().take_while(|(other, ..)| *other == day).count();
            let (today, later) = rest.split_at(of_day);
            rest = later;
            let values: Vec<_> = today.iter().map(|&(_, slot, value)| (slot, value)).collect();
            stored += put_day(file, arrived, day, &values, now)?;
        }
    }
    Ok(stored)
}

fn put_day(
    file: &Connection,
    Arrived { channel, step, .. }: &Arrived,
    day: UtcDay,
    values: &[(u16, Interval)],
    now: Timestamp,
) -> Result<Stored, StoreError> {
    let there = file
        .prepare_cached(
            "SELECT present, \"values\", notes, revisions FROM block \
             WHERE channel = ? AND day = ?",
        )?
        .query_row(params![channel.0, day.0], |row| {
            let (present, values, notes) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((EncodedBlock { present, values, notes }, row.get::<_, u32>(3)?))
        })
        .optional()?;
    let (mut block, before) = match there {
        None => (Block::new(*step), 0),
        Some((encoded, revisions)) => (Block::decode(*step, &encoded)?, revisions),
    };
    let known = if before == 0 { Vec::new() } else { revisions_of_day(file, *channel, day)? };
    let merged = merge::merge(&mut block, &known, values);
    for revision in &merged.revisions {
        let Interval { value, status, offset_s, quality } = revision.interval;
        file.prepare_cached(
            "INSERT OR IGNORE INTO revision (channel, day, slot, value, status, offset_s, \
             quality, reason, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            channel.0,
            day.0,
            revision.slot,
            value,
            status.cast_signed(),
            offset_s,
            quality as u8,
            revision.reason as u8,
            now.as_millisecond(),
        ])?;
    }
    if merged.changed || !merged.revisions.is_empty() {
        let encoded = block.encode();
        file.prepare_cached(
            "INSERT INTO block (channel, day, present, \"values\", notes, revisions, version, \
             received) VALUES (?, ?, ?, ?, ?, ?, 1, ?) ON CONFLICT (channel, day) DO UPDATE SET \
             present = excluded.present, \"values\" = excluded.\"values\", \
             notes = excluded.notes, revisions = excluded.revisions, version = version + 1, \
             received = excluded.received",
        )?
        .execute(params![
            channel.0,
            day.0,
            encoded.present,
            encoded.values,
            encoded.notes,
            before.saturating_add(merged.revisions.len() as u32),
            now.as_millisecond(),
        ])?;
    }
    Ok(Stored {
        added: u64::from(merged.added),
        revisions: merged.revisions.len() as u64,
        blocks: u64::from(merged.changed),
    })
}

fn revisions_of_day(
    file: &Connection,
    channel: ChannelId,
    day: UtcDay,
) -> Result<Vec<(u16, Interval)>, StoreError> {
    let mut statement = file.prepare_cached(
        "SELECT slot, value, status, offset_s, quality FROM revision WHERE channel = ? AND day = ?",
    )?;
    let found = statement
        .query_map(params![channel.0, day.0], |row| Ok((row.get(0)?, interval(row, 1)?)))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Value, status, offset and quality, from the column `first` on.
fn interval(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Interval> {
    Ok(Interval {
        value: row.get(first)?,
        status: row.get::<_, i64>(first + 1)?.cast_unsigned(),
        offset_s: row.get(first + 2)?,
        quality: Quality::from_code(row.get::<_, u8>(first + 3)?.into()).unwrap_or_default(),
    })
}
