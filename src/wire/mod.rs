//! DNS messages as bytes: names, types, the query reader, the composing of responses, EDNS, Client Subnet and cookies.
//!
//! Reads without allocating and never panics on any input; what a query must look like is decided here, what to answer
//! is not.

mod body;
mod cookie;
mod ecs;
mod edns;
mod hash;
mod message;
mod name;
mod query;
mod types;

pub use body::{Body, Full, Mark, OpenRecord, Owner, RdataShape, Section, Sections, resolve_pointer};
pub use cookie::{CLIENT_COOKIE, CookieError, QueryCookie, SERVER_COOKIE, Secret, Secrets, ServerCookie, Verdict};
pub use ecs::{ClientSubnet, EcsError};
pub use edns::{
    EdnsQuery, Keepalive, MAX_NSID, OPTION_CLIENT_SUBNET, OPTION_COOKIE, OPTION_EDE, OPTION_KEEPALIVE, OPTION_NSID,
    OPTION_PADDING, PADDING_BLOCK, UDP_PAYLOAD,
};
pub use hash::hash_name;
pub use message::{Message, OPT_LEN};
pub use name::{MAX_NAME, Name, NameBuf, NameError, NameRef};
pub use query::{HEADER_LEN, Header, Malformed, Query, QueryBuf, Question, parse_cookie_request};
pub use types::{Class, Opcode, Rcode, Rtype, UnknownType};
