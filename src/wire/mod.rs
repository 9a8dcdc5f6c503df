//! DNS messages as bytes: names, types, the query reader, the composing of responses, EDNS and Client Subnet.
//!
//! Reads without allocating and never panics on any input; what a query must look like is decided here, what to answer
//! is not.

mod body;
mod ecs;
mod edns;
mod message;
mod name;
mod query;
mod types;

pub use body::{Body, Full, Mark, OpenRecord, Owner, RdataShape, Section, Sections, resolve_pointer};
pub use ecs::{ClientSubnet, EcsError};
pub use edns::{EdnsQuery, OPTION_CLIENT_SUBNET, OPTION_EDE, UDP_PAYLOAD};
pub use message::{Message, OPT_LEN};
pub use name::{MAX_NAME, Name, NameBuf, NameError, NameRef};
pub use query::{HEADER_LEN, Header, Malformed, Query, Question, parse_query};
pub use types::{Class, Opcode, Rcode, Rtype, UnknownType};
