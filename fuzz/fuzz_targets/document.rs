//! Markdown or, with an odd first byte, SubRip subtitles.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lumivox_document::{Content, Format, Limits, read};

fuzz_target!(|data: &[u8]| {
    let Some((first, bytes)) = data.split_first() else { return };
    let format = if first % 2 == 0 { Format::Markdown } else { Format::SubRip };
    let Ok(document) = read(bytes, format, &Limits::default()) else { return };
    match document.content {
        Content::Chapters(chapters) => {
            assert!(chapters.iter().all(|chapter| !chapter.paragraphs.is_empty()));
            let mut paragraphs = chapters.iter().flat_map(|chapter| &chapter.paragraphs);
            assert!(paragraphs.all(|paragraph| !paragraph.is_empty() && paragraph.trim() == paragraph));
        }
        Content::Cues(cues) => {
            assert!(cues.iter().all(|cue| cue.end_s.is_finite() && (0.0..=cue.end_s).contains(&cue.start_s)));
            assert!(cues.iter().all(|cue| !cue.text.trim().is_empty() && !cue.text.contains('\n')));
            assert!(cues.is_sorted_by_key(|cue| cue.start_s));
        }
    }
});
