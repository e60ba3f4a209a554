//! Readings of numbers and signs among the characters of a text.

use super::foreign::web_end;
use super::glyphs::{Glyph, Kind, read_as};
use super::scan::Scan;

/// The text with the readings of all that is not words: each a run of characters of [`Kind::Read`] from the same place. `reading` says what
/// begins at a place is read as, and where that ends.
pub(crate) fn with_readings(glyphs: &[Glyph], reading: impl Fn(Scan, usize) -> Option<(String, usize)>) -> Vec<Glyph> {
    let scan = Scan(glyphs);
    let mut said = Vec::with_capacity(glyphs.len());
    let mut at = 0;
    while at < glyphs.len() {
        if let Some(end) = web_end(glyphs, at) {
            said.extend(glyphs[at..end].iter().map(|glyph| Glyph { kind: Kind::Web, ..glyph.clone() }));
            at = end;
        } else if let Some((reading, end)) = reading(scan, at) {
            let from = glyphs[at].from.start..glyphs[end - 1].from.end;
            said.extend(read_as(&reading, from));
            at = end;
        } else {
            said.push(glyphs[at].clone());
            at += 1;
        }
    }
    said
}
