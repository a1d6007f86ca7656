//! How much may wait for a medium, as counted by who hands something in.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::medium::{Full, MediumAddress};

/// The room of one medium, shared by those who hand in.
#[derive(Debug)]
pub(super) struct Room {
    medium_max: usize,
    meter_max: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// By meter; those with nothing are not there.
    meters: BTreeMap<MediumAddress, usize>,
}

impl Room {
    pub(super) fn new(medium_max: usize, meter_max: usize) -> Arc<Self> {
        Arc::new(Self { medium_max, meter_max, taken: Mutex::default() })
    }

    /// A place for something for `meter`, or for all of them.
    pub(super) fn place(self: &Arc<Self>, meter: Option<MediumAddress>) -> Result<Place, Full> {
        let mut taken = self.taken();
        if taken.all >= self.medium_max {
            return Err(Full::Medium);
        }
        if let Some(meter) = meter {
            let count = taken.meters.entry(meter).or_default();
            if *count >= self.meter_max {
                return Err(Full::Meter);
            }
            *count += 1;
        }
        taken.all += 1;
        Ok(Place { room: Arc::clone(self), meter })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // Counting cannot leave it half done.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place that is taken until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    room: Arc<Room>,
    meter: Option<MediumAddress>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.room.taken();
        taken.all -= 1;
        if let Some(meter) = self.meter
            && let Some(count) = taken.meters.get_mut(&meter)
        {
            *count -= 1;
            if *count == 0 {
                taken.meters.remove(&meter);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Full, MediumAddress, Room};

    #[test]
    fn a_place_is_free_again_when_it_is_dropped() {
        let room = Room::new(3, 2);
        let meter = |physical| Some(MediumAddress { physical, server: 1 });
        let first = room.place(meter(16)).unwrap();
        let _second = room.place(meter(16)).unwrap();
        assert_eq!(room.place(meter(16)).unwrap_err(), Full::Meter);
        let _other = room.place(meter(17)).unwrap();
        assert_eq!(room.place(meter(17)).unwrap_err(), Full::Medium);
        assert_eq!(room.place(None).unwrap_err(), Full::Medium);
        drop(first);
        assert!(room.place(meter(16)).is_ok());
    }
}
