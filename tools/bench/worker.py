"""An engine that stays loaded, in a process of its own.

usage: worker.py ENGINE FAMILY WORK THREADS

Standard output gets a line of JSON when the model is loaded, with `load_s` (imports are not in it) and `versions`. After that each line of standard input is
an utterance, and is answered with a line: `wall_s` and `cpu_s` of the synthesis (from ids to samples), and `samples`; engines in Rust add `ttfb_s`, the time to the
first sample, and on a GPU `copies`: `to_device`, `to_host`, `launches`. An utterance has `segments`, a list of objects with `text`, `phonemes` and `ids`, and:

- `voice` (Kokoro);
- `batch`: how many times it is said, at once by engines that can, else one after another; 1 if not given. `samples` are those of all;
- `check`: whether the noise is what outputs are compared with, lumivox's own (Kokoro in PyTorch) or none (VITS), instead of the engine's;
- `audio`: a file that gets the samples, f32, or null;
- `stream`: whether the first samples are wanted early. The engines here can't.

VITS has no noise in its durations at any time, so that all engines say the same number of frames.

Engines whose names end with `-cuda` compute on the first GPU, with `-cuda-f16` in PyTorch's automatic mixed precision. They were not run on a GPU yet.
"""

import contextlib
import json
import os
import pathlib
import sys
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reference"))

# VITS's usual scale of the latent noise.
NOISE_SCALE = 0.667
# The seed of lumivox's noise in checks.
SEED = 0


def style(work, voice, segment):
    """A voice's row for a segment, as kokoro picks it: by the number of phonemes."""
    pack = np.fromfile(work / "voices" / f"{voice}.bin", np.float32).reshape(510, 1, 256)
    return pack[len(segment["phonemes"]) - 1]


def repeated(say, batch):
    """What an engine says that can't say several utterances at once."""
    return np.concatenate([say() for _ in range(batch)])


class OnnxRuntime:
    """A graph in ONNX Runtime, with its defaults but for the number of threads."""

    GRAPHS = {
        ("onnxruntime", "kokoro"): "kokoro-f32.onnx",
        ("onnxruntime-export", "kokoro"): "kokoro-export.onnx",
        ("onnxruntime-int8", "kokoro"): "kokoro-int8.onnx",
        ("onnxruntime", "piper"): "piper.onnx",
    }

    def __init__(self, engine, family, work, threads):
        import onnxruntime

        self.family, self.work = family, work
        self.versions = {"onnxruntime": onnxruntime.__version__}
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        provider = "CUDAExecutionProvider" if engine.endswith("-cuda") else "CPUExecutionProvider"
        started = time.perf_counter()
        graph = work / self.GRAPHS[engine.removesuffix("-cuda"), family]
        self.session = onnxruntime.InferenceSession(str(graph), options, providers=[provider])
        self.load_s = time.perf_counter() - started
        # Otherwise it would have fallen back to the CPU without an error.
        if provider not in self.session.get_providers():
            raise RuntimeError(f"ONNX Runtime has no {provider} here; the package for GPUs is onnxruntime-gpu")

    def say(self, segment, _index, voice, check, batch):
        ids = np.array([segment["ids"]], np.int64)
        if self.family == "kokoro":
            inputs = {"tokens": ids, "style": style(self.work, voice, segment), "speed": np.ones(1, np.float32)}
            return repeated(lambda: self.session.run(None, inputs)[0].reshape(-1), batch)
        scales = np.array([0.0 if check else NOISE_SCALE, 1.0, 0.0], np.float32)
        inputs = {"input": ids.repeat(batch, 0), "input_lengths": np.full(batch, ids.size), "scales": scales}
        return self.session.run(None, inputs)[0]


class TorchDevice:
    """Where PyTorch computes, and in which numbers."""

    def __init__(self, torch, engine):
        self.name = "cuda" if "-cuda" in engine else "cpu"
        half = engine.endswith("-f16")
        self.precision = (lambda: torch.autocast(self.name, torch.float16)) if half else contextlib.nullcontext


