//! The models that have no entry of their own in the manifest, because there are too many: Piper voices and MMS-TTS languages. Their names say where they are
//! on the hub, so that a voice which is newer than this catalogue can be pulled, too.

use super::manifest::{HubEntry, HubFile, ModelEntry, Origin};
use std::collections::HashSet;

/// `name TAB number of speakers TAB bytes of the checkpoint`, from `tools/catalogue`.
const PIPER: &str = include_str!("../../data/piper.tsv");
/// `code TAB ISO 639-1 TAB name`, from `tools/catalogue`.
const MMS: &str = include_str!("../../data/mms.tsv");

/// Where all Piper voices are. There is no revision that has them all for good, so it is the newest one; the hub states the hashes.
const PIPER_REPO: &str = "rhasspy/piper-voices";
const MMS_REPO: &str = "facebook/mms-tts-";
const NEWEST: &str = "main";
const QUALITIES: [&str; 4] = ["x_low", "low", "medium", "high"];

/// What the names of MMS-TTS models begin with.
const MMS_PREFIX: &str = "mms-";

/// A Piper voice of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PiperVoice {
    pub(super) name: &'static str,
    speakers: u32,
    bytes: u64,
}

/// A language of MMS-TTS; some have a model for each script or dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MmsLanguage {
    /// ISO 639-3, with the script or dialect where there are several: `uig-script_arabic`.
    pub(super) code: &'static str,
    /// ISO 639-1 of the language, or of the one that it is part of.
    pub(super) iso1: Option<&'static str>,
    /// In English.
    pub(super) name: &'static str,
}

impl MmsLanguage {
    /// ISO 639-3.
    pub(super) fn iso3(&self) -> &'static str {
        self.code.split('-').next().unwrap_or(self.code)
    }
}

/// How many Piper voices this version knows.
pub fn piper_voice_count() -> usize {
    piper_voices().count()
}

/// How many languages of MMS-TTS this version knows; some have several models.
pub fn mms_language_count() -> usize {
    mms_languages().map(|language| language.iso3()).collect::<HashSet<_>>().len()
}

pub(super) fn piper_voices() -> impl Iterator<Item = PiperVoice> {
    PIPER.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        Some(PiperVoice {
            name: fields.next()?,
            speakers: fields.next()?.parse().ok()?,
            bytes: fields.next()?.parse().ok()?,
        })
    })
}

pub(super) fn mms_languages() -> impl Iterator<Item = MmsLanguage> {
    MMS.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        let (code, iso1, name) = (fields.next()?, fields.next()?, fields.next()?);
        Some(MmsLanguage { code, iso1: Some(iso1).filter(|code| !code.is_empty()), name })
    })
}

/// Names of all models of the catalogue.
pub(super) fn names() -> impl Iterator<Item = String> {
    piper_voices().map(|v| v.name.to_owned()).chain(mms_languages().map(|l| format!("{MMS_PREFIX}{}", l.code)))
}

/// Whether the catalogue has the model.
pub(super) fn lists(name: &str) -> bool {
    match name.strip_prefix(MMS_PREFIX) {
        Some(code) => mms_languages().any(|language| language.code == code),
        None => piper_voices().any(|voice| voice.name == name),
    }
}

/// Where the model `name` is, listed or not; `None` when the name has the form of neither a Piper voice nor an MMS-TTS model.
pub(super) fn entry(name: &str) -> Option<ModelEntry> {
    match name.strip_prefix(MMS_PREFIX) {
        Some(code) => mms(name, code),
        None => piper(name),
    }
}

/// `en_US-lessac-medium` is `en/en_US/lessac/medium/en_US-lessac-medium.onnx`.
fn piper(name: &str) -> Option<ModelEntry> {
    let (locale, rest) = name.split_once('-')?;
    let (voice, quality) = rest.rsplit_once('-')?;
    let (family, region) = locale.split_once('_')?;
    let is_family = matches!(family.len(), 2 | 3) && family.bytes().all(|b| b.is_ascii_lowercase());
    let is_region =
        matches!(region.len(), 2 | 3) && region.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let is_voice = !voice.is_empty() && voice.chars().all(|c| c.is_alphanumeric() || c == '_');
    if !(is_family && is_region && is_voice && QUALITIES.contains(&quality)) {
        return None;
    }
    let listed = piper_voices().find(|v| v.name == name);
    let speakers = match listed {
        Some(PiperVoice { speakers: count @ 2.., .. }) => format!(", {count} speakers"),
        _ => String::new(),
    };
    let folder = format!("{family}/{locale}/{voice}/{quality}");
    let path = |file: &str| percent_encoded(&format!("{folder}/{file}"));
    let (checkpoint, config) = (path(&format!("{name}.onnx")), path(&format!("{name}.onnx.json")));
    let files = vec![
        HubFile { bytes: listed.map(|v| v.bytes), ..HubFile::new(&checkpoint) },
        HubFile::new(&config),
        HubFile { optional: true, ..HubFile::new(&path("MODEL_CARD")) },
    ];
    Some(ModelEntry {
        name: name.into(),
        title: format!("Piper voice {voice}, {quality}{speakers}"),
        family: "vits".into(),
        license: None,
        languages: vec![locale.to_lowercase().replace('_', "-")],
        origin: Origin::Hub(HubEntry {
            repo: PIPER_REPO.into(),
            revision: NEWEST.into(),
            checkpoint,
            other_checkpoint: None,
            config,
            files,
        }),
        fallback: None,
    })
}

