"""Makes the normaliser's suite, crates/lumivox-text/tests/data/normalization.tsv, from published references.

    python -m venv venv && venv/bin/pip install -r tools/normalize/requirements.txt
    git clone https://github.com/NVIDIA/NeMo-text-processing nemo && git -C nemo checkout 1f1263579fe57ba7ed783cad3dddee710fcc5064
    venv/bin/python tools/normalize/suite.py nemo FOLDER/node_modules crates/lumivox-text/tests/data/normalization.tsv

(FOLDER as in tools/normalize/cldr.py; `nemo` may be a bare repository.) A line: language, class, reference, as written, as spoken; several readings are
parted by `~`. References: the test cases of NeMo-text-processing (Apache-2.0), every n-th line so that a class has at most MOST cases; num2words
(LGPL; only its output is here); unicode-rbnf, which reads CLDR's rules; CLDR's long forms of dates and units (babel) with their numbers spelled by
num2words or unicode-rbnf; CLDR's names of emoji.
"""

import datetime
import json
import re
import subprocess
import sys
from pathlib import Path

from babel.dates import format_date
from babel.units import format_unit
from num2words import num2words
from unicode_rbnf import FormatPurpose, RbnfEngine

COMMIT = "1f1263579fe57ba7ed783cad3dddee710fcc5064"
MOST = 24
# Ours, NeMo's folder, num2words', CLDR's.
LANGUAGES = [
    ("en-us", "en", None, "en"), ("en-gb", None, "en", "en"), ("es", "es", "es", "es"), ("fr", "fr", "fr", "fr"), ("hi", "hi", None, "hi"),
    ("it", "it", "it", "it"), ("ja", "ja", "ja", "ja"), ("pt-br", "pt", "pt_BR", "pt"), ("zh", "zh", None, "zh"),
]
CLASSES = ["cardinal", "date", "decimal", "electronic", "fraction", "measure", "money", "ordinal", "range", "roman", "telephone", "time", "whitelist"]
NUMBERS = [0, 1, 7, 11, 16, 21, 28, 31, 45, 71, 80, 99, 100, 101, 121, 200, 500, 999, 1000, 1001, 1100, 2024, 10000, 21000, 100000, 123456, 1000000, 2000000, 12345678]
ORDINALS = {"es": "{}.º", "fr": "{}e", "it": "{}º", "pt-br": "{}º"}
UNITS = {"km": "length-kilometer", "kg": "mass-kilogram", "cm": "length-centimeter", "°C": "temperature-celsius", "m²": "area-square-meter", "min": "duration-minute"}
EMOJI = "😂❤🔥👍🎉🙏🚀☀🐱🍕👩‍🚒🇫🇷"


