//! The shipped configuration, copied into a folder and made to probe the demo's origins.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::ca::DemoError;

/// The shipped files.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    config: &'static str,
    zone: &'static str,
    steering: &'static str,
    database: &'static [u8],
}

/// An endpoint that gets an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The region of its pool.
    pub region: String,
    /// Its name.
    pub endpoint: String,
    /// Where its origin listens: 127.REGION.0.ENDPOINT, both counted from 1.
    pub address: IpAddr,
}

/// The folder that was written.
#[derive(Debug)]
pub struct Prepared {
    /// The configuration file to serve.
    pub config: PathBuf,
    /// What was changed against the shipped files, a line each.
    pub substitutions: Vec<String>,
}

impl Shipped {
    /// The files of the build.
    #[must_use]
    pub const fn embedded() -> Self {
        Self {
            config: include_str!("../../config/windrose.toml"),
            zone: include_str!("../../zones/example.com.zone"),
            steering: include_str!("../../zones/example.com.toml"),
            database: include_bytes!("../../geo/country.mmdb"),
        }
    }

    /// The endpoints of every pool that is probed.
    #[must_use]
    pub fn plan(&self) -> Vec<Planned> {
        let mut regions: Vec<&str> = Vec::new();
        let mut planned: Vec<Planned> = Vec::new();
        for (region, endpoint) in probed(self.steering) {
            if !regions.contains(&region) {
                regions.push(region);
            }
            let number = regions.iter().position(|known| *known == region).unwrap_or_default() + 1;
            let host = planned.iter().filter(|other| other.region == region).count() + 1;
            let address = Ipv4Addr::new(127, number as u8, 0, host as u8); // a handful of each
            planned.push(Planned { region: region.into(), endpoint: endpoint.into(), address: address.into() });
        }
        planned
    }

    /// The host name that the check asks for.
    ///
    /// # Errors
    /// If no check has one.
    pub fn host(&self) -> Result<&'static str, DemoError> {
        let line = self.steering.lines().find_map(|line| line.trim().strip_prefix("host = \""));
        line.and_then(|rest| rest.split('"').next()).ok_or(DemoError::Shipped("check with a host"))
    }

    /// Writes the files into a folder, with the origins' addresses as what is probed, the authority as what is trusted,
    /// and the server's own address.
    ///
    /// # Errors
    /// Where a file cannot be written, or the shipped files have no place for a substitution.
    pub fn write(
        &self,
        folder: &Path,
        origins: &[Planned],
        port: u16,
        listen: &[SocketAddr],
        ca: &str,
    ) -> Result<Prepared, DemoError> {
        let mut substitutions = Vec::new();
        let config = self.config(listen, &mut substitutions)?;
        let steering = self.steering(origins, port, &mut substitutions)?;
        write(folder, "config/windrose.toml", config.as_bytes())?;
        write(folder, "zones/example.com.zone", self.zone.as_bytes())?;
        write(folder, "zones/example.com.toml", steering.as_bytes())?;
        write(folder, "zones/ca.pem", ca.as_bytes())?;
        write(folder, "geo/country.mmdb", self.database)?;
        Ok(Prepared { config: folder.join("config/windrose.toml"), substitutions })
    }

    fn config(&self, listen: &[SocketAddr], substitutions: &mut Vec<String>) -> Result<String, DemoError> {
        let addresses: Vec<String> = listen.iter().map(|address| format!("\"{address}\"")).collect();
        let new = format!("listen = [{}]", addresses.join(", "));
        let old = self.config.lines().find(|line| line.starts_with("listen = "));
        let old = old.ok_or(DemoError::Shipped("line that begins with listen"))?;
        if old != new {
            substitutions.push(format!("config/windrose.toml: {new}"));
        }
        Ok(self.config.replacen(old, &new, 1))
    }

    fn steering(&self, origins: &[Planned], port: u16, substitutions: &mut Vec<String>) -> Result<String, DemoError> {
        let mut text = String::new();
        let mut trusted = false;
        for line in self.steering.lines() {
            let origin = endpoint_name(line).and_then(|name| origins.iter().find(|origin| origin.endpoint == name));
            match (origin, line.rsplit_once(" }")) {
                (Some(origin), Some((head, tail))) => {
                    let probe = format!("probe = {{ address = \"{}\", port = {port} }}", origin.address);
                    text += &format!("{head}, {probe} }}{tail}\n");
                    substitutions.push(format!("zones/example.com.toml: {}: {probe}", origin.endpoint));
                }
                _ => text += &format!("{line}\n"),
            }
            if line.trim().starts_with("kind = \"https\"") {
                text += "ca_file = \"ca.pem\"\n";
                substitutions.push("zones/example.com.toml: ca_file = \"ca.pem\"".into());
                trusted = true;
            }
        }
        if !trusted {
            return Err(DemoError::Shipped("check of kind https"));
        }
        Ok(text)
    }
}

