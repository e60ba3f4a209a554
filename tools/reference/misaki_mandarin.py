"""Freezes what misaki 0.9.4 says of tests/data/mandarin_sentences.txt for Kokoro v1.0, and how cn2an reads numbers.

    python -m venv venv && venv/bin/pip install -r tools/lexicon/requirements-cjk.txt
    venv/bin/python tools/reference/misaki_mandarin.py crates/lumivox-text/tests/data

mandarin_misaki.tsv    `sentence TAB words, as jieba cuts them TAB phonemes`
mandarin_numbers.tsv   `number TAB Chinese characters`
"""

import pathlib
import random
import re
import sys

import cn2an
import jieba
from misaki.zh import ZHG2P


def numbers():
    random.seed(7)
    yield from ["0", "10", "11", "20", "101", "110", "1001", "1010", "1100", "10000", "10001", "10010", "100000", "1000000"]
    yield from ["10010001", "100010001", "100000000", "1000000000000", "1000100010001", "0.5", "3.14", "100.01", "20.0", "7.007"]
    for length in range(1, 17):
        for _ in range(9):
            yield str(random.randint(10 ** (length - 1), 10**length - 1))
        for _ in range(5):
            yield "".join(random.choice("0001") if i else "1" for i in range(length))


def main():
    folder = pathlib.Path(sys.argv[1])
    lines = [f"{n}\t{cn2an.an2cn(n, 'low')}" for n in dict.fromkeys(numbers())]
    (folder / "mandarin_numbers.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    g2p, lines = ZHG2P(), []
    for text in (folder / "mandarin_sentences.txt").read_text("utf-8").splitlines():
        read = ZHG2P.map_punctuation(cn2an.transform(text, "an2cn"))
        words = [jieba.lcut(run, cut_all=False) for run in re.findall("[\u4e00-\u9fff]+", read)]
        lines.append(f"{text}\t{' '.join(word for run in words for word in run)}\t{g2p(text)[0]}")
    (folder / "mandarin_misaki.tsv").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
