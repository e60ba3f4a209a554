//! What is promised of a text that was read: places in order and on characters, and nothing lost without a warning.

use lumivox_text::{Phonemized, SegmentLimits, segments};
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// Spans of tokens in order, all on characters; warnings that quote the text.
pub fn check_places(text: &str, said: &Phonemized) {
    let mut end = 0;
    for token in &said.tokens {
        assert!(token.span.start >= end && token.span.end >= token.span.start, "order: {token:?} in {said:?}");
        assert!(text.get(token.span.clone()).is_some(), "not on a character: {token:?}");
        end = token.span.end;
    }
    for warning in &said.warnings {
        assert_eq!(text.get(warning.span.clone()), Some(warning.text.as_str()), "{warning:?}");
    }
}

/// Marks, which may be heard as a pause or not at all; not those that are said.
fn may_be_silent(c: char) -> bool {
    let mark =
        c.general_category_group() == GeneralCategoryGroup::Punctuation && !"#%&@§¶‰‱*/\\＃％＆＠＊／＼٪".contains(c);
    let joiner = c.general_category() == GeneralCategory::Format
        || matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0000}'..='\u{E0FFF}');
    c.is_whitespace() || mark || joiner || "~～〜`´".contains(c)
}

/// Every character that is no mark is in a token with a sound, or in a warning.
pub fn check_nothing_is_lost(text: &str, said: &Phonemized) {
    let mut covered = vec![false; text.len()];
    let heard = said.tokens.iter().filter(|token| !token.phonemes.is_empty()).map(|token| &token.span);
    for span in heard.chain(said.warnings.iter().map(|warning| &warning.span)) {
        covered[span.clone()].fill(true);
    }
    let lost = text.char_indices().find(|(at, c)| !may_be_silent(*c) && !covered[*at]);
    assert_eq!(lost, None, "{said:?}");
}

/// Of every word something is in a token with a sound, or in a warning.
pub fn check_no_word_is_lost(text: &str, said: &Phonemized) {
    let heard = said.tokens.iter().filter(|token| !token.phonemes.is_empty()).map(|token| &token.span);
    let spans: Vec<_> = heard.chain(said.warnings.iter().map(|warning| &warning.span)).collect();
    for word in text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)) {
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        let touches = spans.iter().any(|span| span.start < start + word.len() && start < span.end);
        assert!(touches, "{word:?} at {start}: {said:?}");
    }
}

/// Segments are in order, within their limit, and have all sounds.
pub fn check_segments(said: &Phonemized) {
    let limits = SegmentLimits { first_symbols: 20, growth_percent: 150, max_symbols: 40, ..SegmentLimits::default() };
    let cut = segments(said, &limits);
    let mut end = 0;
    for segment in &cut {
        assert!(segment.phonemes.chars().count() <= 40, "{segment:?}");
        assert_eq!(segment.phonemes.chars().count(), segment.owners.len(), "{segment:?}");
        let goes_on = segment.tokens.start >= end || segment.tokens.start + 1 == end;
        assert!(goes_on && segment.tokens.end <= said.tokens.len(), "order: {segment:?}");
        end = segment.tokens.end;
    }
    let sounds = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let joined: String = cut.iter().map(|segment| segment.phonemes.as_str()).collect();
    assert_eq!(sounds(&joined), sounds(&said.phonemes()));
}
