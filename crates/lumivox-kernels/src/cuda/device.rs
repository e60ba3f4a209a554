//! A device: its memory, what is copied to it and back, and launches.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::thread::ThreadId;

use candle_core::{Result, bail};

/// How kernels are run: a CUDA driver, or the emulation. All work goes through one stream, in order.
pub(super) trait Driver: Send + Sync {
    /// What the device is called.
    fn name(&self) -> &str;

    /// Multiprocessors, each of which runs a few blocks at a time.
    fn processors(&self) -> usize;

    /// Shared memory that a block gets at most, when it asks.
    fn max_shared_bytes(&self) -> usize;

    /// Blocks of a launch that run at once, on all processors.
    fn resident_blocks(&self, launch: &Launch) -> Result<usize>;

    /// An address with `bytes` bytes behind it.
    fn allocate(&self, bytes: usize) -> Result<u64>;

    /// Gives memory back once all that was launched is done, or leaves all of it where it is.
    ///
    /// # Safety
    /// The addresses are from [`Driver::allocate`] with as many bytes, and in use nowhere.
    unsafe fn free(&self, addresses: &[(u64, usize)]) -> Result<()>;

    /// Told that `len` of the `bytes` bytes at `address` were asked for and are in use no more.
    ///
    /// # Safety
    /// They are from [`Driver::allocate`].
    unsafe fn retire(&self, address: u64, len: usize, bytes: usize);

    /// # Safety
    /// There is memory for the bytes at `to`.
    unsafe fn upload(&self, to: u64, bytes: &[u8]) -> Result<()>;

    /// Waits for all that was launched, then copies.
    ///
    /// # Safety
    /// There is memory for the bytes at `from`.
    unsafe fn download(&self, from: u64, bytes: &mut [u8]) -> Result<()>;

    /// Copies within the device, after all that was launched before.
    ///
    /// # Safety
    /// There is memory for the bytes at both, and the two do not overlap.
    unsafe fn copy(&self, to: u64, from: u64, bytes: usize) -> Result<()>;

    /// # Safety
    /// The arguments are the kernel's, and all memory that it will touch is there.
    unsafe fn launch(&self, launch: &Launch, arguments: &[Argument]) -> Result<()>;

    /// Begins to record launches instead of running them.
    fn begin_capture(&self) -> Result<()>;

    /// What was recorded since.
    fn end_capture(&self) -> Result<Box<dyn Recording>>;
}

/// Launches that were recorded and can be run again as one.
pub(super) trait Recording: Send + Sync {
    /// Runs them.
    fn replay(&self) -> Result<()>;
}

/// Which kernel is run, on how many threads.
#[derive(Clone)]
pub(super) struct Launch {
    pub(super) kernel: &'static str,
    pub(super) grid: [u32; 3],
    pub(super) block: [u32; 3],
    pub(super) shared_bytes: u32,
    /// Whether all blocks must run at once, for they wait for each other.
    pub(super) cooperative: bool,
}

impl Launch {
    pub(super) fn new(kernel: &'static str, grid: [usize; 3], block: u32) -> Self {
        let grid = grid.map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        Self { kernel, grid, block: [block, 1, 1], shared_bytes: 0, cooperative: false }
    }

    pub(super) fn shared(self, bytes: usize) -> Self {
        Self { shared_bytes: u32::try_from(bytes).unwrap_or(u32::MAX), ..self }
    }
}

/// Where an operand of a launch is, and how large.
#[derive(Clone, Copy)]
pub(super) struct Argument {
    pub(super) at: *mut c_void,
    #[cfg_attr(not(feature = "emulation"), allow(dead_code, reason = "CUDA knows its kernels' parameters"))]
    pub(super) bytes: usize,
}

impl Argument {
    pub(super) fn new<T>(operand: &T) -> Self {
        Self { at: std::ptr::from_ref(operand).cast_mut().cast(), bytes: size_of::<T>() }
    }
}

/// The operands of a launch: what the kernel has as parameters, in their order.
macro_rules! arguments {
    ($($operand:expr),* $(,)?) => {
        &[$($crate::cuda::device::Argument::new(&$operand)),*]
    };
}
pub(super) use arguments;

/// Transfers between host and device since a device was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copies {
    /// From the host to the device.
    pub to_device: u64,
    /// From the device to the host; each waits for the device.
    pub to_host: u64,
    /// Kernels that were launched, or recordings of several.
    pub launches: u64,
}

