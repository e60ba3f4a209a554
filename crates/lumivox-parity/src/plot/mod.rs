//! Both sides' spectrograms, one over the other, and their difference: as a picture, or as a page with the table.

mod font;
mod html;
mod image;

use std::path::Path;

use anyhow::{Result, bail};

use crate::compare::Heard;
use crate::metrics::{BANDS, log_mel};
use crate::receipt::Receipt;
use image::Image;

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plot {
    /// A picture: both spectrograms, one over the other, and the difference.
    Png,
    /// A page that needs no other file: the same, a chart of the stages and their table.
    Html,
}

impl Plot {
    /// What the name of a file asks for.
    ///
    /// # Errors
    /// If it ends in neither `.png` nor `.html`.
    pub fn of(path: &Path) -> Result<Self> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("png") => Ok(Self::Png),
            Some("html") => Ok(Self::Html),
            _ => bail!("a plot is .png or .html, not {}", path.display()),
        }
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// If the audio is too short to draw.
    pub fn draw(self, heard: &Heard, receipt: &Receipt) -> Result<Vec<u8>> {
        let panels = Panels::new(heard)?;
        match self {
            Self::Png => panels.picture(receipt).png(),
            Self::Html => html::page(&panels, receipt),
        }
    }
}

/// Pixels that a band of the mel scale is high.
const BAND_PIXELS: usize = 3;
/// The width that short utterances are stretched to, in pixels.
const WIDTH: usize = 960;
/// How far below the loudest a sound is black, in natural logarithms of magnitude (78 dB).
const RANGE: f64 = 9.0;

/// The four pictures, of the same size.
struct Panels {
    theirs: Image,
    ours: Image,
    both: Image,
    difference: Image,
    /// The difference that has the full colour, in dB.
    full_scale_db: f64,
    seconds: f64,
}

impl Panels {
    fn new(heard: &Heard) -> Result<Self> {
        let [ours, theirs] = [&heard.ours, &heard.theirs].map(|audio| log_mel(audio, heard.sample_rate_hz));
        if ours.len() != theirs.len() || ours.is_empty() {
            bail!(
                "the two differ in length, so they can't be drawn one over the other: {} and {} samples",
                heard.ours.len(),
                heard.theirs.len()
            );
        }
        let loudest = ours.iter().chain(&theirs).copied().fold(f64::MIN, f64::max);
        let level = |x: f64| ((x - loudest) / RANGE + 1.0).clamp(0.0, 1.0);
        // What is silent on both sides is no difference, however its logarithms differ.
        let floor = loudest - RANGE;
        let apart = |i: usize| ours[i].max(floor) - theirs[i].max(floor);
        let most = (0..ours.len()).map(|i| apart(i).abs()).fold(1e-9, f64::max);
        let draw = |colour: &dyn Fn(usize) -> [u8; 3]| spectrogram(ours.len() / BANDS, colour);
        Ok(Self {
            theirs: draw(&|i| glow(level(theirs[i]))),
            ours: draw(&|i| glow(level(ours[i]))),
            both: draw(&|i| {
                let [theirs, ours] = [level(theirs[i]), level(ours[i])].map(|x| (255.0 * x) as u8);
                [theirs, ours, ours]
            }),
            difference: draw(&|i| diverging(apart(i) / most)),
            full_scale_db: most * 20.0 / std::f64::consts::LN_10,
            seconds: heard.ours.len() as f64 / f64::from(heard.sample_rate_hz),
        })
    }

    /// The panels with what they show.
    fn labelled(&self) -> [(String, &Image); 4] {
        let full =
            format!("difference, full colour at {:.2e} dB: red louder in lumivox, blue quieter", self.full_scale_db);
        [
            ("reference".into(), &self.theirs),
            ("lumivox".into(), &self.ours),
            (
                "one over the other: grey where equal, red only in the reference, cyan only in lumivox".into(),
                &self.both,
            ),
            (full, &self.difference),
        ]
    }

    /// All four, one below the other.
    fn picture(&self, receipt: &Receipt) -> Image {
        const MARGIN: usize = 12;
        const LINE: usize = 2 * font::HEIGHT + 10;
        let panels = self.labelled();
        let height = MARGIN + LINE + panels.iter().map(|(_, panel)| LINE + panel.height + MARGIN).sum::<usize>();
        let mut picture = Image::new(self.ours.width + 2 * MARGIN, height, [255; 3]);
        let title = format!("{} / {}, {:.2} s", receipt.model.path.display(), receipt.reference.runtime, self.seconds);
        font::write(&mut picture, MARGIN, MARGIN, 2, &title);
        let mut y = MARGIN + LINE;
        for (label, panel) in panels {
            font::write(&mut picture, MARGIN, y, 1, &label);
            y += LINE;
            picture.put(panel, MARGIN, y);
            y += panel.height + MARGIN;
        }
        picture
    }
}

/// A picture of `windows` × [`BANDS`] values, low bands at the bottom; `colour` is asked for the value `window · BANDS + band`.
fn spectrogram(windows: usize, colour: &dyn Fn(usize) -> [u8; 3]) -> Image {
    let width = (WIDTH / windows).max(1);
    let mut image = Image::new(windows * width, BANDS * BAND_PIXELS, [0; 3]);
    for window in 0..windows {
        for band in 0..BANDS {
            let (x, y) = (window * width, (BANDS - 1 - band) * BAND_PIXELS);
            image.fill(x..x + width, y..y + BAND_PIXELS, colour(window * BANDS + band));
        }
    }
    image
}

/// Black, violet, orange, white.
fn glow(level: f64) -> [u8; 3] {
    const STOPS: [[f64; 3]; 4] = [[0.0, 0.0, 8.0], [110.0, 25.0, 110.0], [240.0, 120.0, 40.0], [255.0, 250.0, 220.0]];
    let place = level * (STOPS.len() - 1) as f64;
    let low = (place as usize).min(STOPS.len() - 2);
    let share = place - low as f64;
    std::array::from_fn(|i| (STOPS[low][i] * (1.0 - share) + STOPS[low + 1][i] * share) as u8)
}

/// Blue at -1, white at 0, red at 1.
fn diverging(x: f64) -> [u8; 3] {
    let fade = (255.0 * (1.0 - x.abs().min(1.0))) as u8;
    if x > 0.0 { [255, fade, fade] } else { [fade, fade, 255] }
}
