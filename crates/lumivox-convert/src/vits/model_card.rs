//! The `MODEL_CARD` that lies beside every voice of Piper's collection. It is text for people, with a line `* License: …` for each dataset.

use crate::ConvertError;
use crate::config::{is_present, read_text};
use std::path::Path;

/// What is said of a card that states no licence.
const UNSTATED: &str = "see MODEL_CARD";

/// Longest licence that is taken over; the rest of a longer one is text that belongs to the card.
const MAX_LICENSE_CHARS: usize = 200;

/// The licence that the card `path` states, as SPDX identifier where that is plain, else in its own words; `None` when there is no card.
///
/// # Errors
/// There is a card, but it cannot be read.
pub(super) fn license(path: &Path) -> Result<Option<String>, ConvertError> {
    if !is_present(path) {
        return Ok(None);
    }
    let card = read_text(path, "it is the model card")?;
    let mut licenses: Vec<String> = Vec::new();
    for stated in card.lines().filter_map(stated) {
        let license = spdx(stated);
        if !licenses.contains(&license) {
            licenses.push(license);
        }
    }
    Ok(Some(if licenses.is_empty() { UNSTATED.into() } else { licenses.join(" and ") }))
}

/// What follows `License:` in a line of the card.
fn stated(line: &str) -> Option<&str> {
    let line = line.trim().trim_start_matches(['*', '-', ' ']);
    let (key, value) = line.split_once(':')?;
    let is_key = ["license", "licence"].iter().any(|name| key.trim().trim_matches('*').eq_ignore_ascii_case(name));
    let value = value.trim().trim_matches(['*', '<', '>']).trim();
    (is_key && !value.is_empty() && value.chars().count() <= MAX_LICENSE_CHARS).then_some(value)
}

/// The SPDX identifier of a licence that is named by its short name or by its address, else its own words.
fn spdx(stated: &str) -> String {
    let words = stated.to_lowercase();
    let address = words.split_once("creativecommons.org/").map(|(_, path)| path.trim_end_matches('/'));
    let parts: Vec<&str> = address.map_or(Vec::new(), |path| path.split('/').collect());
    match parts[..] {
        ["licenses", kind, version, ..] if kind.starts_with("by") => {
            return format!("CC-{}-{version}", kind.to_uppercase());
        }
        ["publicdomain", "zero", ..] => return "CC0-1.0".into(),
        _ => {}
    }
    match &*words.replace([' ', '_'], "-") {
        "cc0" | "cc-0" | "cc0-1.0" => "CC0-1.0".into(),
        "mit" | "mit-license" => "MIT".into(),
        "apache-2.0" | "apache-license-2.0" => "Apache-2.0".into(),
        cc if is_creative_commons(cc) => cc.to_uppercase(),
        _ => stated.into(),
    }
}

/// `cc-by-nc-sa-4.0` is an identifier; without its version it is none.
fn is_creative_commons(name: &str) -> bool {
    let Some((kind, version)) = name.rsplit_once('-') else { return false };
    ["cc-by", "cc-by-sa", "cc-by-nc", "cc-by-nd", "cc-by-nc-sa", "cc-by-nc-nd"].contains(&kind)
        && ["1.0", "2.0", "2.5", "3.0", "4.0"].contains(&version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_become_identifiers_where_that_is_plain() {
        for (stated, expected) in [
            ("CC0", "CC0-1.0"),
            ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
            ("https://creativecommons.org/licenses/by-nc-sa/4.0/", "CC-BY-NC-SA-4.0"),
            ("CC BY-SA 4.0", "CC-BY-SA-4.0"),
            ("CC-BY-NC-4.0", "CC-BY-NC-4.0"),
            ("MIT", "MIT"),
            ("CC BY", "CC BY"),
            ("Public domain", "Public domain"),
            ("Apache 2.0", "Apache-2.0"),
            ("See https://example.org/license", "See https://example.org/license"),
        ] {
            assert_eq!(spdx(stated), expected);
        }
    }

    #[test]
    fn only_the_licences_of_the_card_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let card = folder.path().join("MODEL_CARD");
        let read = |text: &str| {
            std::fs::write(&card, text).unwrap();
            license(&card).unwrap().unwrap()
        };
        assert_eq!(read("# Model card\n\n* URL: https://example.org\n* License: CC0\n"), "CC0-1.0");
        assert_eq!(read("* License: CC0\n\n* **Licence**: CC BY 4.0\n* license: cc0"), "CC0-1.0 and CC-BY-4.0");
        assert_eq!(read("* License:\n* License notes: none"), "see MODEL_CARD");
        std::fs::remove_file(&card).unwrap();
        assert_eq!(license(&card).unwrap(), None);
    }
}
