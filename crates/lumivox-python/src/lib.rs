//! The Python module `lumivox._lumivox`: the API of the crate `lumivox` with numpy arrays out. Every computation leaves the interpreter to other threads.

mod engine;
mod errors;
mod options;
mod speech;
mod stream;
mod worker;

use pyo3::pymodule;

/// Text to speech in Rust. `lumivox` re-exports everything of it.
#[pymodule]
mod _lumivox {
    #[pymodule_export]
    use crate::engine::Synthesizer;
    #[pymodule_export]
    use crate::speech::{Phoneme, Speech, SpeechWarning, Word};
    #[pymodule_export]
    use crate::stream::Stream;

    /// Version of the wheel.
    #[pymodule_export]
    const __VERSION__: &str = env!("CARGO_PKG_VERSION");
}
