//! What is known of each language.

mod agreement;
mod brazilian_portuguese;
mod french;
mod hindi;
mod italian;
mod spanish;

pub(super) use brazilian_portuguese::BRAZILIAN_PORTUGUESE;
pub(super) use french::FRENCH;
pub(super) use hindi::HINDI;
pub(super) use italian::ITALIAN;
pub(super) use spanish::SPANISH;
