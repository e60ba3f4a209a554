"""English as libespeak-ng writes it: what the IPA of Piper's English voices is measured against.

usage: espeak_english.py > crates/lumivox-text/tests/data/english_espeak.json

Output: {"seen": […], "held_out": […]}, each a list of {"text", "en-us", "en-gb", "en-gb-x-rp": IPA without ties,
"misaki-en-us", "misaki-en-gb": the first two through misaki's table from espeak's symbols to its own}. "seen" is every second line of
`english_sentences.txt`, which the rules were written with in view; "held_out" is `english_fresh.txt`, which was written afterwards.
Punctuation is not in the IPA.
Needs: espeakng-loader 0.2.4 (espeak-ng 1.52.0), misaki 0.9.4.
"""

import ctypes
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import espeakng_loader

# misaki.espeak wants the package phonemizer; only its table is needed here.
for name in ("phonemizer", "phonemizer.backend", "phonemizer.backend.espeak", "phonemizer.backend.espeak.wrapper"):
    sys.modules[name] = ModuleType(name)
nothing = SimpleNamespace(set_library=lambda path: None, set_data_path=lambda path: None)
sys.modules["phonemizer.backend.espeak.wrapper"].EspeakWrapper = nothing

from misaki.espeak import EspeakFallback  # noqa: E402 (needs the lines above)

VOICES = {"en-us": "gmw/en-US", "en-gb": "gmw/en", "en-gb-x-rp": "gmw/en-GB-x-rp"}
UTF8, IPA, TIE = 1, 0x02, 0x80 | ord("^") << 8

library = ctypes.cdll.LoadLibrary(espeakng_loader.get_library_path())
library.espeak_TextToPhonemes.restype = ctypes.c_char_p
assert library.espeak_Initialize(2, 0, espeakng_loader.get_data_path().encode(), 0) > 0


def ipa(voice: str, text: str, mode: int = IPA) -> str:
    assert library.espeak_SetVoiceByName(VOICES[voice].encode()) == 0
    rest = ctypes.pointer(ctypes.c_char_p(text.encode()))
    clauses = []
    while rest.contents.value is not None:
        clauses.append((library.espeak_TextToPhonemes(ctypes.cast(rest, ctypes.POINTER(ctypes.c_void_p)), UTF8, mode) or b"").decode().strip())
    return " ".join(filter(None, clauses))


def misaki(voice: str, tied: str) -> str:
    table = object.__new__(EspeakFallback)
    table.british, table.version = voice == "en-gb", None
    table.backend = SimpleNamespace(phonemize=lambda texts: [tied])
    return table(SimpleNamespace(text=""))[0]


def row(text: str) -> dict:
    written = {voice: ipa(voice, text) for voice in VOICES}
    symbols = {f"misaki-{voice}": misaki(voice, ipa(voice, text, IPA | TIE)) for voice in ("en-us", "en-gb")}
    return {"text": text} | written | symbols


def main() -> None:
    data = Path("crates/lumivox-text/tests/data")
    lines = {name: (data / f"english_{name}.txt").read_text("utf-8").splitlines() for name in ("sentences", "fresh")}
    sets = {"seen": lines["sentences"][::2], "held_out": lines["fresh"]}
    lists = (f'"{name}":[\n' + ",\n".join(json.dumps(row(text), ensure_ascii=False) for text in texts) + "\n]" for name, texts in sets.items())
    print("{\n" + ",\n".join(lists) + "\n}")


if __name__ == "__main__":
    main()
