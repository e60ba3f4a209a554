//! VITS (Piper, MMS-TTS and the original): its configuration, its tensors, and how each kind of checkpoint names them.
//!
//! Tensors keep the names of the original implementation (<https://github.com/jaywalnut310/vits>, `models.py`), which Piper uses
//! too. Only what synthesis reads is kept: the posterior encoder, the duration predictor's posterior and the flow that its inverse
//! leaves out are dropped.

mod config;
mod hf;
mod model_card;
mod original;
mod piper;
mod read;
mod schema;
mod shapes;

pub use crate::schema::Schema;
pub use config::{Config, MmsText, PiperText, Text};
pub use schema::schema;

pub(crate) use read::read;
