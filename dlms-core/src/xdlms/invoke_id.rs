//! Invoke-Id-And-Priority and Long-Invoke-Id-And-Priority: which request an answer belongs to
//! (IEC 62056-5-3 clauses 6 and 8).

use core::fmt;

/// The octet that a request carries and its answer repeats: bits 0 to 3 the invoke-id, bit 6 the
/// service class, bit 7 the priority. Bits 4 and 5 are reserved; they are kept as received.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct InvokeIdAndPriority(pub u8);

const ID: u8 = 0x0f;
const CONFIRMED: u8 = 0x40;
const HIGH_PRIORITY: u8 = 0x80;

impl InvokeIdAndPriority {
    /// Invoke-id `id`, of which the low four bits are taken.
    pub const fn new(id: u8, confirmed: bool, high_priority: bool) -> Self {
        let confirmed = if confirmed { CONFIRMED } else { 0 };
        let high_priority = if high_priority { HIGH_PRIORITY } else { 0 };
        Self(id & ID | confirmed | high_priority)
    }

    /// The invoke-id, 0 to 15.
    pub const fn id(self) -> u8 {
        self.0 & ID
    }

    /// Whether the service is confirmed, that is answered.
    pub const fn confirmed(self) -> bool {
        self.0 & CONFIRMED != 0
    }

    /// Whether the request goes before those of normal priority.
    pub const fn high_priority(self) -> bool {
        self.0 & HIGH_PRIORITY != 0
    }
}

impl fmt::Debug for InvokeIdAndPriority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InvokeIdAndPriority({:#04x})", self.0)
    }
}

/// The four octets that ACCESS and data-notification carry instead: bits 0 to 23 the invoke-id, 28
/// self-descriptive, 29 the processing option, 30 the service class, 31 the priority. The rest is
/// reserved and kept as received.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LongInvokeIdAndPriority(pub u32);

const LONG_ID: u32 = 0x00ff_ffff;
const SELF_DESCRIPTIVE: u32 = 0x1000_0000;
const BREAK_ON_ERROR: u32 = 0x2000_0000;
const LONG_CONFIRMED: u32 = 0x4000_0000;
const LONG_HIGH_PRIORITY: u32 = 0x8000_0000;

impl LongInvokeIdAndPriority {
    /// Invoke-id `id`, of which the low 24 bits are taken; of ordinary priority, unconfirmed.
    pub const fn new(id: u32) -> Self {
        Self(id & LONG_ID)
    }

    /// The same as a confirmed service, which is answered.
    #[must_use]
    pub const fn and_confirmed(self) -> Self {
        Self(self.0 | LONG_CONFIRMED)
    }

    /// The same with priority.
    #[must_use]
    pub const fn and_high_priority(self) -> Self {
        Self(self.0 | LONG_HIGH_PRIORITY)
    }

    /// The same, whose answer is to repeat what it answers.
    #[must_use]
    pub const fn and_self_descriptive(self) -> Self {
        Self(self.0 | SELF_DESCRIPTIVE)
    }

    /// The same, of which nothing is to be executed after the first error.
    #[must_use]
    pub const fn and_break_on_error(self) -> Self {
        Self(self.0 | BREAK_ON_ERROR)
    }

    /// The invoke-id, 0 to 16,777,215.
    pub const fn id(self) -> u32 {
        self.0 & LONG_ID
    }

    /// Whether the service is confirmed, that is answered.
    pub const fn confirmed(self) -> bool {
        self.0 & LONG_CONFIRMED != 0
    }

    /// Whether the request goes before those of normal priority.
    pub const fn high_priority(self) -> bool {
        self.0 & LONG_HIGH_PRIORITY != 0
    }

    /// Whether the answer repeats the specification of the request.
    pub const fn self_descriptive(self) -> bool {
        self.0 & SELF_DESCRIPTIVE != 0
    }

    /// Whether the first error ends the execution of a list.
    pub const fn break_on_error(self) -> bool {
        self.0 & BREAK_ON_ERROR != 0
    }
}

impl fmt::Debug for LongInvokeIdAndPriority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LongInvokeIdAndPriority({:#010x})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_invoke_id_has_24_bits_and_four_flags() {
        let invoke = LongInvokeIdAndPriority::new(0xff00_002a);
        assert_eq!(invoke, LongInvokeIdAndPriority(0x2a));
        assert_eq!(invoke.and_self_descriptive(), LongInvokeIdAndPriority(0x1000_002a));
        assert_eq!(invoke.and_break_on_error(), LongInvokeIdAndPriority(0x2000_002a));
        assert_eq!(invoke.and_confirmed(), LongInvokeIdAndPriority(0x4000_002a));
        assert_eq!(invoke.and_high_priority(), LongInvokeIdAndPriority(0x8000_002a));
        let all = LongInvokeIdAndPriority(0xf000_002a);
        assert_eq!(all.id(), 42);
        assert!(all.confirmed() && all.high_priority());
        assert!(all.self_descriptive() && all.break_on_error());
        assert!(!invoke.confirmed() && !invoke.self_descriptive());
    }

    #[test]
    fn c1_is_invoke_id_1_confirmed_with_high_priority() {
        let invoke = InvokeIdAndPriority::new(1, true, true);
        assert_eq!(invoke, InvokeIdAndPriority(0xc1));
        assert_eq!((invoke.id(), invoke.confirmed(), invoke.high_priority()), (1, true, true));
    }

    #[test]
    fn an_invoke_id_has_four_bits() {
        assert_eq!(InvokeIdAndPriority::new(0xff, false, false), InvokeIdAndPriority(0x0f));
        assert_eq!(InvokeIdAndPriority(0x75).id(), 5);
    }
}
