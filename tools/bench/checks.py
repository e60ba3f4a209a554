"""Whether an engine's audio is the reference's: nothing is timed that says something else."""

import dataclasses

import numpy as np

# Shape of the log-mel spectrogram.
N_FFT, HOP, N_MELS = 1024, 256, 80
FLOOR = 1e-5


class CheckError(RuntimeError):
    """Audio that is not what was asked for."""


@dataclasses.dataclass(frozen=True)
class Bound:
    """How far audio may be from the reference's, whose length it has to have within `length` (a share of it)."""

    length: float = 0.0
    snr_db: float | None = None
    log_mel_l1: float | None = None
    mean_log_mel_l1: float | None = None


# Where an engine has the reference's noise, samples are compared; elsewhere spectra: two seeds of Kokoro's noise differ by some 21 dB, and the graph of
# kokoro-onnx has none at all.
BOUNDS = {
    ("lumivox", "kokoro"): Bound(snr_db=35),
    ("lumivox", "piper"): Bound(snr_db=60),
    ("lumivox", "mms"): Bound(snr_db=60),
    ("lumivox-int8", "kokoro"): Bound(snr_db=25),
    ("onnxruntime", "kokoro"): Bound(log_mel_l1=0.15),
    # Its STFT of convolutions replaces phases, too.
    ("onnxruntime-export", "kokoro"): Bound(log_mel_l1=0.5),
    # Rounded activations move durations.
    ("onnxruntime-int8", "kokoro"): Bound(length=0.03, mean_log_mel_l1=0.2),
    ("pytorch", "kokoro"): Bound(log_mel_l1=0.1),
    ("onnxruntime", "piper"): Bound(snr_db=60),
    ("transformers", "mms"): Bound(snr_db=60),
    # any-tts reads the text itself.
    ("any-tts", "kokoro"): Bound(length=0.1, mean_log_mel_l1=0.2),
    ("voxr", "kokoro"): Bound(length=0.01, mean_log_mel_l1=0.2),
    ("voxr", "mms"): Bound(snr_db=60),
    ("lumivox-cuda", "kokoro"): Bound(snr_db=35),
    ("lumivox-cuda", "piper"): Bound(snr_db=60),
    ("lumivox-cuda", "mms"): Bound(snr_db=60),
    # Durations and pitch are f32 there, too.
    ("lumivox-cuda-f16", "kokoro"): Bound(snr_db=25),
    ("lumivox-cuda-f16", "piper"): Bound(snr_db=30),
    ("lumivox-cuda-f16", "mms"): Bound(snr_db=30),
}
# Other engines on a GPU, which may round to fewer bits (TF32) by default; that moves durations.
CUDA_BOUND = Bound(length=0.03, mean_log_mel_l1=0.2)


def bound(engine, family):
    """The bound of an engine; another build of lumivox has lumivox's, and so have direct convolution and recorded launches."""
    if "-cuda" in engine and not engine.startswith("lumivox"):
        return CUDA_BOUND
    return BOUNDS[engine.removesuffix("-before").removesuffix("-direct").removesuffix("-graphs"), family]


def snr_db(reference, audio):
    """Signal to noise, the difference being the noise."""
    reference, audio = reference.astype(np.float64), audio.astype(np.float64)
    return float(10 * np.log10(np.sum(reference**2) / max(np.sum((reference - audio) ** 2), 1e-30)))


def mel_filters(sample_rate_hz):
    """Triangular filters, evenly spaced in mel, (N_MELS, bins)."""
    mel = lambda hz: 2595 * np.log10(1 + hz / 700)
    edges = 700 * (10 ** (np.linspace(0, mel(sample_rate_hz / 2), N_MELS + 2) / 2595) - 1)
    bins = np.linspace(0, sample_rate_hz / 2, N_FFT // 2 + 1)
    lower, centre, upper = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    return np.clip(np.minimum((bins - lower) / (centre - lower), (upper - bins) / (upper - centre)), 0, None)


def log_mel(audio, sample_rate_hz):
    """Log-mel spectrogram, (N_MELS, frames)."""
    padded = np.pad(audio.astype(np.float64), N_FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)
    magnitude = np.abs(np.fft.rfft(frames * window))
    return np.log(np.maximum(mel_filters(sample_rate_hz) @ magnitude.T, FLOOR))


def as_loud(audio, reference):
    """The audio with the reference's level: kokoro-onnx's graph is 1.5 times too loud."""
    level = lambda x: max(np.sqrt(np.mean(x.astype(np.float64) ** 2)), FLOOR)
    return audio * (level(reference) / level(audio))


def log_mel_l1(reference, audio, sample_rate_hz):
    """Mean distance of log-mel spectra."""
    return float(np.mean(np.abs(log_mel(reference, sample_rate_hz) - log_mel(as_loud(audio, reference), sample_rate_hz))))


def mean_log_mel_l1(reference, audio, sample_rate_hz):
    """Distance of the spectra's means over time, for audio of another rhythm."""
    means = [np.mean(log_mel(x, sample_rate_hz), axis=1) for x in (reference, as_loud(audio, reference))]
    return float(np.mean(np.abs(means[0] - means[1])))


def compare(reference, audio, sample_rate_hz):
    """The figures of a comparison; those of samples and of spectra over time only where the lengths are equal."""
    figures = {"samples": int(audio.size), "reference_samples": int(reference.size)}
    figures["mean_log_mel_l1"] = mean_log_mel_l1(reference, audio, sample_rate_hz)
    if audio.size == reference.size:
        figures["snr_db"] = snr_db(reference, audio)
        figures["log_mel_l1"] = log_mel_l1(reference, audio, sample_rate_hz)
    return figures


def require(figures, bound, what):
    """Fails if the figures are out of bounds."""
    off = abs(figures["samples"] / figures["reference_samples"] - 1)
    if not off <= bound.length:
        raise CheckError(f"{what}: {figures['samples']} samples, the reference has {figures['reference_samples']}")
    if bound.snr_db is not None and not figures["snr_db"] >= bound.snr_db:
        raise CheckError(f"{what}: SNR {figures['snr_db']:.1f} dB, less than {bound.snr_db}")
    for kind in ("log_mel_l1", "mean_log_mel_l1"):
        limit = getattr(bound, kind)
        if limit is not None and not figures[kind] <= limit:
            raise CheckError(f"{what}: {kind} {figures[kind]:.3f}, more than {limit}")
