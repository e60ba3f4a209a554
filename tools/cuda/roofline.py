"""What the graphs compute and move, the limits of two GPUs, and how fast lumivox should be on them. On paper: nothing here was run on a GPU.

usage: roofline.py [--write]          prints the tables of docs/performance.md, or puts them there
"""

import contextlib
import dataclasses
import functools
import io
import math
import pathlib
import re
import sys

import graphs

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/performance.md"
sys.path.insert(0, str(ROOT / "tools/bench"))
import cases  # noqa: E402


@dataclasses.dataclass(frozen=True)
class Gpu:
    """Limits from the data sheet, and the shares of them that kernels are assumed to reach."""

    name: str
    processors: int
    f32_flops: float
    tensor_flops: float
    bytes_s: float
    f32_share: float
    tensor_share: float


# Shares for the V100 are those that cuda/conv1d.cu expects. The kernels are of Volta's kind (WMMA, no asynchronous copies), so an H100 is used less well.
GPUS = {
    "V100": Gpu("V100 SXM2", 80, 15.7e12, 125e12, 900e9, 0.65, 0.30),
    "H100": Gpu("H100 SXM", 132, 67e12, 989e12, 3350e9, 0.45, 0.12),
}
# The least time from one kernel to the next, launched one by one and as a CUDA graph.
LAUNCH_S = {"launches": 5e-6, "graph": 2.5e-6}
# A step of the BiLSTM, whose blocks wait for each other.
SERIAL_STEP_S = 4e-6
BANDWIDTH_SHARE = 0.8
# For a segment: ids there, durations and samples back, and the host in between.
SEGMENT_S = 100e-6
# Convolutions: (channels, steps) of a block, of a small one where there are too few, and how much less of the limit the latter reaches.
BLOCK, SMALL_BLOCK, MANY_BLOCKS_A_PROCESSOR, SMALL_SHARE = (64, 128), (32, 32), 2, 0.55
# Seconds of audio of the bench's cases, as lumivox said them on a CPU (benches/record).
AUDIO_S = {("kokoro", "44"): 3.25, ("kokoro", "122"): 7.875, ("kokoro", "174"): 10.775, ("mms", "41"): 3.408, ("mms", "178"): 13.024, ("piper", "41"): 2.426, ("piper", "178"): 9.485}
NAMES = {"kokoro": "Kokoro-82M", "mms": "MMS-TTS", "piper": "Piper medium"}
BATCH = 8
# Tokens for a second of audio, of the tables by stage: the longest cases'.
LONGEST = {"kokoro": "174", "mms": "178", "piper": "178"}


def value_bytes(kernel, dtype):
    return 2 if dtype == "f16" and kernel.half else 4


def blocks(kernel, batch, size):
    return math.ceil(kernel.channels / size[0]) * math.ceil(kernel.steps / size[1]) * batch


def arithmetic_s(gpu, kernel, dtype, batch):
    """Seconds for the sums, as many processors as there are blocks."""
    size, limit = BLOCK, gpu.f32_flops * gpu.f32_share
    if dtype == "f16" and kernel.half and kernel.tensor:
        limit = gpu.tensor_flops * gpu.tensor_share
    elif blocks(kernel, batch, BLOCK) < MANY_BLOCKS_A_PROCESSOR * gpu.processors:
        size, limit = SMALL_BLOCK, limit * SMALL_SHARE
    filled = min(1, max(blocks(kernel, batch, size), 1) / gpu.processors)
    return kernel.flops * batch / (limit * filled)


def kernel_s(gpu, kernel, dtype, batch, launched):
    """Seconds of a launch: the longest of arithmetic, memory, waiting, and the launch itself."""
    memory = (kernel.activations * batch + kernel.weights) * value_bytes(kernel, dtype) / (gpu.bytes_s * BANDWIDTH_SHARE)
    return max(arithmetic_s(gpu, kernel, dtype, batch), memory, kernel.serial * SERIAL_STEP_S, LAUNCH_S[launched])


def limit_s(gpu, kernel, dtype, batch=1):
    """Seconds at the data sheet's limits."""
    flops = gpu.tensor_flops if dtype == "f16" and kernel.half and kernel.tensor else gpu.f32_flops
    return max(kernel.flops * batch / flops, (kernel.activations * batch + kernel.weights) * value_bytes(kernel, dtype) / gpu.bytes_s)


