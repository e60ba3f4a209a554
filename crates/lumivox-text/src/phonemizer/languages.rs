//! What the languages differ in.

use unicode_normalization::UnicodeNormalization;

use crate::error::{Error, Result};
use crate::language::Language;

/// A language.
pub(super) struct Traits {
    /// The compressed letter-to-sound model.
    pub letters: &'static [u8],
    /// Whether it is written in Latin letters.
    pub latin: bool,
    /// What the names of the letters a to z and of some with accents sound like.
    pub letter_names: &'static [(char, &'static str)],
    /// Letters that are words.
    pub one_letter_words: &'static str,
    /// Abbreviations that end in a point which doesn't end the sentence, in lower case without that point.
    pub abbreviations: &'static [&'static str],
}

const SPANISH: Traits = Traits {
    letters: include_bytes!("../../data/es.letters.zst"),
    latin: true,
    letter_names: &[
        ('a', "ˈa"),
        ('b', "bˈe"),
        ('c', "θˈe"),
        ('d', "dˈe"),
        ('e', "ˈe"),
        ('f', "ˈɛfe"),
        ('g', "xˈe"),
        ('h', "ˈaʧe"),
        ('i', "ˈi"),
        ('j', "xˈota"),
        ('k', "kˈa"),
        ('l', "ˈɛle"),
        ('m', "ˈɛme"),
        ('n', "ˈɛne"),
        ('o', "ˈo"),
        ('p', "pˈe"),
        ('q', "kˈu"),
        ('r', "ˈɛre"),
        ('s', "ˈɛse"),
        ('t', "tˈe"),
        ('u', "ˈu"),
        ('v', "ˈuβe"),
        ('w', "ˌuβe ðˈoβle"),
        ('x', "ˈɛkis"),
        ('y', "ˈi ɣɾiˈeɣa"),
        ('z', "θˈɛta"),
        ('ñ', "ˈɛɲe"),
    ],
    one_letter_words: "aeouy",
    abbreviations: &[
        "art", "avda", "cap", "cía", "d", "da", "dr", "dra", "ed", "ej", "excmo", "fig", "gral", "ing", "lic", "núm",
        "pág", "págs", "prof", "profa", "sr", "sra", "sres", "srta", "sto", "sta", "tel", "ud", "uds", "vd", "vds",
        "vol",
    ],
};

const FRENCH: Traits = Traits {
    letters: include_bytes!("../../data/fr.letters.zst"),
    latin: true,
    letter_names: &[
        ('a', "ˈa"),
        ('b', "bˈe"),
        ('c', "sˈe"),
        ('d', "dˈe"),
        ('e', "ˈə"),
        ('f', "ˈɛf"),
        ('g', "ʒˈe"),
        ('h', "ˈaʃ"),
        ('i', "ˈi"),
        ('j', "ʒˈi"),
        ('k', "kˈa"),
        ('l', "ˈɛl"),
        ('m', "ˈɛm"),
        ('n', "ˈɛn"),
        ('o', "ˈo"),
        ('p', "pˈe"),
        ('q', "kˈy"),
        ('r', "ˈɛʁ"),
        ('s', "ˈɛs"),
        ('t', "tˈe"),
        ('u', "ˈy"),
        ('v', "vˈe"),
        ('w', "dubləvˈe"),
        ('x', "ˈiks"),
        ('y', "iɡʁˈɛk"),
        ('z', "zˈɛd"),
        ('ç', "sˌesedˈij"),
        ('é', "ˌəaksɑ̃tɛɡˈy"),
        ('è', "ˌəaksɑ̃ɡʁˈav"),
        ('ê', "ˌəaksɑ̃siʁkɔ̃flˈɛks"),
        ('à', "ˈa"),
    ],
    one_letter_words: "aàyô",
    abbreviations: &[
        "apr", "art", "av", "bd", "boul", "cf", "chap", "dr", "éd", "env", "ex", "fig", "m", "max", "mgr", "min", "mm",
        "no", "nos", "p", "pp", "prof", "réf", "st", "ste", "tél", "vol",
    ],
};

