//! An emulated device: the kernels' sources compiled for the host, for tests.

use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use candle_core::{Error, Result, bail};
use libloading::Library;

use super::device::{Argument, Device, Driver, Launch, Recording};

/// Values in front of and behind each allocation that nobody may write.
const GUARD_BYTES: usize = 256;
const GUARD: u8 = 0xff;

type Emulate =
    unsafe extern "C" fn(*const c_char, *const c_uint, *const c_uint, usize, c_int, c_uint, *mut *mut c_void) -> c_int;

/// A device of its own that runs the kernels on the host; they are compiled with `g++` when this is first called.
///
/// # Errors
/// If there is no `g++`, or the kernels can't be compiled.
pub fn emulated() -> Result<Device> {
    static LIBRARY: OnceLock<std::result::Result<Library, String>> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| library().map_err(|error| error.to_string()));
    let library = library.as_ref().map_err(|error| Error::Msg(error.clone()))?;
    // SAFETY: this is the function's type in `emulation.cc`.
    let emulate = unsafe { library.get::<Emulate>(b"lumivox_emulate\0") }.map_err(Error::wrap)?;
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get() as c_uint);
    Ok(Device::new(Box::new(Emulation { run: Run { emulate: *emulate, workers }, recorded: Mutex::default() })))
}

/// The device that tests run on: the CUDA device that `LUMIVOX_TEST_DEVICE` names, as `cuda:0`, and without it the emulated one.
///
/// # Errors
/// If there is no such device, or as [`emulated`].
pub fn device_under_test() -> Result<Device> {
    let Some(name) = std::env::var_os("LUMIVOX_TEST_DEVICE") else { return emulated() };
    let name = name.to_string_lossy();
    let ordinal = name.strip_prefix("cuda:").and_then(|ordinal| ordinal.parse::<usize>().ok());
    match ordinal {
        #[cfg(feature = "cuda")]
        Some(ordinal) => super::cuda(ordinal),
        #[cfg(not(feature = "cuda"))]
        Some(_) => bail!("LUMIVOX_TEST_DEVICE is {name}; these tests were built without the feature `cuda`"),
        None => bail!("LUMIVOX_TEST_DEVICE is {name}; it names a CUDA device, such as cuda:0"),
    }
}

