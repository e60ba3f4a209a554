//! A server with one small model, without a network.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, StatusCode};
use lumivox::LoadOptions;
use lumivox_convert::{Options, convert};
use lumivox_server::engine::{Engine, EngineConfig, Models, ModelsConfig};
use lumivox_server::{HttpConfig, router};
use tokio::runtime::{Builder, Runtime};
use tower_service::Service;

use crate::support::{pth, vits};
use crate::{convert::write, scratch};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().expect("a runtime"));

static ROUTER: LazyLock<Router> = LazyLock::new(|| {
    let models = ModelsConfig {
        default: "small".into(),
        files: BTreeMap::from([("small".into(), small_model())]),
        store: None,
        load: LoadOptions::default(),
        unload_after: Duration::from_secs(3600),
        memory_bytes: 1 << 30,
    };
    let engine = EngineConfig { max_requests: 4, max_text_bytes: 300, timeout: Duration::from_secs(60), at_once: 1 };
    let http = HttpConfig {
        api_keys: Vec::new(),
        cors_origins: Vec::new(),
        max_body_bytes: 1 << 16,
        body_timeout: Duration::from_secs(60),
        has_ffmpeg: false,
    };
    router(Engine::new(Models::new(models), engine), http)
});

/// A VITS model that reads the letters a to e.
fn small_model() -> PathBuf {
    let config = vits::config("2", 2, false);
    write("server/config.json", vits::original_json(&config).to_string());
    write("server/vocab.txt", "a\nb\nc\nd\ne\n \n");
    let weights = vits::original(&vits::weights(&config, 1));
    let checkpoint = write("server/G_1.pth", pth::save_training(&weights));
    let output = scratch("server/small.safetensors");
    convert(&checkpoint, &output, &Options::default(), &mut |_| {}).expect("a model");
    output
}

/// Posts a body, and takes in all of the answer.
pub fn post(path: &str, body: &[u8]) -> (StatusCode, Bytes) {
    let request = Request::post(path).body(Body::from(body.to_vec())).expect("a request");
    RUNTIME.block_on(async {
        let Ok(response) = ROUTER.clone().call(request).await;
        let status = response.status();
        let answer = to_bytes(response.into_body(), 1 << 28).await;
        (status, answer.unwrap_or_default())
    })
}
