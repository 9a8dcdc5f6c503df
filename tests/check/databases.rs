//! GeoIP databases in MaxMind's format with one network each, made when they are needed.

/// A value of the format's data section.
enum Data {
    Text(&'static str),
    Number(u32),
    /// In two octets.
    Short(u16),
    /// In eight octets.
    Long(u64),
    Map(Vec<(&'static str, Self)>),
    List(Vec<Self>),
}

use Data::{List, Long, Map, Number, Short, Text};

/// The databases that every case finds in its folder `geo`.
pub(crate) fn all() -> [(&'static str, Vec<u8>); 4] {
    let country = || ("country", Map(vec![("iso_code", Text("DE"))]));
    let subdivision = |code: bool| {
        let code = code.then_some(("iso_code", Text("HE")));
        let names = ("names", Map(vec![("en", Text("Hesse"))]));
        ("subdivisions", List(vec![Map(code.into_iter().chain([names]).collect())]))
    };
    [
        ("geo/country.mmdb", database("Country", &Map(vec![country()]))),
        ("geo/codes.mmdb", database("City", &Map(vec![country(), subdivision(true)]))),
        ("geo/names.mmdb", database("City", &Map(vec![("country_code", Text("DE")), ("state1", Text("Hesse"))]))),
        ("geo/asn.mmdb", database("ASN", &Map(vec![("autonomous_system_number", Number(64500))]))),
    ]
}

/// A tree of one node: 0.0.0.0/1 has the record, the rest nothing.
fn database(kind: &'static str, record: &Data) -> Vec<u8> {
    let mut bytes = vec![0, 0, 17, 0, 0, 1]; // 16 octets of zero stand between tree and data
    bytes.extend_from_slice(&[0; 16]);
    record.write(&mut bytes);
    bytes.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
    let metadata = Map(vec![
        ("binary_format_major_version", Short(2)),
        ("binary_format_minor_version", Short(0)),
        ("build_epoch", Long(1_700_000_000)),
        ("database_type", Text(kind)),
        ("description", Map(Vec::new())),
        ("ip_version", Short(4)),
        ("languages", List(Vec::new())),
        ("node_count", Number(1)),
        ("record_size", Short(24)),
    ]);
    metadata.write(&mut bytes);
    bytes
}

impl Data {
    /// Type in the upper three bits, or zero there and in the next octet; then the size, which is below 29 here.
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Text(text) => {
                out.push(2 << 5 | text.len() as u8);
                out.extend_from_slice(text.as_bytes());
            }
            Number(number) => {
                out.push(6 << 5 | 4);
                out.extend_from_slice(&number.to_be_bytes());
            }
            Short(number) => {
                out.push(5 << 5 | 2);
                out.extend_from_slice(&number.to_be_bytes());
            }
            Long(number) => {
                out.extend_from_slice(&[8, 9 - 7]);
                out.extend_from_slice(&number.to_be_bytes());
            }
            Map(entries) => {
                out.push(7 << 5 | entries.len() as u8);
                for (key, value) in entries {
                    Text(key).write(out);
                    value.write(out);
                }
            }
            List(items) => {
                out.extend_from_slice(&[items.len() as u8, 11 - 7]);
                items.iter().for_each(|item| item.write(out));
            }
        }
    }
}
