//! Sets values in the text of a TOML file and leaves every other byte, comments included, as it is.

use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value to be set, at a place that may have one already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The way to the table that holds it.
    pub table: Vec<Step>,
    /// Its key there.
    pub key: &'static str,
    /// The value, as TOML.
    pub value: String,
}

/// One step down into a TOML value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To what a table has under this key.
    Key(String),
    /// To the element of an array at this position, from 0.
    Item(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.table {
            match step {
                Step::Key(key) => write!(f, "{key}.")?,
                Step::Item(position) => write!(f, "{position}.")?,
            }
        }
        f.write_str(self.key)
    }
}

/// Why a value could not be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text is no TOML, before or after.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// There is no such table, or one written in a way that has no place for the value.
    #[error("no place was found for {0}")]
    NoPlace(String),
}

/// The text with the values set, and the line, counted from 1, on which each now stands.
///
/// # Errors
/// [`EditError`] if any of them finds no place: the result is read again, and every value must be where it belongs.
pub fn set_all(text: &str, settings: &[Setting]) -> Result<(String, Vec<usize>), EditError> {
    let mut root = parse(text)?;
    let no_place = |setting: &Setting| EditError::NoPlace(setting.to_string());
    let mut insertions = settings
        .iter()
        .map(|setting| insertion(text, &root, setting).ok_or_else(|| no_place(setting)))
        .collect::<Result<Vec<_>, _>>()?;
    insertions.sort_by_key(|(place, _)| place.start);
    let edited = splice(text, &insertions).ok_or_else(|| EditError::NoPlace("values that overlap".to_owned()))?;

    root = parse(&edited)?;
    let line = |setting: &Setting| {
        let table = step_down(&root, &setting.table)?;
        let span = table.get_ref().as_table()?.get(setting.key)?.span();
        (edited.get(span.clone())? == setting.value).then(|| edited[..span.start].matches('\n').count() + 1)
    };
    let lines = settings.iter().map(|setting| line(setting).ok_or_else(|| no_place(setting)));
    let lines = lines.collect::<Result<_, _>>()?;
    Ok((edited, lines))
}

type Value<'a> = Spanned<DeValue<'a>>;

fn parse(text: &str) -> Result<Value<'_>, toml::de::Error> {
    let root = DeTable::parse(text)?;
    let span = root.span();
    Ok(Spanned::new(span, DeValue::Table(root.into_inner())))
}

fn step_down<'t, 'a>(root: &'t Value<'a>, steps: &[Step]) -> Option<&'t Value<'a>> {
    steps.iter().try_fold(root, |value, step| match step {
        Step::Key(key) => value.get_ref().as_table()?.get(key.as_str()),
        Step::Item(position) => value.get_ref().as_array()?.get(*position),
    })
}

/// Which bytes give way to which text.
fn insertion(text: &str, root: &Value<'_>, setting: &Setting) -> Option<(Range<usize>, String)> {
    let Setting { table, key, value } = setting;
    let holder = step_down(root, table)?;
    let entries = holder.get_ref().as_table()?;
    if let Some(old) = entries.get(*key) {
        return Some((old.span(), value.clone()));
    }
    // Values only: after the end of a table of its own, another table may have begun.
    let ends = entries.values().filter(|entry| !entry.get_ref().is_table()).map(|entry| entry.span().end);
    let last = ends.max()?;
    if text[holder.span().start..].starts_with('{') {
        return Some((last..last, format!(", {key} = {value}")));
    }
    let line_end = text[last..].find('\n').map_or(text.len(), |length| last + length);
    Some((line_end..line_end, format!("\n{key} = {value}")))
}

