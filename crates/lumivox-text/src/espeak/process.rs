//! Running a program with an input and a time limit.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// The most that is read of a program's output.
const MAX_OUTPUT_BYTES: u64 = 16 << 20;

/// How often a program that has closed its output is asked whether it has ended.
const POLL: Duration = Duration::from_millis(2);

/// What a program writes to its standard output when it is given `input`.
///
/// # Errors
/// [`Error::NoEspeak`] if it cannot be started; [`Error::Espeak`] if it ends with an error, with what it had to say of it, or takes
/// longer than `timeout`, in which case it is killed.
pub(super) fn run(program: &Path, arguments: &[&str], input: &str, timeout: Duration) -> Result<String> {
    let deadline = Instant::now() + timeout;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| Error::NoEspeak { program: program.display().to_string(), reason: error.to_string() })?;
    let ended = talk(&mut child, input, deadline);
    if ended.is_err() {
        // Whatever it is doing, it is of no more use; a process that has ended already cannot be killed, which is fine.
        let _ = child.kill();
        let _ = child.wait();
    }
    ended
}

fn talk(child: &mut Child, input: &str, deadline: Instant) -> Result<String> {
    let late = || Error::Espeak("it takes too long".to_owned());
    if let Some(mut stdin) = child.stdin.take() {
        let input = input.to_owned();
        // A program that ends before it has read everything shows that by its status.
        thread::spawn(move || stdin.write_all(input.as_bytes()));
    }
    let output = child.stdout.take().map(reader);
    let complaints = child.stderr.take().map(reader);
    let read = |from: Option<mpsc::Receiver<Vec<u8>>>| {
        let left = deadline.saturating_duration_since(Instant::now());
        from.map_or(Ok(Vec::new()), |from| from.recv_timeout(left).map_err(|_| late()))
    };
    let (output, complaints) = (read(output)?, read(complaints)?);
    let status = loop {
        match child.try_wait().map_err(|error| Error::Espeak(error.to_string()))? {
            Some(status) => break status,
            None if Instant::now() > deadline => return Err(late()),
            None => thread::sleep(POLL),
        }
    };
    if !status.success() {
        let complaints = String::from_utf8_lossy(&complaints);
        return Err(Error::Espeak(format!("{status}: {}", complaints.trim().escape_debug())));
    }
    String::from_utf8(output).map_err(|_| Error::Espeak("its output is not UTF-8".to_owned()))
}

/// Reads everything on a thread of its own; a program that never closes its output costs no more than that thread.
fn reader(from: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if from.take(MAX_OUTPUT_BYTES).read_to_end(&mut bytes).is_ok() {
            // Nobody listens any more when it was too late.
            let _ = send.send(bytes);
        }
    });
    receive
}
