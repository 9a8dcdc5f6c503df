//! The one place that knows the server.

use std::net::IpAddr;
use std::sync::Arc;

use windrose::answer::{Meta, Transport, Worker, prepare, read_ahead, respond, respond_ahead};
use windrose::base::{FileId, Now, Sources};
use windrose::health::Board;
use windrose::snapshot::{Cookies, Loaded, Service, Snapshot, Zones};
use windrose::wire::{Name, NameRef, Rtype, Secret, Secrets};
use windrose::zone::{self, Zone};

use super::text::Word;

/// How the server is set up besides its zones, who asks it, and when.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) nsid: Vec<u8>,
    /// What class CHAOS is told; empty: nothing.
    pub(crate) version: String,
    pub(crate) identity: String,
    /// Secrets of cookies; without any, cookies are not answered.
    pub(crate) secrets: Vec<[u8; 16]>,
    /// Whether large answers over UDP take a valid cookie.
    pub(crate) require: bool,
    /// In units of 100 ms.
    pub(crate) keepalive: u16,
    pub(crate) from: IpAddr,
    /// Seconds since 1970.
    pub(crate) time: u64,
}

impl Default for Setting {
    fn default() -> Self {
        let from = IpAddr::from([192, 0, 2, 53]);
        Self {
            nsid: Vec::new(),
            version: String::new(),
            identity: String::new(),
            secrets: Vec::new(),
            require: false,
            keepalive: 0,
            from,
            time: 0,
        }
    }
}

impl Setting {
    fn service(&self) -> Service {
        let mut secrets = self.secrets.iter().copied().map(Secret::new);
        let cookies = secrets.next().map(|active| Cookies {
            secrets: Secrets::new(active, secrets.collect::<Vec<_>>()),
            ephemeral: false,
            require: self.require,
        });
        Service {
            nsid: self.nsid.clone().into(),
            version: self.version.clone().into(),
            identity: self.identity.clone().into(),
            cookies,
            keepalive: self.keepalive,
        }
    }
}

/// Answers a query from static zones (origin and master file each), in process; none if the query gets no response.
/// Called from several threads at once, and once or twice for each case of a file with the same zones.
///
/// The response is the same whether it is composed, was made ready, or the query was read ahead.
pub(crate) fn ask(setting: &Setting, zones: &[(String, String)], query: &[u8], tcp: bool) -> Option<Vec<u8>> {
    let zones: Vec<Arc<Zone>> = zones.iter().map(|(origin, text)| Arc::new(compile(origin, text))).collect();
    let snapshot = |ready| {
        let zones = Zones::new(zones.clone());
        let mut loaded = Loaded { zones, service: setting.service(), ..Loaded::default() };
        if ready {
            loaded.answers = prepare(&loaded, drop);
        }
        Snapshot::build(Arc::new(loaded), Board::default(), 1)
    };
    let (composing, ready) = (snapshot(false), snapshot(true));
    let (transport, limit) = if tcp { (Transport::Tcp, 65_535) } else { (Transport::Udp, 1232) };
    let local = "127.0.0.1".parse().expect("an address");
    let now = Now { wall: setting.time, ..Now::default() };
    let meta = Meta::new((setting.from, 5353).into(), local, transport, limit);
    let mut out = vec![0; 65_535];
    let mut worker = Worker::new(0);
    let len = respond(&composing, query, &meta, now, &mut worker, &mut out).sent();
    let composed = len.map(|len| out[..len].to_vec());
    let len = respond(&ready, query, &meta, now, &mut worker, &mut out).sent();
    assert_eq!(len.map(|len| &out[..len]), composed.as_deref(), "what was made ready is what is composed");
    read_ahead(&ready, [(query, &meta); 4].into_iter(), &mut worker, &());
    for at in 0..4 {
        let len = respond_ahead(&ready, at, query, &meta, now, &mut worker, &mut out).sent();
        assert_eq!(len.map(|len| &out[..len]), composed.as_deref(), "reading ahead changes nothing");
    }
    composed
}

/// RDATA of the types that only the zone parser knows.
pub(crate) fn rdata(rtype: u16, words: &[Word]) -> Result<Vec<u8>, String> {
    let quoted = |word: &Word| if word.quoted { format!("\"{}\"", word.text) } else { word.text.clone() };
    let text: Vec<String> = words.iter().map(quoted).collect();
    let text = format!("@ 0 SOA . . 1 1 1 1 1\n@ 0 NS .\nx 0 TYPE{rtype} {}\n", text.join(" "));
    let mut sources = Sources::default();
    let file = sources.add("rdata", text.into_bytes());
    let mut no_includes = |_: &mut Sources, _: &str, _: FileId| Err(String::from("no includes here"));
    let (builder, found) = zone::parse(&mut sources, file, &Name::root(), &mut no_includes);
    if let Some(found) = found.iter().find(|found| found.is_error()) {
        return Err(sources.one_line(found));
    }
    let (zone, _) = builder.finish().map_err(|errors| sources.one_line(&errors[0]))?;
    let node = zone.get(NameRef::from_wire(b"\x01x\x00").expect("a name"));
    let rrset = node.and_then(|node| node.rrset(Rtype(rtype))).ok_or("no such record")?;
    Ok(rrset.rdatas().next().expect("a record").to_vec())
}

fn compile(origin: &str, text: &str) -> Zone {
    let mut sources = Sources::default();
    let file = sources.add(origin, text.as_bytes().to_vec());
    let origin = origin.parse().expect("a zone's name");
    let mut no_includes = |_: &mut Sources, _: &str, _: FileId| Err(String::from("no includes here"));
    let (builder, found) = zone::parse(&mut sources, file, &origin, &mut no_includes);
    assert!(found.is_empty(), "{}", sources.one_line(&found[0]));
    builder.finish().unwrap_or_else(|errors| panic!("{}", sources.one_line(&errors[0]))).0
}
