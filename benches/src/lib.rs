//! How fast the codec is: the reference workloads, measured in time for people and in instructions
//! for the gate.
//!
//! ```
//! use dlms_benches::workload;
//!
//! let name = "w4_get_request_sealed_glo_rustcrypto";
//! let mut workload = workload::ready(name, 0).expect("its name");
//! assert_eq!((workload.run)(), 40, "octets of one frame");
//! ```
//!
//! - [`input`]: what is read, octet for octet the same everywhere.
//! - [`workload`]: what is done with it.
//! - [`association`]: what an association costs in each security suite.
//! - [`trunk`]: what it costs to ask all meters behind a concentrator.
//! - `benches/workloads.rs` measures time: `cargo bench -p dlms-benches`.
//! - `src/bin/write_inputs.rs` writes inputs for other people's programs.
//! - `src/bin/count.rs` runs one workload under callgrind; `tests/counts/instructions.rs` compares
//!   what that counts with `instructions.toml`, `tests/counts/linear.rs` small with large inputs.
//! - `scripts/bench` runs everything, with the foreign programs, and writes `docs/performance.md`.

pub mod association;
pub mod input;
pub mod trunk;
pub mod workload;
