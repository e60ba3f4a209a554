//! What the front-ends of Mandarin and Japanese share: characters with the place that they are read from, words of other
//! scripts, and tokens made of both.

mod foreign;
mod glyphs;
mod output;
mod readings;
mod scan;

pub(crate) use foreign::{Foreign, foreign_end};
pub(crate) use glyphs::{Glyph, Kind, glyphs};
pub(crate) use output::Output;
pub(crate) use readings::with_readings;
pub(crate) use scan::{Number, Scan};
