"""Times lumivox and the PyTorch reference in turn, saying the same phonemes.

usage: bench_kokoro.py LUMIVOX MODEL.safetensors WEIGHTS.pth CONFIG.json VOICES_DIR [THREADS [ROUNDS]]
       (needs what kokoro_golden.py needs)

Prints, for a text of 5 s and one of 12 s, the CPU seconds and the wall seconds that a second of audio takes in each, and the median ratio of the pairs.
Loading is counted in neither; weight normalisation is folded in the reference, too.
"""

import json
import statistics
import subprocess
import sys
import time

import numpy as np
import torch

import kokoro_golden

VOICE = "af_heart"
TEXTS = {"5 s": kokoro_golden.SKY, "12 s": f"{kokoro_golden.WIND} {kokoro_golden.SKY}"}


def lumivox(program, model, phonemes, threads):
    command = [program, "say", phonemes, "--phonemes", "-m", model, "--voice", VOICE, "-o", "-", "--json", "-t", str(threads)]
    figures = json.loads(subprocess.run(command, check=True, capture_output=True).stderr)
    return figures["cpu_s"] / figures["audio_s"], figures["compute_s"] / figures["audio_s"]


def reference(model, phonemes, pack):
    ids = torch.LongTensor([[0, *(model.vocab[p] for p in phonemes), 0]])
    cpu, wall = time.process_time(), time.perf_counter()
    with torch.no_grad():
        audio, _ = model.forward_with_tokens(ids, pack[len(phonemes) - 1], 1.0)
    audio_s = audio.numel() / 24000
    return (time.process_time() - cpu) / audio_s, (time.perf_counter() - wall) / audio_s


def main():
    program, model_file, weights, config, voices = sys.argv[1:6]
    threads, rounds = (int(n) for n in (sys.argv[6:] + ["1", "5"][len(sys.argv[6:]) :]))
    torch.set_num_threads(threads)
    _, model = kokoro_golden.load_model(weights, config)
    for module in model.modules():
        if hasattr(module, "weight_g"):
            torch.nn.utils.remove_weight_norm(module)
        elif torch.nn.utils.parametrize.is_parametrized(module, "weight"):
            torch.nn.utils.parametrize.remove_parametrizations(module, "weight")
    pack = torch.from_numpy(np.fromfile(f"{voices}/{VOICE}.bin", np.float32).reshape(510, 1, 256))
    for name, phonemes in TEXTS.items():
        reference(model, phonemes, pack)
        pairs = [(lumivox(program, model_file, phonemes, threads), reference(model, phonemes, pack)) for _ in range(rounds)]
        for kind, figure in (("CPU", 0), ("wall", 1)):
            ours, theirs = ([pair[side][figure] for pair in pairs] for side in (0, 1))
            ratio = statistics.median(o / t for o, t in zip(ours, theirs))
            print(
                f"{name:>4} {kind:<4} s per s of audio, {threads} threads, median (least-most) of {rounds}: "
                f"lumivox {statistics.median(ours):.3f} ({min(ours):.3f}-{max(ours):.3f})  "
                f"PyTorch {statistics.median(theirs):.3f} ({min(theirs):.3f}-{max(theirs):.3f})  ratio {ratio:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
