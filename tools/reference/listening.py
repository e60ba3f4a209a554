"""What a speech recogniser hears: shared by the round trips.

The recogniser is chaotic: the last bit of a 16-bit sample can change several words. So it hears each utterance LISTENINGS times, dithered to 16 bits
differently each time, and the mean is taken.
"""

import re

import numpy as np
from pocketsphinx import Decoder

RECOGNISER_RATE = 16000
LISTENINGS = 10


def resampled(samples, rate):
    """To the recogniser's rate, through the spectrum."""
    length = round(len(samples) * RECOGNISER_RATE / rate)
    spectrum = np.fft.rfft(samples)[: length // 2 + 1]
    return np.fft.irfft(spectrum, length) * length / len(samples)


def heard(samples, listening, rate):
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


def mean_misheard(said, samples, rate, listenings=LISTENINGS):
    return np.mean([misheard(said, heard(samples, listening, rate)) for listening in range(listenings)])


def words(sentence):
    return re.findall(r"[a-z']+", sentence.lower())
