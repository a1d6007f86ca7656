//! What a data concentrator has beyond the objects of the standard: names in the range of
//! manufacturers (value group C from 128 on, IEC 62056-6-1), and the shapes of its messages.
//!
//! They are here because two programs share them: the concentrator has the objects, the head-end
//! reads them. The standard has no object for either of what a head-end needs when a concentrator
//! stands before its meters: pushes that arrived while nobody was there to take them, and which of
//! two concentrators is the present one.
//!
//! ```
//! use dlms_core::cosem::{DateTime, concentrator::SpoolRow};
//!
//! let row = SpoolRow {
//!     sequence: 7,
//!     arrived: DateTime::from_unix(1_790_000_000, Some(0)).unwrap(),
//!     sap: 16,
//!     client: 1,
//!     name: b"ABC0000000000001".to_vec(),
//!     apdu: vec![0x0F, 0x00],
//!     epoch: 1,
//! };
//! let octets = row.to_data().to_octets();
//! let raw = dlms_core::axdr::RawData::from_octets(&octets)?;
//! assert_eq!(SpoolRow::from_data(&raw.data()?), Some(row));
//! # Ok::<(), dlms_core::Malformed>(())
//! ```

pub mod collection;

use alloc::vec::Vec;

use super::{AttributeDescriptor, CaptureObject, ClassId, DateTime, LogicalName, RangeDescriptor};
use crate::axdr::{Data, DataBuf};

/// Data: the epoch of the concentrator, double-long-unsigned. A head-end that lets it take over
/// from another one raises it; it is never lowered.
pub const EPOCH: LogicalName = LogicalName([0, 0, 128, 0, 1, 255]);
/// Data: the epoch of the SAP assignment list, double-long-unsigned. It changes whenever it changes
/// who is at which SAP.
pub const TABLE_EPOCH: LogicalName = LogicalName([0, 0, 128, 0, 2, 255]);
/// Data: how many meters are there, long-unsigned.
pub const METERS: LogicalName = LogicalName([0, 0, 128, 0, 3, 255]);
/// Profile generic: the spool. Each row is a [`SpoolRow`].
pub const SPOOL: LogicalName = LogicalName([0, 0, 128, 1, 0, 255]);
/// Data: the newest row of the spool but for its time, a structure in the order of
/// [`SPOOL_COLUMNS`]; null-data while there is none. The columns of the spool capture its elements.
pub const SPOOL_ENTRY: LogicalName = LogicalName([0, 0, 128, 1, 1, 255]);
/// Data: the sequence number up to which all rows are acknowledged, long64-unsigned. A head-end
/// writes the last row that it has stored, and rows up to it are deleted.
pub const SPOOL_ACKNOWLEDGED: LogicalName = LogicalName([0, 0, 128, 1, 2, 255]);
/// Data: the sequence number that the next push gets, long64-unsigned.
pub const SPOOL_NEXT: LogicalName = LogicalName([0, 0, 128, 1, 3, 255]);
/// Push setup: says regularly that the concentrator is there. Its body is an [`Announcement`].
pub const HEARTBEAT: LogicalName = LogicalName([0, 0, 25, 9, 0, 255]);
/// Push setup: says that the SAP assignment list has changed. Its body is an [`Announcement`].
pub const SAPS_CHANGED: LogicalName = LogicalName([0, 1, 25, 9, 0, 255]);
/// Push setup: says that voltages or currents of the station deviate, or do no more. Its body has
/// what push_object_list names: itself, the logical device name, the code of the last event, and
/// the registers of the station.
pub const STATION_DEVIATES: LogicalName = LogicalName([0, 2, 25, 9, 0, 255]);

/// The columns of the spool: sequence, arrival, SAP, client SAP, logical device name, APDU, epoch.
pub const SPOOL_COLUMNS: [CaptureObject; 7] = [
    spool_column(1),
    CaptureObject::CLOCK_TIME,
    spool_column(2),
    spool_column(3),
    spool_column(4),
    spool_column(5),
    spool_column(6),
];

const fn spool_column(data_index: u16) -> CaptureObject {
    let entry = AttributeDescriptor::new(ClassId::DATA, SPOOL_ENTRY, 2);
    CaptureObject { data_index, ..CaptureObject::new(entry) }
}

/// The rows of the spool with sequence numbers from `first` to `last`.
pub fn spool_range(first: u64, last: u64) -> RangeDescriptor {
    let [restricting_object, ..] = SPOOL_COLUMNS;
    RangeDescriptor {
        restricting_object,
        from_value: first.into(),
        to_value: last.into(),
        selected_values: Vec::new(),
    }
}

