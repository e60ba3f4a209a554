"""What all golden files share: lumivox's noise, and tensors stored whole or in samples."""

import json

import numpy as np

SAMPLES = 256
# Of VITS.
AUDIO_SAMPLES = 8192
DP_NOISE, Z_NOISE = 2, 3  # the noise's stage numbers
SEED = 1234
# How far durations are from an integer before they are rounded up, at least.
MARGIN = 1e-3


def philox(counter, key):
    """Philox 4x32-10 on arrays of counters (n, 4)."""
    c = [counter[:, i].astype(np.uint64) for i in range(4)]
    k0, k1 = np.uint64(key[0]), np.uint64(key[1])
    low = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(b >> np.uint64(32)) ^ c[1] ^ k0, b & low, (a >> np.uint64(32)) ^ c[3] ^ k1, a & low]
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & low, (k1 + np.uint64(0xBB67AE85)) & low
    return np.stack(c, 1)


def normal(n, seed, stage, segment=0):
    """The first n standard normal values that lumivox draws for a stage of a segment: Philox and Box-Muller."""
    blocks = np.arange(-(-n // 4), dtype=np.uint64)
    counter = np.stack([blocks & 0xFFFFFFFF, blocks >> 32, np.full_like(blocks, stage), np.full_like(blocks, segment)], 1)
    u = (philox(counter, (seed & 0xFFFFFFFF, seed >> 32)).astype(np.float64) + 0.5) / 2**32
    radius, angle = np.sqrt(-2 * np.log(u[:, 0::2])), 2 * np.pi * u[:, 1::2]
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 2)
    return pairs.reshape(-1)[:n].astype(np.float32)


def sampled(tensors, samples=SAMPLES):
    """Tensors of more than `samples` values become that many of them, at the flat indices (j * 2654435761) mod size, with their L2 norms beside."""
    kept, norms = {}, {}
    for name, tensor in tensors.items():
        flat = tensor.reshape(-1)
        if flat.size <= samples:
            kept[name] = tensor
        else:
            index = (np.arange(samples, dtype=np.uint64) * np.uint64(2654435761)) % np.uint64(flat.size)
            kept[f"{name}.samples"] = flat[index.astype(np.int64)]
            norms[name] = float(np.linalg.norm(flat.astype(np.float64)))
    return kept, norms


def save(path, tensors, case):
    from safetensors.numpy import save_file

    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    save_file(contiguous, path, {"case": json.dumps(case, ensure_ascii=False)})


def case(metadata):
    return json.loads(metadata["case"])


def clear_seed(durations):
    """The first seed at which no value of `durations(seed)`, which are to be rounded up, is near to an integer."""

    def is_clear(w):
        return np.abs(w - np.maximum(np.round(w), 1)).min() > MARGIN

    seed = next((seed for seed in range(SEED, SEED + 20) if is_clear(durations(seed))), None)
    assert seed is not None, "durations are too near to integers at every seed; say something else"
    return seed


def save_vits(path, ids, durations, stages, audio, case):
    """A golden of VITS: ids and durations whole, stages and audio in samples where they are large."""
    kept, norms = sampled(stages)
    audio_kept, audio_norm = sampled({"audio": audio}, AUDIO_SAMPLES)
    shapes = {name: list(tensor.shape) for name, tensor in {**stages, "audio": audio}.items()}
    whole = {"ids": ids.astype(np.int32), "durations": durations.reshape(-1).astype(np.int32)}
    save(path, {**kept, **audio_kept, **whole}, {**case, "norms": {**norms, **audio_norm}, "shapes": shapes})
