//! A real device, through the CUDA driver that is found at run time. The kernels are in the program: machine code for the architectures that there were, PTX for
//! those to come.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{Error, Result, bail};
use cudarc::driver::sys::{
    self, CUdevice_attribute, CUfunction_attribute, CUgraphInstantiate_flags, CUstreamCaptureMode,
};
use cudarc::driver::{CudaContext, CudaFunction, CudaGraph, CudaModule, CudaStream, result};
use cudarc::nvrtc::Ptx;
use flate2::read::GzDecoder;

use super::device::{Argument, Device, Driver, Launch, Recording};

/// Machine code by compute capability, as `tools/cuda/build.py` makes it.
const CUBINS: [(i32, &[u8]); 6] = [
    (70, include_bytes!("../../cuda/binaries/sm_70.cubin.gz")),
    (75, include_bytes!("../../cuda/binaries/sm_75.cubin.gz")),
    (80, include_bytes!("../../cuda/binaries/sm_80.cubin.gz")),
    (86, include_bytes!("../../cuda/binaries/sm_86.cubin.gz")),
    (89, include_bytes!("../../cuda/binaries/sm_89.cubin.gz")),
    (90, include_bytes!("../../cuda/binaries/sm_90.cubin.gz")),
];
const PTX: &[u8] = include_bytes!("../../cuda/binaries/compute_70.ptx.gz");

/// The version of CUDA whose functions are used, as drivers tell it.
const LEAST_DRIVER: i32 = 12_000;

/// Whether there is a CUDA driver on this machine.
pub fn is_driver_present() -> bool {
    // SAFETY: the driver's library is a system's own; loading it runs its initialisers.
    unsafe { sys::is_culib_present() }
}

