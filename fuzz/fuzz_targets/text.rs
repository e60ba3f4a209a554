//! Text to phonemes. The first byte picks the front-end, and whether emoji have names.
#![no_main]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use lumivox_fuzz::reading::{check_no_word_is_lost, check_nothing_is_lost, check_places, check_segments};
use lumivox_text::ids::{mms::Vocabulary, piper::PhonemeIds};
use lumivox_text::mms::{Mms, Options};
use lumivox_text::{Accent, Emoji, FrontEnd, Language, Phonemized, front_end, piper, to_espeak, with_phoneme_blocks};

/// The symbols of the models that read letters.
const LETTERS: &str = "_^$ !'(),-.:;?abcdefghijklmnopqrstuvwxyzабвгдежзийклмн\u{301}\u{306}";

static FRONT_ENDS: LazyLock<Vec<Box<dyn FrontEnd>>> =
    LazyLock::new(|| Language::ALL.into_iter().map(|language| front_end(language).expect("a front-end")).collect());

static PIPER: LazyLock<PhonemeIds> = LazyLock::new(|| {
    PhonemeIds::new(&LETTERS.chars().zip(0..).map(|(c, id)| (c.to_string(), vec![id])).collect()).expect("a map")
});

static MMS: LazyLock<[Mms; 2]> = LazyLock::new(|| {
    let vocab: BTreeMap<String, u32> = LETTERS.chars().map(String::from).zip(0..).collect();
    [("eng", false), ("ron", true)].map(|(language, is_uroman)| {
        let vocabulary = Vocabulary::new(&vocab, true).expect("a vocabulary");
        Mms::new(Options { vocabulary, language: Some(language.into()), normalize: true, is_uroman })
    })
});

fuzz_target!(init: load(), |data: (u8, &str)| {
    let (choice, text) = data;
    let emoji = if choice & 0x80 == 0 { Emoji::Skip } else { Emoji::Name };
    let said = match usize::from(choice & 0x7f) % 14 {
        language @ 0..9 => {
            let said = FRONT_ENDS[language].read(text, emoji);
            check_nothing_is_lost(text, &said);
            if language < 2 {
                check_places(text, &to_espeak(&said, if language == 0 { Accent::American } else { Accent::British }));
            }
            said
        }
        letters @ 9..11 => checked(text, MMS[letters - 9].phonemize(text)),
        11 => checked(text, piper::phonemize_text(text, &PIPER)),
        12 => Phonemized::from_phonemes(text),
        _ => with_phoneme_blocks(text, |part| Ok::<_, Infallible>(FRONT_ENDS[0].read(part, emoji))).expect("no error"),
    };
    check_places(text, &said);
    check_segments(&said);
});

/// Loads everything beforehand, as that takes longer than an input may.
fn load() {
    for front_end in FRONT_ENDS.iter() {
        front_end.read("Google 🎉 1 日 а", Emoji::Name);
    }
}

fn checked(text: &str, said: Phonemized) -> Phonemized {
    check_no_word_is_lost(text, &said);
    said
}
