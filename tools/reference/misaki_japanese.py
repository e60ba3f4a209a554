"""Freezes what misaki 0.9.4 says of tests/data/japanese_sentences.txt for Kokoro v1.0, with UniDic 2.1.2.

    python -m venv venv && venv/bin/pip install -r tools/lexicon/requirements-cjk.txt && venv/bin/pip uninstall -y unidic
    venv/bin/python tools/reference/misaki_japanese.py crates/lumivox-text/tests/data

japanese_misaki.tsv    `sentence TAB phonemes`

misaki names the package `unidic`, whose dictionary (3.1.0) is fetched from elsewhere; without it fugashi takes `unidic-lite`.
"""

import pathlib
import sys

from misaki.cutlet import Cutlet


def main():
    folder = pathlib.Path(sys.argv[1])
    g2p = Cutlet()  # what misaki.ja.JAG2P() hands its text to
    texts = (folder / "japanese_sentences.txt").read_text("utf-8").splitlines()
    lines = [f"{text}\t{g2p(text)[0]}" for text in texts]
    (folder / "japanese_misaki.tsv").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
