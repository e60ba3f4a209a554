//! Audio files.

use std::ffi::c_char;
use std::slice;

use lumivox::audio::{SampleFormat, WavFile};

use crate::status::{Failure, LumivoxStatus, call};
use crate::synthesizer::path;

/// Writes mono samples as a WAV file of 16 bits, which has its name only when it is whole.
///
/// # Safety
/// `file` is a string; `samples` are `n_samples`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_write_wav(
    file: *const c_char,
    samples: *const f32,
    n_samples: usize,
    sample_rate_hz: u32,
) -> LumivoxStatus {
    call(|| {
        let samples = match (samples.is_null(), n_samples) {
            (_, 0) => &[][..],
            (true, _) => return Err(Failure::argument("samples is null")),
            // SAFETY: the caller's.
            _ => unsafe { slice::from_raw_parts(samples, n_samples) },
        };
        if sample_rate_hz == 0 {
            return Err(Failure::argument("the sample rate is 0"));
        }
        // SAFETY: the caller's.
        let mut wav = WavFile::create(unsafe { path(file)? }, sample_rate_hz, SampleFormat::I16)?;
        wav.write(samples)?;
        wav.finish()?;
        Ok(LumivoxStatus::Ok)
    })
}