/// A push of a meter that the concentrator has kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolRow {
    /// Its number: with the concentrator and its epoch the name of this push for ever.
    pub sequence: u64,
    /// When the concentrator got it, in hundredths of a second.
    pub arrived: DateTime,
    /// The SAP of the meter then.
    pub sap: u16,
    /// The client that it is for.
    pub client: u16,
    /// The logical device name of the meter.
    pub name: Vec<u8>,
    /// The APDU as the meter sent it.
    pub apdu: Vec<u8>,
    /// The epoch of the concentrator then.
    pub epoch: u32,
}

impl SpoolRow {
    /// A structure of seven fields.
    pub fn from_data(data: &Data<'_>) -> Option<Self> {
        let mut fields = data.as_structure().filter(|fields| fields.len() == 7)?;
        let mut next = || fields.next()?.ok();
        Some(Self {
            sequence: next()?.as_unsigned()?,
            arrived: DateTime::from_data(&next()?)?,
            sap: next()?.as_unsigned()?.try_into().ok()?,
            client: next()?.as_unsigned()?.try_into().ok()?,
            name: next()?.as_octets()?.to_vec(),
            apdu: next()?.as_octets()?.to_vec(),
            epoch: next()?.as_unsigned()?.try_into().ok()?,
        })
    }

    /// The fields, in the order of [`SPOOL_COLUMNS`].
    pub fn columns(&self) -> [DataBuf; 7] {
        [
            self.sequence.into(),
            self.arrived.to_data(),
            self.sap.into(),
            self.client.into(),
            DataBuf::octet_string(self.name.clone()),
            DataBuf::octet_string(self.apdu.clone()),
            self.epoch.into(),
        ]
    }

    /// The structure.
    pub fn to_data(&self) -> DataBuf {
        DataBuf::structure(self.columns())
    }
}

/// What a concentrator says of itself unasked: the body of both its pushes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The push setup that it is from: [`HEARTBEAT`] or [`SAPS_CHANGED`].
    pub setup: LogicalName,
    /// The logical device name of the concentrator.
    pub name: Vec<u8>,
    /// Its epoch.
    pub epoch: u32,
    /// The epoch of the SAP assignment list.
    pub table_epoch: u32,
    /// The sequence number that the next push gets.
    pub spool_next: u64,
    /// How many meters are there.
    pub meters: u16,
}

impl Announcement {
    /// The attributes that it is made of after the logical name of the push setup itself, as
    /// push_object_list has them.
    pub const OBJECTS: [AttributeDescriptor; 5] = [
        AttributeDescriptor::new(ClassId::DATA, LogicalName::LOGICAL_DEVICE_NAME, 2),
        AttributeDescriptor::new(ClassId::DATA, EPOCH, 2),
        AttributeDescriptor::new(ClassId::DATA, TABLE_EPOCH, 2),
        AttributeDescriptor::new(ClassId::DATA, SPOOL_NEXT, 2),
        AttributeDescriptor::new(ClassId::DATA, METERS, 2),
    ];

    /// A structure of six fields.
    pub fn from_data(data: &Data<'_>) -> Option<Self> {
        let mut fields = data.as_structure().filter(|fields| fields.len() == 6)?;
        let mut next = || fields.next()?.ok();
        Some(Self {
            setup: LogicalName::from_data(&next()?)?,
            name: next()?.as_octets()?.to_vec(),
            epoch: next()?.as_unsigned()?.try_into().ok()?,
            table_epoch: next()?.as_unsigned()?.try_into().ok()?,
            spool_next: next()?.as_unsigned()?,
            meters: next()?.as_unsigned()?.try_into().ok()?,
        })
    }

    /// The structure.
    pub fn to_data(&self) -> DataBuf {
        DataBuf::structure([
            self.setup.to_data(),
            DataBuf::octet_string(self.name.clone()),
            self.epoch.into(),
            self.table_epoch.into(),
            self.spool_next.into(),
            self.meters.into(),
        ])
    }
}

/// Which push it is that a concentrator passes on at once: the body of a data-notification from
/// SAP 1, sent to who takes pushes right before the push itself, which stays as the meter made it.
///
/// It has what a [`SpoolRow`] has but for the APDU, so that who gets a push both ways sees that it
/// is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LivePush {
    /// The logical device name of the concentrator.
    pub concentrator: Vec<u8>,
    /// Its epoch when the push arrived.
    pub epoch: u32,
    /// The number of the push in the spool.
    pub sequence: u64,
    /// When the concentrator got it, in hundredths of a second.
    pub arrived: DateTime,
    /// The SAP of the meter: the source of the frame that follows.
    pub sap: u16,
    /// The client that it is for: the destination of that frame.
    pub client: u16,
    /// The logical device name of the meter.
    pub name: Vec<u8>,
}

