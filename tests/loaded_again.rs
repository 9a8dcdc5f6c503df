//! Files that are loaded once more: what was made of geo databases and rules is taken over exactly where it would be made
//! the same again.

mod support;

use std::fs::{self, File};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use support::repository;
use windrose::base::{IdVec, PolicyId};
use windrose::control::{Before, load, load_after};
use windrose::snapshot::Loaded;
use windrose::steer::CatchmentMap;

const DATABASE: &str = "geo/country.mmdb";
const STEERING: &str = "zones/example.com.toml";

/// A copy of the shipped configuration, whose files are not of this very moment.
struct Copy(tempfile::TempDir);

impl Copy {
    fn new() -> Self {
        let copy = Self(tempfile::tempdir().expect("a folder"));
        for file in ["config/windrose.toml", "zones/example.com.zone", STEERING, DATABASE] {
            copy.write(file, &fs::read(repository(file)).expect("read"));
        }
        copy
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn write(&self, file: &str, bytes: &[u8]) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, bytes).expect("written");
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        File::options().write(true).open(path).expect("opened").set_modified(long_ago).expect("set");
    }

    fn edit(&self, file: &str, edit: impl FnOnce(String) -> String) {
        let text = fs::read_to_string(self.path(file)).expect("text");
        let edited = edit(text.clone());
        assert_ne!(text, edited, "{file} has something to edit");
        self.write(file, edited.as_bytes());
    }

    fn config(&self) -> PathBuf {
        self.path("config/windrose.toml")
    }

    fn load(&self) -> Before {
        let (setup, _) = load(&self.config()).expect("sound");
        Before { loaded: setup.loaded, files: setup.files }
    }
}

type Maps = IdVec<PolicyId, Arc<CatchmentMap>>;

fn again(config: &Path, before: &Before) -> Maps {
    let (setup, _) = load_after(config, before).expect("sound");
    setup.loaded.maps.iter().cloned().collect()
}

/// For each policy, whether its map is that of before.
fn taken_over(maps: &Maps, before: &Before) -> Vec<bool> {
    maps.iter().zip(before.loaded.maps.iter()).map(|(map, before)| Arc::ptr_eq(map, before)).collect()
}

/// Panics unless both send every client to the same catchment.
fn agree(maps: &Maps, fresh: &Maps) {
    for (map, fresh) in maps.iter().zip(fresh.iter()) {
        assert_eq!(map.catchments, fresh.catchments);
        for number in 0..=u16::MAX {
            let client = IpAddr::from((u32::from(number) << 16 | 0x0101).to_be_bytes());
            assert_eq!(map.locate(client, client), fresh.locate(client, client), "{client}");
        }
    }
}

#[test]
fn other_records_leave_the_maps_as_they_are() {
    let copy = Copy::new();
    let before = copy.load();
    copy.edit("zones/example.com.zone", |text| text + "new A 192.0.2.200\n");
    copy.edit(STEERING, |text| text.replace("192.0.2.11", "192.0.2.12"));
    let (setup, _) = load_after(&copy.config(), &before).expect("sound");
    assert!(taken_over(&setup.loaded.maps, &before).into_iter().all(|taken| taken));
    assert_eq!(setup.loaded.databases, before.loaded.databases);
    let pools = |loaded: &Loaded| format!("{:?}", loaded.steering.pools);
    assert_ne!(pools(&setup.loaded), pools(&before.loaded));
}

#[test]
fn other_rules_change_the_maps_of_their_policies_only() {
    let copy = Copy::new();
    let before = copy.load();
    copy.edit(STEERING, |text| text.replace(r#"geos = ["AF"]"#, r#"geos = ["SA"]"#));
    let maps = again(&copy.config(), &before);
    let named = before.loaded.steering.policies.iter().map(|policy| policy.name.ends_with("/web"));
    let others: Vec<bool> = named.map(|named| !named).collect();
    assert!(others.contains(&true) && others.contains(&false));
    assert_eq!(taken_over(&maps, &before), others);
    agree(&maps, &copy.load().loaded.maps);
}

#[test]
fn regions_elsewhere_change_the_maps() {
    let copy = Copy::new();
    let before = copy.load();
    copy.edit(STEERING, |text| text.replace("lat = 50.11, lon = 8.68", "lat = 6.5, lon = 3.4"));
    let maps = again(&copy.config(), &before);
    assert!(taken_over(&maps, &before).contains(&false));
    agree(&maps, &copy.load().loaded.maps);
}

#[test]
fn a_database_that_was_written_anew_counts_by_its_content() {
    let copy = Copy::new();
    let before = copy.load();
    let mut bytes = fs::read(copy.path(DATABASE)).expect("read");
    copy.write(DATABASE, &bytes);
    assert!(taken_over(&again(&copy.config(), &before), &before).into_iter().all(|taken| taken));
    // a minute later, says its metadata: the octets behind the key are type and length, then the number
    let key = b"build_epoch";
    let at = bytes.windows(key.len()).rposition(|window| window == key).expect("metadata") + key.len();
    bytes[at + 2 + 3] ^= 1;
    copy.write(DATABASE, &bytes);
    let maps = again(&copy.config(), &before);
    assert!(taken_over(&maps, &before).contains(&false));
    agree(&maps, &copy.load().loaded.maps);
}

#[test]
fn a_database_that_changes_while_it_is_loaded_is_not_mistaken_for_what_it_was() {
    let copy = Copy::new();
    let mut before = copy.load();
    let loaded = Arc::get_mut(&mut before.loaded).expect("nobody else has it");
    loaded.databases[0].digest = "another".to_owned();
    copy.edit(STEERING, |text| text.replace(r#"geos = ["AF"]"#, r#"geos = ["SA"]"#));
    let report = load_after(&copy.config(), &before).expect_err("not what it was");
    let lines: Vec<String> = report.diagnostics.iter().map(|found| report.sources.one_line(found)).collect();
    assert!(lines.len() == 1 && lines[0].contains("country.mmdb: it is being changed"), "{lines:?}");
}
