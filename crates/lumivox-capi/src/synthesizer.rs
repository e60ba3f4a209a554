//! Models.

use std::ffi::{CString, c_char};
use std::path::Path;
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use lumivox::store::{self, Reporter};
use lumivox::{DeviceChoice, LoadOptions, Precision, Synthesizer, embedded};

use crate::status::{Failure, LumivoxStatus, Place, call, free, from_c, object, to_c};

/// A loaded model. Threads may share it.
pub struct LumivoxSynthesizer {
    pub(crate) synthesizer: Arc<Synthesizer>,
    voices: Vec<CString>,
    note: Option<CString>,
}

/// What there is to say of where a model is from.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Reporter for Notes {
    fn note(&self, text: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
    }
}

/// In which numbers a model computes.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LumivoxPrecision {
    /// 32-bit floating point.
    F32 = 0,
    /// 16 bits, on a GPU.
    F16 = 1,
    /// 8-bit integers in Kokoro's residual blocks, on the processor.
    Int8 = 2,
}

/// How a model is loaded. All zero is the default.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LumivoxLoadOptions {
    /// Threads to compute with on the processor; 0 takes one for each of its threads.
    pub threads: usize,
    /// A `LumivoxPrecision`.
    pub precision: u32,
    /// `auto`, `cpu`, `cuda` or `cuda:N`; null is `auto`.
    pub device: *const c_char,
}

impl LumivoxLoadOptions {
    const DEFAULT: Self = Self { threads: 0, precision: LumivoxPrecision::F32 as u32, device: ptr::null() };
}

/// Loads a model: one that `lumivox models` lists, by its name, fetched first if it is not here; a model file, by its path; or `embedded`, the voice inside the
/// library. `options` may be null. `*synthesizer` is to be freed by `lumivox_synthesizer_free`.
///
/// # Safety
/// `model` is a string; `options` is null or valid; `synthesizer` can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_open(
    model: *const c_char,
    options: *const LumivoxLoadOptions,
    synthesizer: *mut *mut LumivoxSynthesizer,
) -> LumivoxStatus {
    call(|| {
        // SAFETY: the caller's.
        let (model, options, place) = unsafe { (from_c(model, "model")?, options.as_ref(), Place::new(synthesizer)?) };
        // SAFETY: the caller's.
        let options = unsafe { load_options(options.unwrap_or(&LumivoxLoadOptions::DEFAULT)) }?;
        let notes = Notes::default();
        let opened = match model {
            embedded::NAME => Synthesizer::embedded(&options)?,
            model => Synthesizer::open_with(&store::resolve(model, &notes)?, &options)?,
        };
        let notes = notes.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let note = (!notes.is_empty()).then(|| to_c(&notes.join("\n")));
        let voices = opened.voices().iter().map(|voice| to_c(voice)).collect();
        let opened = LumivoxSynthesizer { synthesizer: Arc::new(opened), voices, note };
        Ok(place.give(Box::into_raw(Box::new(opened))))
    })
}

/// # Safety
/// `options.device` is null or a string.
unsafe fn load_options(options: &LumivoxLoadOptions) -> Result<LoadOptions, Failure> {
    let device = match options.device.is_null() {
        true => DeviceChoice::Auto,
        // SAFETY: the caller's.
        false => unsafe { from_c(options.device, "device")? }
            .parse()
            .map_err(|error: String| Failure::argument(format!("the device can't be used: {error}")))?,
    };
    const F32: u32 = LumivoxPrecision::F32 as u32;
    const F16: u32 = LumivoxPrecision::F16 as u32;
    const INT8: u32 = LumivoxPrecision::Int8 as u32;
    let precision = match options.precision {
        F32 => Precision::F32,
        F16 => Precision::F16,
        INT8 => Precision::Int8,
        other => return Err(Failure::argument(format!("there is no precision {other}"))),
    };
    let threads = (options.threads > 0).then_some(options.threads);
    Ok(LoadOptions { threads, precision, device: device.open()?.0, ..LoadOptions::default() })
}

/// Frees a model; speech of it that is still there keeps what it needs. Null is nothing.
///
/// # Safety
/// `synthesizer` is null or from `lumivox_open`, and not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_synthesizer_free(synthesizer: *mut LumivoxSynthesizer) {
    // SAFETY: the caller's.
    unsafe { free(synthesizer) }
}

/// What is special about the model, such as other weights that stand in for those that were asked for because they could not be had; null where nothing is,
/// and for null. It lives as long as the model.
///
/// # Safety
/// `synthesizer` is null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_model_note(synthesizer: *const LumivoxSynthesizer) -> *const c_char {
    // SAFETY: the caller's.
    let note = unsafe { synthesizer.as_ref() }.and_then(|it| it.note.as_ref());
    note.map_or(ptr::null(), |note| note.as_ptr())
}

/// Samples in a second of the audio; 0 for null.
///
/// # Safety
/// `synthesizer` is null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_sample_rate_hz(synthesizer: *const LumivoxSynthesizer) -> u32 {
    // SAFETY: the caller's.
    unsafe { synthesizer.as_ref() }.map_or(0, |it| it.synthesizer.sample_rate_hz())
}

/// How many voices or speakers have names; 0 where there is one without, and for null.
///
/// # Safety
/// `synthesizer` is null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_voice_count(synthesizer: *const LumivoxSynthesizer) -> usize {
    // SAFETY: the caller's.
    unsafe { synthesizer.as_ref() }.map_or(0, |it| it.voices.len())
}

/// The name of a voice, counted from 0; null where there is none. It lives as long as the model.
///
/// # Safety
/// `synthesizer` is null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_voice(synthesizer: *const LumivoxSynthesizer, index: usize) -> *const c_char {
    // SAFETY: the caller's.
    let voices = unsafe { synthesizer.as_ref() }.map_or(&[][..], |it| &it.voices);
    voices.get(index).map_or(ptr::null(), |voice| voice.as_ptr())
}

/// # Safety
/// `synthesizer` is null or valid as long as the result.
pub(crate) unsafe fn synthesizer<'a>(
    synthesizer: *const LumivoxSynthesizer,
) -> Result<&'a LumivoxSynthesizer, Failure> {
    // SAFETY: the caller's.
    unsafe { object(synthesizer, "synthesizer") }
}

/// A file's path from C.
///
/// # Safety
/// `path` is null or a string that lives as long as the result.
pub(crate) unsafe fn path<'a>(path: *const c_char) -> Result<&'a Path, Failure> {
    // SAFETY: the caller's.
    unsafe { from_c(path, "path") }.map(Path::new)
}
