//! What may be done to the origins, as text: lines of a terminal, or a script of commands between semicolons.

use std::fmt;
use std::time::Duration;

use super::origin::Mode;
use crate::config::parse_duration;

/// What `help` prints.
pub const HELP: &str = "\
commands, one a line or several between semicolons:
  stop WHAT           close the listener: connections are refused
  start WHAT          serve again, whatever was done before
  break WHAT [HOW]    HOW: hang | reset | 500 (or another status of 400-599; the default) |
                      expired | wrong-name | unknown-ca
  wait TIME           as 500ms, 10s, 2m
  status              print the table now
  help                print this
  quit                end the demo
WHAT: a region, an endpoint, or all";

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `stop`, `start` and `break`: these origins behave so from now on.
    Turn(What, Mode),
    /// Goes on after this long.
    Wait(Duration),
    /// Prints the table.
    Status,
    /// Prints [`HELP`].
    Help,
    /// Ends the demo.
    Quit,
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Turn(what, Mode::Stopped) => write!(f, "stop {what}"),
            Self::Turn(what, Mode::Serving) => write!(f, "start {what}"),
            Self::Turn(what, mode) => write!(f, "break {what} {mode}"),
            Self::Wait(duration) => write!(f, "wait {duration:?}"),
            Self::Status => f.write_str("status"),
            Self::Help => f.write_str("help"),
            Self::Quit => f.write_str("quit"),
        }
    }
}

/// Which origins a command is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Every origin.
    All,
    /// Those of one region.
    Region(String),
    /// Those of the endpoints of that name.
    Endpoint(String),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Region(name) | Self::Endpoint(name) => f.write_str(name),
        }
    }
}

/// The names that a command may use, each once, in order of appearance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Regions; where a region and an endpoint have the same name, the region is meant.
    pub regions: Vec<String>,
    /// Endpoints.
    pub endpoints: Vec<String>,
}

impl Names {
    fn find(&self, name: &str) -> Option<What> {
        let has = |names: &[String]| names.iter().any(|known| known == name);
        match name {
            "all" => Some(What::All),
            _ if has(&self.regions) => Some(What::Region(name.to_owned())),
            _ if has(&self.endpoints) => Some(What::Endpoint(name.to_owned())),
            _ => None,
        }
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (regions, endpoints) = (self.regions.join(", "), self.endpoints.join(", "));
        write!(f, "the regions {regions}; the endpoints {endpoints}; all")
    }
}

/// Why a script cannot be followed: the command, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{command}\": {problem}")]
pub struct ScriptError {
    /// The command as written.
    pub command: String,
    /// What is wrong with it, and what is possible.
    pub problem: String,
}

/// Reads commands between semicolons, or on lines. Empty ones are passed over.
///
/// # Errors
/// [`ScriptError`] at the first command that cannot be followed: nothing of the script is to be done then.
pub fn parse_script(text: &str, names: &Names) -> Result<Vec<Command>, ScriptError> {
    let commands = text.split([';', '\n']).map(str::trim).filter(|command| !command.is_empty());
    let parse = |command: &str| {
        parse_command(command, names).map_err(|problem| ScriptError { command: command.to_owned(), problem })
    };
    commands.map(parse).collect()
}

fn parse_command(command: &str, names: &Names) -> Result<Command, String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let what = |name: &str| {
        names.find(name).ok_or_else(|| format!("there is no region or endpoint \"{name}\"; there are {names}"))
    };
    match words[..] {
        ["stop", name] => Ok(Command::Turn(what(name)?, Mode::Stopped)),
        ["start", name] => Ok(Command::Turn(what(name)?, Mode::Serving)),
        ["break", name] => Ok(Command::Turn(what(name)?, Mode::Status(500))),
        ["break", name, how] => Ok(Command::Turn(what(name)?, fault(how)?)),
        ["wait", time] => duration(time).map(Command::Wait),
        ["status"] => Ok(Command::Status),
        ["help"] => Ok(Command::Help),
        ["quit"] => Ok(Command::Quit),
        _ => Err(misuse(words.first().copied().unwrap_or_default(), names)),
    }
}

