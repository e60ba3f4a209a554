//! `matrix.bin`: what it costs that one word follows another.

use super::{damaged, u16_at};
use crate::error::Result;

const HEADER_BYTES: usize = 4;

pub(super) struct Connections {
    bytes: Vec<u8>,
    width: usize,
}

impl Connections {
    pub(super) fn parse(bytes: Vec<u8>) -> Result<Self> {
        let size = |at| u16_at(&bytes, at).map(usize::from).ok_or_else(|| damaged("matrix.bin"));
        let (width, height) = (size(0)?, size(2)?);
        if bytes.len() == HEADER_BYTES + width * height * 2 {
            Ok(Self { bytes, width })
        } else {
            Err(damaged("matrix.bin"))
        }
    }

    /// The cost of a word with the right context `right` before one with the left context `left`.
    pub(super) fn cost(&self, right: u16, left: u16) -> i64 {
        let at = HEADER_BYTES + 2 * (usize::from(right) + self.width * usize::from(left));
        u16_at(&self.bytes, at).map_or(i64::from(i16::MAX), |cost| i64::from(cost.cast_signed()))
    }
}
