//! The front-ends of the languages, each loaded when it is first asked for.

use std::sync::OnceLock;

use lumivox_text::{FrontEnd, Language, front_end};

use crate::error::Result;

/// One for each of [`Language::ALL`].
#[derive(Default)]
pub(super) struct FrontEnds([OnceLock<Box<dyn FrontEnd>>; Language::ALL.len()]);

impl FrontEnds {
    pub(super) fn get(&self, language: Language) -> Result<&dyn FrontEnd> {
        let at = Language::ALL.iter().position(|known| *known == language).unwrap_or_default();
        let cell = &self.0[at];
        if let Some(front_end) = cell.get() {
            return Ok(front_end.as_ref());
        }
        let loaded = front_end(language)?;
        Ok(cell.get_or_init(|| loaded).as_ref())
    }
}
