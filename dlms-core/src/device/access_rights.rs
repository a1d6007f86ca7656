//! What a client may do with an attribute or a method (IEC 62056-6-2, Association LN, access_mode).
//!
//! The rights are the bits of version 3 of the class, which say all that the earlier versions say
//! and more: those wrote a number, which [`AttributeRights::access_mode`] gives.

use crate::{
    cosem::{ClassId, LogicalName},
    security::Protection,
};

const READ: u8 = 0x01;
const WRITE: u8 = 0x02;
const ACCESS: u8 = 0x01;
const AUTHENTICATED: u8 = 0x04 | 0x20;
const ENCRYPTED: u8 = 0x08 | 0x40;
const SIGNED: u8 = 0x10 | 0x80;

/// How an association of a certain version writes access modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AccessModes {
    /// Read, write, both; a boolean for methods.
    Plain,
    /// The same and "authenticated".
    Authenticated,
    /// Bits.
    Bits,
}

/// Rights to an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttributeRights(u8);

impl AttributeRights {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// It may be read.
    pub const READ: Self = Self(READ);
    /// It may be written.
    pub const WRITE: Self = Self(WRITE);
    /// It may be read and written.
    pub const READ_WRITE: Self = Self(READ | WRITE);

    /// The rights that `bits` are: 01 read, 02 write, 04 authenticated, 08 encrypted, 10 signed
    /// request, 20, 40 and 80 the same for the response.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The bits.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether it may be read, under whatever protection.
    pub const fn may_read(self) -> bool {
        self.0 & READ != 0
    }

    /// Whether it may be written, under whatever protection.
    pub const fn may_write(self) -> bool {
        self.0 & WRITE != 0
    }

    /// The same for reading only.
    #[must_use]
    pub const fn without_write(self) -> Self {
        if self.may_read() { Self(self.0 & !WRITE) } else { Self::NONE }
    }

    /// The same, and requests and responses must be protected like this at least.
    #[must_use]
    pub const fn protected(self, protection: Protection) -> Self {
        Self(self.0 | protection_bits(protection))
    }

    /// Whether a request with this protection satisfies them.
    pub const fn satisfied_by(self, protection: Protection) -> bool {
        satisfied(self.0, protection)
    }

    /// How an object list says it.
    pub(super) const fn access_mode(self, modes: AccessModes) -> u8 {
        let right = self.0 & (READ | WRITE);
        match modes {
            AccessModes::Bits => self.0,
            // 4, 5 and 6 are 1, 2 and 3, authenticated.
            AccessModes::Authenticated if self.0 & AUTHENTICATED != 0 && right != 0 => {
                right.saturating_add(3)
            }
            AccessModes::Authenticated | AccessModes::Plain => right,
        }
    }
}

/// Rights to a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MethodRights(u8);

impl MethodRights {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// It may be invoked.
    pub const ACCESS: Self = Self(ACCESS);

    /// The rights that `bits` are: 01 access, and the protection as for attributes.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The bits.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether it may be invoked, under whatever protection.
    pub const fn may_invoke(self) -> bool {
        self.0 & ACCESS != 0
    }

    /// The same, and requests and responses must be protected like this at least.
    #[must_use]
    pub const fn protected(self, protection: Protection) -> Self {
        Self(self.0 | protection_bits(protection))
    }

    /// Whether a request with this protection satisfies them.
    pub const fn satisfied_by(self, protection: Protection) -> bool {
        satisfied(self.0, protection)
    }

    /// How an object list says it. The first version had a boolean, whose number is the same.
    pub(super) const fn access_mode(self, modes: AccessModes) -> u8 {
        match modes {
            AccessModes::Bits => self.0,
            AccessModes::Authenticated if self.0 & AUTHENTICATED != 0 && self.may_invoke() => 2,
            AccessModes::Authenticated | AccessModes::Plain => self.0 & ACCESS,
        }
    }
}

const fn protection_bits(protection: Protection) -> u8 {
    (if protection.authenticated { AUTHENTICATED } else { 0 })
        | (if protection.encrypted { ENCRYPTED } else { 0 })
        | (if protection.signed { SIGNED } else { 0 })
}

