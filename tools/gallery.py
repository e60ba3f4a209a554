#!/usr/bin/env python3
"""Makes a page to listen to: every language of Kokoro, several of its voices and a blend, a Piper voice, the voice inside, with text, waveform and the command that made each.

    tools/gallery.py --lumivox target/release/lumivox --output gallery      # gallery/index.html
    tools/gallery.py … --only fr,joe                                        # some of it

Audio is FLAC, pictures are PNG, both made by ffmpeg; everything is written below the folder, and the page asks for nothing from elsewhere. Models that are not here are fetched by lumivox.
"""

import argparse
import html
import json
import shlex
import shutil
import subprocess
import sys
import wave
from pathlib import Path

# name, title, text, arguments
SAMPLES = [
    ("en-us", "American English, af_heart", "The sky above the port was the color of television, tuned to a dead channel.", ["--voice", "af_heart"]),
    ("en-us-michael", "American English, am_michael", "Call me Ishmael. Some years ago, never mind how long precisely, I thought I would sail about a little.", ["--voice", "am_michael"]),
    ("en-gb", "British English, bf_emma", "It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a wife.", ["--voice", "bf_emma"]),
    ("blend", "A blend: 60 % af_heart, 40 % af_bella", "Half of one, and nearly half of the other.", ["--voice", "af_heart:60,af_bella:40"]),
    ("es", "Spanish, ef_dora", "En un lugar de la Mancha, de cuyo nombre no quiero acordarme, no ha mucho tiempo que vivía un hidalgo.", ["--voice", "ef_dora"]),
    ("fr", "French, ff_siwis", "Longtemps, je me suis couché de bonne heure.", ["--voice", "ff_siwis"]),
    ("hi", "Hindi, hf_alpha", "नमस्ते, आप कैसे हैं? आज मौसम बहुत अच्छा है।", ["--voice", "hf_alpha"]),
    ("it", "Italian, if_sara", "Nel mezzo del cammin di nostra vita mi ritrovai per una selva oscura.", ["--voice", "if_sara"]),
    ("ja", "Japanese, jf_alpha", "吾輩は猫である。名前はまだ無い。", ["--voice", "jf_alpha"]),
    ("pt-br", "Brazilian Portuguese, pf_dora", "Ao verme que primeiro roeu as frias carnes do meu cadáver dedico esta saudosa lembrança.", ["--voice", "pf_dora"]),
    ("zh", "Mandarin, zf_xiaobei", "学而时习之，不亦说乎？有朋自远方来，不亦乐乎？", ["--voice", "zf_xiaobei"]),
    ("numbers", "What is not written in words", "Dr. Smith paid $3.50 at 17:45 on May 1st, 2024, i.e. 12% less than in 1999.", ["--voice", "af_heart"]),
    ("fast", "Faster: speed 1.4", "The same voice, in more of a hurry.", ["--voice", "af_heart", "--speed", "1.4"]),
    ("int8", "In 8-bit integers", "The sky above the port was the color of television, tuned to a dead channel.", ["--voice", "af_heart", "--precision", "int8"]),
    ("joe", "The Piper voice joe", "Said by a Piper voice, without ONNX Runtime.", ["-m", "piper-joe"]),
    ("embedded", "The voice inside the program", "This voice is inside the program, and needs no file.", ["-m", "embedded"]),
]
STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2733;background:#fff}
article{border:1px solid #d5dde5;border-radius:10px;padding:1rem 1.25rem;margin:1.25rem 0}h2{font-size:1.05rem;margin:0 0 .25rem}p{margin:.25rem 0 .75rem}
audio,img{width:100%;display:block}img{border-radius:6px;margin-top:.75rem}code{font-size:.8rem;overflow-wrap:anywhere;color:#51606f}
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#10161d}article{border-color:#2c3947}code{color:#9fb0c0}}"""


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{shlex.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


def sample(lumivox, folder, name, title, text, arguments):
    """Says a sample; returns its part of the page."""
    wav, flac, png = (folder / f"{name}.{kind}" for kind in ["wav", "flac", "png"])
    run(lumivox, "say", text, *arguments, "-q", "-o", wav)
    with wave.open(str(wav)) as audio:
        seconds = audio.getnframes() / audio.getframerate()
        rate_hz = audio.getframerate()
    run("ffmpeg", "-nostdin", "-v", "error", "-y", "-i", wav, flac)
    run("ffmpeg", "-nostdin", "-v", "error", "-y", "-i", wav, "-lavfi", "showwavespic=s=1200x160:colors=#4a7ab5", png)
    wav.unlink()
    language = name if name in {"es", "fr", "hi", "it", "ja", "pt-br", "zh"} else "en"
    command = shlex.join(["lumivox", "say", text, *arguments])
    return (f'<article><h2>{html.escape(title)}</h2><p lang="{language}">{html.escape(text)}</p><audio controls preload="none" src="{name}.flac"></audio>'
            f'<img src="{name}.png" alt="Waveform" loading="lazy"><code>{html.escape(command)}</code><p><small>{seconds:.1f} s, {rate_hz:,} Hz</small></p></article>')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lumivox", default="lumivox")
    parser.add_argument("--output", type=Path, default=Path("gallery"))
    parser.add_argument("--only", help="names, separated by commas: " + ", ".join(name for name, *_ in SAMPLES))
    arguments = parser.parse_args()
    lumivox = shutil.which(arguments.lumivox) or sys.exit(f"{arguments.lumivox} is not here")
    only = arguments.only.split(",") if arguments.only else [name for name, *_ in SAMPLES]
    strangers = set(only) - {name for name, *_ in SAMPLES}
    if strangers:
        sys.exit(f"no sample has the name {', '.join(sorted(strangers))}")
    arguments.output.mkdir(parents=True, exist_ok=True)
    parts = []
    for name, title, text, choices in SAMPLES:
        if name in only:
            print(name, flush=True)
            parts.append(sample(lumivox, arguments.output, name, title, text, choices))
    version = run(lumivox, "--version").strip()
    models = json.loads(run(lumivox, "models", "--json"))
    is_rounded = not any(model["name"] == "kokoro" and model["installed_bytes"] for model in models)
    note = "Kokoro's weights here are those that an export had rounded to 8 bits." if is_rounded else "Kokoro's weights are the original ones."
    page = (f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>lumivox, to listen to</title><style>{STYLE}</style>'
            f'<h1>lumivox, to listen to</h1><p>Made by {html.escape(version)}, seed 0, each by the command below it. {note}</p>{"".join(parts)}</html>\n')
    part = arguments.output / "index.html.part"
    part.write_text(page)
    part.rename(arguments.output / "index.html")


if __name__ == "__main__":
    main()