/// The CUDA device `ordinal`.
///
/// # Errors
/// If there is no CUDA driver or no such device, or it is older than compute capability 7.0.
pub fn cuda(ordinal: usize) -> Result<Device> {
    if !is_driver_present() {
        bail!("there is no CUDA driver (libcuda.so) on this machine");
    }
    let mut version = 0;
    // SAFETY: the function is in every driver, and writes the version.
    let known = unsafe { sys::cuDriverGetVersion(&mut version) }.result();
    known.map_err(|error| Error::Msg(format!("the CUDA driver: {error}")))?;
    if version < LEAST_DRIVER {
        bail!(
            "the CUDA driver is for CUDA {}.{}; 12.0 is the least, which driver 525 has",
            version / 1000,
            version % 1000 / 10
        );
    }
    let context = CudaContext::new(ordinal).map_err(|error| Error::Msg(format!("CUDA device {ordinal}: {error}")))?;
    let attribute = |what| context.attribute(what).map_err(Error::wrap);
    let major = attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
    let minor = attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
    let capability = 10 * major + minor;
    if capability < 70 {
        bail!("CUDA device {ordinal} has compute capability {major}.{minor}; 7.0 is the least");
    }
    // Events that order streams are of no use with one.
    // SAFETY: all work goes through the one stream below.
    unsafe { context.disable_event_tracking() };
    let stream = context.new_stream().map_err(Error::wrap)?;
    let module = context.load_module(code(capability)?).map_err(Error::wrap)?;
    let name = context.name().map_err(Error::wrap)?;
    let number = |what| attribute(what).map(|n| usize::try_from(n).unwrap_or_default());
    let processors = number(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?;
    let max_shared_bytes = number(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)?;
    Ok(Device::new(Box::new(Cuda {
        name,
        processors,
        max_shared_bytes,
        context,
        stream,
        module,
        functions: Mutex::default(),
    })))
}

/// The kernels for a compute capability: machine code of the same major version and no later minor, else PTX, which the driver compiles.
fn code(capability: i32) -> Result<Ptx> {
    let fits = |(arch, _): &&(i32, &[u8])| arch / 10 == capability / 10 && *arch <= capability;
    let best = CUBINS.iter().filter(fits).max_by_key(|(arch, _)| *arch);
    let mut bytes = Vec::new();
    GzDecoder::new(best.map_or(PTX, |(_, cubin)| cubin)).read_to_end(&mut bytes)?;
    Ok(match best {
        Some(_) => Ptx::from_binary(bytes),
        None => Ptx::from_src(String::from_utf8(bytes).map_err(Error::wrap)?),
    })
}

struct Cuda {
    name: String,
    processors: usize,
    max_shared_bytes: usize,
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
    module: Arc<CudaModule>,
    functions: Mutex<HashMap<&'static str, CudaFunction>>,
}

impl Cuda {
    /// The kernel of a launch, which is allowed all the shared memory that there is: without asking it would get 48 KiB.
    fn function(&self, launch: &Launch) -> Result<CudaFunction> {
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(function) = functions.get(launch.kernel) {
            return Ok(function.clone());
        }
        let missing = |error| Error::Msg(format!("kernel {}: {error}", launch.kernel));
        let function = self.module.load_function(launch.kernel).map_err(missing)?;
        let dynamic = CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        function.set_attribute(dynamic, self.max_shared_bytes as i32).map_err(Error::wrap)?;
        functions.insert(launch.kernel, function.clone());
        Ok(function)
    }

    fn bind(&self) -> Result<()> {
        self.context.bind_to_thread().map_err(Error::wrap)
    }
}

impl Driver for Cuda {
    fn name(&self) -> &str {
        &self.name
    }

    fn processors(&self) -> usize {
        self.processors
    }

    fn max_shared_bytes(&self) -> usize {
        self.max_shared_bytes
    }

    fn resident_blocks(&self, launch: &Launch) -> Result<usize> {
        self.bind()?;
        let function = self.function(launch)?;
        let threads = launch.block.iter().product();
        let each = function.occupancy_max_active_blocks_per_multiprocessor(threads, launch.shared_bytes as usize, None);
        Ok(each.map_err(Error::wrap)? as usize * self.processors)
    }

    fn allocate(&self, bytes: usize) -> Result<u64> {
        self.bind()?;
        // SAFETY: memory that is anything is never read before it is written.
        unsafe { result::malloc_sync(bytes) }.map_err(Error::wrap)
    }

    unsafe fn free(&self, addresses: &[(u64, usize)]) -> Result<()> {
        self.bind()?;
        // What is still to run may use it.
        self.stream.synchronize().map_err(Error::wrap)?;
        for (address, _) in addresses {
            // SAFETY: the caller's promise. After a failure the device is of no use, and neither is its memory.
            unsafe { result::free_sync(*address) }.map_err(Error::wrap)?;
        }
        Ok(())
    }

    unsafe fn retire(&self, _: u64, _: usize, _: usize) {}

    unsafe fn upload(&self, to: u64, bytes: &[u8]) -> Result<()> {
        self.bind()?;
        // SAFETY: the caller's promise; the stream is waited for, as the bytes are the caller's again afterwards.
        unsafe { result::memcpy_htod_async(to, bytes, self.stream.cu_stream()) }.map_err(Error::wrap)?;
        self.stream.synchronize().map_err(Error::wrap)
    }

    unsafe fn download(&self, from: u64, bytes: &mut [u8]) -> Result<()> {
        self.bind()?;
        // SAFETY: the caller's promise; the stream is waited for.
        unsafe { result::memcpy_dtoh_async(bytes, from, self.stream.cu_stream()) }.map_err(Error::wrap)?;
        self.stream.synchronize().map_err(Error::wrap)
    }

    unsafe fn copy(&self, to: u64, from: u64, bytes: usize) -> Result<()> {
        self.bind()?;
        // SAFETY: the caller's promise.
        unsafe { result::memcpy_dtod_async(to, from, bytes, self.stream.cu_stream()) }.map_err(Error::wrap)
    }

    unsafe fn launch(&self, launch: &Launch, arguments: &[Argument]) -> Result<()> {
        self.bind()?;
        let arguments = &mut arguments.iter().map(|argument| argument.at).collect::<Vec<_>>();
        let function = self.function(launch)?.cu_function();
        let (grid, block) = (launch.grid.into(), launch.block.into());
        let (shared, stream) = (launch.shared_bytes, self.stream.cu_stream());
        // SAFETY: the caller's promise.
        let launched = unsafe {
            if launch.cooperative {
                result::launch_cooperative_kernel(function, grid, block, shared, stream, arguments)
            } else {
                result::launch_kernel(function, grid, block, shared, stream, arguments)
            }
        };
        launched.map_err(|error| Error::Msg(format!("kernel {}: {error}", launch.kernel)))
    }

    fn begin_capture(&self) -> Result<()> {
        // Memory may be allocated meanwhile.
        let mode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED;
        self.stream.begin_capture(mode).map_err(Error::wrap)
    }

    fn end_capture(&self) -> Result<Box<dyn Recording>> {
        let flags = CUgraphInstantiate_flags(0);
        match self.stream.end_capture(flags).map_err(Error::wrap)? {
            Some(graph) => Ok(Box::new(Graph(Mutex::new(graph)))),
            None => bail!("CUDA recorded nothing"),
        }
    }
}

/// A CUDA graph.
struct Graph(Mutex<CudaGraph>);

// SAFETY: a graph may be used from any thread, by one at a time, which the lock sees to.
unsafe impl Send for Graph {}
// SAFETY: as above.
unsafe impl Sync for Graph {}

impl Recording for Graph {
    fn replay(&self) -> Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).launch().map_err(Error::wrap)
    }
}
