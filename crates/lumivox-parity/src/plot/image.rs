//! Pixels.

use std::ops::Range;

use anyhow::Result;

/// A picture, three bytes a pixel, row by row.
pub(super) struct Image {
    /// Pixels of a row.
    pub(super) width: usize,
    /// Rows.
    pub(super) height: usize,
    pixels: Vec<u8>,
}

impl Image {
    pub(super) fn new(width: usize, height: usize, colour: [u8; 3]) -> Self {
        Self { width, height, pixels: colour.repeat(width * height) }
    }

    /// Fills a rectangle, as much of it as is inside.
    pub(super) fn fill(&mut self, x: Range<usize>, y: Range<usize>, colour: [u8; 3]) {
        for row in y.start..y.end.min(self.height) {
            let start = 3 * (row * self.width + x.start.min(self.width));
            let end = 3 * (row * self.width + x.end.min(self.width));
            self.pixels[start..end].chunks_exact_mut(3).for_each(|pixel| pixel.copy_from_slice(&colour));
        }
    }

    /// Puts another picture into this one, its upper left corner at `(x, y)`.
    pub(super) fn put(&mut self, other: &Self, x: usize, y: usize) {
        let bytes = 3 * other.width.min(self.width.saturating_sub(x));
        for row in 0..other.height.min(self.height.saturating_sub(y)) {
            let to = 3 * ((y + row) * self.width + x);
            let from = 3 * row * other.width;
            self.pixels[to..to + bytes].copy_from_slice(&other.pixels[from..from + bytes]);
        }
    }

    /// As a PNG file.
    ///
    /// # Errors
    /// If the picture is too large for one.
    pub(super) fn png(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, u32::try_from(self.width)?, u32::try_from(self.height)?);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()?;
        Ok(bytes)
    }
}
