//! What `windrose demo` needs beside the server itself: a throw-away certificate authority, HTTPS origins that can be
//! stopped and broken, the shipped configuration prepared for them, a script of commands, a table to look at.
//!
//! Deliberately absent: anything that answers DNS. The demo runs the same server as `windrose serve`.

mod ca;
mod origin;
mod prepare;
mod script;
mod table;

pub use ca::{Authority, DemoError};
pub use origin::{Mode, Origin, Origins};
pub use prepare::{Planned, Prepared, Shipped};
pub use script::{Command, HELP, ScriptError, parse_command, parse_script};
pub use table::{CLIENTS, Row, dig_lines, render};
