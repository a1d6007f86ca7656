//! What valgrind counts: `instructions`, the gate, and `linear`, how cost grows.

mod instructions;
mod linear;
mod valgrind;
