"""Makes tests/data/mecab.zst, a MeCab dictionary with only the words that some sentences can be cut into, and mecab.tsv, how MeCab cuts them.

    python -m venv venv && venv/bin/pip install -r tools/lexicon/requirements-cjk.txt
    venv/bin/python tools/lexicon/mecab_sample.py JA_DICTIONARY crates/lumivox-text/tests/data

JA_DICTIONARY is the folder of `lumivox pull ja-dictionary`. mecab.zst: sys.dic, unk.dic, matrix.bin and char.bin, each a little-endian u32 byte
count and that many bytes. mecab.tsv: `sentence TAB words, with blanks between them`.
"""

import pathlib
import struct
import subprocess
import sys
import sysconfig
import tempfile

import fugashi
import zstandard

SENTENCES = """すもももももももものうち。
東京都に住んでいます。
この先生きのこるには、どうすればいいか。
外国人参政権について話し合う。
吾輩は猫である。名前はまだ無い。
庭には二羽鶏がいる。
スマートフォンとタブレットを買った。
ゔぃくとりあさんと ヌルヌルプヨンポコリー を食べる
鬱鬱彁𠮷野家で、ＡＢＣとxyzを１２３回
お誕生日おめでとうございます！！
行こう、食べよう、そうでしょう。
ァィゥェォッャュョヮー""".splitlines()


class Lexicon:
    """sys.dic or unk.dic of MeCab 0.996."""

    def __init__(self, path):
        self.data = path.read_bytes()
        sizes = struct.unpack("<10I", self.data[:40])[6:9]
        self.units = self.data[72 : 72 + sizes[0]]
        self.tokens = self.data[72 + sizes[0] : 72 + sizes[0] + sizes[1]]
        self.features = self.data[72 + sizes[0] + sizes[1] :]

    def prefixes(self, key: bytes):
        unit = lambda at: struct.unpack_from("<iI", self.units, at * 8) if at * 8 + 8 <= len(self.units) else (0, -1)
        at = unit(0)[0]
        for length in range(len(key) + 1):
            base, check = unit(at)
            if check == at and base < 0:
                yield length, -base - 1
            if length == len(key):
                return
            base, check = unit(at + key[length] + 1)
            if check != at:
                return
            at = base

    def entries(self, value):
        for at in range(value >> 8, (value >> 8) + (value & 255)):
            left, right, _, cost, feature, _ = struct.unpack_from("<HHHhII", self.tokens, at * 16)
            end = self.features.index(0, feature)
            yield left, right, cost, self.features[feature:end].decode()


def matrix(path, ids):
    data = path.read_bytes()
    width = struct.unpack_from("<H", data)[0]
    cost = lambda right, left: struct.unpack_from("<h", data, 4 + 2 * (right + width * left))[0]
    lines = [f"{len(ids)} {len(ids)}"]
    lines += [f"{i} {j} {cost(right, left)}" for i, right in enumerate(ids) for j, left in enumerate(ids)]
    return "\n".join(lines) + "\n"


def main():
    source, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    known, unknown = Lexicon(source / "sys.dic"), Lexicon(source / "unk.dic")
    rows, ids = set(), {0}
    for sentence in SENTENCES:
        for start in range(len(sentence)):
            key = sentence[start:].encode()
            for length, value in known.prefixes(key):
                rows |= {(key[:length].decode(), *entry) for entry in known.entries(value)}
    char_bin = (source / "char.bin").read_bytes()
    count = struct.unpack_from("<I", char_bin)[0]
    names = [char_bin[4 + 32 * i : 36 + 32 * i].split(b"\0")[0].decode() for i in range(count)]
    others = []
    for name in names:
        value = next(value for length, value in unknown.prefixes(name.encode()) if length == len(name))
        others += [(name, *entry) for entry in unknown.entries(value)]
    for _, left, right, *_ in [*rows, *others]:
        ids |= {left, right}
    ids = sorted(ids)
    place = {number: i for i, number in enumerate(ids)}
    line = lambda row: f"{row[0]},{place[row[1]]},{place[row[2]]},{row[3]},{row[4]}\n"
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "words.csv").write_text("".join(map(line, sorted(rows))), "utf-8")
        (folder / "unk.def").write_text("".join(map(line, others)), "utf-8")
        (folder / "matrix.def").write_text(matrix(source / "matrix.bin", ids), "utf-8")
        # What it says of characters is replaced by the source's.
        (folder / "char.def").write_text("".join(f"{name} 0 1 0\n" for name in names), "utf-8")
        for name in ("left-id.def", "right-id.def"):
            (folder / name).write_text("".join(f"{i} *\n" for i in range(len(ids))), "utf-8")
        (folder / "rewrite.def").write_text("[unigram rewrite]\n*\t*\n\n[left rewrite]\n*\t*\n\n[right rewrite]\n*\t*\n", "utf-8")
        (folder / "pos-id.def").write_text("* 0\n", "utf-8")
        (folder / "feature.def").write_text("", "utf-8")
        (folder / "dicrc").write_text("cost-factor = 700\nbos-feature = BOS/EOS\nconfig-charset = UTF-8\ndictionary-charset = UTF-8\n", "utf-8")
        tool = pathlib.Path(sysconfig.get_path("scripts")) / "fugashi-build-dict"
        subprocess.run([tool, "-d", folder, "-o", folder, "-f", "utf8", "-t", "utf8"], check=True, stdout=subprocess.DEVNULL)
        (folder / "char.bin").write_bytes(char_bin)
        files = [(folder / name).read_bytes() for name in ("sys.dic", "unk.dic", "matrix.bin", "char.bin")]
        tagger = fugashi.GenericTagger(f"-d {folder} -r /dev/null")
        lines = [f"{s}\t{' '.join(word.surface for word in tagger(s))}\n" for s in SENTENCES]
        for path in source.iterdir():
            if path.name != "dicrc":
                (folder / path.name).write_bytes(path.read_bytes())
        whole = fugashi.GenericTagger(f"-d {folder} -r /dev/null")
    assert lines == [f"{s}\t{' '.join(word.surface for word in whole(s))}\n" for s in SENTENCES]
    raw = b"".join(struct.pack("<I", len(file)) + file for file in files)
    (target / "mecab.zst").write_bytes(zstandard.ZstdCompressor(level=19).compress(raw))
    (target / "mecab.tsv").write_text("".join(lines), "utf-8")
    print(len(rows), "entries,", len(ids), "contexts")


if __name__ == "__main__":
    main()