/// A response is protected as its request was, so what is asked of the response is asked of the
/// request.
const fn satisfied(bits: u8, protection: Protection) -> bool {
    let required = Protection {
        authenticated: bits & AUTHENTICATED != 0,
        encrypted: bits & ENCRYPTED != 0,
        signed: bits & SIGNED != 0,
    };
    protection.covers(required)
}

/// What an object is: class, version and logical name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ObjectId {
    /// Its class.
    pub class: ClassId,
    /// The version of the class.
    pub version: u8,
    /// Its name.
    pub name: LogicalName,
}

/// What is left to one client of the rights that the objects give. An association's object list
/// tells the same, because both ask here.
pub trait ClientRights {
    /// The client's rights to an attribute that gives `given` to a client that may do everything.
    fn attribute(&self, object: ObjectId, attribute: i8, given: AttributeRights)
    -> AttributeRights;

    /// The client's rights to a method that gives `given` to a client that may do everything.
    fn method(&self, object: ObjectId, method: i8, given: MethodRights) -> MethodRights;
}

/// Everything that the objects give: a management client, or the device itself.
#[derive(Clone, Copy, Debug)]
pub struct AllRights;

impl ClientRights for AllRights {
    fn attribute(&self, _: ObjectId, _: i8, given: AttributeRights) -> AttributeRights {
        given
    }

    fn method(&self, _: ObjectId, _: i8, given: MethodRights) -> MethodRights {
        given
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODES: [AccessModes; 3] =
        [AccessModes::Plain, AccessModes::Authenticated, AccessModes::Bits];

    #[test]
    fn every_version_writes_a_right_its_own_way() {
        let protection = Protection::AUTHENTICATED;
        for (rights, written) in [
            (AttributeRights::NONE, [0, 0, 0]),
            (AttributeRights::READ, [1, 1, 1]),
            (AttributeRights::WRITE, [2, 2, 2]),
            (AttributeRights::READ_WRITE, [3, 3, 3]),
            (AttributeRights::READ.protected(protection), [1, 4, 0x25]),
            (AttributeRights::WRITE.protected(protection), [2, 5, 0x26]),
            (AttributeRights::READ_WRITE.protected(protection), [3, 6, 0x27]),
            (AttributeRights::NONE.protected(protection), [0, 0, 0x24]),
        ] {
            assert_eq!(MODES.map(|modes| rights.access_mode(modes)), written, "{rights:?}");
        }
        for (rights, written) in [
            (MethodRights::NONE, [0, 0, 0]),
            (MethodRights::ACCESS, [1, 1, 1]),
            (MethodRights::ACCESS.protected(protection), [1, 2, 0x25]),
        ] {
            assert_eq!(MODES.map(|modes| rights.access_mode(modes)), written, "{rights:?}");
        }
    }

    #[test]
    fn more_protection_than_required_is_accepted_and_less_is_not() {
        let all = [
            Protection::NONE,
            Protection::AUTHENTICATED,
            Protection::ENCRYPTED,
            Protection::AUTHENTICATED_ENCRYPTED,
            Protection::AUTHENTICATED_ENCRYPTED.and_signed(),
            Protection::NONE.and_signed(),
        ];
        for required in all {
            for protection in all {
                let satisfied = protection.covers(required);
                let rights = AttributeRights::READ.protected(required);
                assert_eq!(rights.satisfied_by(protection), satisfied);
                let rights = MethodRights::ACCESS.protected(required);
                assert_eq!(rights.satisfied_by(protection), satisfied);
            }
        }
        // The response is protected as the request: bit 0x40 asks for both.
        assert!(!AttributeRights::from_bits(0x41).satisfied_by(Protection::NONE));
        assert!(
            !AttributeRights::from_bits(0x11).satisfied_by(Protection::AUTHENTICATED_ENCRYPTED)
        );
    }

    #[test]
    fn a_client_that_may_only_read_keeps_what_it_may_read() {
        assert_eq!(AttributeRights::READ_WRITE.without_write(), AttributeRights::READ);
        assert_eq!(AttributeRights::WRITE.without_write(), AttributeRights::NONE);
    }
}
