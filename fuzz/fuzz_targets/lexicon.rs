//! A user's lexicon and, behind a NUL, a text that is read by it.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use lumivox_fuzz::halves;
use lumivox_fuzz::reading::{check_nothing_is_lost, check_places, check_segments};
use lumivox_text::{Dialect, Emoji, English, Source, UserLexicon};

static ENGLISH: LazyLock<English> = LazyLock::new(|| English::new(Dialect::American).expect("a front-end"));

fuzz_target!(init: drop(ENGLISH.read("", Emoji::Skip)), |data: &str| {
    let (lexicon, text) = halves(data);
    let Ok(lexicon) = UserLexicon::parse(lexicon) else { return };
    let mut said = ENGLISH.read(text, Emoji::Skip);
    let users = |source: Source| source == Source::User;
    let given = said.tokens.iter().filter(|token| users(token.source)).count();
    lexicon.apply(&mut said);
    check_places(text, &said);
    check_nothing_is_lost(text, &said);
    check_segments(&said);
    let now = said.tokens.iter().filter(|token| users(token.source)).count();
    assert!(now >= given && (now == given || !lexicon.is_empty()), "{said:?}");
});
