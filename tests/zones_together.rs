//! What only shows when all files are read: zones that are there twice, names that lie in another zone.

use std::path::Path;

const RECORDS: &str = "$TTL 1h\n@ SOA ns1 hostmaster 1 2h 1h 2w 5m\n@ NS ns1\nns1 A 192.0.2.53\n";

fn steering(name: &str) -> String {
    format!(
        "version = 1\n[pool.p]\ncheck = \"none\"\nendpoints = [{{ name = \"a\", addresses = [\"192.0.2.1\"] }}]\n\
         [name]\n\"{name}\" = {{ pool = \"p\" }}\n"
    )
}

/// The errors of a configuration with these files, messages only.
fn errors(more: &str, files: &[(&str, String)]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).expect("made");
        std::fs::write(path, text).expect("written");
    };
    write("windrose.toml", &format!("version = 1\n[server]\nzones = \"zones\"\n{more}"));
    files.iter().for_each(|(name, text)| write(name, text));
    match windrose::control::load(&folder.path().join("windrose.toml")) {
        Ok(_) => Vec::new(),
        Err(report) => report.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.message.clone()).collect(),
    }
}

fn zone(name: &str) -> (&str, String) {
    (name, RECORDS.into())
}

#[test]
fn a_zone_that_is_there_twice_is_refused() {
    assert_eq!(errors("", &[zone("zones/example.com.zone")]), Vec::<String>::new());
    let found = errors("", &[zone("zones/example.com.zone"), zone("zones/EXAMPLE.com.zone")]);
    assert!(found.len() == 1 && found[0].contains("is there twice"), "{found:?}");
    let entry = "[[zone]]\nname = \"example.com\"\nfile = \"elsewhere.zone\"\n";
    let found = errors(entry, &[zone("zones/example.com.zone"), zone("elsewhere.zone")]);
    assert!(found.len() == 1 && found[0].contains("is there twice"), "{found:?}");
}

#[test]
fn a_name_of_a_child_zone_is_not_steered_by_its_parent() {
    let files = |name| {
        let steering = ("zones/example.com.toml", steering(name));
        [zone("zones/example.com.zone"), zone("zones/sub.example.com.zone"), steering]
    };
    assert_eq!(errors("", &files("www")), Vec::<String>::new());
    let found = errors("", &files("www.sub"));
    assert_eq!(found, ["www.sub.example.com. lies in the zone sub.example.com., which is served here"]);
}

#[test]
fn a_name_server_of_another_zone_is_not_steered() {
    let other = ("zones/example.net.zone", RECORDS.replace("NS ns1\n", "NS www.example.com.\n"));
    let files = [zone("zones/example.com.zone"), other, ("zones/example.com.toml", steering("www"))];
    assert_eq!(errors("", &files), ["www.example.com. is the target of an NS record of the zone example.net."]);
}