/// The compiled kernels. `LUMIVOX_EMULATED_SOURCES` names other sources than the crate's own, which is how faults are planted in them.
fn library() -> Result<Library> {
    let sources = std::env::var_os("LUMIVOX_EMULATED_SOURCES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("cuda"), PathBuf::from);
    let folder = std::env::temp_dir().join(format!("lumivox-emulation-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("kernels.inc"), kernels(&sources)?)?;
    let shared = folder.join("emulation.so");
    let mut compiler = Command::new("g++");
    compiler
        .args(["-std=c++17", "-O3", "-march=native", "-shared", "-fPIC", "-ftls-model=initial-exec", "-pthread", "-o"])
        .arg(&shared);
    compiler.arg("-I").arg(&folder).arg("-I").arg(&sources).arg(sources.join("emulation/emulation.cc"));
    let output = compiler.output().map_err(|error| Error::Msg(format!("g++, which compiles the kernels: {error}")))?;
    if !output.status.success() {
        bail!("g++ could not compile the kernels:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    // SAFETY: the library has no initialisers of its own.
    let library = unsafe { Library::new(&shared) }.map_err(Error::wrap)?;
    // It stays mapped.
    std::fs::remove_dir_all(&folder)?;
    Ok(library)
}

/// A line for each kernel in the sources.
fn kernels(sources: &Path) -> Result<String> {
    let mut lines = String::new();
    for entry in std::fs::read_dir(sources)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "cu") {
            continue;
        }
        let source = std::fs::read_to_string(&path)?;
        for declaration in source.split("extern \"C\" __global__").skip(1) {
            let (before, _) = declaration.split_once('{').unwrap_or_default();
            let bounds =
                before.find("__launch_bounds__").map_or(0, |at| before[at..].find(')').map_or(0, |n| at + n + 1));
            let name = before[bounds..].split('(').next().unwrap_or_default();
            lines.push_str(&format!("KERNEL({})\n", name.trim_start().trim_start_matches("void").trim()));
        }
    }
    Ok(lines)
}

struct Emulation {
    run: Run,
    /// Launches since a capture began.
    recorded: Mutex<Option<Vec<Call>>>,
}

/// What runs a launch.
#[derive(Clone, Copy)]
struct Run {
    emulate: Emulate,
    workers: c_uint,
}

impl Run {
    /// # Safety
    /// The arguments are the kernel's, and all memory that it will touch is there.
    unsafe fn run(self, launch: &Launch, arguments: &mut [*mut c_void]) -> Result<()> {
        let name = CString::new(launch.kernel).map_err(Error::wrap)?;
        let Launch { grid, block, shared_bytes, cooperative, .. } = launch;
        // SAFETY: the caller's promise.
        let status = unsafe {
            (self.emulate)(
                name.as_ptr(),
                grid.as_ptr(),
                block.as_ptr(),
                *shared_bytes as usize,
                c_int::from(*cooperative),
                self.workers,
                arguments.as_mut_ptr(),
            )
        };
        if status == 0 { Ok(()) } else { bail!("there is no kernel {}", launch.kernel) }
    }
}

/// A launch with a copy of its arguments, in words of the strictest alignment that parameters have.
struct Call {
    launch: Launch,
    arguments: Vec<Vec<u128>>,
}

struct Calls {
    run: Run,
    calls: Vec<Call>,
}

impl Recording for Calls {
    fn replay(&self) -> Result<()> {
        for call in &self.calls {
            let mut arguments: Vec<_> = call.arguments.iter().map(|words| words.as_ptr().cast_mut().cast()).collect();
            // SAFETY: what `Driver::launch` was promised when the call was recorded; the memory is the recording's.
            unsafe { self.run.run(&call.launch, &mut arguments)? };
        }
        Ok(())
    }
}

impl Driver for Emulation {
    fn name(&self) -> &str {
        "emulated"
    }

    /// So few that large blocks, which are emulated faster, are taken soon.
    fn processors(&self) -> usize {
        2
    }

    /// A T4's.
    fn max_shared_bytes(&self) -> usize {
        64 * 1024
    }

    /// A T4's, of blocks with as much shared memory as an LSTM takes.
    fn resident_blocks(&self, _: &Launch) -> Result<usize> {
        Ok(40)
    }

    fn allocate(&self, bytes: usize) -> Result<u64> {
        // Of f64 for the alignment; NaN until it is written.
        let words = (bytes + 2 * GUARD_BYTES).div_ceil(32);
        let memory: Box<[Aligned]> = vec![Aligned([GUARD; 32]); words].into();
        Ok(Box::into_raw(memory).cast::<u8>() as u64 + GUARD_BYTES as u64)
    }

    unsafe fn free(&self, addresses: &[(u64, usize)]) -> Result<()> {
        for &(address, bytes) in addresses {
            let start = (address as usize - GUARD_BYTES) as *mut Aligned;
            let words = (bytes + 2 * GUARD_BYTES).div_ceil(32);
            // SAFETY: this is what `allocate` made.
            unsafe { drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(start, words))) };
        }
        Ok(())
    }

    /// Checks that nothing was written outside, and makes all NaN for whoever is next.
    unsafe fn retire(&self, address: u64, len: usize, bytes: usize) {
        let start = (address as usize - GUARD_BYTES) as *mut u8;
        // SAFETY: this is what `allocate` made.
        let all = unsafe { std::slice::from_raw_parts_mut(start, bytes + 2 * GUARD_BYTES) };
        let (before, rest) = all.split_at_mut(GUARD_BYTES);
        let (used, behind) = rest.split_at_mut(len);
        let is_whole = before.iter().chain(&*behind).all(|byte| *byte == GUARD);
        assert!(is_whole || std::thread::panicking(), "a kernel wrote outside of a buffer");
        used.fill(GUARD);
    }

    unsafe fn upload(&self, to: u64, bytes: &[u8]) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to as *mut u8, bytes.len()) };
        Ok(())
    }

    unsafe fn download(&self, from: u64, bytes: &mut [u8]) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe { std::ptr::copy_nonoverlapping(from as *const u8, bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    unsafe fn copy(&self, to: u64, from: u64, bytes: usize) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe { std::ptr::copy_nonoverlapping(from as *const u8, to as *mut u8, bytes) };
        Ok(())
    }

    unsafe fn launch(&self, launch: &Launch, arguments: &[Argument]) -> Result<()> {
        if let Some(recorded) = &mut *self.recorded() {
            let copied = |argument: &Argument| {
                let mut words = vec![0u128; argument.bytes.div_ceil(size_of::<u128>())];
                // SAFETY: the operand has so many bytes, and the words have room for them.
                unsafe {
                    std::ptr::copy_nonoverlapping(argument.at.cast::<u8>(), words.as_mut_ptr().cast(), argument.bytes);
                }
                words
            };
            let arguments = arguments.iter().map(copied).collect();
            recorded.push(Call { launch: launch.clone(), arguments });
            return Ok(());
        }
        let arguments = &mut arguments.iter().map(|argument| argument.at).collect::<Vec<_>>();
        // SAFETY: the caller's promise.
        unsafe { self.run.run(launch, arguments) }
    }

    fn begin_capture(&self) -> Result<()> {
        *self.recorded() = Some(Vec::new());
        Ok(())
    }

    fn end_capture(&self) -> Result<Box<dyn Recording>> {
        Ok(Box::new(Calls { run: self.run, calls: self.recorded().take().unwrap_or_default() }))
    }
}

impl Emulation {
    fn recorded(&self) -> std::sync::MutexGuard<'_, Option<Vec<Call>>> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Copy)]
#[repr(align(32))]
#[allow(dead_code, reason = "it is only ever bytes")]
struct Aligned([u8; 32]);
