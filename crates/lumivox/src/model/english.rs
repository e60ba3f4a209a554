//! The English front-ends, each loaded when it is first asked for.

use std::sync::OnceLock;

use lumivox_text::{Dialect, English};

use crate::error::Result;

#[derive(Default)]
pub(super) struct EnglishFrontEnds {
    american: OnceLock<English>,
    british: OnceLock<English>,
}

impl EnglishFrontEnds {
    pub(super) fn get(&self, dialect: Dialect) -> Result<&English> {
        let cell = match dialect {
            Dialect::American => &self.american,
            Dialect::British => &self.british,
        };
        if let Some(english) = cell.get() {
            return Ok(english);
        }
        let english = English::new(dialect)?;
        Ok(cell.get_or_init(|| english))
    }
}
