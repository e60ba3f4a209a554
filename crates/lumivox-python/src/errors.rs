//! Errors as Python's exceptions, which `lumivox/errors.py` defines.

use lumivox::Error;
use lumivox::store::StoreError;
use pyo3::types::PyAnyMethods;
use pyo3::{PyErr, PyResult, Python};

mod python {
    pyo3::import_exception!(lumivox.errors, CancelledError);
    pyo3::import_exception!(lumivox.errors, ComputeError);
    pyo3::import_exception!(lumivox.errors, DeviceError);
    pyo3::import_exception!(lumivox.errors, LanguageError);
    pyo3::import_exception!(lumivox.errors, LumivoxError);
    pyo3::import_exception!(lumivox.errors, ModelFileError);
    pyo3::import_exception!(lumivox.errors, ModelNotFoundError);
    pyo3::import_exception!(lumivox.errors, NothingToSayError);
    pyo3::import_exception!(lumivox.errors, OptionError);
    pyo3::import_exception!(lumivox.errors, SsmlError);
    pyo3::import_exception!(lumivox.errors, StoreError);
    pyo3::import_exception!(lumivox.errors, TextTooLongError);
    pyo3::import_exception!(lumivox.errors, UnknownVoiceError);
    pyo3::import_exception!(lumivox.errors, WriteError);
}

/// The exception for an error of the engine.
pub fn engine(error: Error) -> PyErr {
    let message = error.to_string();
    match error {
        Error::ModelFile(_) | Error::Config { .. } => python::ModelFileError::new_err(message),
        Error::UnknownVoice { nearest, .. } | Error::UnknownSpeaker { nearest, .. } => {
            python::UnknownVoiceError::new_err((message, nearest))
        }
        Error::VoiceSyntax(_) => python::UnknownVoiceError::new_err(message),
        Error::NoFrontEnd { .. } | Error::PhonemesOnly { .. } | Error::Text(_) => {
            python::LanguageError::new_err(message)
        }
        Error::Device { .. } | Error::Precision { .. } => python::DeviceError::new_err(message),
        Error::OutOfRange { .. } | Error::NotOfFamily { .. } => python::OptionError::new_err(message),
        Error::TextTooLong { .. } => python::TextTooLongError::new_err(message),
        Error::NothingToSay { warnings } => python::NothingToSayError::new_err((message, warnings)),
        Error::Ssml(_) => python::SsmlError::new_err(message),
        Error::Cancelled => python::CancelledError::new_err(message),
        Error::Compute(_) | Error::Threads(_) => python::ComputeError::new_err(message),
        Error::Write { .. } | Error::WavTooLong => python::WriteError::new_err(message),
        // UnknownSymbol and OtherDurations can't come from what this module calls.
        _ => python::LumivoxError::new_err(message),
    }
}

/// The exception for an error of the models' store.
pub fn store(error: StoreError) -> PyErr {
    let message = error.to_string();
    match error {
        StoreError::UnknownModel { nearest, .. } => python::ModelNotFoundError::new_err((message, nearest)),
        StoreError::NoSuchFile(_) => python::ModelNotFoundError::new_err(message),
        _ => python::StoreError::new_err(message),
    }
}

/// The exception for an option that can't be taken.
pub fn option(message: String) -> PyErr {
    python::OptionError::new_err(message)
}

/// Where something goes on in a way that a user should know of, Python's `logging` has it.
pub fn log(py: Python, level: &str, message: &str) -> PyResult<()> {
    let logger = py.import("logging")?.call_method1("getLogger", ("lumivox",))?;
    logger.call_method1(level, ("%s", message)).map(drop)
}
