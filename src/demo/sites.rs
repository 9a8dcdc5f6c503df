//! Which endpoints a steering file has probed by https, and the loopback address of each one's origin.

use std::net::Ipv4Addr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::script::Names;

/// An endpoint that gets an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Its pool's region; the pool's name if it has none.
    pub region: String,
    /// Its pool.
    pub pool: String,
    /// Its name.
    pub endpoint: String,
    /// Where it stands in its pool's list, from 0.
    pub position: usize,
    /// What DNS answers: addresses, or the CNAME target.
    pub addresses: Vec<String>,
    /// The check that its pool names.
    pub check: String,
    /// The host name that its certificate must bear.
    pub host: String,
    /// Where its origin listens: 127.REGION.0.ENDPOINT, both counted from 1.
    pub ip: Ipv4Addr,
}

/// Why no sites can be made of a steering file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SitesError {
    /// It is no TOML.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// Something that an origin needs to know is missing or of another type.
    #[error("{place} has no usable `{key}`")]
    Missing {
        /// The table.
        place: String,
        /// Its key.
        key: &'static str,
    },
    /// A pool's check is not in the file.
    #[error("[pool.{pool}]: there is no [check.{check}] in this file")]
    NoCheck {
        /// The pool.
        pool: String,
        /// The check that it names.
        check: String,
    },
    /// No pool has a check of kind https.
    #[error("no pool has a check of kind \"https\", so there is nothing to make origins for")]
    NoSites,
    /// An address has room for 254 regions, and as many endpoints each.
    #[error("[pool.{0}]: more regions or endpoints than loopback addresses (254 regions of 254 endpoints)")]
    TooMany(String),
}

/// The endpoints of all pools that are checked by https, in the order of the file.
///
/// # Errors
/// [`SitesError`], also if there are none.
pub fn find_sites(steering: &str) -> Result<Vec<Site>, SitesError> {
    let root = DeTable::parse(steering)?;
    let mut sites = Vec::new();
    for (pool, table) in pools_in_order(root.get_ref()) {
        if let Some((check, host)) = https_check(root.get_ref(), pool, table)? {
            add_pool(&mut sites, pool, table, check, host)?;
        }
    }
    if sites.is_empty() { Err(SitesError::NoSites) } else { Ok(sites) }
}

/// The names that a script may use.
#[must_use]
pub fn names(sites: &[Site]) -> Names {
    let mut names = Names::default();
    let add = |list: &mut Vec<String>, name: &String| {
        if !list.contains(name) {
            list.push(name.clone());
        }
    };
    for site in sites {
        add(&mut names.regions, &site.region);
        add(&mut names.endpoints, &site.endpoint);
    }
    names
}

type Value<'a> = Spanned<DeValue<'a>>;

/// Tables are sorted by key when parsed; spans remember the order written.
fn pools_in_order<'t>(root: &'t DeTable<'_>) -> Vec<(&'t str, &'t DeTable<'t>)> {
    let pools = root.get("pool").and_then(|pools| pools.get_ref().as_table());
    let mut pools: Vec<_> = pools.into_iter().flatten().collect();
    pools.sort_by_key(|(name, _)| name.span().start);
    pools.into_iter().filter_map(|(name, pool)| Some((name.get_ref().as_ref(), pool.get_ref().as_table()?))).collect()
}

/// The pool's check and its host; none if the check is of another kind, or "none".
fn https_check<'t>(
    root: &'t DeTable<'_>,
    pool: &str,
    table: &'t DeTable<'_>,
) -> Result<Option<(&'t str, &'t str)>, SitesError> {
    let check = string(table, "check").ok_or_else(|| missing(format!("[pool.{pool}]"), "check"))?;
    if check == "none" {
        return Ok(None);
    }
    let checks = root.get("check").and_then(|checks| checks.get_ref().as_table());
    let Some(found) = checks.and_then(|checks| checks.get(check)).and_then(|check| check.get_ref().as_table()) else {
        return Err(SitesError::NoCheck { pool: pool.to_owned(), check: check.to_owned() });
    };
    if string(found, "kind") != Some("https") {
        return Ok(None);
    }
    let host = string(found, "host").ok_or_else(|| missing(format!("[check.{check}]"), "host"))?;
    Ok(Some((check, host)))
}

fn add_pool(sites: &mut Vec<Site>, pool: &str, table: &DeTable<'_>, check: &str, host: &str) -> Result<(), SitesError> {
    let place = || format!("[pool.{pool}]");
    let endpoints = array(table, "endpoints").ok_or_else(|| missing(place(), "endpoints"))?;
    let region = string(table, "region").unwrap_or(pool);
    for (position, endpoint) in endpoints.iter().enumerate() {
        let endpoint = endpoint.get_ref().as_table().ok_or_else(|| missing(place(), "endpoints"))?;
        let name = string(endpoint, "name").ok_or_else(|| missing(format!("an endpoint of {}", place()), "name"))?;
        let ip = next_address(sites, region).ok_or_else(|| SitesError::TooMany(pool.to_owned()))?;
        sites.push(Site {
            region: region.to_owned(),
            pool: pool.to_owned(),
            endpoint: name.to_owned(),
            position,
            addresses: answers(endpoint),
            check: check.to_owned(),
            host: host.to_owned(),
            ip,
        });
    }
    Ok(())
}

