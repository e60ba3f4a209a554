//! The page at `/`, whose files are in the program.

use axum::Router;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;

use super::State;

/// The page may use what is in it alone, and play what it was given.
const POLICY: &str = "default-src 'self'; media-src 'self' blob:; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/// Its files.
const FILES: [(&str, &str, &str); 8] = [
    ("/", "text/html; charset=utf-8", include_str!("../../assets/index.html")),
    ("/page.css", "text/css; charset=utf-8", include_str!("../../assets/page.css")),
    ("/page.js", "text/javascript; charset=utf-8", include_str!("../../assets/page.js")),
    ("/api.js", "text/javascript; charset=utf-8", include_str!("../../assets/api.js")),
    ("/player.js", "text/javascript; charset=utf-8", include_str!("../../assets/player.js")),
    ("/settings.js", "text/javascript; charset=utf-8", include_str!("../../assets/settings.js")),
    ("/transcript.js", "text/javascript; charset=utf-8", include_str!("../../assets/transcript.js")),
    ("/waveform.js", "text/javascript; charset=utf-8", include_str!("../../assets/waveform.js")),
];

pub(super) fn routes() -> Router<State> {
    FILES.into_iter().fold(Router::new(), |router, (path, content_type, content)| {
        let headers = [(CONTENT_TYPE, content_type), (CONTENT_SECURITY_POLICY, POLICY)];
        router.route(path, get(async move || (headers, content).into_response()))
    })
}
