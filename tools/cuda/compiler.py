"""NVRTC and ptxas as PyPI has them: installed once into a cache folder, then called."""

import ctypes
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import typing

REQUIREMENTS = pathlib.Path(__file__).resolve().with_name("requirements.txt")
PTX_ARCHITECTURE = 70
# Those of a major version run on later minor ones, too: sm_70 is for 7.2, sm_86 for 8.7. The driver compiles the PTX for what is newer.
ARCHITECTURES = (70, 75, 80, 86, 89, 90)


class CompileError(RuntimeError):
    """What can't be compiled, or not on this machine."""


class Resources(typing.NamedTuple):
    """What a kernel takes on an architecture. Its shared memory is that which is known when it is compiled; what a launch asks for comes on top."""

    kernel: str
    architecture: int
    registers: int
    spill_stores_bytes: int
    spill_loads_bytes: int
    stack_bytes: int
    shared_bytes: int


class Toolchain:
    """The compilers, installed on first use."""

    def __init__(self):
        packages = installed() / "nvidia"
        self.ptxas = packages / "cuda_nvcc/bin/ptxas"
        self.includes = [packages / "cuda_runtime/include", packages / "cuda_nvcc/include"]
        libraries = packages / "cuda_nvrtc/lib"
        # NVRTC looks for its builtins by name, and finds them if they are loaded.
        ctypes.CDLL(str(libraries / "libnvrtc-builtins.so.12.4"), ctypes.RTLD_GLOBAL)
        self.nvrtc = ctypes.CDLL(str(libraries / "libnvrtc.so.12"))
        self.nvrtc.nvrtcGetErrorString.restype = ctypes.c_char_p

    def ptx(self, source):
        """PTX of a source, which includes others of its folder. Where they lie is not in it."""
        options = [f"--gpu-architecture=compute_{PTX_ARCHITECTURE}", "--std=c++17", *(f"--include-path={folder}" for folder in [source.parent, *self.includes])]
        program = ctypes.c_void_p()
        # What is included is looked for in the working folder first.
        os.chdir(source.parent)
        self.call("nvrtcCreateProgram", ctypes.byref(program), source.read_bytes(), source.name.encode(), 0, None, None)
        try:
            arguments = (ctypes.c_char_p * len(options))(*map(str.encode, options))
            if self.nvrtc.nvrtcCompileProgram(program, len(options), arguments) != 0:
                raise CompileError(self.text("ProgramLog", program).decode())
            return self.text("PTX", program)
        finally:
            self.call("nvrtcDestroyProgram", ctypes.byref(program))

    def call(self, function, *arguments):
        status = getattr(self.nvrtc, function)(*arguments)
        if status != 0:
            raise CompileError(f"{function}: {self.nvrtc.nvrtcGetErrorString(status).decode()}")

    def text(self, what, program):
        """The program's PTX or log, without the zero at its end."""
        size = ctypes.c_size_t()
        self.call(f"nvrtcGet{what}Size", program, ctypes.byref(size))
        text = ctypes.create_string_buffer(size.value)
        self.call(f"nvrtcGet{what}", program, text)
        return text.value

    def cubin(self, ptx, architecture):
        """The binary for an architecture, and the resources of its kernels."""
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "lumivox.ptx").write_bytes(ptx)
            command = [self.ptxas, "--verbose", f"--gpu-name=sm_{architecture}", "lumivox.ptx", "--output-file", "lumivox.cubin"]
            ran = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            if ran.returncode != 0:
                raise CompileError(f"ptxas for sm_{architecture}:\n{ran.stderr}")
            return (pathlib.Path(folder) / "lumivox.cubin").read_bytes(), resources(ran.stderr, architecture)


ENTRY = re.compile(r"Compiling entry function '(\w+)' for 'sm_(\d+)'(.*?)Used (\d+) registers([^\n]*)", re.DOTALL)


def resources(log, architecture):
    """What `ptxas --verbose` says of each kernel."""
    found = []
    for kernel, said_architecture, properties, registers, memory in ENTRY.findall(log):
        sizes = [re.search(rf"(\d+) bytes {what}", properties) for what in ("spill stores", "spill loads", "stack frame")]
        if int(said_architecture) != architecture or not all(sizes):
            raise CompileError(f"ptxas for sm_{architecture} says of {kernel} what is not understood:\n{log}")
        shared = re.search(r"(\d+) bytes smem", memory)
        found.append(Resources(kernel, architecture, int(registers), *(int(size[1]) for size in sizes), int(shared[1]) if shared else 0))
    if not found or len(found) != log.count("Compiling entry function"):
        raise CompileError(f"ptxas for sm_{architecture} says what is not understood:\n{log}")
    return found


def installed():
    """The folder of the packages in requirements.txt, in the user's cache. Two at once do not meet: each installs by itself, and one of the two is kept."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        raise CompileError("the compilers are those for Linux on x86-64; the committed binaries are for every machine")
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "lumivox/cuda-toolchain"
    folder = cache / hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as temporary:
        target = pathlib.Path(temporary) / "packages"
        print("installing CUDA's compilers into", folder, file=sys.stderr)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]
        environment = os.environ | {"PIP_ROOT_USER_ACTION": "ignore"}
        if subprocess.run([*command, "--target", str(target), "--requirement", str(REQUIREMENTS)], env=environment).returncode != 0:
            raise CompileError("CUDA's compilers can't be installed: is PyPI reachable?")
        try:
            target.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    return folder
