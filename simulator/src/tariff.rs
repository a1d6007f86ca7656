//! Which tariffs count, and what they counted.

/// Tariffs of a meter.
pub(crate) const TARIFFS: usize = 2;

/// Energy by tariff.
#[derive(Debug)]
pub(crate) struct Tariff {
    counting: [bool; TARIFFS],
    /// What each counted up to `since_wh`.
    counted_wh: [u32; TARIFFS],
    /// The total register when the tariffs last changed.
    since_wh: u32,
}

impl Tariff {
    /// Everything up to `total_wh` was the first tariff, which goes on counting.
    pub(crate) fn new(total_wh: u32) -> Self {
        Self { counting: [true, false], counted_wh: [total_wh, 0], since_wh: total_wh }
    }

    /// From now on, with the total register at `total_wh`, these count.
    pub(crate) fn switch(&mut self, counting: [bool; TARIFFS], total_wh: u32) {
        for tariff in 0..TARIFFS {
            self.counted_wh[tariff] = self.energy_wh(tariff, total_wh);
        }
        self.since_wh = total_wh;
        self.counting = counting;
    }

    /// What a tariff counted when the total register is at `total_wh`.
    pub(crate) fn energy_wh(&self, tariff: usize, total_wh: u32) -> u32 {
        let since = if self.counting[tariff] { total_wh.saturating_sub(self.since_wh) } else { 0 };
        self.counted_wh[tariff].saturating_add(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energy_goes_to_the_tariffs_that_count() {
        let mut tariff = Tariff::new(1_000);
        assert_eq!([0, 1].map(|t| tariff.energy_wh(t, 1_100)), [1_100, 0]);
        tariff.switch([false, true], 1_100);
        assert_eq!([0, 1].map(|t| tariff.energy_wh(t, 1_150)), [1_100, 50]);
        tariff.switch([false, false], 1_150);
        tariff.switch([true, true], 1_200);
        assert_eq!([0, 1].map(|t| tariff.energy_wh(t, 1_201)), [1_101, 51]);
    }
}
