//! Whether the concentrator may trust its own clock. While it may not, no meter is touched: what
//! is read would get wrong times of arrival, and a meter might be set to a wrong time.

/// What must be so for the clock to be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnClockLimits {
    /// Seconds since it was last compared with a reference. None: for ever, for devices whose clock
    /// is kept by other means.
    pub since_comparison_max_s: Option<u32>,
    /// Milliseconds by which it may then have been off.
    pub deviation_max_ms: u32,
}

/// What is known of the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnClock {
    compared: Option<Comparison>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Comparison {
    at_s: i64,
    deviation_ms: u32,
}

/// Why the clock is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// It was never compared with a reference since the start.
    #[error("it was never compared with a reference")]
    Never,
    /// It was not for too long.
    #[error("it was last compared with a reference {0} s ago")]
    Long(i64),
    /// It was too far off when it was.
    #[error("it was {0} ms off when it was last compared with a reference")]
    Off(u32),
    /// It shows an earlier time than when it was.
    #[error("it went back by {0} s")]
    Back(i64),
}

impl OwnClock {
    /// The clock was compared with a reference at this moment, by itself, and was so much off. A
    /// clock that was then set is not off any more.
    pub const fn handle_comparison(&mut self, utc_s: i64, deviation_ms: u32) {
        self.compared = Some(Comparison { at_s: utc_s, deviation_ms });
    }

    /// Whether the clock is to be trusted at this moment, by itself.
    ///
    /// # Errors
    /// The [`Doubt`] there is.
    pub fn check(&self, utc_s: i64, limits: &OwnClockLimits) -> Result<(), Doubt> {
        let Some(since_max_s) = limits.since_comparison_max_s else { return Ok(()) };
        let compared = self.compared.ok_or(Doubt::Never)?;
        if compared.deviation_ms > limits.deviation_max_ms {
            return Err(Doubt::Off(compared.deviation_ms));
        }
        let since_s = utc_s.saturating_sub(compared.at_s);
        if since_s > since_max_s.into() {
            return Err(Doubt::Long(since_s));
        }
        // A correction that is smaller than what would be tolerated is none.
        if since_s.saturating_mul(-1_000) > limits.deviation_max_ms.into() {
            return Err(Doubt::Back(-since_s));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: OwnClockLimits =
        OwnClockLimits { since_comparison_max_s: Some(3_600), deviation_max_ms: 2_000 };

    #[test]
    fn a_clock_is_trusted_for_so_long_after_it_was_right() {
        let mut clock = OwnClock::default();
        assert_eq!(clock.check(0, &LIMITS), Err(Doubt::Never));
        clock.handle_comparison(1_000, 2_001);
        assert_eq!(clock.check(1_000, &LIMITS), Err(Doubt::Off(2_001)));
        clock.handle_comparison(1_000, 2_000);
        assert_eq!(clock.check(4_600, &LIMITS), Ok(()));
        assert_eq!(clock.check(4_601, &LIMITS), Err(Doubt::Long(3_601)));
        assert_eq!(clock.check(998, &LIMITS), Ok(()));
        assert_eq!(clock.check(997, &LIMITS), Err(Doubt::Back(3)));
    }

    #[test]
    fn a_clock_that_is_kept_by_other_means_is_never_doubted() {
        let limits = OwnClockLimits { since_comparison_max_s: None, ..LIMITS };
        assert_eq!(OwnClock::default().check(0, &limits), Ok(()));
    }
}
