"""Lets a speech recogniser listen to lumivox and to the PyTorch reference, saying the same phonemes with the same voices and the same noise: what the
recogniser makes of other noise differs by more than what it makes of the two programs.

usage: asr_round_trip.py LUMIVOX MODEL.safetensors WEIGHTS.pth CONFIG.json VOICES_DIR
       (needs what kokoro_golden.py needs, and pocketsphinx)

LUMIVOX is the program, MODEL the model file made from the same weights as WEIGHTS. Prints the words that were misheard of each sentence of sentences.txt
and voice, and fails if lumivox is misheard more often than the reference.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import wave

import numpy as np
import torch
from pocketsphinx import Decoder

import kokoro_golden

VOICES = ("af_heart", "am_michael", "bf_emma")
RECOGNISER_RATE = 16000


def resampled(samples, rate):
    """To the recogniser's rate, through the spectrum."""
    length = round(len(samples) * RECOGNISER_RATE / rate)
    spectrum = np.fft.rfft(samples)[: length // 2 + 1]
    return np.fft.irfft(spectrum, length) * length / len(samples)


def heard(samples, rate=24000):
    samples = resampled(samples, rate)
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


def lumivox_audio(program, model, voice, phonemes):
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/a.wav"
        subprocess.run([program, "say", phonemes, "--phonemes", "-m", model, "--voice", voice, "-o", path, "-q"], check=True)
        with wave.open(path) as file:
            return np.frombuffer(file.readframes(file.getnframes()), np.int16) / 32767


def main():
    program, model, weights, config, voices = sys.argv[1:]
    istftnet, reference = kokoro_golden.load_model(weights, config)
    sentences = pathlib.Path(__file__).with_name("sentences.txt").read_text().splitlines()
    totals = np.zeros(3, int)
    for voice in VOICES:
        pack = torch.from_numpy(np.fromfile(f"{voices}/{voice}.bin", np.float32).reshape(510, 1, 256))
        language = "en-gb" if voice.startswith("b") else "en-us"
        for sentence in sentences:
            read = subprocess.run([program, "explain", "--json", "-l", language, sentence], check=True, capture_output=True)
            (segment,) = json.loads(read.stdout)["segments"]
            phonemes = segment["phonemes"]
            ids = torch.LongTensor([[0, *(reference.vocab[p] for p in phonemes), 0]])
            audio, _ = kokoro_golden.run(reference, istftnet, ids, pack[len(phonemes) - 1], 1.0, {}, False, seed=0)
            said = re.findall(r"[a-z']+", sentence.lower())
            ours = misheard(said, heard(lumivox_audio(program, model, voice, phonemes)))
            theirs = misheard(said, heard(audio.numpy().astype(np.float64)))
            totals += (len(said), ours, theirs)
            print(f"{voice:<12} lumivox {ours:>2}  reference {theirs:>2}  of {len(said):>2}  {sentence}", flush=True)
    words, ours, theirs = totals
    print(f"misheard of {words} words: lumivox {ours} ({ours / words:.1%}), reference {theirs} ({theirs / words:.1%})")
    sys.exit(int(ours > theirs))


if __name__ == "__main__":
    main()
