//! Serves lumivox to programs and people: OpenAI's speech API with streaming, Wyoming, a WebSocket, and a web page.
//!
//! - [`engine`]: models that are loaded and unloaded, turns that are shared out fairly, requests;
//! - [`encode`]: formats of audio;
//! - `http`: the routes, [`serve`] listens; [`wyoming`]: the same for Home Assistant.

pub mod encode;
pub mod engine;
mod error;
mod http;
mod metrics;
mod server;
pub mod wyoming;

pub use error::{ApiError, Result};
pub use http::{HttpConfig, router};
pub use metrics::Metrics;
pub use server::serve;
