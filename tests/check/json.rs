//! Whether `--json` says what the text says.

use serde_json::Value;

/// Compares the object with the text for people.
pub(crate) fn agrees(json: &str, command: &str, ok: bool, shown: &str) -> Result<(), String> {
    let report: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let diagnostics = report["diagnostics"].as_array().ok_or("no diagnostics")?;
    let count = |severity: &str| diagnostics.iter().filter(|found| found["severity"] == severity).count();
    let titles: Vec<String> = shown.lines().filter_map(title).collect();
    let expected: Vec<String> = diagnostics.iter().map(line).collect();
    if titles != expected {
        return Err(format!("the text has {titles:#?}, the object {expected:#?}"));
    }
    let sound = count("error") == 0 && !(command.contains("--strict") && count("warning") > 0);
    let agrees = report["ok"] == ok
        && report["errors"] == count("error")
        && report["warnings"] == count("warning")
        && sound == ok
        && subject_agrees(&report, command);
    let places = places(shown);
    let placed: Vec<String> = diagnostics.iter().filter_map(place).collect();
    if places != placed {
        return Err(format!("the text has the places {places:#?}, the object {placed:#?}"));
    }
    if let Some(found) = diagnostics.iter().find(|found| !found["hint"].is_string()) {
        return Err(format!("no hint for {found}"));
    }
    let hinted = diagnostics.iter().filter(|found| found["hint"].is_string()).count();
    let helped = shown.lines().filter(|line| line.contains("= help: ")).count();
    if agrees && hinted == helped { Ok(()) } else { Err("counts differ".into()) }
}

/// What the object says of the whole, which the text says in its last line.
fn subject_agrees(report: &Value, command: &str) -> bool {
    let mut words = command.split_whitespace();
    if words.next() == Some("check-zone") {
        let served = report["errors"] == 0;
        return words.next() == report["zone"].as_str()
            && words.next() == report["file"].as_str()
            && report["serial"].is_u64() == served
            && report["records"].is_u64() == served;
    }
    report["config"] == "config/windrose.toml" && report["zones"].is_u64() && report["steered_names"].is_u64()
}

/// The first line of a finding, as it is shown.
fn title(line: &str) -> Option<String> {
    ["error: ", "warning: "].iter().any(|severity| line.starts_with(severity)).then(|| line.to_owned())
}

fn line(found: &Value) -> String {
    let text = |key: &str| found[key].as_str().unwrap_or_default();
    format!("{}: {}", text("severity"), text("message"))
}

/// What stands behind the arrows.
fn places(shown: &str) -> Vec<String> {
    shown.lines().filter_map(|line| Some(line.trim_start().strip_prefix("--> ")?.to_owned())).collect()
}

fn place(found: &Value) -> Option<String> {
    let line = found["line"].as_u64()?;
    let (column, end) = (found["column"].as_u64()?, (found["end_line"].as_u64()?, found["end_column"].as_u64()?));
    assert!(end >= (line, column), "{found} ends before it begins");
    Some(format!("{}:{line}:{column}", found["file"].as_str()?))
}