/// None if two edits overlap.
fn splice(text: &str, insertions: &[(Range<usize>, String)]) -> Option<String> {
    let (mut edited, mut done) = (String::with_capacity(text.len() * 2), 0);
    for (place, new) in insertions {
        edited.push_str(text.get(done..place.start)?);
        edited.push_str(new);
        done = place.end;
    }
    edited.push_str(text.get(done..)?);
    Some(edited)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(table: &[Step], key: &'static str, value: &str) -> Setting {
        Setting { table: table.to_vec(), key, value: value.to_owned() }
    }

    fn endpoint(position: usize) -> Setting {
        setting(&["pool".into(), "a".into(), "endpoints".into(), Step::Item(position)], "probe", "{ port = 1 }")
    }

    fn edited(text: &str, settings: &[Setting]) -> String {
        set_all(text, settings).expect("a place").0
    }

    #[test]
    fn values_are_replaced_and_added_and_all_else_stays() {
        let text = "\
# one
[check.web]
kind = \"https\"   # kind
path = \"/\"       # path

[pool.a]           # pool
endpoints = [
  { name = \"x\", addresses = [\"192.0.2.1\"] },   # x
  { name = \"y\", probe = { address = \"10.0.0.1\" }, weight = 2, },
]
";
        let check = setting(&["check".into(), "web".into()], "ca_file", "\"ca.pem\"");
        let (edited, lines) = set_all(text, &[endpoint(0), check, endpoint(1)]).expect("places");
        let expected = text
            .replace("# path\n", "# path\nca_file = \"ca.pem\"\n")
            .replace("\"192.0.2.1\"] }", "\"192.0.2.1\"], probe = { port = 1 } }")
            .replace("{ address = \"10.0.0.1\" }", "{ port = 1 }");
        assert_eq!(edited, expected);
        assert_eq!(lines, [9, 5, 10]);
    }

    #[test]
    fn any_way_to_write_a_table_will_do() {
        let inline = "pool = { a = { endpoints = [{ name = \"x\" }] } }";
        assert_eq!(edited(inline, &[endpoint(0)]), inline.replace("\"x\" }", "\"x\", probe = { port = 1 } }"));
        let spread = "[[pool.a.endpoints]]\nname = \"x\"\n[[pool.a.endpoints]]\nname = \"y\"";
        let expected = "[[pool.a.endpoints]]\nname = \"x\"\nprobe = { port = 1 }\n[[pool.a.endpoints]]\nname = \"y\"";
        assert_eq!(edited(spread, &[endpoint(0)]), expected);
        assert_eq!(edited(spread, &[endpoint(1)]), format!("{spread}\nprobe = {{ port = 1 }}"));
        let table = "[server]\nlisten = [\n  \"[::1]:53\",   # one\n]\nwatch = true\n";
        let listen = setting(&["server".into()], "listen", "[\"127.0.0.1:53\"]");
        assert_eq!(edited(table, &[listen]), "[server]\nlisten = [\"127.0.0.1:53\"]\nwatch = true\n");
        let nested = "[check.web]\nkind = \"https\"\n[check.web.more]\nx = 1\n";
        let check = setting(&["check".into(), "web".into()], "ca_file", "\"c\"");
        let expected = "[check.web]\nkind = \"https\"\nca_file = \"c\"\n[check.web.more]\nx = 1\n";
        assert_eq!(edited(nested, &[check]), expected);
    }

    #[test]
    fn a_value_without_a_place_is_an_error() {
        let error = |text: &str, setting: Setting| set_all(text, &[setting]).expect_err("no place").to_string();
        let text = "[pool.a]\nendpoints = [{ name = \"x\" }]\n";
        assert_eq!(error(text, endpoint(1)), "no place was found for pool.a.endpoints.1.probe");
        assert_eq!(error("[pool]\n", endpoint(0)), "no place was found for pool.a.endpoints.0.probe");
        assert_eq!(
            error("[server]\n", setting(&["server".into()], "listen", "[]")),
            "no place was found for server.listen"
        );
        assert!(error("x = ", endpoint(0)).contains("TOML parse error"));
        // A dotted key has no span that could give way.
        let dotted = "[pool.a]\nendpoints = [{ name = \"x\", probe.port = 2 }]\n";
        assert!(set_all(dotted, &[endpoint(0)]).is_err());
    }
}
