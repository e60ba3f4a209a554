//! Formats by an installed ffmpeg, which is a process of its own.

use std::process::Stdio;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::Format;
use crate::error::{ApiError, Result};

const PROGRAM: &str = "ffmpeg";

/// Whether there is an ffmpeg.
pub async fn is_installed() -> bool {
    let version =
        Command::new(PROGRAM).arg("-version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.await.is_ok_and(|status| status.success())
}

/// A running ffmpeg. Dropping it ends the process.
pub struct Ffmpeg {
    /// What takes samples of 16 bits.
    pub input: ChildStdin,
    output: ChildStdout,
    child: Child,
}

impl Ffmpeg {
    /// Begins to make `format` of samples of `sample_rate_hz`.
    ///
    /// # Errors
    /// If the program is not there.
    pub fn start(format: Format, sample_rate_hz: u32) -> Result<Self> {
        let rate = sample_rate_hz.to_string();
        let encode: &[&str] = match format {
            Format::Aac => &["-c:a", "aac", "-b:a", "96k", "-f", "adts"],
            _ => &["-c:a", "libmp3lame", "-b:a", "96k", "-write_xing", "0", "-f", "mp3"],
        };
        let mut child = Command::new(PROGRAM)
            .args(["-hide_banner", "-loglevel", "error", "-f", "s16le", "-ac", "1", "-ar", &rate, "-i", "pipe:0"])
            .args(encode)
            .args(["-flush_packets", "1", "pipe:1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| ApiError::Internal(format!("ffmpeg can't be run: {error}")))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => Ok(Self { input, output, child }),
            _ => Err(ApiError::Internal("ffmpeg has no pipes".into())),
        }
    }

    /// Splits it into what takes samples and what gives bytes, which run at the same time.
    pub fn split(self) -> (FfmpegInput, FfmpegOutput) {
        (FfmpegInput(self.input), FfmpegOutput { output: self.output, child: self.child })
    }
}

/// Takes samples of 16 bits; dropping it ends the audio.
pub struct FfmpegInput(ChildStdin);

impl FfmpegInput {
    /// Hands bytes over.
    ///
    /// # Errors
    /// If ffmpeg has ended.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.write_all(bytes).await.map_err(|error| ApiError::Internal(format!("ffmpeg ended early: {error}")))
    }
}

/// Gives encoded bytes.
pub struct FfmpegOutput {
    output: ChildStdout,
    child: Child,
}

impl FfmpegOutput {
    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// If ffmpeg fails.
    pub async fn read(&mut self) -> Result<Vec<u8>> {
        let mut bytes = vec![0; 16 * 1024];
        let failed = |error: std::io::Error| ApiError::Internal(format!("ffmpeg can't be read: {error}"));
        let length = self.output.read(&mut bytes).await.map_err(failed)?;
        bytes.truncate(length);
        if length == 0 {
            let status = self.child.wait().await.map_err(failed)?;
            if !status.success() {
                return Err(ApiError::Internal(format!("ffmpeg failed ({status})")));
            }
        }
        Ok(bytes)
    }
}
