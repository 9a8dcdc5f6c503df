//! The query pipeline.

mod meta;

pub use meta::{Meta, Transport};