/// `uig-script_arabic` is the repository `facebook/mms-tts-uig-script_arabic`.
fn mms(name: &str, code: &str) -> Option<ModelEntry> {
    let (iso3, variant) = code.split_once('-').unwrap_or((code, ""));
    let is_iso3 = iso3.len() == 3 && iso3.bytes().all(|b| b.is_ascii_lowercase());
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let is_variant = match variant.split_once('_') {
        Some((kind @ ("script" | "dialect"), which)) => is_part(kind) && is_part(which),
        _ => code == iso3,
    };
    if !(is_iso3 && is_variant) {
        return None;
    }
    let listed = mms_languages().find(|language| language.code == code);
    let files = ["model.safetensors", "config.json", "vocab.json", "tokenizer_config.json"].map(HubFile::new);
    let tokens = HubFile { optional: true, ..HubFile::new("special_tokens_map.json") };
    let variant = if variant.is_empty() { String::new() } else { format!(", {}", variant.replace('_', " ")) };
    Some(ModelEntry {
        name: name.into(),
        title: format!("MMS-TTS {}{variant}", listed.map_or(iso3, |language| language.name)),
        family: "vits".into(),
        license: Some("CC-BY-NC-4.0".into()),
        languages: vec![iso3.into()],
        origin: Origin::Hub(HubEntry {
            repo: format!("{MMS_REPO}{code}"),
            revision: NEWEST.into(),
            checkpoint: "model.safetensors".into(),
            other_checkpoint: Some("pytorch_model.bin".into()),
            config: "config.json".into(),
            files: files.into_iter().chain([tokens]).collect(),
        }),
        fallback: None,
    })
}

/// `path` as it stands in an address; one voice has a letter in its name that needs it.
fn percent_encoded(path: &str) -> String {
    let encoded = |byte: u8| if byte.is_ascii() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    path.bytes().map(encoded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(name: &str) -> HubEntry {
        match entry(name).map(|entry| entry.origin) {
            Some(Origin::Hub(hub)) => hub,
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn every_name_of_the_catalogue_has_the_form_of_one() {
        assert_eq!((piper_voices().count(), mms_languages().count()), (PIPER.lines().count(), MMS.lines().count()));
        for name in names() {
            assert!(entry(&name).is_some_and(|entry| entry.name == name) && lists(&name), "{name}");
        }
    }

    #[test]
    fn names_say_where_a_model_is() {
        let lessac = hub("en_US-lessac-medium");
        assert_eq!((&*lessac.repo, &*lessac.revision), ("rhasspy/piper-voices", "main"));
        assert_eq!(lessac.checkpoint, "en/en_US/lessac/medium/en_US-lessac-medium.onnx");
        assert_eq!(lessac.config, "en/en_US/lessac/medium/en_US-lessac-medium.onnx.json");
        assert_eq!(lessac.files[2].path, "en/en_US/lessac/medium/MODEL_CARD");
        assert_eq!(hub("pt_PT-tugão-medium").config, "pt/pt_PT/tug%C3%A3o/medium/pt_PT-tug%C3%A3o-medium.onnx.json");
        assert_eq!(hub("mms-eng").repo, "facebook/mms-tts-eng");
        assert_eq!(hub("mms-uig-script_arabic").repo, "facebook/mms-tts-uig-script_arabic");
        assert_eq!(entry("mms-uig-script_arabic").unwrap().title, "MMS-TTS Uyghur, script arabic");
        assert_eq!(entry("en_GB-vctk-medium").unwrap().title, "Piper voice vctk, medium, 109 speakers");
    }

    #[test]
    fn names_that_are_not_listed_are_models_all_the_same() {
        for name in ["en_US-newcomer-high", "fil_PH-ana-x_low", "es_419-ana-low", "mms-zzz", "mms-zzz-dialect_new"] {
            assert!(entry(name).is_some() && !lists(name), "{name}");
        }
    }

    #[test]
    fn other_names_are_none() {
        for name in [
            "",
            "kokoro",
            "mms-",
            "mms-english",
            "mms-en",
            "mms-ENG",
            "mms-eng-",
            "mms-eng-script_",
            "mms-eng-x",
            "mms-../x",
            "en-US-lessac-medium",
            "en_US-lessac",
            "en_US-lessac-huge",
            "en_us-lessac-medium",
            "en_US--medium",
            "en_US-../x-medium",
            "en_US-a.b-medium",
            "en_US-a b-medium",
        ] {
            assert!(entry(name).is_none(), "{name}");
        }
    }
}
