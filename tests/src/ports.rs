//! TCP ports of 127.0.0.1 that are free.

use core::sync::atomic::{AtomicU32, Ordering};
use std::net::TcpListener;
use std::process;

// Below the range from which systems take the ports of outgoing connections (Linux: 32768), so that
// no connection of another test takes a port between our look and the program's bind.
const FIRST: u32 = 20_000;
const LAST: u32 = 32_000;
/// More ports than this are not asked for at once: a block must fit several times into the range.
const BLOCK_MAX: u16 = 2_000;

static HANDED_OUT: AtomicU32 = AtomicU32::new(0);

/// A port that nothing listens on and that no other test of this process was given.
#[must_use]
pub fn free_port() -> u16 {
    free_block(1)
}

/// The first of `count` such ports in a row.
///
/// # Panics
///
/// When `count` is not 1 to 2,000, or the whole range was searched in vain.
#[must_use]
pub fn free_block(count: u16) -> u16 {
    assert!((1..=BLOCK_MAX).contains(&count), "a block has 1 to {BLOCK_MAX} ports, not {count}");
    let range = LAST - FIRST;
    // Test programs that run at the same time begin at different places.
    let start = process::id().wrapping_mul(97) % range;
    for _ in 0..range {
        let offset = HANDED_OUT.fetch_add(u32::from(count), Ordering::Relaxed);
        let base = FIRST + (start + offset) % range;
        let Ok(base) = u16::try_from(base) else { continue };
        let mut block = base..base + count;
        if block.all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return base;
        }
    }
    panic!("no {count} free ports in a row between {FIRST} and {LAST}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tests_are_not_given_the_same_port() {
        let first = free_block(10);
        let second = free_port();
        assert!(!(first..first + 10).contains(&second), "{second} lies in {first}..{}", first + 10);
    }

    #[test]
    fn a_port_in_use_is_passed_over() {
        let taken = TcpListener::bind(("127.0.0.1", free_port())).unwrap();
        let taken = taken.local_addr().unwrap().port();
        assert!((0..20).map(|_| free_port()).all(|port| port != taken));
    }
}