/// A GPU, or the emulation of one. Clones are the same device.
#[derive(Clone)]
pub struct Device(Arc<Inner>);

struct Inner {
    driver: Box<dyn Driver>,
    /// Memory that nobody uses at the moment, by size. Work is done in order, so that what is freed can be given away at once.
    free: Mutex<Free>,
    /// Held for writing while launches are recorded: what other threads launch would be recorded with them.
    stream: RwLock<()>,
    to_device: AtomicU64,
    to_host: AtomicU64,
    launches: AtomicU64,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Device({})", self.name())
    }
}

/// Memory by size, in bytes.
type Addresses = BTreeMap<usize, Vec<u64>>;

/// Memory that nobody uses at the moment.
#[derive(Default)]
struct Free {
    addresses: Addresses,
    /// The thread that is making a recording, and memory for it: what is used in a recording is the recording's own.
    recording: Option<(ThreadId, Addresses)>,
}

impl Free {
    /// What the current thread takes memory from and gives it to.
    fn current(&mut self) -> &mut Addresses {
        match &mut self.recording {
            Some((recorder, own)) if *recorder == std::thread::current().id() => own,
            _ => &mut self.addresses,
        }
    }

    fn is_recorder(&self) -> bool {
        self.recording.as_ref().is_some_and(|(recorder, _)| *recorder == std::thread::current().id())
    }
}

/// Values that go to a device and back as they are.
pub trait Element: Copy + Default + sealed::Plain + 'static {}
mod sealed {
    /// # Safety
    /// Any bytes are a value, and there are none in between.
    pub unsafe trait Plain {}
    // SAFETY: numbers are their bytes.
    unsafe impl Plain for f32 {}
    // SAFETY: as above.
    unsafe impl Plain for f64 {}
    // SAFETY: as above.
    unsafe impl Plain for u32 {}
    // SAFETY: as above.
    unsafe impl Plain for half::f16 {}
}
impl Element for f32 {}
impl Element for f64 {}
impl Element for u32 {}
impl Element for half::f16 {}

impl Device {
    pub(super) fn new(driver: Box<dyn Driver>) -> Self {
        let (free, stream, to_device, to_host, launches) = Default::default();
        Self(Arc::new(Inner { driver, free, stream, to_device, to_host, launches }))
    }

    /// What the device is called.
    pub fn name(&self) -> &str {
        self.0.driver.name()
    }

    /// Multiprocessors.
    pub fn processors(&self) -> usize {
        self.0.driver.processors()
    }

    /// Shared memory that a block gets at most, when it asks.
    pub(super) fn max_shared_bytes(&self) -> usize {
        self.0.driver.max_shared_bytes()
    }

    /// Blocks of a launch that run at once, on all processors.
    pub(super) fn resident_blocks(&self, launch: &Launch) -> Result<usize> {
        self.0.driver.resident_blocks(launch)
    }

    /// Transfers and launches so far.
    pub fn copies(&self) -> Copies {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Copies {
            to_device: count(&self.0.to_device),
            to_host: count(&self.0.to_host),
            launches: count(&self.0.launches),
        }
    }

    /// Memory for `len` values, which are anything.
    ///
    /// # Errors
    /// If there is not so much memory.
    pub fn allocate<T: Element>(&self, len: usize) -> Result<Buffer> {
        let bytes = class(len * size_of::<T>());
        Ok(Buffer { device: self.clone(), address: self.take(bytes)?, bytes, len: len * size_of::<T>() })
    }

    /// The address of `bytes` bytes, which are a [`class`].
    fn take(&self, bytes: usize) -> Result<u64> {
        let kept = self.free().current().get_mut(&bytes).and_then(Vec::pop);
        match kept {
            Some(address) => Ok(address),
            // Nothing can be given back while launches are recorded; `record` does that and tries again.
            None if self.free().is_recorder() => self.0.driver.allocate(bytes),
            None => self.0.driver.allocate(bytes).or_else(|_| {
                self.release()?;
                self.0.driver.allocate(bytes)
            }),
        }
    }

    /// Copies `values` to the device.
    ///
    /// # Errors
    /// If there is not so much memory, or the device fails.
    pub fn upload<T: Element>(&self, values: &[T]) -> Result<Buffer> {
        let buffer = self.allocate::<T>(values.len())?;
        self.upload_into(&buffer, values)?;
        Ok(buffer)
    }