@functools.cache
def segments(family, name):
    """Tokens and frames of a case's segments; the frames are shared out by tokens."""
    case = next(case for case in cases.load() if (case.family, case.name) == (family, name))
    # Kokoro: a symbol at each end; VITS: blanks between, and around.
    tokens = [len(segment.phonemes) + 2 if family == "kokoro" else 2 * len(segment.phonemes) + (1 if family == "mms" else 3) for segment in case.segments]
    frames = AUDIO_S[family, name] * graphs.samples_per_second(family) / graphs.samples_per_frame(family)
    return [(n, frames * n / sum(tokens)) for n in tokens]


def predicted_rtf(gpu, family, name, dtype, batch=1, launched="launches"):
    """Time over audio of a case said `batch` times at once."""
    seconds = sum(SEGMENT_S + sum(kernel_s(gpu, kernel, dtype, batch, launched) for kernel in graphs.graph(family, *segment)) for segment in segments(family, name))
    return seconds / (AUDIO_S[family, name] * batch)


def row(*cells):
    return "| " + " | ".join(map(str, cells)) + " |"


def header(*cells):
    return row(*cells) + "\n" + "|" + "---|" * len(cells)


def stages(family):
    """By stage and second of audio; memory counts activations, and weights once for the utterance."""
    name = LONGEST[family]
    audio_s, v100 = AUDIO_S[family, name], GPUS["V100"]
    found = {}
    for segment in segments(family, name):
        for kernel in graphs.graph(family, *segment):
            found.setdefault(kernel.stage, []).append(kernel)
    print(f"\n{NAMES[family]}, the text of {name} characters\n")
    print(header("stage", "GFLOP", "MB, f32", "MB, f16", "FLOP/byte, f32", "launches", "V100 limit, f32, ms", "V100 limit, f16, ms", "H100 limit, f32, ms", "H100 limit, f16, ms"))
    found["all"] = [kernel for kernels in found.values() for kernel in kernels]
    for stage, kernels in found.items():
        flops = sum(kernel.flops for kernel in kernels)
        moved = {dtype: sum((kernel.activations + kernel.weights) * value_bytes(kernel, dtype) for kernel in kernels) for dtype in ("f32", "f16")}
        limits = [f"{sum(limit_s(gpu, kernel, dtype) for kernel in kernels) / audio_s * 1e3:.2f}" for gpu in (v100, GPUS["H100"]) for dtype in ("f32", "f16")]
        sizes = [f"{moved[dtype] / audio_s / 1e6:.1f}" for dtype in ("f32", "f16")]
        print(row(stage, f"{flops / audio_s / 1e9:.2f}", *sizes, f"{flops / moved['f32']:.0f}", round(len(kernels) / len(segments(family, name))), *limits))


def launches():
    """How long the launches of a segment alone take."""
    print("\n" + header("model", "launches a segment", "one by one, ms", "as a graph, ms", "steps of BiLSTMs one after another in 10 s of audio, ms"))
    for family, name in LONGEST.items():
        tokens, frames = segments(family, name)[0]
        kernels = graphs.graph(family, tokens, frames)
        serial = sum(kernel.serial for segment in segments(family, name) for kernel in graphs.graph(family, *segment)) * SERIAL_STEP_S / AUDIO_S[family, name] * 10
        print(row(NAMES[family], len(kernels), *(f"{len(kernels) * seconds * 1e3:.1f}" for seconds in LAUNCH_S.values()), f"{serial * 1e3:.1f}"))


def predictions():
    """RTF of each case on each GPU."""
    ways = [(dtype, batch, launched) for dtype in ("f32", "f16") for batch in (1, BATCH) for launched in LAUNCH_S]
    print("\n" + header("GPU", "text", *(f"{dtype}, {'single' if batch == 1 else f'{batch} at once'}, {launched}" for dtype, batch, launched in ways)))
    for gpu in GPUS.values():
        for family, name in AUDIO_S:
            print(row(gpu.name, f"{NAMES[family]}, {name} characters", *(f"{predicted_rtf(gpu, family, name, *way):.5f}" for way in ways)))


def all_stages():
    for family in NAMES:
        stages(family)


def write(tables):
    """Puts each table between the lines of the page that name it."""
    page = PAGE.read_text()
    for name, table in tables.items():
        lines = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if len(lines.findall(page)) != 1:
            sys.exit(f"{PAGE.name} has no place for {name}")
        page = lines.sub(lambda found: found[1] + table + "\n" + found[2], page)
    PAGE.write_text(page)


def main():
    tables = {}
    for name, table in {"stages": all_stages, "launches": launches, "predictions": predictions}.items():
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            table()
        tables[name] = printed.getvalue()
    if sys.argv[1:] == ["--write"]:
        write(tables)
    elif len(sys.argv) > 1:
        sys.exit(__doc__)
    else:
        print(*tables.values(), sep="", end="")


if __name__ == "__main__":
    main()
