//! Proof that the pure crates need no std: a complete static library of them, with a panic handler
//! and an allocator that are not std's. Does any crate in the tree bring std, there are two panic
//! handlers and the build fails (E0152).
//!
//! `tests/tests/layering.rs` builds it. It is never run.
#![no_std]

use core::panic::PanicInfo;

use linked_list_allocator::LockedHeap;

pub use dlms_core;
pub use hdlc;

#[global_allocator]
static HEAP: LockedHeap = LockedHeap::empty();

#[panic_handler]
fn on_panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}
