//! DNS messages as bytes: names, types, the query reader, the response writer, EDNS, Client Subnet and cookies.
//!
//! Reads without allocating and never panics on any input; what a query must look like is decided here, what to answer
//! is not.

mod cookie;
mod ecs;
mod edns;
mod name;
mod query;
mod types;
mod writer;

pub use cookie::{CLIENT_COOKIE, CookieError, QueryCookie, SERVER_COOKIE, Secret, Secrets, ServerCookie, Verdict};
pub use ecs::{ClientSubnet, EcsError};
pub use edns::{
    EdnsQuery, Keepalive, MAX_NSID, OPTION_CLIENT_SUBNET, OPTION_COOKIE, OPTION_EDE, OPTION_KEEPALIVE, OPTION_NSID,
    OPTION_PADDING, UDP_PAYLOAD,
};
pub use name::{MAX_NAME, Name, NameBuf, NameError, NameRef};
pub use query::{HEADER_LEN, Header, Malformed, Query, Question, parse_cookie_request, parse_query};
pub use types::{Class, Opcode, Rcode, Rtype, UnknownType};
pub use writer::{Full, Mark, RdataShape, Section, Writer};
