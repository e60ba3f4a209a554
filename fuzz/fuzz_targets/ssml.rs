//! SSML documents.
#![no_main]

use std::convert::Infallible;

use libfuzzer_sys::fuzz_target;
use lumivox_text::{Phonemized, ssml, with_phoneme_blocks};

fuzz_target!(|source: &str| {
    let lines = u32::try_from(source.lines().count()).expect("a short document") + 1;
    let document = match ssml::parse(source) {
        Ok(document) => document,
        Err(error) => return assert!((1..=lines).contains(&error.line), "{error}"),
    };
    assert!(document.notices.iter().all(|notice| (1..=lines).contains(&notice.line)), "{:?}", document.notices);
    for part in &document.parts {
        assert!((0.0..).contains(&part.pause_s) && part.pause_s.is_finite(), "{part:?}");
        assert!((0.25..=4.0).contains(&part.delivery.rate), "{part:?}");
        let read = |text: &str| Ok::<_, Infallible>(Phonemized::from_phonemes(text));
        let Ok(mut said) = with_phoneme_blocks(&part.text, read);
        part.locate(&mut said);
        let mut start = 0;
        for token in &said.tokens {
            assert!(source.get(token.span.clone()).is_some(), "not on a character: {token:?} of {part:?}");
            assert!(token.span.start >= start, "order: {token:?} of {part:?}");
            start = token.span.start;
        }
        assert!(said.warnings.iter().all(|warning| source.get(warning.span.clone()).is_some()), "{said:?}");
    }
});
