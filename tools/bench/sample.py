"""A record of invented figures, for tests."""


def run(round, engine, rtf, family="kokoro", case="174", threads=2, audio_s=10.0):
    return {
        "round": round, "family": family, "case": case, "engine": engine, "threads": threads, "audio_s": audio_s, "wall_s": rtf * audio_s,
        "cpu_s": rtf * audio_s * threads, "ttfb_s": rtf * audio_s / 2 if engine == "lumivox" else rtf * audio_s, "others_share": 0.01,
    }  # fmt: skip


def record(rounds):
    return {
        "date": "2026-01-02T03:04:05+00:00",
        "commit": "0123456789ab",
        "machine": {"model": "Test CPU", "processors": 2},
        "others_share": {"median": 0.01, "max": 0.02},
        "idle": True,
        "rounds": rounds,
        "memory": [{"family": "kokoro", "case": "174", "engine": "lumivox", "threads": 2, "peak_rss_bytes": 5e8, "load_s": 0.1, "start_s": 0.2}],
    }
