//! Health, without sockets: what a check is, what outcomes make of a target, and the board that decisions read.
//!
//! A [`ProbeKey`] names what is probed. Outcomes of its probes feed a [`Machine`], whose verdict changes by consecutive
//! counts and whose [`Latency`] moves with hysteresis; [`Saved`] is what of it outlives the process. [`Board`] is the
//! frozen view of every target that one plan is built from. When to probe is decided here, probing is not: time and
//! outcomes are arguments.

mod board;
mod check;
mod latency;
mod machine;
mod reason;
mod saved;

pub use board::{Board, Forced, TargetView, Verdict};
pub use check::{Check, CheckKind, HttpCheck, ProbeKey, StatusRange};
pub use latency::Latency;
pub use machine::{Applied, Machine, Probe};
pub use reason::{Outcome, Phase, Reason};
pub use saved::{Saved, SavedReason, SavedTarget, SavedVerdict};
