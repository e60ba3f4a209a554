//! Bodies of `POST /v1/audio/speech`, up to the audio of a small model.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lumivox_fuzz::server::post;

fuzz_target!(init: drop(post("/v1/audio/speech", br#"{"input":"a"}"#)), |body: &[u8]| {
    let (status, answer) = post("/v1/audio/speech", body);
    let shown = String::from_utf8_lossy(&answer[..answer.len().min(500)]).into_owned();
    assert!(!status.is_server_error(), "{status}: {shown}");
    if status.is_client_error() {
        let error: serde_json::Value = serde_json::from_slice(&answer).expect("an error is JSON");
        assert!(error["error"]["message"].is_string(), "{shown}");
    }
});
