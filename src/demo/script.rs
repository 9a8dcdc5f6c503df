//! Commands that stop, break and start origins, from a script or typed.

use std::fmt;
use std::time::Duration;

use super::origin::{MODES, Mode};
use crate::config::parse_duration;

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Let a region, an endpoint or all behave so.
    Set {
        /// `eu`, `fra1`, `all`.
        what: String,
        /// How.
        mode: Mode,
    },
    /// Let time pass.
    Wait(Duration),
    /// Show the table.
    Status,
    /// Show what can be said.
    Help,
    /// End the demo.
    Quit,
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set { what, mode: Mode::Stopped } => write!(f, "stop {what}"),
            Self::Set { what, mode: Mode::Serving } => write!(f, "start {what}"),
            Self::Set { what, mode } => write!(f, "break {what} {mode}"),
            Self::Wait(duration) => write!(f, "wait {duration:?}"),
            Self::Status => f.write_str("status"),
            Self::Help => f.write_str("help"),
            Self::Quit => f.write_str("quit"),
        }
    }
}

/// What can be said.
pub const HELP: &str = "  stop WHAT        connections are refused; WHAT is a region, an endpoint, or all
  break WHAT HOW   HOW is 500 (default), hang, reset, expired, wrong-name or unknown-ca
  start WHAT       all is well again
  wait 10s         in scripts: let time pass
  status           show the table
  quit             end the demo";

/// Why a command was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScriptError(String);

/// Reads commands with `;` between them. `names` are the regions and endpoints there are.
///
/// # Errors
/// The first command that is not understood.
pub fn parse_script(script: &str, names: &[String]) -> Result<Vec<Command>, ScriptError> {
    let commands = script.split(';').map(str::trim).filter(|command| !command.is_empty());
    commands.map(|command| parse_command(command, names)).collect()
}

/// Reads one command.
///
/// # Errors
/// What was not understood, and what would be.
pub fn parse_command(text: &str, names: &[String]) -> Result<Command, ScriptError> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let what = |name: &str| match names.iter().any(|known| known == name) {
        true => Ok(name.to_owned()),
        false => Err(ScriptError(format!("there is no region or endpoint \"{name}\"; there are {}", names.join(", ")))),
    };
    let set = |name, mode| Ok(Command::Set { what: what(name)?, mode });
    match words[..] {
        ["stop", name] => set(name, Mode::Stopped),
        ["start", name] => set(name, Mode::Serving),
        ["break", name] => set(name, Mode::Status500),
        ["break", name, how] => set(name, broken(how)?),
        ["wait", duration] => match parse_duration(duration) {
            Ok(duration) => Ok(Command::Wait(duration)),
            Err(_) => Err(ScriptError(format!("\"{duration}\" is not a duration; write 500ms, 10s or 1m"))),
        },
        ["status"] => Ok(Command::Status),
        ["help"] => Ok(Command::Help),
        ["quit" | "exit"] => Ok(Command::Quit),
        _ => Err(ScriptError(format!("\"{text}\" is not understood; this is:\n{HELP}"))),
    }
}

fn broken(how: &str) -> Result<Mode, ScriptError> {
    let modes = || MODES.iter().filter(|(_, mode)| !matches!(mode, Mode::Serving | Mode::Stopped));
    let found = modes().find(|(name, _)| *name == how).map(|&(_, mode)| mode);
    let names = || modes().map(|&(name, _)| name).collect::<Vec<&str>>().join(", ");
    found.ok_or_else(|| ScriptError(format!("an origin cannot be broken by \"{how}\"; it can by {}", names())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts() {
        let names = ["eu".to_owned(), "fra1".to_owned(), "all".to_owned()];
        let read = |script| parse_script(script, &names);
        let set = |what: &str, mode| Command::Set { what: what.into(), mode };
        assert_eq!(
            read("stop eu; wait 10s; break fra1 hang; start all;"),
            Ok(vec![
                set("eu", Mode::Stopped),
                Command::Wait(Duration::from_secs(10)),
                set("fra1", Mode::Hang),
                set("all", Mode::Serving)
            ])
        );
        let error = |script| read(script).expect_err(script).to_string();
        assert_eq!(error("stop uk"), "there is no region or endpoint \"uk\"; there are eu, fra1, all");
        assert_eq!(error("wait 10"), "\"10\" is not a duration; write 500ms, 10s or 1m");
        assert!(error("break eu slowly").contains("it can by hang, reset, 500"));
        assert!(error("halt").contains("\"halt\" is not understood"));
    }
}
