"""Lets a speech recogniser listen to lumivox and to the PyTorch reference, saying the same phonemes with the same voices and the same noise.

usage: asr_round_trip.py LUMIVOX MODEL.safetensors WEIGHTS.pth CONFIG.json VOICES_DIR [LISTENINGS]
       (needs what kokoro_golden.py needs, and pocketsphinx)

LUMIVOX is the program, MODEL the model file made from the same weights as WEIGHTS. Prints the words that were misheard of
each sentence of sentences.txt and voice, said in f32 and in int8 and heard LISTENINGS times each (10), and fails if one of them is misheard more often than
the reference by more than two standard errors.
"""

import json
import pathlib
import subprocess
import sys

import numpy as np
import torch

import kokoro_golden
from listening import LISTENINGS, mean_misheard, words

VOICES = ("af_heart", "am_michael", "bf_emma")
PRECISIONS = ("f32", "int8")
RATE = 24000


def lumivox_audio(program, model, voice, precision, phonemes):
    command = [program, "say", phonemes, "--phonemes", "-m", model, "--voice", voice, "--precision", precision, "-o", "-", "--format", "pcm", "--sample-format", "f32", "-q"]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.float32).astype(np.float64)


def main():
    program, model, weights, config, voices, *rest = sys.argv[1:]
    listenings = int(rest[0]) if rest else LISTENINGS
    istftnet, reference = kokoro_golden.load_model(weights, config)
    sentences = pathlib.Path(__file__).with_name("sentences.txt").read_text().splitlines()
    total, rows = 0, []
    for voice in VOICES:
        pack = torch.from_numpy(np.fromfile(f"{voices}/{voice}.bin", np.float32).reshape(510, 1, 256))
        language = "en-gb" if voice.startswith("b") else "en-us"
        for sentence in sentences:
            read = subprocess.run([program, "explain", "--json", "-l", language, sentence], check=True, capture_output=True)
            (segment,) = json.loads(read.stdout)["segments"]
            phonemes = segment["phonemes"]
            ids = torch.LongTensor([[0, *(reference.vocab[p] for p in phonemes), 0]])
            audio, _ = kokoro_golden.run(reference, istftnet, ids, pack[len(phonemes) - 1], 1.0, {}, seed=0)
            said = words(sentence)
            theirs = mean_misheard(said, audio.numpy().astype(np.float64), RATE, listenings)
            said_by_us = (lumivox_audio(program, model, voice, precision, phonemes) for precision in PRECISIONS)
            ours = [mean_misheard(said, samples, RATE, listenings) for samples in said_by_us]
            total += len(said)
            rows.append((theirs, *ours))
            figures = "  ".join(f"{precision} {misheard:>4.1f}" for precision, misheard in zip(PRECISIONS, ours, strict=True))
            print(f"{voice:<12} reference {theirs:>4.1f}  {figures}  of {len(said):>2}  {sentence}", flush=True)
    theirs, *ours = np.array(rows).T
    print(f"misheard of {total} words: reference {theirs.sum():.1f} ({theirs.sum() / total:.1%})")
    worse = False
    for precision, misheard in zip(PRECISIONS, ours, strict=True):
        difference, error = (misheard - theirs).sum(), np.std(misheard - theirs, ddof=1) * np.sqrt(len(theirs))
        print(f"lumivox {precision}: {misheard.sum():.1f} ({misheard.sum() / total:.1%}); difference {difference:.1f} ± {error:.1f}")
        worse |= difference > 2 * error
    sys.exit(int(worse))


if __name__ == "__main__":
    main()
