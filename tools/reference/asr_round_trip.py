"""Lets a speech recogniser listen to lumivox and to the PyTorch reference, saying the same phonemes with the same voices and the same noise.

usage: asr_round_trip.py LUMIVOX MODEL.safetensors WEIGHTS.pth CONFIG.json VOICES_DIR
       (needs what kokoro_golden.py needs, and pocketsphinx)

LUMIVOX is the program, MODEL the model file made from the same weights as WEIGHTS. The recogniser is chaotic: the last bit of a 16-bit sample can change several
words. So it hears each utterance LISTENINGS times, dithered to 16 bits differently each time, and the mean is taken. Prints the words that were misheard of
each sentence of sentences.txt and voice, and fails if lumivox is misheard more often than the reference by more than two standard errors.
"""

import json
import pathlib
import re
import subprocess
import sys

import numpy as np
import torch
from pocketsphinx import Decoder

import kokoro_golden

VOICES = ("af_heart", "am_michael", "bf_emma")
RECOGNISER_RATE = 16000
LISTENINGS = 10


def resampled(samples, rate):
    """To the recogniser's rate, through the spectrum."""
    length = round(len(samples) * RECOGNISER_RATE / rate)
    spectrum = np.fft.rfft(samples)[: length // 2 + 1]
    return np.fft.irfft(spectrum, length) * length / len(samples)


def heard(samples, listening, rate=24000):
    random = np.random.default_rng(listening)
    dither = random.random(len(samples)) - random.random(len(samples))
    samples = resampled(np.round(samples * 32767 + dither) / 32767, rate)
    samples = np.pad(samples / np.abs(samples).max() * 0.7, 4000)
    decoder = Decoder(samprate=RECOGNISER_RATE, loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw((samples * 32767).astype(np.int16).tobytes(), full_utt=True)
    decoder.end_utt()
    return re.sub(r"\(\d+\)", "", decoder.hyp().hypstr if decoder.hyp() else "").split()


def misheard(said, heard):
    """Words wrong, left out or put in: the edit distance."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        above, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (word != other))
    return row[-1]


def mean_misheard(said, samples):
    return np.mean([misheard(said, heard(samples, listening)) for listening in range(LISTENINGS)])


def lumivox_audio(program, model, voice, phonemes):
    command = [program, "say", phonemes, "--phonemes", "-m", model, "--voice", voice, "-o", "-", "--format", "pcm", "--sample-format", "f32", "-q"]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.float32).astype(np.float64)


def main():
    program, model, weights, config, voices = sys.argv[1:]
    istftnet, reference = kokoro_golden.load_model(weights, config)
    sentences = pathlib.Path(__file__).with_name("sentences.txt").read_text().splitlines()
    words, pairs = 0, []
    for voice in VOICES:
        pack = torch.from_numpy(np.fromfile(f"{voices}/{voice}.bin", np.float32).reshape(510, 1, 256))
        language = "en-gb" if voice.startswith("b") else "en-us"
        for sentence in sentences:
            read = subprocess.run([program, "explain", "--json", "-l", language, sentence], check=True, capture_output=True)
            (segment,) = json.loads(read.stdout)["segments"]
            phonemes = segment["phonemes"]
            ids = torch.LongTensor([[0, *(reference.vocab[p] for p in phonemes), 0]])
            audio, _ = kokoro_golden.run(reference, istftnet, ids, pack[len(phonemes) - 1], 1.0, {}, seed=0)
            said = re.findall(r"[a-z']+", sentence.lower())
            ours = mean_misheard(said, lumivox_audio(program, model, voice, phonemes))
            theirs = mean_misheard(said, audio.numpy().astype(np.float64))
            words += len(said)
            pairs.append((ours, theirs))
            print(f"{voice:<12} lumivox {ours:>4.1f}  reference {theirs:>4.1f}  of {len(said):>2}  {sentence}", flush=True)
    ours, theirs = np.array(pairs).T
    difference, error = (ours - theirs).sum(), np.std(ours - theirs, ddof=1) * np.sqrt(len(ours))
    print(
        f"misheard of {words} words: lumivox {ours.sum():.1f} ({ours.sum() / words:.1%}), reference {theirs.sum():.1f} "
        f"({theirs.sum() / words:.1%}); difference {difference:.1f} ± {error:.1f}"
    )
    sys.exit(int(difference > 2 * error))


if __name__ == "__main__":
    main()
