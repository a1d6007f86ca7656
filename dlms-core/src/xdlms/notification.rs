//! What a meter sends unasked (IEC 62056-5-3 clauses 6.10, 6.11 and 8, Data-Notification and
//! Event-Notification-Request).

use super::{LongInvokeIdAndPriority, head, tag};
use crate::{
    Malformed, MalformedKind,
    axdr::{RawData, Reader, Writer},
    cosem::AttributeDescriptor,
};

/// Octets of a date-time that is there.
const DATE_TIME: u8 = 12;
/// The tag of octet-string, which does not belong in front of a date-time here.
const OCTET_STRING: u8 = 9;

/// A push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataNotification<'a> {
    /// Which push this is, and whether it asks to be confirmed.
    pub invoke: LongInvokeIdAndPriority,
    /// When it was made: the 12 octets of a date-time, or none.
    pub date_time: &'a [u8],
    /// Whether the date-time carries the tag of octet-string, which the standard leaves out and
    /// some meters write.
    pub tagged_date_time: bool,
    /// What is pushed.
    pub body: RawData<'a>,
}

impl<'a> DataNotification<'a> {
    /// Reads a data-notification, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not one, with the place; [`MalformedKind::Length`] for a date-time of
    /// neither 0 nor 12 octets.
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        let DataNotificationHead { invoke, date_time, tagged_date_time, body } =
            DataNotificationHead::decode(apdu)?;
        let mut reader = Reader::at(body, apdu.len().saturating_sub(body.len()));
        let body = RawData::decode(&mut reader)?;
        reader.finish()?;
        Ok(Self { invoke, date_time, tagged_date_time, body })
    }

    /// Appends the data-notification.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.u8(tag::DATA_NOTIFICATION);
        writer.u32(self.invoke.0);
        if self.tagged_date_time {
            writer.u8(OCTET_STRING);
        }
        writer.octet_string(self.date_time);
        writer.octets(self.body.octets());
    }
}

/// What stands before the body of a push. Some meters send a body that is no A-XDR: this much of
/// such a push can be read nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataNotificationHead<'a> {
    /// As in [`DataNotification::invoke`].
    pub invoke: LongInvokeIdAndPriority,
    /// As in [`DataNotification::date_time`].
    pub date_time: &'a [u8],
    /// As in [`DataNotification::tagged_date_time`].
    pub tagged_date_time: bool,
    /// All octets that follow, not looked into.
    pub body: &'a [u8],
}

impl<'a> DataNotificationHead<'a> {
    /// Reads the head of the data-notification `apdu`.
    ///
    /// # Errors
    /// As [`DataNotification::decode`], for what stands before the body.
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        head::take_tag(&mut reader, tag::DATA_NOTIFICATION)?;
        let invoke = LongInvokeIdAndPriority(reader.u32()?);
        // No date-time has 9 octets, so that this cannot be its length.
        let tagged_date_time = reader.peek() == Some(OCTET_STRING);
        if tagged_date_time {
            reader.u8()?;
        }
        let date_time = decode_date_time(&mut reader)?;
        Ok(Self { invoke, date_time, tagged_date_time, body: reader.rest() })
    }
}

/// The answer to a push that asks to be confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataNotificationConfirm<'a> {
    /// That of the push.
    pub invoke: LongInvokeIdAndPriority,
    /// When it was made: the 12 octets of a date-time, or none.
    pub date_time: &'a [u8],
}

impl<'a> DataNotificationConfirm<'a> {
    /// Reads a data-notification-confirm, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not one, with the place.
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        head::take_tag(&mut reader, tag::DATA_NOTIFICATION_CONFIRM)?;
        let invoke = LongInvokeIdAndPriority(reader.u32()?);
        let confirm = Self { invoke, date_time: decode_date_time(&mut reader)? };
        reader.finish()?;
        Ok(confirm)
    }

    /// Appends the data-notification-confirm.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.u8(tag::DATA_NOTIFICATION_CONFIRM);
        writer.u32(self.invoke.0);
        writer.octet_string(self.date_time);
    }
}

/// The value of one attribute, sent because something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventNotification<'a> {
    /// When it happened: the 12 octets of a date-time, or none.
    pub time: Option<&'a [u8]>,
    /// The attribute.
    pub attribute: AttributeDescriptor,
    /// Its value.
    pub value: RawData<'a>,
}

