"""The engines, from the side of the bench: started, asked to say an utterance, stopped."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
# What the checked runs compare with: the original implementation of each family.
REFERENCES = {"kokoro": "pytorch", "piper": "onnxruntime", "mms": "transformers"}
SAMPLE_RATES_HZ = {"kokoro": 24000, "piper": 22050, "mms": 16000}
# The engines of each family, in the order in which they are shown.
FAMILIES = {
    "kokoro": ("lumivox", "lumivox-before", "lumivox-direct", "lumivox-int8", "onnxruntime", "onnxruntime-export", "onnxruntime-int8", "pytorch", "any-tts", "voxr"),
    "piper": ("lumivox", "lumivox-before", "lumivox-direct", "onnxruntime"),
    "mms": ("lumivox", "lumivox-before", "lumivox-direct", "transformers", "voxr"),
}
# Those on a GPU, only where they are asked for by name. They were not run on a GPU yet.
CUDA = {
    "kokoro": ("lumivox-cuda", "lumivox-cuda-graphs", "lumivox-cuda-f16", "lumivox-cuda-f16-graphs", "onnxruntime-cuda", "onnxruntime-export-cuda", "pytorch-cuda", "pytorch-cuda-f16"),
    "piper": ("lumivox-cuda", "lumivox-cuda-graphs", "lumivox-cuda-f16", "lumivox-cuda-f16-graphs", "onnxruntime-cuda"),
    "mms": ("lumivox-cuda", "lumivox-cuda-graphs", "lumivox-cuda-f16", "lumivox-cuda-f16-graphs", "transformers-cuda", "transformers-cuda-f16"),
}


class EngineError(RuntimeError):
    """An engine that does not do what it is asked to."""


@dataclasses.dataclass
class Said:
    """What an utterance took."""

    wall_s: float
    cpu_s: float
    samples: int
    audio: np.ndarray | None = None
    copies: dict | None = None


class Worker:
    """An engine that stays loaded: a process that speaks worker.py's protocol."""

    def __init__(self, command, threads, name):
        self.streams = name.startswith("lumivox")
        started = time.perf_counter()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LUMIVOX_")}
        environment |= {"OMP_NUM_THREADS": str(threads), "RAYON_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
        if name == "lumivox-direct":
            environment["LUMIVOX_CONV"] = "direct"
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment
        )
        ready = self.answer()
        self.start_s = time.perf_counter() - started
        self.load_s, self.versions = ready["load_s"], ready["versions"]

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            raise EngineError(f"{self.process.args} ended:\n{self.log.read().decode()}")
        return json.loads(line)

    def say(self, utterance, check=False):
        figures, audio = self.ask({**utterance, "check": check}, check)
        return Said(figures["wall_s"], figures["cpu_s"], figures["samples"], audio, figures.get("copies"))

    def first_audio(self, utterance):
        """Seconds until the first sample, and the number of samples: of lumivox, streaming; the others say all at once."""
        figures, _ = self.ask({**utterance, "check": False, "stream": True}, False)
        return figures["ttfb_s"], figures["samples"]

    def ask(self, request, wants_audio):
        """The figures of an utterance, and the audio if it is wanted."""
        with tempfile.NamedTemporaryFile() as file:
            self.process.stdin.write(json.dumps({**request, "audio": file.name if wants_audio else None}) + "\n")
            self.process.stdin.flush()
            figures = self.answer()
            return figures, np.fromfile(file.name, np.float32) if wants_audio else None

    def peak_rss_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()


def start(name, family, work, threads, programs):
    """An engine of a family, loaded. `programs` has the paths of those that are programs: lumivox and the Rust competitors."""
    command = [programs[program(name)]] if program(name) in programs else [sys.executable, str(HERE / "worker.py")]
    return Worker([*command, name.removesuffix("-before"), family, str(work), str(threads)], threads, name)


def program(name):
    """The program that an engine is: lumivox's ways of computing are one."""
    return "lumivox" if name in ("lumivox-direct", "lumivox-int8") or name.startswith("lumivox-cuda") else name