/// The address after the last of the region; the first of the next region if the region is new.
fn next_address(sites: &[Site], region: &str) -> Option<Ipv4Addr> {
    let in_region = |octets: [u8; 4]| (octets[1], octets[3]);
    let last = sites.iter().rfind(|site| site.region == region).map(|site| in_region(site.ip.octets()));
    let regions = sites.iter().map(|site| in_region(site.ip.octets()).0).max().unwrap_or(0);
    let (region, endpoint) = last.unwrap_or((regions.checked_add(1)?, 0));
    let endpoint = endpoint.checked_add(1)?;
    (region < u8::MAX && endpoint < u8::MAX).then(|| Ipv4Addr::new(127, region, 0, endpoint))
}

fn answers(endpoint: &DeTable<'_>) -> Vec<String> {
    let addresses = array(endpoint, "addresses").unwrap_or_default();
    let cname = endpoint.get("cname");
    addresses.iter().chain(cname).filter_map(|text| text.get_ref().as_str()).map(str::to_owned).collect()
}

fn string<'t>(table: &'t DeTable<'_>, key: &str) -> Option<&'t str> {
    table.get(key)?.get_ref().as_str()
}

fn array<'t>(table: &'t DeTable<'_>, key: &str) -> Option<&'t [Value<'t>]> {
    table.get(key)?.get_ref().as_array().map(|array| &array[..])
}

fn missing(place: String, key: &'static str) -> SitesError {
    SitesError::Missing { place, key }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEERING: &str = r#"
        [check]
        web = { kind = "https", host = "www.example.com" }
        raw = { kind = "tcp", port = 25 }
        [pool.z]
        region = "eu"
        check = "web"
        endpoints = [{ name = "fra1", addresses = ["192.0.2.10", "2001:db8::10"] }, { name = "fra2", addresses = [] }]
        [pool.b]
        region = "us"
        check = "web"
        endpoints = [{ name = "iad1", addresses = ["198.51.100.10"] }]
        [pool.mail]
        check = "raw"
        endpoints = [{ name = "mx", addresses = ["192.0.2.25"] }]
        [pool.cdn]
        check = "none"
        endpoints = [{ name = "partner", cname = "d1.example.net." }]
        [pool.a]
        region = "eu"
        check = "web"
        endpoints = [{ name = "fra1", addresses = ["192.0.2.20"] }]
        [pool.nowhere]
        check = "web"
        endpoints = [{ name = "x", cname = "d2.example.net." }]
    "#;

    #[test]
    fn regions_and_endpoints_are_numbered_in_the_order_of_the_file() {
        let sites = find_sites(STEERING).expect("sites");
        let placed: Vec<_> =
            sites.iter().map(|site| format!("{} {} {} {}", site.region, site.pool, site.endpoint, site.ip)).collect();
        let expected = [
            "eu z fra1 127.1.0.1",
            "eu z fra2 127.1.0.2",
            "us b iad1 127.2.0.1",
            "eu a fra1 127.1.0.3",
            "nowhere nowhere x 127.3.0.1",
        ];
        assert_eq!(placed, expected);
        assert_eq!(sites[0].addresses, ["192.0.2.10", "2001:db8::10"]);
        assert_eq!(sites[4].addresses, ["d2.example.net."]);
        assert_eq!((sites[1].position, sites[1].check.as_str(), sites[1].host.as_str()), (1, "web", "www.example.com"));
        let names = names(&sites);
        assert_eq!(names.regions, ["eu", "us", "nowhere"]);
        assert_eq!(names.endpoints, ["fra1", "fra2", "iad1", "x"]);
    }

    #[test]
    fn what_an_origin_needs_must_be_there() {
        let error = |text: &str| find_sites(text).expect_err("a mistake").to_string();
        assert!(error("version = 1").contains("no pool has a check of kind \"https\""));
        assert!(error("[pool.a]\ncheck = \"web\"").contains("there is no [check.web]"));
        assert!(error("[pool.a]\nendpoints = []").contains("[pool.a] has no usable `check`"));
        let check = "[check.web]\nkind = \"https\"\nhost = \"h.example\"\n";
        assert!(error(&format!("{check}[pool.a]\ncheck = \"web\"")).contains("[pool.a] has no usable `endpoints`"));
        let nameless = format!("{check}[pool.a]\ncheck = \"web\"\nendpoints = [{{}}]");
        assert!(error(&nameless).contains("an endpoint of [pool.a] has no usable `name`"));
        let hostless = "[check.web]\nkind = \"https\"\n[pool.a]\ncheck = \"web\"\nendpoints = []";
        assert!(error(hostless).contains("[check.web] has no usable `host`"));
        assert!(error("[pool").contains("pool"));
        let many = vec!["{ name = \"e\" }"; 255].join(",");
        assert!(error(&format!("{check}[pool.a]\ncheck = \"web\"\nendpoints = [{many}]")).contains("254 endpoints"));
    }
}
