//! What a concentrator that reads by itself has beyond that: the rows it read, what is missing of
//! them, and the orders that a head-end gives it.
//!
//! Rows are read and acknowledged as those of the spool are. In one answer, what is the same as in
//! the row before is null-data (IEC 62056-6-2, class Profile generic, buffer), so that a day of one
//! meter costs little more than its values; [`Restorer`](crate::cosem::profile::Restorer) puts it
//! back.

use alloc::vec::Vec;

use crate::{
    axdr::{Data, DataBuf},
    cosem::{
        AttributeDescriptor, CaptureObject, ClassId, DateTime, LogicalName, MethodDescriptor,
        RangeDescriptor,
    },
};

/// Profile generic: what was read. Each row is a [`ReadingRow`].
pub const READINGS: LogicalName = LogicalName([0, 0, 128, 2, 0, 255]);
/// Data: what the columns of [`READINGS`] capture; always null-data.
pub const READINGS_ENTRY: LogicalName = LogicalName([0, 0, 128, 2, 1, 255]);
/// Data: the number of the reading up to which all are acknowledged, long64-unsigned. A head-end
/// writes the last one that it has stored.
pub const READINGS_ACKNOWLEDGED: LogicalName = LogicalName([0, 0, 128, 2, 2, 255]);
/// Profile generic: where rows should be and are not. Each row is a [`MissingRow`].
pub const MISSING: LogicalName = LogicalName([0, 0, 128, 3, 0, 255]);
/// Data: what the columns of [`MISSING`] capture; always null-data.
pub const MISSING_ENTRY: LogicalName = LogicalName([0, 0, 128, 3, 1, 255]);
/// Data: written with the number of the last row of [`MISSING`] that was taken note of,
/// long64-unsigned; rows up to it go.
pub const MISSING_ACKNOWLEDGED: LogicalName = LogicalName([0, 0, 128, 3, 2, 255]);
/// Profile generic: what became of orders. Each row is an [`OrderResult`].
pub const ORDER_RESULTS: LogicalName = LogicalName([0, 0, 128, 4, 0, 255]);
/// Data: what the columns of [`ORDER_RESULTS`] capture; always null-data.
pub const ORDER_RESULTS_ENTRY: LogicalName = LogicalName([0, 0, 128, 4, 1, 255]);
/// Data: written with the number of the last row of [`ORDER_RESULTS`] that was stored,
/// long64-unsigned; rows up to it go.
pub const ORDER_RESULTS_ACKNOWLEDGED: LogicalName = LogicalName([0, 0, 128, 4, 2, 255]);
/// Data: written with an [`Order`]. Success means that it is on the disk. It reads as the number
/// of the order that was taken last, long64-unsigned.
pub const ORDER: LogicalName = LogicalName([0, 0, 128, 4, 3, 255]);

/// Profile generic: the same rows as [`READINGS`], a meter and day in each, compressed. Each row is
/// a receipt and a block, both octet-strings; rows are read by position.
pub const READING_BLOCKS: LogicalName = LogicalName([0, 0, 128, 5, 0, 255]);
/// Data: what the columns of [`READING_BLOCKS`] capture; always null-data.
pub const READING_BLOCKS_ENTRY: LogicalName = LogicalName([0, 0, 128, 5, 1, 255]);
/// Data: written with the receipts of the blocks that were stored, one octet-string, one behind the
/// other. What came to those days since is offered later.
pub const READING_BLOCKS_ACKNOWLEDGED: LogicalName = LogicalName([0, 0, 128, 5, 2, 255]);

/// The columns of [`READING_BLOCKS`]: receipt, block.
pub const READING_BLOCKS_COLUMNS: [CaptureObject; 2] =
    [column(READING_BLOCKS_ENTRY, 1), column(READING_BLOCKS_ENTRY, 2)];
