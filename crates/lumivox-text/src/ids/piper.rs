//! Piper's ids: each code point of the NFD form with a pad behind it, between a begin and an end mark (`phoneme_ids.py`,
//! `phonemes_to_ids`, of piper-tts 1; `phonemes_to_ids` of piper-phonemize does the same).

use std::collections::{BTreeMap, HashMap};

use unicode_normalization::char::{canonical_combining_class, decompose_canonical};

use super::Encoded;
use crate::error::{Error, Result};

/// The `phoneme_id_map` of a voice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhonemeIds {
    ids: HashMap<char, Vec<u32>>,
    begin: Vec<u32>,
    end: Vec<u32>,
    pad: Vec<u32>,
    /// Phonemes that are one symbol together, with its ids; the longest first.
    clusters: Vec<(Vec<char>, Vec<u32>)>,
}

impl PhonemeIds {
    /// Takes `phoneme_id_map` of a voice's configuration. Keys of several code points count only as
    /// [vowel clusters](Self::with_vowel_clusters).
    ///
    /// # Errors
    /// [`Error::Vocabulary`] if there is no `^`, `$` or `_`: the marks of begin, end and pad.
    pub fn new(phoneme_id_map: &BTreeMap<String, Vec<u32>>) -> Result<Self> {
        let mark = |mark: &str| {
            let ids = phoneme_id_map.get(mark).filter(|ids| !ids.is_empty()).cloned();
            ids.ok_or_else(|| Error::Vocabulary(format!("`phoneme_id_map` has no `{mark}`")))
        };
        let (begin, end, pad) = (mark("^")?, mark("$")?, mark("_")?);
        let ids = phoneme_id_map.iter().filter_map(|(key, ids)| Some((single(key)?, ids.clone()))).collect();
        Ok(Self { ids, begin, end, pad, clusters: Vec::new() })
    }

    /// Reads vowels that stand together as one symbol, as voices with `vowel_clusters` in their configuration were trained;
    /// `clusters` are the joined strings, such as `aɪ`.
    ///
    /// # Errors
    /// [`Error::Vocabulary`] if a cluster is not in `phoneme_id_map`.
    pub fn with_vowel_clusters<'a>(
        mut self,
        phoneme_id_map: &BTreeMap<String, Vec<u32>>,
        clusters: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self> {
        for cluster in clusters {
            let ids = phoneme_id_map.get(cluster);
            let ids = ids.ok_or_else(|| Error::Vocabulary(format!("`phoneme_id_map` has no `{cluster}`")))?;
            self.clusters.push((cluster.chars().collect(), ids.clone()));
        }
        self.clusters.sort_by_key(|(symbols, _)| std::cmp::Reverse(symbols.len()));
        Ok(self)
    }

    /// Whether a code point has ids of its own.
    pub fn contains(&self, symbol: char) -> bool {
        self.ids.contains_key(&symbol)
    }

    /// Ids of `phonemes`: `^ _`, the ids of each code point of their NFD form with `_` behind, `$`.
    pub fn encode(&self, phonemes: &str) -> Encoded {
        let mut encoded = Encoded::default();
        encoded.extend(&self.begin, None);
        encoded.extend(&self.pad, None);
        let symbols = nfd(phonemes.chars().enumerate());
        let mut rest = &symbols[..];
        while let [(place, symbol), ..] = *rest {
            let cluster = self.clusters.iter().find(|(cluster, _)| {
                cluster.len() <= rest.len() && cluster.iter().zip(rest).all(|(c, (_, symbol))| c == symbol)
            });
            let (length, ids) = match cluster {
                Some((symbols, ids)) => (symbols.len(), Some(ids)),
                None => (1, self.ids.get(&symbol)),
            };
            match ids {
                Some(ids) => {
                    encoded.joined.extend(rest[1..length].iter().map(|(place, _)| *place));
                    encoded.extend(ids, Some(place));
                    encoded.extend(&self.pad, Some(place));
                }
                None => encoded.unknown.push((place, symbol)),
            }
            rest = &rest[length..];
        }
        encoded.extend(&self.end, None);
        encoded
    }
}

/// The one code point of a string.
pub(super) fn single(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.as_str().is_empty())
}

/// The NFD form of characters that carry a mark of where they came from.
pub(crate) fn nfd<T: Clone>(chars: impl Iterator<Item = (T, char)>) -> Vec<(T, char)> {
    let mut decomposed: Vec<(T, char)> = Vec::new();
    for (from, c) in chars {
        decompose_canonical(c, |part| decomposed.push((from.clone(), part)));
    }
    // Canonical order: a stable sort of each run of combining marks.
    for run in decomposed.chunk_by_mut(|(_, a), (_, b)| is_combining(*a) && is_combining(*b)) {
        run.sort_by_key(|(_, c)| canonical_combining_class(*c));
    }
    decomposed
}

fn is_combining(c: char) -> bool {
    canonical_combining_class(c) != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    fn map(entries: &[(&str, u32)]) -> BTreeMap<String, Vec<u32>> {
        entries.iter().map(|&(symbol, id)| (symbol.to_owned(), vec![id])).collect()
    }

    #[test]
    fn marks_pads_and_places() {
        let map = map(&[("_", 0), ("^", 1), ("$", 2), ("a", 14), ("ɪ", 74), ("\u{303}", 141), ("aɪ", 161)]);
        let ids = PhonemeIds::new(&map).unwrap();
        let encoded = ids.encode("ãxɪ");
        assert_eq!(encoded.ids, [1, 0, 14, 0, 141, 0, 74, 0, 2]);
        let at = |place| Some(place);
        assert_eq!(encoded.symbols, [None, None, at(0), at(0), at(0), at(0), at(2), at(2), None]);
        assert_eq!(encoded.unknown, [(1, 'x')]);
        assert_eq!(ids.encode("aɪ").ids, [1, 0, 14, 0, 74, 0, 2]);
        let clustered = ids.with_vowel_clusters(&map, ["aɪ"]).unwrap();
        let encoded = clustered.encode("aɪa");
        assert_eq!(encoded.ids, [1, 0, 161, 0, 14, 0, 2]);
        assert_eq!(encoded.symbols, [None, None, at(0), at(0), at(2), at(2), None]);
        assert_eq!(encoded.joined, [1], "the second vowel sounds with the first");
        assert!(clustered.encode("").is_silent());
        assert!(clustered.with_vowel_clusters(&map, ["aʊ"]).is_err());
    }

    #[test]
    fn refuses_maps_without_marks() {
        for missing in ["_", "^", "$"] {
            let mut map = map(&[("_", 0), ("^", 1), ("$", 2), ("a", 14)]);
            map.remove(missing);
            assert!(PhonemeIds::new(&map).unwrap_err().to_string().contains(missing));
        }
    }

    proptest! {
        #[test]
        fn decomposition_is_nfd(text in "[a-zà-ỹ가-힣\u{300}-\u{36f}\u{93c}\u{94d}क़]{0,12}") {
            let ours: String = nfd(text.chars().enumerate()).into_iter().map(|(_, c)| c).collect();
            prop_assert_eq!(ours, text.nfd().collect::<String>());
        }
    }
}