def nemo_cases(repository, language, kind):
    path = f"tests/nemo_text_processing/{language}/data_text_normalization/test_cases_{kind}.txt"
    shown = subprocess.run(["git", "-C", repository, "show", f"{COMMIT}:{path}"], capture_output=True, text=True)
    lines = [line.strip() for line in shown.stdout.splitlines() if line.count("~") >= 1 and not line.startswith("~")]
    # Letters are said by their names here, and not written one by one.
    lines = [line for line in lines if language in ("en", "hi") or not re.search(r"(^|[ ~])[b-df-hj-np-tv-z]( |~|$)", line.split("~", 1)[1])]
    step = -(-len(lines) // MOST) or 1
    for line in lines[::step]:
        written, *spoken = line.split("~")
        yield kind, f"NeMo {language}/{kind}", written.strip(), "~".join(s.strip() for s in spoken)


def spell(ours, theirs, cldr, number):
    if theirs:
        return num2words(number, lang=theirs)
    return RbnfEngine.for_language(cldr).format_number(number, FormatPurpose.CARDINAL).text


def number_cases(ours, theirs, cldr):
    reference = "num2words" if theirs else "unicode-rbnf"
    for number in NUMBERS:
        yield "cardinal", reference, str(number), spell(ours, theirs, cldr, number)
    if theirs and ours not in ("ja", "en-gb"):
        for number in (1, 2, 3, 5, 10, 12, 20, 21, 100):
            yield "ordinal", reference, ORDINALS[ours].format(number), num2words(number, lang=theirs, to="ordinal")
        # Reads every currency alike, and so only amounts in euros are taken.
        for amount in (1.01, 2.5, 12.05, 21.99, 100.10) if ours != "pt-br" else ():
            written = f"{amount:.2f} €".replace(".", ",")
            yield "money", reference, written, num2words(amount, lang=theirs, to="currency", currency="EUR")
    if ours == "pt-br":
        for amount in (1.01, 2.5, 12.05, 21.99, 100.10):
            yield "money", reference, f"R$ {amount:.2f}".replace(".", ","), num2words(amount, lang=theirs, to="currency")
    if ours == "en-gb":
        for year in (1066, 1905, 1984, 1999, 2010, 2024):
            yield "year", reference, f"in {year}", "in " + num2words(year, lang="en", to="year")
        for number in (21, 101, 112):
            yield "ordinal", reference, f"{number}{'st' if number % 10 == 1 else 'th'}", num2words(number, lang="en", to="ordinal")


def spelled(ours, theirs, cldr, text):
    return re.sub(r"\d+", lambda m: spell(ours, theirs, cldr, int(m.group())), text.replace("\u00a0", " "))


def cldr_cases(ours, theirs, cldr):
    if ours in ("en-us", "en-gb", "ja", "zh"):
        return
    for day in ("2024-03-15", "1999-12-31", "2010-08-07", "1984-10-22"):
        date = datetime.date.fromisoformat(day)
        long = format_date(date, "long", locale=cldr)
        if ours != "hi":
            yield "date", "CLDR long date", f"{date.day}/{date.month}/{date.year}", spelled(ours, theirs, cldr, long)
    for sign, unit in UNITS.items():
        for count in (1, 5, 30):
            long = format_unit(count, unit, "long", locale=cldr)
            # CLDR has the noun alone; the number's gender is the noun's, masculine in all of these units but one.
            if count == 1 and theirs:
                continue
            yield "measure", "CLDR long unit", f"{count} {sign}", spelled(ours, theirs, cldr, long)
    for share in (5, 30, 100):
        yield "percent", "CLDR percent", f"{share} %", {
            "es": "{} por ciento", "fr": "{} pour cent", "it": "{} percento", "pt-br": "{} por cento", "hi": "{} प्रतिशत",
        }[ours].format(spell(ours, theirs, cldr, share))


def emoji_cases(packages, ours, cldr):
    names = {}
    for package, top in (("cldr-annotations-full/annotations", "annotations"), ("cldr-annotations-derived-full/annotationsDerived", "annotationsDerived")):
        names |= json.loads((packages / package / cldr / "annotations.json").read_text("utf-8"))[top]["annotations"]
    for sequence in re.findall(r"👩‍🚒|🇫🇷|.", EMOJI):
        if sequence in names:
            yield "emoji", "CLDR annotations", sequence, names[sequence]["tts"][0].replace("\u202f", " ")


def main() -> None:
    repository, packages, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    lines = []
    for ours, nemo, theirs, cldr in LANGUAGES:
        cases = list(number_cases(ours, theirs, cldr)) if ours != "en-us" else []
        for kind in CLASSES if nemo else []:
            cases += nemo_cases(repository, nemo, kind)
        cases += cldr_cases(ours, theirs, cldr)
        cases += emoji_cases(packages, ours, cldr)
        unique = {case[2]: case for case in reversed(cases)}
        kept = [case for case in cases if unique[case[2]] == case]
        lines += ["\t".join((ours, *(" ".join(field.split()) for field in case))) for case in kept if case[2] and case[3]]
    out.write_text("\n".join(lines) + "\n", "utf-8")
    print(f"{out}: {len(lines)} cases")


if __name__ == "__main__":
    main()
