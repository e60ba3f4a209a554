"""Compiles the CUDA kernels for each architecture, or checks that the committed binaries are what the sources give.

usage: build.py [--check]

NVRTC makes PTX of crates/lumivox-kernels/cuda/lumivox.cu, ptxas a cubin for each architecture. Both come from PyPI (requirements.txt) into a cache folder; no nvcc, no
GPU and no driver is needed. crates/lumivox-kernels/cuda/binaries gets the results, compressed, and resources.tsv: what each kernel takes of a processor.
"""

import argparse
import concurrent.futures
import gzip
import os
import pathlib
import sys

import compiler

KERNELS = pathlib.Path(__file__).resolve().parents[2] / "crates/lumivox-kernels/cuda"
BINARIES = KERNELS / "binaries"
RESOURCES = "resources.tsv"
COMMAND = "python3 tools/cuda/build.py"
# What all binaries should weigh together, for they are in each program that is built with CUDA, and in the repository's history. More is said, but no error.
BYTES_EXPECTED = 1_500_000
# The architecture on which no kernel may spill registers, but for those named here with their reasons.
SPILL_ARCHITECTURE = 70
SPILLS_ALLOWED = {}


def build():
    """The files that the sources give: contents by name, not yet compressed."""
    toolchain = compiler.Toolchain()
    ptx = toolchain.ptx(KERNELS / "lumivox.cu")
    files, resources = {f"compute_{compiler.PTX_ARCHITECTURE}.ptx.gz": ptx}, []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        binaries = pool.map(lambda architecture: toolchain.cubin(ptx, architecture), compiler.ARCHITECTURES)
        for architecture, (cubin, of_kernels) in zip(compiler.ARCHITECTURES, binaries):
            files[f"sm_{architecture}.cubin.gz"] = cubin
            resources += of_kernels
    files[RESOURCES] = table(resources).encode()
    return files, resources


def table(resources):
    """Tab-separated, a line for each kernel and architecture."""
    resources = sorted(resources, key=lambda found: (found.kernel, found.architecture))
    return "".join("\t".join(map(str, line)) + "\n" for line in [compiler.Resources._fields, *resources])


def spills(resources):
    """What is said of kernels that spill and should not, and of exceptions that are none any more."""
    spilling = {found.kernel: found for found in resources if found.architecture == SPILL_ARCHITECTURE and found.spill_stores_bytes + found.spill_loads_bytes > 0}
    for kernel in sorted(spilling.keys() - SPILLS_ALLOWED.keys()):
        found = spilling[kernel]
        yield f"{kernel} spills registers on sm_{SPILL_ARCHITECTURE}: {found.spill_stores_bytes} bytes stored, {found.spill_loads_bytes} loaded"
    for kernel in sorted(SPILLS_ALLOWED.keys() - spilling.keys()):
        yield f"{kernel} is allowed to spill registers on sm_{SPILL_ARCHITECTURE}, and does not"


def read(path):
    """A file's contents as `build` has them; none if there is no such file. Compressed bytes may differ from one zlib to the next, contents may not."""
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except FileNotFoundError:
        return None


def differences(files):
    """What is said of committed files that are not what the sources give."""
    committed = {path.name for path in BINARIES.iterdir()} if BINARIES.is_dir() else set()
    for name in sorted(committed - files.keys()):
        yield f"{name} is not of the sources"
    for name, contents in files.items():
        if name not in committed:
            yield f"{name} is missing"
        elif read(BINARIES / name) != contents:
            yield f"{name} is not what the sources give"


def write(files):
    """Files whose contents are the same already stay as they are."""
    BINARIES.mkdir(exist_ok=True)
    for path in BINARIES.iterdir():
        if path.name not in files:
            path.unlink()
    for name, contents in files.items():
        path = BINARIES / name
        if read(path) != contents:
            path.write_bytes(gzip.compress(contents, 9, mtime=0) if path.suffix == ".gz" else contents)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="writes nothing; fails if the committed binaries are others")
    arguments = parser.parse_args()
    try:
        files, resources = build()
    except compiler.CompileError as error:
        sys.exit(str(error))
    problems = list(spills(resources))
    if arguments.check:
        stale = list(differences(files))
        problems += [*stale, f"run `{COMMAND}` and commit {BINARIES.relative_to(KERNELS.parents[2])}"] if stale else []
    else:
        write(files)
    if problems:
        sys.exit("\n".join(problems))
    bytes_ = sum(path.stat().st_size for path in BINARIES.iterdir())
    print(f"{len({found.kernel for found in resources})} kernels for {len(compiler.ARCHITECTURES)} architectures, {bytes_:,} bytes in all")
    if bytes_ > BYTES_EXPECTED:
        print(f"that is more than {BYTES_EXPECTED:,} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
