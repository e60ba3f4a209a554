//! Voices and blends of voices.

use std::str::FromStr;

use crate::error::{Error, Result};

/// The most voices in a blend: more than Kokoro has, and each costs work.
const MAX_PARTS: usize = 100;

/// One voice, or several with their shares.
///
/// Written `af_heart`, `af_heart:60,af_bella:40` (shares in any unit), `af_heart.4+af_bella.6` (shares as decimals) or `af_heart,af_bella` (equal shares).
#[derive(Clone, Debug, PartialEq)]
pub struct VoiceSpec {
    /// Names and shares; the shares sum to 1.
    pub parts: Vec<(String, f32)>,
}

impl VoiceSpec {
    /// Name of the voice with the largest share, the first of equals: it decides the language.
    pub fn main_voice(&self) -> &str {
        let mut main = ("", f32::MIN);
        for (name, share) in &self.parts {
            if *share > main.1 {
                main = (name, *share);
            }
        }
        main.0
    }
}

impl FromStr for VoiceSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let fail = || Error::VoiceSyntax(text.to_owned());
        let mut parts = Vec::new();
        for part in text.split([',', '+']) {
            if parts.len() == MAX_PARTS {
                return Err(Error::VoiceSyntax(format!("{}…", text.chars().take(64).collect::<String>())));
            }
            let (name, share) = match part.split_once(':') {
                Some((name, share)) => (name, share.trim().parse::<f32>().map_err(|_| fail())?),
                None => match part.split_once('.') {
                    Some((name, digits)) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                        (name, format!("0.{digits}").parse().map_err(|_| fail())?)
                    }
                    Some(_) => return Err(fail()),
                    None => (part, 1.0),
                },
            };
            let name = name.trim();
            if name.is_empty() || !share.is_finite() || share <= 0.0 {
                return Err(fail());
            }
            parts.push((name.to_owned(), share));
        }
        let total: f32 = parts.iter().map(|(_, share)| share).sum();
        if !total.is_finite() {
            return Err(fail());
        }
        parts.iter_mut().for_each(|(_, share)| *share /= total);
        Ok(Self { parts })
    }
}

/// The names among `known` that `name` may have been meant for, nearest first, at most three.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    let name = name.to_lowercase();
    let short = |voice: &str| voice.split_once('_').map_or(voice, |(_, short)| short).to_owned();
    let mut scored: Vec<(f64, &str)> = known
        .map(|voice| {
            let whole = strsim::jaro_winkler(&name, voice);
            (whole.max(strsim::jaro_winkler(&short(&name), &short(voice)) - 0.01), voice)
        })
        .filter(|(score, _)| *score > 0.75)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.into_iter().take(3).map(|(_, voice)| voice.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<(String, f32)> {
        text.parse::<VoiceSpec>().unwrap().parts
    }

    #[test]
    fn blends_are_read_in_every_notation() {
        assert_eq!(parts("af_heart"), [("af_heart".into(), 1.0)]);
        assert_eq!(parts("af_heart:60, af_bella:40"), [("af_heart".into(), 0.6), ("af_bella".into(), 0.4)]);
        assert_eq!(parts("a.4+b.6"), [("a".into(), 0.4), ("b".into(), 0.6)]);
        assert_eq!(parts("a.45+b.6")[0].1, 0.45 / (0.45 + 0.6));
        assert_eq!(parts("a,b"), [("a".into(), 0.5), ("b".into(), 0.5)]);
        assert_eq!("a:1,b:3".parse::<VoiceSpec>().unwrap().main_voice(), "b");
        for bad in ["", ",", "a,", "a:", "a:x", "a:-1", "a:0", "a:inf", "a.x", "a:0,b:0", ":3", "a:3e38,b:3e38"] {
            assert!(bad.parse::<VoiceSpec>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn blends_of_very_many_voices_are_refused() {
        assert_eq!(parts(&"a,".repeat(100)[..199]).len(), 100);
        let error = "a,".repeat(100_000).parse::<VoiceSpec>().unwrap_err().to_string();
        assert!(error.len() < 500, "{} bytes", error.len());
    }

    #[test]
    fn nearest_names_are_found() {
        let known = ["af_heart", "af_bella", "am_michael", "bf_emma"];
        assert_eq!(nearest("af_hart", known.into_iter())[0], "af_heart");
        assert_eq!(nearest("heart", known.into_iter())[0], "af_heart");
        assert_eq!(nearest("Emma", known.into_iter()), ["bf_emma"]);
        assert!(nearest("zzz", known.into_iter()).is_empty());
    }
}
