//! Origins as real TLS clients see them, and the prepared folder as it is written.

mod client;
mod fleet;
mod origins;
mod prepared;
