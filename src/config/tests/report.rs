//! What people see.

use super::super::report::{counts, render, render_all};
use super::*;
use crate::base::Span;

#[test]
fn the_line_is_shown_with_the_fault_underlined() {
    let mut sources = Sources::default();
    let file = sources.add("zones/a.toml", b"version = 1\n[check.web]\nkind = \"htps\"\n".to_vec());
    let error = Diagnostic::error(Span::new(file, 31..37), "\"htps\" is not a kind").hint("did you mean \"https\"?");
    let expected = "\
error: \"htps\" is not a kind
 --> zones/a.toml:3:8
  |
3 | kind = \"htps\"
  |        ^^^^^^
  |
  = help: did you mean \"https\"?
";
    assert_eq!(render(&sources, &error, false), expected);
    assert!(render(&sources, &error, true).contains("\u{1b}["));
}

#[test]
fn files_of_any_octets_and_findings_without_a_place() {
    let mut sources = Sources::default();
    let file = sources.add("a.zone", b"a TXT \"\xff\xfe\" x\r\nb TXT".to_vec());
    let text = render_all(
        &sources,
        &[
            Diagnostic::error(Span::new(file, 11..12), "stray word"),
            Diagnostic::warning(Span::new(file, 19..900), "beyond the end"),
            Diagnostic::error(Span::start_of(file), "the whole file"),
            Diagnostic::error_nowhere("cannot read b.zone"),
        ],
        false,
    );
    assert!(text.contains("1 | a TXT \"\u{fffd}\u{fffd}\" x\n"), "{text}");
    assert!(text.contains("error: cannot read b.zone\n"), "{text}");
    assert!(text.ends_with("\n3 errors, 1 warning\n"), "{text}");
    assert_eq!(render_all(&sources, &[], false), "");
    assert_eq!(counts(&[Diagnostic::error_nowhere("x")]), "1 error");
}