impl<'a> EventNotification<'a> {
    /// Reads an event-notification-request, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not one, with the place; [`MalformedKind::Length`] for a time of neither 0
    /// nor 12 octets.
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        head::take_tag(&mut reader, tag::EVENT_NOTIFICATION_REQUEST)?;
        let time = if reader.presence()? { Some(decode_date_time(&mut reader)?) } else { None };
        let notification = Self {
            time,
            attribute: AttributeDescriptor::decode(&mut reader)?,
            value: RawData::decode(&mut reader)?,
        };
        reader.finish()?;
        Ok(notification)
    }

    /// Appends the event-notification-request.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.u8(tag::EVENT_NOTIFICATION_REQUEST);
        writer.presence(self.time.is_some());
        if let Some(time) = self.time {
            writer.octet_string(time);
        }
        self.attribute.encode(writer);
        writer.octets(self.value.octets());
    }
}

/// Takes a date-time: an OCTET STRING without tag, of 0 or 12 octets.
pub(super) fn decode_date_time<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    match reader.peek() {
        Some(0 | DATE_TIME) | None => reader.octet_string(),
        Some(_) => Err(reader.fail(MalformedKind::Length)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cosem::{ClassId, LogicalName};
    use alloc::vec::Vec;

    fn encoded(notification: &DataNotification<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        notification.encode(&mut Writer::new(&mut out));
        out
    }

    #[test]
    fn a_push_may_have_a_time_or_none() {
        let octets = [
            0x0f, 0x40, 0x00, 0x00, 0x2a, // confirmed, invoke-id 42
            0x0c, 0x07, 0xea, 0x01, 0x0f, 0x04, 0x11, 0x1e, 0x00, 0x00, 0xff, 0xc4, 0x00, 0x02,
            0x01, 0x11, 0x05, // structure of unsigned 5
        ];
        let push = DataNotification::decode(&octets).unwrap();
        assert_eq!(push.invoke.id(), 42);
        assert_eq!(push.date_time, &octets[6..18]);
        assert!(!push.tagged_date_time);
        assert_eq!(push.body.octets(), [0x02, 0x01, 0x11, 0x05]);
        assert_eq!(encoded(&push), octets);

        let octets = [0x0f, 0x00, 0x00, 0x00, 0x01, 0x00, 0x11, 0x05];
        let push = DataNotification::decode(&octets).unwrap();
        assert_eq!((push.date_time, push.body.octets()), (&[][..], &[0x11, 0x05][..]));
        assert_eq!(encoded(&push), octets);
    }

    #[test]
    fn a_time_with_a_tag_is_understood_and_marked() {
        let octets = [
            0x0f, 0x40, 0x00, 0x00, 0x00, // confirmed, invoke-id 0
            0x09, 0x0c, 0x07, 0xea, 0x01, 0x0f, 0x04, 0x11, 0x1e, 0x00, 0xff, 0x80, 0x00, 0x00,
            0x11, 0x05, // unsigned 5
        ];
        let push = DataNotification::decode(&octets).unwrap();
        assert_eq!(push.date_time, &octets[7..19]);
        assert!(push.tagged_date_time);
        assert_eq!(encoded(&push), octets);
    }

    #[test]
    fn a_time_of_another_length_is_refused_at_its_length() {
        let octets = [0x0f, 0x00, 0x00, 0x00, 0x01, 0x04, 1, 2, 3, 4, 0x00];
        assert_eq!(
            DataNotification::decode(&octets),
            Err(Malformed::new(MalformedKind::Length, 5))
        );
    }

    #[test]
    fn a_push_that_asks_for_it_is_confirmed_with_its_invoke_id() {
        let octets = [0x10, 0x40, 0x00, 0x00, 0x2a, 0x00];
        let confirm = DataNotificationConfirm::decode(&octets).unwrap();
        assert_eq!((confirm.invoke.id(), confirm.date_time), (42, &[][..]));
        let mut out = Vec::new();
        confirm.encode(&mut Writer::new(&mut out));
        assert_eq!(out, octets);
    }

    #[test]
    fn an_event_carries_one_attribute() {
        let octets = [
            0xc2, 0x01, // with time
            0x0c, 0x07, 0xea, 0x01, 0x0f, 0x04, 0x11, 0x1e, 0x00, 0x00, 0xff, 0xc4, 0x00, 0x00,
            0x01, 0x00, 0x00, 0x60, 0x0b, 0x00, 0xff, 0x02, // 1:0-0:96.11.0*255:2
            0x11, 0x07, // unsigned 7
        ];
        let event = EventNotification::decode(&octets).unwrap();
        assert_eq!(event.time, Some(&octets[3..15]));
        assert_eq!(
            event.attribute,
            AttributeDescriptor::new(ClassId::DATA, LogicalName([0, 0, 96, 11, 0, 255]), 2)
        );
        let mut out = Vec::new();
        event.encode(&mut Writer::new(&mut out));
        assert_eq!(out, octets);

        let mut without_time = octets.to_vec();
        without_time.splice(1..15, [0x00]);
        let event = EventNotification::decode(&without_time).unwrap();
        assert_eq!(event.time, None);
    }
}
