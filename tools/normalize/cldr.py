"""Makes the data of the normaliser from CLDR: how numbers are spelled out, and the names of emoji.

    npm install --prefix FOLDER (with package.json beside this file copied there)
    python tools/normalize/cldr.py FOLDER/node_modules crates/lumivox-text/data

`cldr.numbers.zst`: for each language a line `@tag`, then its rule sets as CLDR's text has them (`%name:`, a rule a line), without those that only
parsing needs. `cldr.emoji.zst`: a line of tags, then a line an emoji: the sequence without joiners, variation selectors and skin tones, and its name in
each language, tabs between.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

# Ours, CLDR's. Numbers of English, Japanese and Mandarin are spelled by their front-ends.
NUMBERS = [("es", "es"), ("fr", "fr"), ("hi", "hi"), ("it", "it"), ("pt-br", "pt")]
LANGUAGES = [("en", "en"), ("es", "es"), ("fr", "fr"), ("hi", "hi"), ("it", "it"), ("ja", "ja"), ("pt-br", "pt"), ("zh", "zh")]
UNUSED = ("%%lenient-parse", "financial", "verbose", "-plural", "oblique", "alternate", "numbering-days")
DROPPED = dict.fromkeys([0xFE0E, 0xFE0F, 0x200D, *range(0x1F3FB, 0x1F400)])


def numbers(packages: Path) -> str:
    lines = []
    for ours, theirs in NUMBERS:
        lines.append(f"@{ours}")
        keep = False
        for line in (packages / f"cldr-rbnf/rbnf/{theirs}-SpelloutRules.txt").read_text("utf-8").splitlines():
            if line.startswith("%"):
                keep = not any(part in line for part in UNUSED)
            if keep:
                # Soft hyphens show where a long word may be broken; the rest of the program would drop them.
                lines.append(line.replace("\u00ad", ""))
    return "\n".join(lines) + "\n"


def annotations(packages: Path, language: str) -> dict[str, str]:
    names = {}
    for package, top in (("cldr-annotations-full/annotations", "annotations"), ("cldr-annotations-derived-full/annotationsDerived", "annotationsDerived")):
        data = json.loads((packages / package / language / "annotations.json").read_text("utf-8"))
        for sequence, entry in data[top]["annotations"].items():
            toned = any(0x1F3FB <= ord(c) < 0x1F400 for c in sequence)
            if "tts" in entry and (not toned or len(sequence) == 1):
                key = sequence.translate(DROPPED) or sequence
                name = re.sub(r"[:,(){}“”\u202f\u00a0]+", " ", entry["tts"][0])
                names.setdefault(key, " ".join(name.split()))
    return names


def is_emoji(sequence: str) -> bool:
    # Signs of writing, money and mathematics are read by rules of their own.
    return all(ord(c) >= 0x2190 and not 0x2200 <= ord(c) < 0x2300 and not 0x3000 <= ord(c) < 0x3030 for c in sequence) or "\u20e3" in sequence


def emoji(packages: Path) -> str:
    named = [annotations(packages, theirs) for _, theirs in LANGUAGES]
    lines = ["\t".join(ours for ours, _ in LANGUAGES)]
    for sequence in sorted(named[0]):
        names = [names.get(sequence) for names in named]
        if is_emoji(sequence) and all(names):
            lines.append("\t".join([sequence, *names]))
    return "\n".join(lines) + "\n"


def main() -> None:
    packages, out = Path(sys.argv[1]), Path(sys.argv[2])
    for name, text in (("cldr.numbers", numbers(packages)), ("cldr.emoji", emoji(packages))):
        path = out / f"{name}.zst"
        subprocess.run(["zstd", "--ultra", "-22", "-q", "-f", "-o", str(path)], input=text.encode(), check=True)
        print(f"{path}: {len(text.splitlines())} lines, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
