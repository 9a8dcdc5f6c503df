//! The ground floor: ids, units, diagnostics, the prefix map and per-thread counters. Knows nothing of DNS.

mod columns;
mod counters;
pub mod diag;
mod fetch;
mod huge;
mod ids;
mod prefix;
mod prefix_index;
mod prefix_map;
mod units;

pub use columns::{ago, columns, counted, grouped};
pub use counters::{Counter, Padded};
pub use diag::{Diagnostic, FileId, Severity, Sources, Span};
pub use fetch::Fetch;
pub use huge::{HUGE_PAGE, HugeBytes};
pub use ids::{CatchmentId, Id, IdVec, PolicyId, PoolId, RegionId, TargetId, ZoneId};
pub use prefix::{ParsePrefixError, Prefix};
pub use prefix_index::{PrefixIndex, PrefixSearch};
pub use prefix_map::{Folder, PrefixMap, PrefixMapBuilder, Subtree};
pub use units::{Millis, Mono, Now, Ttl};