class KokoroPyTorch:
    """The original implementation, its weight norm folded."""

    def __init__(self, engine, _family, work, threads):
        import torch

        import goldens
        import kokoro_golden

        set_threads(torch, threads)
        self.torch, self.goldens, self.sine_gen, self.work = torch, goldens, kokoro_golden.SINE_GEN, work
        self.versions = {"torch": torch.__version__, "kokoro": version("kokoro")}
        started = time.perf_counter()
        self.istftnet, self.model = kokoro_golden.load_model(work / "kokoro/kokoro-v1_0.pth", work / "kokoro/config.json")
        kokoro_golden.fold_weight_norm(self.model)
        self.device = TorchDevice(torch, engine)
        self.model.to(self.device.name)
        self.load_s = time.perf_counter() - started

    def say(self, segment, index, voice, check, batch):
        ids = self.torch.LongTensor([segment["ids"]]).to(self.device.name)
        ref_s = self.torch.from_numpy(style(self.work, voice, segment)).to(self.device.name)
        with self.noise(index) if check else contextlib.nullcontext(), self.device.precision():
            return repeated(lambda: self.model.forward_with_tokens(ids, ref_s, 1.0)[0].float().cpu().numpy().reshape(-1), batch)

    @contextlib.contextmanager
    def noise(self, index):
        """lumivox's noise in the harmonic source of one segment."""
        torch, draw = self.torch, self.torch.randn_like

        def randn_like(x):
            if x.shape[-1] != 9:
                return draw(x)
            return torch.from_numpy(self.goldens.normal(x.numel(), SEED, self.sine_gen, index)).reshape(x.shape).to(x.device)

        torch.randn_like = randn_like
        try:
            yield
        finally:
            torch.randn_like = draw


class Transformers:
    """VitsModel, its weight norm folded."""

    def __init__(self, engine, _family, work, threads):
        import torch
        import transformers

        from kokoro_golden import fold_weight_norm

        set_threads(torch, threads)
        self.torch = torch
        self.versions = {"torch": torch.__version__, "transformers": transformers.__version__}
        started = time.perf_counter()
        self.model = transformers.VitsModel.from_pretrained(work / "mms").eval()
        fold_weight_norm(self.model)
        self.device = TorchDevice(torch, engine)
        self.model.to(self.device.name)
        self.load_s = time.perf_counter() - started

    def say(self, segment, _index, _voice, check, batch):
        self.model.noise_scale, self.model.noise_scale_duration = 0.0 if check else NOISE_SCALE, 0.0
        with self.torch.no_grad(), self.device.precision():
            return self.model(self.torch.tensor([segment["ids"]] * batch).to(self.device.name)).waveform.float().cpu().numpy()


ENGINES = {
    "onnxruntime": OnnxRuntime,
    "onnxruntime-export": OnnxRuntime,
    "onnxruntime-int8": OnnxRuntime,
    "onnxruntime-cuda": OnnxRuntime,
    "onnxruntime-export-cuda": OnnxRuntime,
    "pytorch": KokoroPyTorch,
    "pytorch-cuda": KokoroPyTorch,
    "pytorch-cuda-f16": KokoroPyTorch,
    "transformers": Transformers,
    "transformers-cuda": Transformers,
    "transformers-cuda-f16": Transformers,
}


def version(package):
    import importlib.metadata

    return importlib.metadata.version(package)


def set_threads(torch, threads):
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)


def answer(engine, utterance):
    """Says an utterance; its figures."""
    cpu, wall = time.process_time(), time.perf_counter()
    batch = utterance.get("batch", 1)
    pieces = [
        engine.say(segment, index, utterance["voice"], utterance["check"], batch).reshape(-1) for index, segment in enumerate(utterance["segments"])
    ]
    figures = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    audio = np.concatenate(pieces)
    if utterance["audio"]:
        audio.astype(np.float32).tofile(utterance["audio"])
    return {**figures, "samples": audio.size}


def main():
    name, family, work, threads = sys.argv[1:]
    # The libraries print what they like; only answers go to the standard output.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    engine = ENGINES[name](name, family, pathlib.Path(work), int(threads))
    print(json.dumps({"load_s": engine.load_s, "versions": engine.versions}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(engine, json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