    /// Copies `values` to the device, to the begin of `buffer`.
    ///
    /// # Errors
    /// If it has not so much room, launches are being recorded, or the device fails.
    pub fn upload_into<T: Element>(&self, buffer: &Buffer, values: &[T]) -> Result<()> {
        if size_of_val(values) > buffer.len {
            bail!("upload: {} values to a buffer of {} bytes", values.len(), buffer.len);
        }
        self.check_not_recording("upload")?;
        let _turn = self.turn();
        self.0.to_device.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the buffer has room for the values, whose bytes are read.
        unsafe {
            let bytes = std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values));
            self.0.driver.upload(buffer.address, bytes)
        }
    }

    /// Copies all of `from` to `to` within the device, which is no transfer.
    ///
    /// # Errors
    /// If they are not of one size, launches are being recorded, or the device fails.
    pub(super) fn copy_into(&self, to: &Buffer, from: &Buffer) -> Result<()> {
        if to.bytes != from.bytes {
            bail!("copy: a buffer of {} bytes to one of {}", from.bytes, to.bytes);
        }
        self.check_not_recording("copy")?;
        let _turn = self.turn();
        // SAFETY: both have as many bytes, and buffers do not overlap.
        unsafe { self.0.driver.copy(to.address, from.address, to.bytes) }
    }

    /// Memory of the size of `buffer`, with a copy of what is in it.
    pub(super) fn duplicate(&self, buffer: &Buffer) -> Result<Buffer> {
        let Buffer { bytes, len, .. } = *buffer;
        let copy = Buffer { device: self.clone(), address: self.take(bytes)?, bytes, len };
        self.copy_into(&copy, buffer)?;
        Ok(copy)
    }

    /// Copies the first `len` values of `buffer` to the host, once all that was launched before is done.
    ///
    /// # Errors
    /// If it has not so many, or the device fails: also in an earlier launch.
    pub fn download<T: Element>(&self, buffer: &Buffer, len: usize) -> Result<Vec<T>> {
        if len * size_of::<T>() > buffer.len {
            bail!("download: {len} values of a buffer of {} bytes", buffer.len);
        }
        self.check_not_recording("download")?;
        let _turn = self.turn();
        let mut values = vec![T::default(); len];
        self.0.to_host.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the buffer has as many bytes, and any bytes are values.
        unsafe {
            let bytes = std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), len * size_of::<T>());
            self.0.driver.download(buffer.address, bytes)?;
        }
        Ok(values)
    }

    /// Runs a kernel after all that was launched before.
    ///
    /// # Safety
    /// The arguments are the kernel's parameters, and all memory that it will touch is there.
    pub(super) unsafe fn launch(&self, launch: &Launch, arguments: &[Argument]) -> Result<()> {
        if launch.grid.contains(&0) {
            return Ok(());
        }
        let _turn = self.turn();
        self.0.launches.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { self.0.driver.launch(launch, arguments) }
    }

    /// Gives the memory that nobody uses back to the driver.
    ///
    /// # Errors
    /// If launches are being recorded, or the device fails; nothing is lost then.
    pub fn release(&self) -> Result<()> {
        self.check_not_recording("release")?;
        let _turn = self.turn();
        // SAFETY: nobody uses what is in the list.
        unsafe { self.0.release(&mut self.free().addresses) }
    }

    /// Records what `f` launches instead of running it; [`Recorded::replay`] runs it, as often as is wanted, at the cost of one launch. What `f` reads must stay where
    /// it is; neither copies to the device nor from it belong there, nor waiting for another thread that uses the device, for those wait for the recording. `f` is called
    /// once more where memory was short, after what nobody uses was given back.
    ///
    /// # Errors
    /// If `f` fails or itself records.
    pub fn record<T>(&self, f: impl Fn() -> Result<T>) -> Result<Recorded<T>> {
        self.check_not_recording("record")?;
        let _others_wait = self.0.stream.write().unwrap_or_else(PoisonError::into_inner);
        self.record_once(&f).or_else(|_| {
            // SAFETY: nobody uses what is in the list.
            unsafe { self.0.release(&mut self.free().addresses)? };
            self.record_once(&f)
        })
    }

    fn record_once<T>(&self, f: &impl Fn() -> Result<T>) -> Result<Recorded<T>> {
        let capture = Capture::begin(self)?;
        let output = f()?;
        let (recording, memory) = capture.end()?;
        Ok(Recorded { output, recording, memory })
    }

    fn check_not_recording(&self, what: &str) -> Result<()> {
        if self.free().is_recorder() {
            bail!("{what}: launches are being recorded");
        }
        Ok(())
    }

    /// The current thread's turn to use the stream: waits while another thread records.
    fn turn(&self) -> Option<RwLockReadGuard<'_, ()>> {
        let is_recorder = self.free().is_recorder();
        (!is_recorder).then(|| self.0.stream.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn free(&self) -> MutexGuard<'_, Free> {
        self.0.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A recording that is being made, which ends with this whatever happens.
struct Capture<'a> {
    device: &'a Device,
    is_over: bool,
}