/// Region and name of every endpoint of a pool whose check is not "none", in the order written.
fn probed(steering: &str) -> Vec<(&str, &str)> {
    let quoted = |line: &'_ str, key: &str| -> Option<(usize, usize)> {
        let rest = line.trim().strip_prefix(key)?.strip_prefix(" = \"")?;
        let start = rest.as_ptr() as usize - line.as_ptr() as usize;
        Some((start, start + rest.find('"')?))
    };
    let (mut region, mut check, mut found) = ("", "none", Vec::new());
    for line in steering.lines() {
        if line.starts_with('[') {
            (region, check) = ("", "none");
        } else if let Some((start, end)) = quoted(line, "region") {
            region = &line[start..end];
        } else if let Some((start, end)) = quoted(line, "check") {
            check = &line[start..end];
        } else if let Some(name) = endpoint_name(line).filter(|_| check != "none" && !region.is_empty()) {
            found.push((region, name));
        }
    }
    found
}

/// The name on a line `{ name = "fra1", addresses = … },`.
fn endpoint_name(line: &str) -> Option<&str> {
    line.trim().strip_prefix("{ name = \"")?.split('"').next()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), DemoError> {
    let path = folder.join(name);
    let parent = path.parent().unwrap_or(folder);
    let written = fs::create_dir_all(parent).and_then(|()| fs::write(&path, bytes));
    written.map_err(|error| DemoError::Io { what: format!("cannot write {}", path.display()), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_probed_endpoint_gets_an_origin() {
        let shipped = Shipped::embedded();
        let plan = shipped.plan();
        let lines: Vec<String> = plan.iter().map(|p| format!("{} {} {}", p.region, p.endpoint, p.address)).collect();
        assert_eq!(
            lines,
            [
                "eu fra1 127.1.0.1",
                "eu fra2 127.1.0.2",
                "us iad1 127.2.0.1",
                "us iad2 127.2.0.2",
                "ap sin1 127.3.0.1",
                "ap sin2 127.3.0.2"
            ]
        );
        assert_eq!(shipped.host().expect("a host"), "www.example.com");
    }

    #[test]
    fn what_is_written_loads() {
        let folder = tempfile::tempdir().expect("a folder");
        let shipped = Shipped::embedded();
        let (plan, listen) = (shipped.plan(), ["127.0.0.1:0".parse().expect("an address")]);
        let ca = Authority::new("test").expect("an authority").pem();
        let prepared = shipped.write(folder.path(), &plan, 4433, &listen, &ca).expect("written");
        assert_eq!(prepared.substitutions.len(), plan.len() + 2, "{:#?}", prepared.substitutions);
        let (setup, report) = crate::control::load(&prepared.config).map_err(|r| r.diagnostics).expect("sound files");
        assert!(report.diagnostics.is_empty(), "{:?}", report.diagnostics);
        let probed = setup.loaded.steering.targets.iter().filter_map(|target| target.key.as_ref());
        let mut probed: Vec<String> = probed.map(|key| format!("{}:{}", key.addr, key.port)).collect();
        probed.sort();
        assert_eq!(probed.len(), 6);
        assert!(probed.iter().all(|target| target.starts_with("127.") && target.ends_with(":4433")), "{probed:?}");
    }

    use super::super::ca::Authority;
}