impl LivePush {
    /// A structure of eight fields, of which the first is [`SPOOL_ENTRY`].
    pub fn from_data(data: &Data<'_>) -> Option<Self> {
        let mut fields = data.as_structure().filter(|fields| fields.len() == 8)?;
        let mut next = || fields.next()?.ok();
        LogicalName::from_data(&next()?).filter(|name| *name == SPOOL_ENTRY)?;
        Some(Self {
            concentrator: next()?.as_octets()?.to_vec(),
            epoch: next()?.as_unsigned()?.try_into().ok()?,
            sequence: next()?.as_unsigned()?,
            arrived: DateTime::from_data(&next()?)?,
            sap: next()?.as_unsigned()?.try_into().ok()?,
            client: next()?.as_unsigned()?.try_into().ok()?,
            name: next()?.as_octets()?.to_vec(),
        })
    }

    /// The structure.
    pub fn to_data(&self) -> DataBuf {
        DataBuf::structure([
            SPOOL_ENTRY.to_data(),
            DataBuf::octet_string(self.concentrator.clone()),
            self.epoch.into(),
            self.sequence.into(),
            self.arrived.to_data(),
            self.sap.into(),
            self.client.into(),
            DataBuf::octet_string(self.name.clone()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axdr::RawData;

    #[test]
    fn an_announcement_says_who_and_in_which_epoch() {
        let announcement = Announcement {
            setup: HEARTBEAT,
            name: b"DHE0000000000001".to_vec(),
            epoch: 2,
            table_epoch: 1_201,
            spool_next: 77,
            meters: 1_200,
        };
        let octets = announcement.to_data().to_octets();
        let expected = [
            &[0x02, 0x06, 0x09, 0x06, 0, 0, 25, 9, 0, 255][..], // push setup
            &[0x09, 0x10],
            b"DHE0000000000001",
            &[0x06, 0, 0, 0, 2],                // epoch
            &[0x06, 0, 0, 4, 0xB1],             // table epoch
            &[0x15, 0, 0, 0, 0, 0, 0, 0, 0x4D], // next
            &[0x12, 0x04, 0xB0],                // meters
        ];
        assert_eq!(octets, expected.concat());
        let data = RawData::from_octets(&octets).and_then(|raw| raw.data()).unwrap();
        assert_eq!(Announcement::from_data(&data), Some(announcement));
        assert_eq!(SpoolRow::from_data(&data), None);
    }

    #[test]
    fn a_live_push_says_which_row_of_the_spool_it_is() {
        let live = LivePush {
            concentrator: b"DHE0000000000001".to_vec(),
            epoch: 2,
            sequence: 77,
            arrived: DateTime::from_unix(1_790_000_000, Some(0)).unwrap(),
            sap: 527,
            client: 1,
            name: b"ABC0000000000001".to_vec(),
        };
        let octets = live.to_data().to_octets();
        let expected = [
            &[0x02, 0x08, 0x09, 0x06, 0, 0, 128, 1, 1, 255][..], // the newest row of the spool
            &[0x09, 0x10],
            b"DHE0000000000001",
            &[0x06, 0, 0, 0, 2],                // epoch
            &[0x15, 0, 0, 0, 0, 0, 0, 0, 0x4D], // sequence
            &[0x09, 0x0C, 0x07, 0xEA, 9, 21, 1, 14, 13, 20, 0, 0, 0, 0],
            &[0x12, 0x02, 0x0F], // SAP
            &[0x12, 0x00, 0x01], // client
            &[0x09, 0x10],
            b"ABC0000000000001",
        ];
        assert_eq!(octets, expected.concat());
        let read = |octets: &[u8]| {
            let raw = RawData::from_octets(octets).unwrap();
            LivePush::from_data(&raw.data().unwrap())
        };
        assert_eq!(read(&octets), Some(live));
        let mut other = octets;
        other[8] = 2;
        assert_eq!(read(&other), None);
    }

    #[test]
    fn names_are_those_of_a_manufacturer_but_for_what_the_standard_has() {
        let own = [EPOCH, TABLE_EPOCH, METERS, SPOOL, SPOOL_ENTRY, SPOOL_ACKNOWLEDGED, SPOOL_NEXT];
        assert!(own.iter().all(|name| (128..=199).contains(&name.0[2])));
        for name in [HEARTBEAT, SAPS_CHANGED, STATION_DEVIATES] {
            assert_eq!(name.0[2..], [25, 9, 0, 255]);
        }
    }
}
