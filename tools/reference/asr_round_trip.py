"""Lets a speech recogniser listen to lumivox and to the PyTorch reference, saying the same phonemes with the same voices and the same noise.

usage: asr_round_trip.py LUMIVOX MODEL.safetensors WEIGHTS.pth CONFIG.json VOICES_DIR
       (needs what kokoro_golden.py needs, and pocketsphinx)

LUMIVOX is the program, MODEL the model file made from the same weights as WEIGHTS. Prints the words that were misheard of
each sentence of sentences.txt and voice, and fails if lumivox is misheard more often than the reference by more than two standard errors.
"""

import json
import pathlib
import subprocess
import sys

import numpy as np
import torch

import kokoro_golden
from listening import mean_misheard, words

VOICES = ("af_heart", "am_michael", "bf_emma")
RATE = 24000


def lumivox_audio(program, model, voice, phonemes):
    command = [program, "say", phonemes, "--phonemes", "-m", model, "--voice", voice, "-o", "-", "--format", "pcm", "--sample-format", "f32", "-q"]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.float32).astype(np.float64)


def main():
    program, model, weights, config, voices = sys.argv[1:]
    istftnet, reference = kokoro_golden.load_model(weights, config)
    sentences = pathlib.Path(__file__).with_name("sentences.txt").read_text().splitlines()
    total, pairs = 0, []
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
            ours = mean_misheard(said, lumivox_audio(program, model, voice, phonemes), RATE)
            theirs = mean_misheard(said, audio.numpy().astype(np.float64), RATE)
            total += len(said)
            pairs.append((ours, theirs))
            print(f"{voice:<12} lumivox {ours:>4.1f}  reference {theirs:>4.1f}  of {len(said):>2}  {sentence}", flush=True)
    ours, theirs = np.array(pairs).T
    difference, error = (ours - theirs).sum(), np.std(ours - theirs, ddof=1) * np.sqrt(len(ours))
    print(
        f"misheard of {total} words: lumivox {ours.sum():.1f} ({ours.sum() / total:.1%}), reference {theirs.sum():.1f} "
        f"({theirs.sum() / total:.1%}); difference {difference:.1f} ± {error:.1f}"
    )
    sys.exit(int(difference > 2 * error))


if __name__ == "__main__":
    main()