const ITALIAN: Traits = Traits {
    letters: include_bytes!("../../data/it.letters.zst"),
    latin: true,
    letter_names: &[
        ('a', "ˈaː"),
        ('b', "bˈi"),
        ('c', "ʧˈi"),
        ('d', "dˈiː"),
        ('e', "ˈeː"),
        ('f', "ˈɛffe"),
        ('g', "ʤˈi"),
        ('h', "ˈakːa"),
        ('i', "ˈi"),
        ('j', "ˈi lˈuŋɡa"),
        ('k', "kˈapːa"),
        ('l', "ˈɛlle"),
        ('m', "ˈɛmme"),
        ('n', "ˈɛnne"),
        ('o', "ˈɔː"),
        ('p', "pˈi"),
        ('q', "kˈu"),
        ('r', "ˈɛrɾe"),
        ('s', "ˈɛSe"),
        ('t', "tˈɪ"),
        ('u', "ˈuː"),
        ('v', "vˈu"),
        ('w', "dˈopːjavˈu"),
        ('x', "ˈiks"),
        ('y', "ˈipsilon"),
        ('z', "ʣˈɛta"),
    ],
    one_letter_words: "aeioè",
    abbreviations: &[
        "art", "avv", "cap", "cfr", "dott", "dr", "dssa", "ed", "es", "fig", "geom", "ing", "mons", "n", "on", "pag",
        "pagg", "prof", "profssa", "rag", "sig", "sigg", "spett", "tel", "vol",
    ],
};

const PORTUGUESE: Traits = Traits {
    letters: include_bytes!("../../data/pt-br.letters.zst"),
    latin: true,
    letter_names: &[
        ('a', "ˈa"),
        ('b', "bˈe"),
        ('c', "sˈe"),
        ('d', "dˈe"),
        ('e', "ˈɛ"),
        ('f', "ˈɛfy"),
        ('g', "ʒˈe"),
        ('h', "aɡˈa"),
        ('i', "ˈi"),
        ('j', "ʒˈɔtæ"),
        ('k', "kˈa"),
        ('l', "ˈɛly"),
        ('m', "ˈeme"),
        ('n', "ˈene"),
        ('o', "ˈɔ"),
        ('p', "pˈe"),
        ('q', "kˈe"),
        ('r', "ˈɛxe"),
        ('s', "ˈɛsy"),
        ('t', "tˈe"),
        ('u', "ˈu"),
        ('v', "vˈe"),
        ('w', "dˈablju"),
        ('x', "ʃˈis"),
        ('y', "ˈipsiloŋ"),
        ('z', "zˈe"),
        ('ç', "sˌeseʤˈiljæ"),
    ],
    one_letter_words: "aeoàéó",
    abbreviations: &[
        "adv", "art", "av", "cap", "cia", "dr", "dra", "ed", "eng", "ex", "exmo", "fig", "gal", "ltda", "n", "núm",
        "pág", "págs", "pe", "prof", "profa", "r", "sr", "sra", "srs", "srta", "sto", "sta", "tel", "vol",
    ],
};

const HINDI: Traits = Traits {
    letters: include_bytes!("../../data/hi.letters.zst"),
    latin: false,
    letter_names: &[],
    one_letter_words: "",
    abbreviations: &["डॉ", "प्रो", "श्री", "पं", "स्व", "कु", "मो", "रु", "कि", "मी", "सं", "ई", "पू", "dr", "mr", "mrs"],
};

impl Traits {
    /// What the name of a small letter sounds like; that of the letter without its accent, where it has none of its own.
    pub(super) fn letter_name(&self, letter: char) -> Option<&'static str> {
        let name = |letter| self.letter_names.iter().find(|(known, _)| *known == letter).map(|(_, name)| *name);
        name(letter).or_else(|| name(letter.nfd().next()?))
    }
}

/// What is known about a language.
pub(super) fn traits(language: Language) -> Result<&'static Traits> {
    Ok(match language {
        Language::Spanish => &SPANISH,
        Language::French => &FRENCH,
        Language::Italian => &ITALIAN,
        Language::BrazilianPortuguese => &PORTUGUESE,
        Language::Hindi => &HINDI,
        Language::English(_) | Language::Japanese | Language::Mandarin => return Err(Error::NoFrontEnd(language)),
    })
}
