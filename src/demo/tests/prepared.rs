//! The prepared folder.

use crate::demo::{Prepared, Settings, Shipped, Substitution, find_sites};

#[test]
fn the_shipped_files_are_prepared_with_nothing_else_changed() {
    let folder = tempfile::tempdir().unwrap();
    let shipped = Shipped::embedded();
    let sites = find_sites(shipped.steering).unwrap();
    let listen = ["127.0.0.1:25353".parse().unwrap(), "[::1]:25353".parse().unwrap()];
    let settings = Settings { listen: &listen, origin_port: 20_443, ca_pem: "certificate" };
    let prepared = Prepared::write(folder.path(), &shipped, &sites, &settings).unwrap();

    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("zones/example.com.zone"), shipped.zone);
    assert_eq!(read("zones/ca.pem"), "certificate");
    assert_eq!(std::fs::read(folder.path().join("geo/country.mmdb")).unwrap(), shipped.geo);
    assert_eq!(prepared.config, folder.path().join("config/windrose.toml"));

    let shown: Vec<String> = prepared.substitutions.iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), 8, "{shown:#?}");
    assert!(shown[0].ends_with(": [server]: listen = [\"127.0.0.1:25353\", \"[::1]:25353\"]"), "{}", shown[0]);
    assert!(shown[1].ends_with(": [check.web]: ca_file = \"ca.pem\""), "{}", shown[1]);
    let probe = ": [pool.web-ap] sin2: probe = { address = \"127.3.0.2\", port = 20443 }";
    assert!(shown[7].starts_with("zones/example.com.toml:") && shown[7].ends_with(probe), "{}", shown[7]);
    for substitution in &prepared.substitutions {
        let written = read(substitution.file);
        let line = written.lines().nth(substitution.line - 1).unwrap();
        assert!(line.contains(&substitution.what), "{substitution}: {line}");
    }
    let mut restored = read("zones/example.com.toml");
    for Substitution { what, .. } in &prepared.substitutions {
        restored = restored.replace(&format!(", {what}"), "").replace(&format!("\n{what}\n"), "\n");
    }
    assert_eq!(restored, shipped.steering);
}

#[test]
fn nothing_is_written_if_a_substitution_has_no_place() {
    let folder = tempfile::tempdir().unwrap();
    let shipped = Shipped { config: "version = 1\n[server]\n", ..Shipped::embedded() };
    let sites = find_sites(shipped.steering).unwrap();
    let listen = ["127.0.0.1:25353".parse().unwrap()];
    let settings = Settings { listen: &listen, origin_port: 20_443, ca_pem: "" };
    let error = Prepared::write(folder.path(), &shipped, &sites, &settings).unwrap_err().to_string();
    assert_eq!(error, "config/windrose.toml: no place was found for server.listen");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
