//! Kokoro's ids: one a symbol, with id 0 at both ends (`kokoro/model.py`, `KModel.forward`).

use std::collections::HashMap;

use super::Encoded;
use crate::error::{Error, Result};

/// Symbol → id, from the model's `config.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocabulary {
    ids: HashMap<char, u32>,
}

impl Vocabulary {
    /// Reads the `vocab` object of a model configuration (a JSON object of symbols and ids), or such an object itself.
    ///
    /// # Errors
    /// [`Error::Vocabulary`] if it is not JSON, a key is not one symbol, or an id is not in 1..2³².
    pub fn from_config(json: &str) -> Result<Self> {
        let config: serde_json::Value = serde_json::from_str(json).map_err(|e| Error::Vocabulary(e.to_string()))?;
        let vocabulary = config.get("vocab").unwrap_or(&config);
        let symbols = vocabulary.as_object().ok_or_else(|| Error::Vocabulary("no object `vocab`".to_owned()))?;
        let mut ids = HashMap::with_capacity(symbols.len());
        for (symbol, id) in symbols {
            let mut chars = symbol.chars();
            let (Some(c), None) = (chars.next(), chars.next()) else {
                return Err(Error::Vocabulary(format!("`{symbol}` is not one symbol")));
            };
            let id = id.as_u64().and_then(|id| u32::try_from(id).ok()).filter(|id| *id > 0);
            ids.insert(c, id.ok_or_else(|| Error::Vocabulary(format!("`{symbol}` has no usable id")))?);
        }
        if ids.is_empty() {
            return Err(Error::Vocabulary("empty".to_owned()));
        }
        Ok(Self { ids })
    }

    /// Number of symbols.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Never true: an empty vocabulary is refused.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The id of a symbol.
    pub fn id(&self, symbol: char) -> Option<u32> {
        self.ids.get(&symbol).copied()
    }

    /// Ids of `phonemes` with 0 at both ends.
    pub fn encode(&self, phonemes: &str) -> Encoded {
        let mut encoded = Encoded::default();
        encoded.push(0, None);
        for (place, symbol) in phonemes.chars().enumerate() {
            match self.id(symbol) {
                Some(id) => encoded.push(id, Some(place)),
                None => encoded.unknown.push((place, symbol)),
            }
        }
        encoded.push(0, None);
        encoded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_and_reports() {
        let vocabulary = Vocabulary::from_config(r#"{"vocab": {"h": 50, "i": 51, " ": 16}, "n_token": 178}"#).unwrap();
        assert_eq!(vocabulary.len(), 3);
        let encoded = vocabulary.encode("hi, hi");
        assert_eq!(encoded.ids, [0, 50, 51, 16, 50, 51, 0]);
        assert_eq!(encoded.symbols, [None, Some(0), Some(1), Some(3), Some(4), Some(5), None]);
        assert_eq!(encoded.unknown, [(2, ',')]);
        assert!(!encoded.is_silent() && vocabulary.encode("?").is_silent());
    }

    #[test]
    fn refuses_bad_configurations() {
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"vocab": {}}"#,
            r#"{"vocab": {"ab": 1}}"#,
            r#"{"vocab": {"a": -1}}"#,
            r#"{"vocab": {"a": 0}}"#,
            r#"{"vocab": {"a": "1"}}"#,
        ] {
            assert!(Vocabulary::from_config(bad).is_err(), "{bad}");
        }
    }
}
