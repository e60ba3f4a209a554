"""Makes the Mandarin data files of crates/lumivox-text/data from published packages.

    python -m venv venv && venv/bin/pip install -r tools/lexicon/requirements-cjk.txt && venv/bin/pip uninstall -y unidic
    venv/bin/python tools/lexicon/mandarin.py crates/lumivox-text/data

zh.words.zst      jieba's dictionary and its model of unknown words: what Mandarin text is cut into
zh.readings.zst   pypinyin's readings of characters and phrases, and misaki's IPA of every syllable

Both are sections, each a little-endian u32 byte count and that many bytes. A word list is two sections: for every word the number
of characters that it shares with the one before it (one byte), and the rest of its characters, a line each (UTF-8). Its words are
of characters U+4E00 to U+9FFF, sorted.

zh.words: sum of all frequencies (decimal), word list, frequencies (LEB128), characters of the hidden Markov model (UTF-8), their log
probabilities as first, inner, last and only character of a word (f32, NaN for none).

zh.readings: syllables (`pinyin TAB IPA`, lines), characters (UTF-8), their readings (a line each, as numbers of syllables; the
most usual first), list of phrases, for each character of every phrase the place of its reading among the character's (a byte).
"""

import pathlib
import struct
import sys

import jieba
import zstandard
from jieba.finalseg import prob_emit
from misaki.zh import ZHG2P
from pypinyin import Style
from pypinyin.constants import PHRASES_DICT, PINYIN_DICT
from pypinyin.converter import UltimateConverter


def sections(*parts: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=22).compress(b"".join(struct.pack("<I", len(part)) + part for part in parts))


def leb128(number: int) -> bytes:
    out = bytearray()
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def is_han(word: str) -> bool:
    return all("\u4e00" <= c <= "\u9fff" for c in word)


def word_list(words) -> tuple[bytes, bytes]:
    shared, rest, before = bytearray(), [], ""
    for word in words:
        same = next((i for i, (a, b) in enumerate(zip(word, before)) if a != b), min(len(word), len(before)))
        shared.append(same)
        rest.append(word[same:])
        before = word
    return bytes(shared), "\n".join(rest).encode()


def words() -> bytes:
    jieba.initialize()
    entries = jieba.dt.FREQ
    kept = sorted(word for word, frequency in entries.items() if frequency and is_han(word))
    frequencies = b"".join(leb128(entries[word]) for word in kept)
    tables = [prob_emit.P[state] for state in "BMES"]
    characters = sorted({c for table in tables for c in table})
    nan = float("nan")
    emissions = [struct.pack(f"<{len(characters)}f", *(table.get(c, nan) for c in characters)) for table in tables]
    total = str(jieba.dt.total).encode()
    return sections(total, *word_list(kept), frequencies, "".join(characters).encode(), b"".join(emissions))


def readings() -> bytes:
    converter = UltimateConverter(neutral_tone_with_five=True)
    tone3 = lambda han, pinyin: converter.convert_style(han, pinyin, style=Style.TONE3, strict=True)
    ipa, of_character = {}, {}

    def add(c, pinyin):
        syllable = tone3(c, pinyin)
        if syllable not in ipa:
            ipa[syllable] = ZHG2P.py2ipa(syllable).replace(chr(815), "")
        listed = of_character.setdefault(c, [])
        if syllable not in listed:
            listed.append(syllable)
        return listed.index(syllable)

    unread = []
    for code, pinyins in sorted(PINYIN_DICT.items()):
        for pinyin in pinyins.split(","):
            try:
                add(chr(code), pinyin)
            except ValueError:  # misaki has no IPA for it
                unread.append((chr(code), pinyin))
    phrases = {}
    for phrase, pinyins in sorted(PHRASES_DICT.items()):
        if is_han(phrase):
            assert len(phrase) == len(pinyins), phrase
            phrases[phrase] = bytes(add(c, p[0]) for c, p in zip(phrase, pinyins))
    print(len(ipa), "syllables,", len(of_character), "characters,", len(phrases), "phrases, without IPA:", unread)
    syllables = sorted(ipa)
    number = {syllable: i for i, syllable in enumerate(syllables)}
    lists = "\n".join(" ".join(str(number[s]) for s in listed) for _, listed in sorted(of_character.items()))
    lines = "\n".join(f"{s}\t{ipa[s]}" for s in syllables)
    characters = "".join(sorted(of_character))
    return sections(lines.encode(), characters.encode(), lists.encode(), *word_list(phrases), b"".join(phrases.values()))


def main():
    folder = pathlib.Path(sys.argv[1])
    (folder / "zh.words.zst").write_bytes(words())
    (folder / "zh.readings.zst").write_bytes(readings())


if __name__ == "__main__":
    main()
