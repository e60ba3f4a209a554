//! Wyoming's events on the wire.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use lumivox_server::wyoming::Event;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().build().expect("a runtime"));

fuzz_target!(|data: &[u8]| {
    RUNTIME.block_on(async {
        let mut from = data;
        while let Ok(Some(event)) = Event::read(&mut from).await {
            let mut bytes = Vec::new();
            event.write(&mut bytes).await.expect("memory to write to");
            let again = Event::read(&mut &bytes[..]).await.expect("what is written can be read").expect("an event");
            assert_eq!((&again.kind, &again.payload), (&event.kind, &event.payload));
            assert!(again.data.keys().eq(event.data.keys()), "{event:?}");
        }
    });
});
