//! What meters say without being asked, in UI frames, put together for each of them.

use std::collections::BTreeMap;

use hdlc::{frame::Frame, link::UnnumberedSeries};
use sans_io_time::Instant;

use crate::{
    line::{Assembled, Assembly},
    medium::bus::LinkKey,
};

/// UI series under way on one medium; of more, the one that stopped first is given up. Meters push
/// at the same time only by accident, and then mostly destroy each other's frames.
const SERIES_MAX: usize = 16;

/// The series under way, by meter and client.
#[derive(Debug, Default)]
pub(super) struct AllSeries(BTreeMap<LinkKey, Series>);

/// UI frames from one meter to one client.
#[derive(Debug)]
struct Series {
    frames: UnnumberedSeries,
    assembly: Assembly,
    heard: Instant,
}

impl AllSeries {
    /// Takes a UI frame; an APDU may have up to `limit` octets.
    pub(super) fn take(
        &mut self,
        now: Instant,
        key: LinkKey,
        frame: &Frame<'_>,
        limit: usize,
    ) -> Assembled {
        if self.0.len() >= SERIES_MAX && !self.0.contains_key(&key) {
            let oldest = self.0.iter().min_by_key(|(_, series)| series.heard);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                self.0.remove(&oldest);
            }
        }
        let series = self.0.entry(key).or_insert_with(|| Series {
            frames: UnnumberedSeries::new(),
            assembly: Assembly::default(),
            heard: now,
        });
        series.heard = now;
        let segment = series.frames.segment(now, frame);
        let assembled = series.assembly.take(&segment, limit);
        if segment.last {
            self.0.remove(&key);
        }
        assembled
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use hdlc::{address::Address, control::Control, frame::Frame};
    use sans_io_time::Instant;

    use super::{AllSeries, Assembled, SERIES_MAX};
    use crate::medium::MediumAddress;

    #[test]
    fn of_too_many_series_the_one_that_stopped_first_is_given_up() {
        let frame = |segmented, information| Frame {
            destination: Address::ALL_STATION,
            source: Address::try_four(1, 16).unwrap(),
            control: Control::Ui { pf: false },
            segmented,
            information,
        };
        let key = |physical| (MediumAddress { physical, server: 1 }, 127);
        let mut all = AllSeries::default();
        for number in 0..=SERIES_MAX as u16 {
            let now = Instant::from_nanos(i64::from(number));
            let taken = all.take(now, key(number), &frame(true, &[0x0F]), 99);
            assert_eq!(taken, Assembled::Unfinished);
        }
        let now = Instant::from_nanos(99);
        // The rest of the second is joined; that of the first stands alone.
        let last = frame(false, &[1]);
        assert_eq!(all.take(now, key(1), &last, 99), Assembled::Apdu(vec![0x0F, 1]));
        assert_eq!(all.take(now, key(0), &last, 99), Assembled::Apdu(vec![1]));
    }
}
