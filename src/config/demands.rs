//! What rules need of the geo databases.

use crate::base::{Diagnostic, Span};
use crate::geo::{Fields, GeoCode};

/// What a rule needs of the geo databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// Countries.
    Country,
    /// Subdivisions.
    Subdivision(GeoCode),
    /// Autonomous systems.
    Asn,
    /// Any coordinates.
    Place,
}

/// Reports rules that need what no loaded database supplies (§5.2).
pub(super) fn check_demands(
    demands: &[(Span, Demand)],
    fields: Fields,
    have_database: bool,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for &(span, demand) in demands {
        diagnostics.extend(unmet(span, demand, fields).map(|finding| {
            let named = if have_database {
                "none of the databases named in [geo] has that: name one that does"
            } else {
                "name one in [geo] databases of the main file"
            };
            if finding.hint.is_some() { finding } else { finding.hint(named) }
        }));
    }
}

fn unmet(span: Span, demand: Demand, fields: Fields) -> Option<Diagnostic> {
    match demand {
        Demand::Country if !fields.country => Some(Diagnostic::error(span, "\"geos\" needs a database with countries")),
        Demand::Asn if !fields.asn => {
            Some(Diagnostic::error(span, "\"asns\" needs a database with autonomous systems"))
        }
        Demand::Subdivision(code) if !fields.subdivision && fields.subdivision_names => {
            let message = format!("{code} matches nobody: subdivisions are known by name only");
            Some(Diagnostic::warning(span, message).hint("load a database with ISO 3166-2 codes"))
        }
        Demand::Subdivision(code) if !fields.subdivision && fields.country => {
            Some(Diagnostic::error(span, format!("{code} needs a database with subdivisions")))
        }
        Demand::Place if !fields.country && !fields.coords => {
            let message = "\"nearest\" keeps the order written: no database says where clients are";
            Some(Diagnostic::warning(span, message))
        }
        _ => None,
    }
}
