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
    "kokoro": ("lumivox", "lumivox-before", "onnxruntime", "onnxruntime-export", "onnxruntime-int8", "pytorch", "any-tts", "voxr"),
    "piper": ("lumivox", "lumivox-before", "onnxruntime"),
    "mms": ("lumivox", "lumivox-before", "transformers", "voxr"),
}


class EngineError(RuntimeError):
    """An engine that does not do what it is asked to."""


@dataclasses.dataclass
class Said:
    """What an utterance took. `ttfb_s` is the time to the first sample, that of the whole where an engine does not stream; `process_cpu_s` has what is not
    synthesis in it, too, such as loading where that is done for each utterance."""

    wall_s: float
    cpu_s: float
    ttfb_s: float
    samples: int
    process_cpu_s: float
    audio: np.ndarray | None = None


class Worker:
    """An engine that stays loaded: a process that speaks worker.py's protocol."""

    def __init__(self, command, threads):
        started = time.perf_counter()
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "RAYON_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
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
        with tempfile.NamedTemporaryFile() as file:
            request = {**utterance, "check": check, "audio": file.name if check else None}
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            figures = self.answer()
            audio = np.fromfile(file.name, np.float32) if check else None
        return Said(figures["wall_s"], figures["cpu_s"], figures["wall_s"], figures["samples"], figures["cpu_s"], audio)

    def peak_rss_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()


class Lumivox:
    """lumivox: a process for each utterance, so its figures have the first touch of its memory in them."""

    def __init__(self, name, program, family, work, threads):
        self.family = family
        self.command = [program, "say", "--phonemes", "-m", str(work / f"{family}.safetensors"), "-t", str(threads), "--json", "-o", "-"]
        version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
        self.versions = {name: version.split()[-1]}
        self.load_s = self.start_s = self.rss_bytes = None

    def say(self, utterance, check=False):
        whole, audio = self.run(utterance, check, stream=False)
        streamed, _ = self.run(utterance, check, stream=True)
        samples = self.samples(whole)
        if self.samples(streamed) != samples:
            raise EngineError(f"streamed, {self.family} has {self.samples(streamed)} samples instead of {samples}")
        process_cpu_s = whole["process_cpu_s"] + streamed["process_cpu_s"]
        return Said(whole["compute_s"], whole["cpu_s"], streamed["ttfb_s"], samples, process_cpu_s, audio)

    def run(self, utterance, check, stream):
        """One process: its figures, and the audio if it is to be checked."""
        text = "\n".join(segment["phonemes"] for segment in utterance["segments"])
        command = [*self.command, "--format", "pcm", "--sample-format", "f32", *(["--stream"] if stream else [])]
        if self.family == "kokoro":
            command += ["--voice", utterance["voice"]]
        else:
            command += ["--noise-w", "0", *(["--noise-scale", "0"] if check else [])]
        started = time.perf_counter()
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as log:
            process = subprocess.Popen([*command, text], stdout=output, stderr=log)
            _, status, usage = os.wait4(process.pid, 0)
            wall_s = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            log.seek(0)
            message = log.read().decode()
            if process.returncode:
                raise EngineError(f"lumivox ended with {process.returncode}:\n{message}")
            output.seek(0)
            audio = np.frombuffer(output.read(), np.float32) if check else None
        figures = json.loads(message.splitlines()[-1])
        if figures["warnings"]:
            raise EngineError(f"lumivox warns: {figures['warnings']}")
        figures["process_cpu_s"] = usage.ru_utime + usage.ru_stime
        if not stream:
            self.load_s, self.start_s, self.rss_bytes = figures["load_s"], wall_s - figures["compute_s"], usage.ru_maxrss * 1024
        return figures, audio

    def samples(self, figures):
        return round(figures["audio_s"] * SAMPLE_RATES_HZ[self.family])

    def peak_rss_bytes(self):
        return self.rss_bytes

    def stop(self):
        """Nothing stays loaded."""


def start(name, family, work, threads, programs):
    """An engine of a family, loaded. `programs` has the paths of those that are programs: lumivox and the Rust competitors."""
    if name.startswith("lumivox"):
        return Lumivox(name, programs[name], family, work, threads)
    command = [programs[name]] if programs.get(name) else [sys.executable, str(HERE / "worker.py")]
    return Worker([*command, name, family, str(work), str(threads)], threads)
