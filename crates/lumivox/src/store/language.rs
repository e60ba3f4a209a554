//! Which models speak a language that is named in any of the usual ways.

use super::catalogue::mms_languages;

/// `ISO 639-1 TAB ISO 639-3 TAB ISO 639-1 of the language that it is part of TAB name`, from `tools/catalogue`.
const LANGUAGES: &str = include_str!("../../data/languages.tsv");

/// A language with an ISO 639-1 code.
struct Known {
    iso1: &'static str,
    iso3: &'static str,
    part_of: &'static str,
    name: &'static str,
}

fn known() -> impl Iterator<Item = Known> {
    LANGUAGES.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        Some(Known { iso1: fields.next()?, iso3: fields.next()?, part_of: fields.next()?, name: fields.next()? })
    })
}

/// What a user asks for: languages, and a region or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// ISO 639-1, which stand for what is part of them, too.
    iso1: Vec<&'static str>,
    /// ISO 639-3.
    iso3: Vec<String>,
    /// In lower case.
    region: Option<String>,
}

impl Query {
    /// Reads a tag (`sw`, `swh`, `en-gb`, `pt_BR`) or an English name (`swahili`). `None` when there is no such language.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = Some(text.trim().to_lowercase()).filter(|text| !text.is_empty())?;
        let (language, region) = match text.split_once(['-', '_']) {
            Some((language, region)) if is_region(region) => (language, Some(region.to_owned())),
            _ => (&*text, None),
        };
        Some(Self { region, ..Self::code(language).or_else(|| Self::name(&text))? })
    }

    fn code(code: &str) -> Option<Self> {
        if let Some(language) = known().find(|l| l.iso1 == code || l.iso3 == code) {
            let iso1 = [language.iso1, language.part_of].into_iter().filter(|code| !code.is_empty()).collect();
            return Some(Self { iso1, iso3: vec![language.iso3.into()], region: None });
        }
        // Part of a language, perhaps, but not the whole: Ayacucho Quechua is not Cusco Quechua.
        let found = mms_languages().find(|l| l.iso3() == code)?;
        Some(Self {
            iso1: Vec::new(),
            iso3: [code.to_owned()].into_iter().chain(found.iso1.map(String::from)).collect(),
            region: None,
        })
    }

    /// Languages of that name; if there are none, those with the word in their names.
    fn name(name: &str) -> Option<Self> {
        let all = || {
            let mms = mms_languages().map(|language| (language.iso3(), language.name));
            known().map(|language| (language.iso3, language.name)).chain(mms)
        };
        let is_called = |called: &str| called.to_lowercase() == name;
        let has_word = |called: &str| called.to_lowercase().split([' ', ',', '-']).any(|word| word == name);
        let of = |is: &dyn Fn(&str) -> bool| -> Vec<&str> {
            all().filter(|(_, name)| is(name)).map(|(iso3, _)| iso3).collect()
        };
        let mut codes = of(&is_called);
        if codes.is_empty() {
            codes = of(&has_word);
        }
        let mut query: Option<Self> = None;
        for found in codes.into_iter().filter_map(Self::code) {
            let query = query.get_or_insert(Self { iso1: Vec::new(), iso3: Vec::new(), region: None });
            query.iso1.extend(found.iso1);
            query.iso3.extend(found.iso3);
        }
        query
    }

    /// Whether a model with the language tag `tag` speaks it. One that does not say its region may be of any.
    pub(super) fn matches(&self, tag: &str) -> bool {
        let (language, region) = tag.split_once('-').map_or((tag, None), |(language, region)| (language, Some(region)));
        let speaks = self.iso3.iter().any(|code| code == language)
            || self.iso1.iter().any(|&code| code == language || Some(code) == iso1(language));
        let is_there = match (&self.region, region) {
            (Some(wanted), Some(region)) => wanted == region,
            _ => true,
        };
        speaks && is_there
    }
}

fn is_region(text: &str) -> bool {
    matches!(text.len(), 2 | 3) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// ISO 639-1 of a language, or of the one that it is part of.
fn iso1(iso3: &str) -> Option<&'static str> {
    let of_mms = mms_languages().find(|language| language.iso3() == iso3).and_then(|language| language.iso1);
    of_mms.or_else(|| known().find(|language| language.iso3 == iso3).map(|language| language.iso1))
}

/// Names of all languages, for suggestions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    known().map(|language| language.name).chain(mms_languages().map(|language| language.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_language() {
        assert_eq!(known().count(), LANGUAGES.lines().count());
    }

    #[test]
    fn a_language_is_found_by_all_its_names() {
        for name in ["sw", "SW", "swa", "swh", "Swahili", "sw_CD", " swahili "] {
            let query = Query::parse(name).unwrap();
            assert!(query.matches("swh") && query.matches("sw-cd"), "{name}");
            assert!(!query.matches("sv-se") && !query.matches("en"), "{name}");
        }
        for name in ["pt", "por", "portuguese"] {
            let query = Query::parse(name).unwrap();
            assert!(["pt-br", "pt-pt", "por", "pt"].into_iter().all(|tag| query.matches(tag)), "{name}");
        }
    }

    #[test]
    fn a_region_leaves_other_regions_out() {
        for name in ["pt_BR", "pt-br"] {
            let query = Query::parse(name).unwrap();
            assert_eq!(["pt-br", "pt-pt", "por"].map(|tag| query.matches(tag)), [true, false, true], "{name}");
        }
    }

    #[test]
    fn a_part_of_a_language_is_not_its_other_parts() {
        let cusco = Query::parse("quz").unwrap();
        assert_eq!(["quz", "quy", "qu"].map(|tag| cusco.matches(tag)), [true, false, true]);
        let quechua = Query::parse("qu").unwrap();
        assert_eq!(["quz", "quy", "qu"].map(|tag| quechua.matches(tag)), [true; 3]);
        assert!(Query::parse("nb").unwrap().matches("no-no"));
        // Hakka is Chinese; English creoles are not English.
        assert!(Query::parse("chinese").unwrap().matches("hak"));
        assert!(!Query::parse("english").unwrap().matches("bzj"));
        assert!(Query::parse("hakka").unwrap().matches("hak") && !Query::parse("hakka").unwrap().matches("nan"));
    }

    #[test]
    fn what_is_no_language_is_none() {
        for name in ["", "xx", "zzz", "klingonese", "en-gb-x"] {
            assert_eq!(Query::parse(name), None, "{name}");
        }
    }
}