/// The columns of [`READINGS`]: number, arrival, logical device name, class, logical name,
/// attribute, capture, value, status.
pub const READINGS_COLUMNS: [CaptureObject; 9] = [
    column(READINGS_ENTRY, 1),
    column(READINGS_ENTRY, 2),
    column(READINGS_ENTRY, 3),
    column(READINGS_ENTRY, 4),
    column(READINGS_ENTRY, 5),
    column(READINGS_ENTRY, 6),
    column(READINGS_ENTRY, 7),
    column(READINGS_ENTRY, 8),
    column(READINGS_ENTRY, 9),
];
/// The columns of [`MISSING`]: number, logical device name, class, logical name, attribute, after,
/// until, reason.
pub const MISSING_COLUMNS: [CaptureObject; 8] = [
    column(MISSING_ENTRY, 1),
    column(MISSING_ENTRY, 2),
    column(MISSING_ENTRY, 3),
    column(MISSING_ENTRY, 4),
    column(MISSING_ENTRY, 5),
    column(MISSING_ENTRY, 6),
    column(MISSING_ENTRY, 7),
    column(MISSING_ENTRY, 8),
];
/// The columns of [`ORDER_RESULTS`]: number, order, logical device name, time, state, cause, value.
pub const ORDER_RESULTS_COLUMNS: [CaptureObject; 7] = [
    column(ORDER_RESULTS_ENTRY, 1),
    column(ORDER_RESULTS_ENTRY, 2),
    column(ORDER_RESULTS_ENTRY, 3),
    column(ORDER_RESULTS_ENTRY, 4),
    column(ORDER_RESULTS_ENTRY, 5),
    column(ORDER_RESULTS_ENTRY, 6),
    column(ORDER_RESULTS_ENTRY, 7),
];

const fn column(entry: LogicalName, data_index: u16) -> CaptureObject {
    let value = AttributeDescriptor::new(ClassId::DATA, entry, 2);
    CaptureObject { data_index, ..CaptureObject::new(value) }
}

/// Rows with numbers from `first` to `last`, of any of the profiles here.
pub fn numbered(columns: &[CaptureObject], first: u64, last: u64) -> Option<RangeDescriptor> {
    let [restricting_object, ..] = *columns else { return None };
    Some(RangeDescriptor {
        restricting_object,
        from_value: first.into(),
        to_value: last.into(),
        selected_values: Vec::new(),
    })
}

/// A row that the concentrator read.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadingRow {
    /// The number of the reading that it came with; rows of one reading have one number.
    pub number: u64,
    /// When the concentrator got it, in UTC.
    pub arrived: DateTime,
    /// The logical device name of the meter.
    pub meter: Vec<u8>,
    /// What was read.
    pub attribute: AttributeDescriptor,
    /// When the meter captured it, in UTC.
    pub captured: DateTime,
    /// The row, or the value where no profile was read.
    pub value: DataBuf,
    /// Bit 0: people are billed by it. The other bits are 0.
    pub status: u8,
}

impl ReadingRow {
    /// People are billed by it.
    pub const BILLING: u8 = 1;

    /// The cells, in the order of [`READINGS_COLUMNS`].
    pub fn columns(&self) -> Vec<DataBuf> {
        let [class, instance, attribute] = object(&self.attribute);
        alloc::vec![
            self.number.into(),
            self.arrived.to_data(),
            DataBuf::octet_string(self.meter.clone()),
            class,
            instance,
            attribute,
            self.captured.to_data(),
            self.value.clone(),
            self.status.into(),
        ]
    }
}

/// Where rows should be and are not.
#[derive(Clone, Debug, PartialEq)]
pub struct MissingRow {
    /// The number to acknowledge it by.
    pub number: u64,
    /// The logical device name of the meter.
    pub meter: Vec<u8>,
    /// What was read.
    pub attribute: AttributeDescriptor,
    /// Captures after this moment, in UTC,
    pub after: DateTime,
    /// and before this one are missing.
    pub until: DateTime,
    /// Why: 0 the meter had overwritten them, 1 it never captured them, 2 they went for want of
    /// room before they were acknowledged, 3 the meter dates them later than now: its clock is
    /// wrong, and they come when that time has come.
    pub reason: u8,
}

impl MissingRow {
    /// The cells, in the order of [`MISSING_COLUMNS`].
    pub fn columns(&self) -> Vec<DataBuf> {
        let [class, instance, attribute] = object(&self.attribute);
        alloc::vec![
            self.number.into(),
            DataBuf::octet_string(self.meter.clone()),
            class,
            instance,
            attribute,
            self.after.to_data(),
            self.until.to_data(),
            DataBuf::Enum(self.reason),
        ]
    }
}

fn object(attribute: &AttributeDescriptor) -> [DataBuf; 3] {
    let AttributeDescriptor { class, instance, attribute } = attribute;
    [class.0.into(), instance.to_data(), DataBuf::Integer(attribute.0)]
}

/// What a head-end wants done once, by the reading client of the concentrator.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The number that the head-end gives it. One number is one order for ever.
    pub id: u64,
    /// When it was given.
    pub issued: DateTime,
    /// From when on it may be begun,
    pub begins: DateTime,
    /// and from when on not any more.
    pub expires: DateTime,
    /// What goes first: the greater.
    pub priority: u8,
    /// The logical device names of the meters that are meant: `*` for any characters, `?` for one.
    pub meters: Vec<u8>,
    /// What.
    pub service: OrderedService,
}

