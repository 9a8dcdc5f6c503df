//! RDATA as text.

use std::fmt;

use super::layout::{Layout, is_valid};
use super::text;
use crate::wire::Rtype;

/// RDATA in master-file form: that of its type where there is one and the octets fit it, else `\# length hex`.
#[derive(Clone, Copy, Debug)]
pub struct RdataText<'r> {
    /// The type.
    pub rtype: Rtype,
    /// Uncompressed RDATA.
    pub rdata: &'r [u8],
}

impl RdataText<'_> {
    /// The layout, if the text is to be in the type's own form.
    fn layout(&self) -> Option<&'static Layout> {
        let has_text = |layout: &&Layout| layout.parts(self.rdata).flatten().all(|part| part.field.has_text(part));
        Layout::of(self.rtype).filter(|_| is_valid(self.rtype, self.rdata)).filter(has_text)
    }

    fn write_generic(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\\# {}{}", self.rdata.len(), if self.rdata.is_empty() { "" } else { " " })?;
        text::write_hex(self.rdata, f)
    }
}

impl fmt::Display for RdataText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(layout) = self.layout() else { return self.write_generic(f) };
        let mut separator = "";
        for part in layout.parts(self.rdata).flatten().filter(|part| part.field.is_written(*part)) {
            f.write_str(separator)?;
            part.field.write(part, f)?;
            separator = " ";
        }
        Ok(())
    }
}
