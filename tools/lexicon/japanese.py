"""Makes the Japanese data file of crates/lumivox-text/data from published packages.

    python -m venv venv && venv/bin/pip install -r tools/lexicon/requirements-cjk.txt && venv/bin/pip uninstall -y unidic
    venv/bin/python tools/lexicon/japanese.py crates/lumivox-text/data

ja.words.zst   misaki's list of words: a section (little-endian u32 byte count, then that many bytes), sorted lines in UTF-8
"""

import importlib.resources
import pathlib
import struct
import sys

import zstandard


def main():
    text = (importlib.resources.files("misaki.data") / "ja_words.txt").read_text("utf-8")
    lines = sorted({line.strip() for line in text.splitlines()} - {""}, key=str.encode)
    raw = "\n".join(lines).encode()
    packed = zstandard.ZstdCompressor(level=22).compress(struct.pack("<I", len(raw)) + raw)
    (pathlib.Path(sys.argv[1]) / "ja.words.zst").write_bytes(packed)


if __name__ == "__main__":
    main()