/// What an order is about.
#[derive(Clone, Debug, PartialEq)]
pub enum OrderedService {
    /// Attributes are read now; the buffer of a profile from the last row on that is stored.
    Read(Vec<AttributeDescriptor>),
    /// The clock is compared, and set within the limits that the concentrator has.
    Clock,
    /// An attribute is written.
    Write {
        /// Which.
        attribute: AttributeDescriptor,
        /// One encoded Data.
        value: Vec<u8>,
        /// What is read when it is not known whether it was done.
        look_up: Option<AttributeDescriptor>,
    },
    /// A method is invoked.
    Invoke {
        /// Which.
        method: MethodDescriptor,
        /// One encoded Data; empty for none.
        parameters: Vec<u8>,
        /// What is read when it is not known whether it was done.
        look_up: Option<AttributeDescriptor>,
    },
}

impl Order {
    /// A structure of seven fields.
    pub fn from_data(data: &Data<'_>) -> Option<Self> {
        let mut fields = data.as_structure().filter(|fields| fields.len() == 7)?;
        let mut next = || fields.next()?.ok();
        Some(Self {
            id: next()?.as_unsigned()?,
            issued: DateTime::from_data(&next()?)?,
            begins: DateTime::from_data(&next()?)?,
            expires: DateTime::from_data(&next()?)?,
            priority: next()?.as_unsigned()?.try_into().ok()?,
            meters: next()?.as_octets()?.to_vec(),
            service: OrderedService::from_data(&next()?)?,
        })
    }

    /// The structure.
    pub fn to_data(&self) -> DataBuf {
        DataBuf::structure([
            self.id.into(),
            self.issued.to_data(),
            self.begins.to_data(),
            self.expires.to_data(),
            self.priority.into(),
            DataBuf::octet_string(self.meters.clone()),
            self.service.to_data(),
        ])
    }
}

impl OrderedService {
    /// A structure that begins with an enum: 0 read, 1 clock, 2 write, 3 invoke.
    fn from_data(data: &Data<'_>) -> Option<Self> {
        let mut fields = data.as_structure()?;
        let count = fields.len();
        let mut next = || fields.next()?.ok();
        Some(match (next()?.as_enum()?, count) {
            (0, 2) => {
                let attributes = next()?.as_array()?.map(|item| attribute(&item.ok()?));
                Self::Read(attributes.collect::<Option<_>>()?)
            }
            (1, 1) => Self::Clock,
            (2, 4) => Self::Write {
                attribute: attribute(&next()?)?,
                value: next()?.as_octets()?.to_vec(),
                look_up: look_up(&next()?)?,
            },
            (3, 4) => Self::Invoke {
                method: {
                    let AttributeDescriptor { class, instance, attribute } = attribute(&next()?)?;
                    MethodDescriptor::new(class, instance, attribute.0)
                },
                parameters: next()?.as_octets()?.to_vec(),
                look_up: look_up(&next()?)?,
            },
            _ => return None,
        })
    }

    fn to_data(&self) -> DataBuf {
        let of = |attribute: &AttributeDescriptor| DataBuf::structure(object(attribute));
        let or_null = |look_up: &Option<_>| look_up.as_ref().map_or(DataBuf::Null, of);
        match self {
            Self::Read(attributes) => {
                let attributes = DataBuf::array(attributes.iter().map(of));
                DataBuf::structure([DataBuf::Enum(0), attributes])
            }
            Self::Clock => DataBuf::structure([DataBuf::Enum(1)]),
            Self::Write { attribute, value, look_up } => DataBuf::structure([
                DataBuf::Enum(2),
                of(attribute),
                DataBuf::octet_string(value.clone()),
                or_null(look_up),
            ]),
            Self::Invoke { method, parameters, look_up } => DataBuf::structure([
                DataBuf::Enum(3),
                of(&AttributeDescriptor::new(method.class, method.instance, method.method.0)),
                DataBuf::octet_string(parameters.clone()),
                or_null(look_up),
            ]),
        }
    }
}

fn attribute(data: &Data<'_>) -> Option<AttributeDescriptor> {
    let mut fields = data.as_structure().filter(|fields| fields.len() == 3)?;
    let mut next = || fields.next()?.ok();
    let class = ClassId(next()?.as_unsigned()?.try_into().ok()?);
    let instance = LogicalName::from_data(&next()?)?;
    Some(AttributeDescriptor::new(class, instance, next()?.as_integer()?.try_into().ok()?))
}

fn look_up(data: &Data<'_>) -> Option<Option<AttributeDescriptor>> {
    if data.is_null() { Some(None) } else { attribute(data).map(Some) }
}

