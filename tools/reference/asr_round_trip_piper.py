"""Lets a speech recogniser listen to a Piper voice said by ONNX Runtime, by lumivox, and by the voice inside lumivox, with the same phonemes and noise.

usage: asr_round_trip_piper.py LUMIVOX MODEL.safetensors VOICE.onnx [SEEDS LISTENINGS]

VOICE.onnx.json must be beside the voice; needs what piper_golden.py needs, and pocketsphinx.

LUMIVOX is the program, MODEL the f32 model file made from VOICE, which is the voice that is inside LUMIVOX with weights of 8 bits. Says each line of
sentences.txt, read by espeak-ng (crates/lumivox-parity/tests/sentences_espeak.txt), with SEEDS seeds (3), each heard LISTENINGS times (10). Prints the words that
were misheard, and fails if one of lumivox's is misheard more often than ONNX Runtime by more than two standard errors.
"""

import json
import pathlib
import subprocess
import sys

import numpy as np

import piper_golden
from listening import LISTENINGS, mean_misheard, words

HERE = pathlib.Path(__file__).parent
PHONEMES = HERE / "../../crates/lumivox-parity/tests/sentences_espeak.txt"
SEEDS = 3


def reference_audio(voice, config, phonemes, seed):
    """As Piper says it, with the noise that lumivox draws."""
    id_map, inference = config["phoneme_id_map"], config["inference"]
    symbols = [id_map["^"], id_map["_"], *(part for p in phonemes for part in (id_map[p], id_map["_"])), id_map["$"]]
    ids = np.array([i for symbol in symbols for i in symbol], np.int64)
    scales = [inference["noise_scale"], inference["length_scale"], inference["noise_w"]]
    return piper_golden.run(voice, ids, scales, seed)[0].astype(np.float64)


def lumivox_audio(program, model, phonemes, seed):
    command = [program, "say", phonemes, "--phonemes", "-m", model, "--seed", str(seed), "-o", "-", "--format", "pcm", "--sample-format", "f32", "-q"]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.float32).astype(np.float64)


def main():
    program, model, path, *counts = sys.argv[1:]
    seeds, listenings = map(int, counts) if counts else (SEEDS, LISTENINGS)
    config = json.loads(pathlib.Path(f"{path}.json").read_text())
    rate = config["audio"]["sample_rate"]
    voice = piper_golden.session(path)
    rows, total = [], 0
    for sentence, phonemes in zip((HERE / "sentences.txt").read_text().splitlines(), PHONEMES.read_text().splitlines(), strict=True):
        said = words(sentence)
        for seed in range(seeds):
            audio = [
                reference_audio(voice, config, phonemes, seed),
                lumivox_audio(program, model, phonemes, seed),
                lumivox_audio(program, "embedded", phonemes, seed),
            ]
            rows.append([mean_misheard(said, samples, rate, listenings) for samples in audio])
            total += len(said)
            theirs, f32, embedded = rows[-1]
            print(f"seed {seed}  ONNX Runtime {theirs:>4.1f}  f32 {f32:>4.1f}  embedded {embedded:>4.1f}  of {len(said):>2}  {sentence}", flush=True)
    theirs, *ours = np.array(rows).T
    print(f"misheard of {total} words: ONNX Runtime {theirs.sum():.1f} ({theirs.sum() / total:.1%})")
    failed = False
    for name, misheard in zip(("f32", "embedded"), ours):
        difference, error = (misheard - theirs).sum(), np.std(misheard - theirs, ddof=1) * np.sqrt(len(theirs))
        failed |= difference > 2 * error
        print(f"lumivox {name}: {misheard.sum():.1f} ({misheard.sum() / total:.1%}); difference {difference:.1f} ± {error:.1f}")
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
