//! Health, without sockets: what a check is, what outcomes make of a target, and the board that decisions read.
//!
//! A [`ProbeKey`] names what is probed. Outcomes of its probes feed a [`Machine`](machine::Machine), whose verdict changes
//! by consecutive counts. [`Board`] is the frozen view of every target that one plan is built from.

mod board;
mod check;

pub use board::{Board, Forced, TargetView, Verdict};
pub use check::{Check, CheckKind, HttpCheck, ProbeKey, StatusRange};
