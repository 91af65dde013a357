//! Numeric kernels: the same bits as WebAssembly, natively, and in the Python reference.
//!
//! In: bytes and float64 rows that the host writes into an object's own regions.
//! Out: float64 rows in another region, and a small integer.
//! Never: I/O, time, randomness, a dependency, or `unsafe` outside `abi.rs`.
#![deny(unsafe_op_in_unsafe_fn)]

pub mod abi;
pub mod bars;
pub mod book;
pub mod features;
pub mod indicators;
pub mod json;
pub mod logarithm;
pub mod number;
pub mod sweep;
pub mod triangles;

/// "No answer": one bit pattern, so that results can be compared byte for byte.
pub fn nothing() -> f64 {
    f64::from_bits(0x7ff8_0000_0000_0000)
}