/// What is wrong with a command that has no known shape.
fn misuse(verb: &str, names: &Names) -> String {
    match verb {
        "stop" | "start" => format!("say what to {verb}: {names}"),
        "break" => format!("write break WHAT, or break WHAT {FAULTS}; WHAT is one of {names}"),
        "wait" => "write how long to wait, as 500ms, 10s or 2m".to_owned(),
        "status" | "help" | "quit" => format!("nothing may follow {verb}"),
        _ => format!("there is no command \"{verb}\"; there are stop, start, break, wait, status, help and quit"),
    }
}

const FAULTS: &str = "hang|reset|500|expired|wrong-name|unknown-ca";

fn fault(how: &str) -> Result<Mode, String> {
    match how {
        "hang" => Ok(Mode::Hang),
        "reset" => Ok(Mode::Reset),
        "expired" => Ok(Mode::Expired),
        "wrong-name" => Ok(Mode::WrongName),
        "unknown-ca" => Ok(Mode::UnknownCa),
        _ => {
            let status = how.parse().ok().filter(|status| (400..=599).contains(status));
            status.map(Mode::Status).ok_or_else(|| format!("nothing can be broken by \"{how}\"; write {FAULTS}"))
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|_| format!("\"{text}\" is no time; write it as 500ms, 10s or 2m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Names { regions: owned(&["eu", "us"]), endpoints: owned(&["fra1", "iad1"]) }
    }

    fn problem(text: &str) -> String {
        parse_script(text, &names()).expect_err("a mistake").to_string()
    }

    #[test]
    fn a_script_is_read_in_order() {
        let region = |name: &str| What::Region(name.to_owned());
        let endpoint = What::Endpoint("fra1".to_owned());
        let script =
            "stop eu; wait 10s;; start  eu ;break fra1\nbreak fra1 wrong-name; break all 503;status;help; quit;";
        let expected = [
            Command::Turn(region("eu"), Mode::Stopped),
            Command::Wait(Duration::from_secs(10)),
            Command::Turn(region("eu"), Mode::Serving),
            Command::Turn(endpoint.clone(), Mode::Status(500)),
            Command::Turn(endpoint, Mode::WrongName),
            Command::Turn(What::All, Mode::Status(503)),
            Command::Status,
            Command::Help,
            Command::Quit,
        ];
        assert_eq!(parse_script(script, &names()).expect("a good script"), expected);
        assert_eq!(parse_script(" ; \n", &names()), Ok(Vec::new()));
    }

    #[test]
    fn every_fault_is_written_as_it_is_shown() {
        for how in FAULTS.split('|') {
            let commands = parse_script(&format!("break us {how}"), &names()).expect("a fault");
            let [Command::Turn(What::Region(_), mode)] = &commands[..] else { panic!("{commands:?}") };
            assert_eq!(mode.to_string(), how);
        }
    }

    #[test]
    fn mistakes_are_named_with_what_is_possible() {
        let unknown = problem("status; stop uk");
        assert_eq!(
            unknown,
            "\"stop uk\": there is no region or endpoint \"uk\"; there are the regions eu, us; the endpoints fra1, \
             iad1; all"
        );
        assert!(problem("stop").contains("say what to stop: the regions eu, us"));
        assert!(problem("pause eu").contains("there is no command \"pause\"; there are stop, start, break"));
        assert!(problem("break eu softly").contains("hang|reset|500|expired|wrong-name|unknown-ca"));
        assert!(problem("break eu 200").contains("nothing can be broken by \"200\""));
        for time in ["wait 10", "wait soon", "wait -1s", "wait 99999999999999999999s", "wait 18446744073709551615h"] {
            assert!(problem(time).contains("500ms, 10s or 2m"), "{time}");
        }
        assert!(problem("quit now").contains("nothing may follow quit"));
    }
}
