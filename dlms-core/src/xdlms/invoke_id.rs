//! Invoke-Id-And-Priority: which request an answer belongs to (IEC 62056-5-3 clauses 6 and 8).

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

#[cfg(test)]
mod tests {
    use super::*;

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
