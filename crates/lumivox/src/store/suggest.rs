//! What a name that nothing has may have been meant for.

use super::catalogue::{self, mms_languages};
use super::language::{self, Query};
use std::collections::HashSet;

/// How many names are suggested.
const SUGGESTIONS: usize = 3;
/// Names that are less alike (Jaro-Winkler, 0 to 1) are not.
const LEAST_LIKENESS: f64 = 0.85;

/// Models whose names are like `name`, or are of the voice or the language `name`. Models of `manifest` come first among equals.
pub(super) fn models<'a>(name: &str, manifest: impl Iterator<Item = &'a str>) -> Vec<String> {
    let name = name.trim().to_lowercase();
    let query = Query::parse(name.strip_prefix("mms-").unwrap_or(&name));
    let of_language = mms_languages()
        .filter(|language| query.as_ref().is_some_and(|query| query.matches(language.iso3())))
        .map(|language| format!("mms-{}", language.code));
    let of_voice = catalogue::piper_voices()
        .filter(|voice| voice.name.to_lowercase().split('-').any(|part| part == name))
        .map(|voice| voice.name.to_owned());
    let all = manifest.map(str::to_owned).chain(catalogue::names());
    first(of_voice.chain(of_language).chain(alike(&name, all)))
}

/// Languages whose names are like `name`.
pub(super) fn languages(name: &str) -> Vec<String> {
    first(alike(&name.trim().to_lowercase(), language::names().map(str::to_owned)).into_iter())
}

/// Those of `all` that are like `name`, nearest first.
fn alike(name: &str, all: impl Iterator<Item = String>) -> Vec<String> {
    let mut scored: Vec<(f64, String)> = all
        .map(|other| (strsim::jaro_winkler(name, &other.to_lowercase()), other))
        .filter(|(likeness, _)| *likeness >= LEAST_LIKENESS)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().map(|(_, other)| other).collect()
}

fn first(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    names.filter(|name| seen.insert(name.clone())).take(SUGGESTIONS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_of(name: &str) -> String {
        models(name, ["kokoro", "kokoro-int8"].into_iter()).into_iter().next().unwrap_or_default()
    }

    #[test]
    fn what_was_meant_is_found() {
        assert_eq!(first_of("kokro"), "kokoro");
        assert_eq!(first_of("en_US-lesac-medium"), "en_US-lessac-medium");
        assert_eq!(first_of("en-us-lessac-medium"), "en_US-lessac-medium");
        assert_eq!(first_of("pt_PT-tugao-medium"), "pt_PT-tug\u{e3}o-medium");
        assert_eq!(first_of("mms-sw"), "mms-swh");
        assert_eq!(first_of("mms-english"), "mms-eng");
        assert_eq!(
            models("lessac", std::iter::empty()),
            ["en_US-lessac-high", "en_US-lessac-low", "en_US-lessac-medium"]
        );
        assert_eq!(first_of("qqqqqq"), "");
        assert_eq!(languages("swahilli")[0], "Swahili");
    }
}