impl<'a> Capture<'a> {
    fn begin(device: &'a Device) -> Result<Self> {
        device.0.driver.begin_capture()?;
        device.free().recording = Some((std::thread::current().id(), Addresses::new()));
        Ok(Self { device, is_over: false })
    }

    fn end(mut self) -> Result<(Box<dyn Recording>, Memory)> {
        self.is_over = true;
        let (recording, memory) = self.finish();
        Ok((recording?, memory))
    }

    fn finish(&self) -> (Result<Box<dyn Recording>>, Memory) {
        let recording = self.device.0.driver.end_capture();
        let (_, addresses) = self.device.free().recording.take().unzip();
        (recording, Memory { device: self.device.clone(), addresses: addresses.unwrap_or_default() })
    }
}

impl Drop for Capture<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            let _abandoned = self.finish();
        }
    }
}

/// Launches that were recorded, with what they wrote when they were.
pub struct Recorded<T> {
    /// What the recorded function gave; its signals hold what the last replay made.
    pub output: T,
    recording: Box<dyn Recording>,
    memory: Memory,
}

impl<T> Recorded<T> {
    /// Runs the launches, after all that was launched before.
    ///
    /// # Errors
    /// If the device fails.
    pub fn replay(&self) -> Result<()> {
        let _turn = self.memory.device.turn();
        self.memory.device.0.launches.fetch_add(1, Ordering::Relaxed);
        self.recording.replay()
    }
}

/// Memory that is in use as long as this lives.
struct Memory {
    device: Device,
    addresses: Addresses,
}

impl Drop for Memory {
    fn drop(&mut self) {
        let mut free = self.device.free();
        for (bytes, addresses) in std::mem::take(&mut self.addresses) {
            free.addresses.entry(bytes).or_default().extend(addresses);
        }
    }
}

impl Inner {
    /// Gives memory back to the driver, which is then none, unless the driver fails.
    ///
    /// # Safety
    /// The addresses are the driver's with as many bytes, and in use nowhere.
    unsafe fn release(&self, addresses: &mut Addresses) -> Result<()> {
        let pairs = addresses.iter().flat_map(|(&bytes, of_size)| of_size.iter().map(move |&address| (address, bytes)));
        // SAFETY: the caller's promise.
        unsafe { self.driver.free(&pairs.collect::<Vec<_>>())? };
        addresses.clear();
        Ok(())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let mut free = std::mem::take(self.free.get_mut().unwrap_or_else(PoisonError::into_inner));
        // SAFETY: buffers hold their device, so that nobody uses them any more. Where the device failed, its memory is lost with it.
        let _ = unsafe { self.release(&mut free.addresses) };
    }
}

/// Sizes are rounded up to one of eight for each power of two, so that buffers are found again for utterances of other lengths.
fn class(bytes: usize) -> usize {
    let step = (bytes.next_power_of_two() / 16).max(256);
    bytes.max(1).next_multiple_of(step)
}

/// Memory of a device, which goes back to it when this is dropped.
#[derive(Debug)]
pub struct Buffer {
    device: Device,
    pub(super) address: u64,
    /// What it takes.
    bytes: usize,
    /// What was asked for.
    len: usize,
}

impl Buffer {
    /// Where it is.
    pub fn device(&self) -> &Device {
        &self.device
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: this is what the driver gave for the buffer.
        unsafe { self.device.0.driver.retire(self.address, self.len, self.bytes) };
        self.device.free().current().entry(self.bytes).or_default().push(self.address);
    }
}