/// How an order stands at a meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum OrderState {
    /// It is on the disk and waits for its turn.
    Accepted = 0,
    /// It was begun. What is only read may be begun again; what changes something never is.
    Started = 1,
    /// It was done.
    Done = 2,
    /// The meter did not want it, or the order makes no sense for it.
    Refused = 3,
    /// Its time was over before it was begun.
    Expired = 4,
    /// It was begun, and whether it was done is not known. What was looked up afterwards, where
    /// the order says what to look up, is in the value.
    Unknown = 5,
}

impl OrderState {
    /// The state of this code.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Accepted,
            1 => Self::Started,
            2 => Self::Done,
            3 => Self::Refused,
            4 => Self::Expired,
            5 => Self::Unknown,
            _ => return None,
        })
    }
}

/// What became of an order at a meter.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderResult {
    /// The number to acknowledge it by.
    pub number: u64,
    /// The order.
    pub order: u64,
    /// The logical device name of the meter; empty for an order that meant none.
    pub meter: Vec<u8>,
    /// When, in UTC.
    pub at: DateTime,
    /// How it ended.
    pub state: OrderState,
    /// Why it was not done, for people; empty for one that was.
    pub cause: Vec<u8>,
    /// What was read, returned or looked up: encoded Data, one or several; empty for nothing.
    pub value: Vec<u8>,
}

impl OrderResult {
    /// The cells, in the order of [`ORDER_RESULTS_COLUMNS`].
    pub fn columns(&self) -> Vec<DataBuf> {
        alloc::vec![
            self.number.into(),
            self.order.into(),
            DataBuf::octet_string(self.meter.clone()),
            self.at.to_data(),
            DataBuf::Enum(self.state as u8),
            DataBuf::VisibleString(self.cause.clone()),
            DataBuf::octet_string(self.value.clone()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axdr::RawData;

    #[test]
    fn an_order_comes_back_as_it_was_and_what_is_no_order_is_none() {
        let at = |utc_s| DateTime::from_unix(utc_s, Some(0)).unwrap();
        let register = AttributeDescriptor::new(ClassId::REGISTER, LogicalName([1; 6]), 2);
        let services = [
            OrderedService::Read(alloc::vec![register, register]),
            OrderedService::Clock,
            OrderedService::Write { attribute: register, value: alloc::vec![0], look_up: None },
            OrderedService::Invoke {
                method: MethodDescriptor::new(ClassId::CLOCK, LogicalName::CLOCK, 6),
                parameters: alloc::vec![0x10, 0, 60],
                look_up: Some(register),
            },
        ];
        for service in services {
            let order = Order {
                id: 7,
                issued: at(1_767_225_600),
                begins: at(1_767_225_600),
                expires: at(1_767_229_200),
                priority: 9,
                meters: b"ABC*".to_vec(),
                service,
            };
            let octets = order.to_data().to_octets();
            let data = RawData::from_octets(&octets).and_then(|raw| raw.data()).unwrap();
            assert_eq!(Order::from_data(&data), Some(order));
        }
        let nothing = DataBuf::structure([DataBuf::Enum(4)]).to_octets();
        let data = RawData::from_octets(&nothing).and_then(|raw| raw.data()).unwrap();
        assert_eq!(OrderedService::from_data(&data), None);
        assert_eq!(Order::from_data(&data), None);
    }

    #[test]
    fn a_row_has_as_many_cells_as_its_profile_has_columns() {
        let at = DateTime::from_unix(0, Some(0)).unwrap();
        let attribute = AttributeDescriptor::new(ClassId::DATA, LogicalName([1; 6]), 2);
        let meter = Vec::new();
        let reading = ReadingRow {
            number: 1,
            arrived: at,
            meter: meter.clone(),
            attribute,
            captured: at,
            value: DataBuf::Unsigned(7),
            status: ReadingRow::BILLING,
        };
        assert_eq!(reading.columns().len(), READINGS_COLUMNS.len());
        let missing = MissingRow {
            number: 1,
            meter: meter.clone(),
            attribute,
            after: at,
            until: at,
            reason: 0,
        };
        assert_eq!(missing.columns().len(), MISSING_COLUMNS.len());
        let result = OrderResult {
            number: 1,
            order: 7,
            meter,
            at,
            state: OrderState::Done,
            cause: Vec::new(),
            value: Vec::new(),
        };
        assert_eq!(result.columns().len(), ORDER_RESULTS_COLUMNS.len());
        assert!(ORDER_RESULTS_COLUMNS.iter().zip(1..).all(|(of, index)| of.data_index == index));
    }
}
