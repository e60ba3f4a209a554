"""The definitions are what they say, and ids are the tokenizers'."""

import json
import pathlib
import tempfile
import unittest

import cases

DEFINITION = """
family = "kokoro"
voice = "af_heart"
[[cases]]
name = "two"
characters = {characters}
segments = [{{ text = "Hello,", phonemes = "həlˈO," }}, {{ text = "world.", phonemes = "{phonemes}" }}]
"""


class Definitions(unittest.TestCase):
    def test_lengths_are_those_of_the_comparison(self):
        lengths = {case.title: len(case.text) for case in cases.load()}
        for title in ("kokoro/44", "kokoro/122", "kokoro/174", "piper/41", "piper/178", "mms/41", "mms/178"):
            self.assertEqual(lengths[title], int(title.split("/")[1]))
        for family in ("kokoro", "piper", "mms"):
            self.assertEqual(lengths[f"{family}/word"], len("Hello."))
            self.assertGreater(lengths[f"{family}/60s"], 800)

    def test_no_title_is_given_twice(self):
        titles = [case.title for case in cases.load()]
        self.assertEqual(len(titles), len(set(titles)))

    def test_letters_of_mms_are_those_of_the_text(self):
        for case in cases.load():
            if case.family == "mms":
                for segment in case.segments:
                    self.assertEqual(segment.phonemes, "".join(c for c in segment.text.lower() if c.isalnum() or c in " '-"))

    def test_a_wrong_count_is_refused(self):
        self.assertEqual(cases.parse(DEFINITION.format(characters=13, phonemes="wˈɜɹld."))[0].text, "Hello, world.")
        with self.assertRaisesRegex(cases.DefinitionError, "13 characters, not 12"):
            cases.parse(DEFINITION.format(characters=12, phonemes="wˈɜɹld."))

    def test_white_space_at_an_end_is_refused(self):
        with self.assertRaisesRegex(cases.DefinitionError, "white space"):
            cases.parse(DEFINITION.format(characters=13, phonemes="wˈɜɹld. "))


class Ids(unittest.TestCase):
    def setUp(self):
        with tempfile.TemporaryDirectory() as folder:
            work = pathlib.Path(folder)
            for name, content in {
                "kokoro/config.json": {"vocab": {"a": 1, "b": 2}},
                "piper.onnx.json": {"phoneme_id_map": {"_": [0], "^": [1], "$": [2], "a": [3], "b": [4, 5]}},
                "mms/vocab.json": {"k": 0, "a": 1, "b": 2},
            }.items():
                (work / name).parent.mkdir(exist_ok=True)
                (work / name).write_text(json.dumps(content))
            self.encoder = cases.Encoder(work)

    def test_kokoro_has_an_id_at_each_end(self):
        self.assertEqual(self.encoder.ids("kokoro", "ab"), [0, 1, 2, 0])

    def test_piper_has_blanks_and_ends(self):
        self.assertEqual(self.encoder.ids("piper", "ab"), [1, 0, 3, 0, 4, 5, 0, 2])

    def test_mms_has_blanks_but_at_its_pad(self):
        # As VitsTokenizer has them.
        self.assertEqual(self.encoder.ids("mms", "ab"), [0, 1, 0, 2, 0])
        self.assertEqual(self.encoder.ids("mms", "ak"), [0, 1, 0, 0])
        self.assertEqual(self.encoder.ids("mms", "kab"), [0, 0, 1, 0, 2, 0])
        self.assertEqual(self.encoder.ids("mms", "akkb"), [0, 1, 0, 0, 0, 0, 2, 0])

    def test_unknown_symbols_are_errors(self):
        with self.assertRaisesRegex(cases.DefinitionError, r"no ids for \['x'\]"):
            self.encoder.ids("kokoro", "axb")


if __name__ == "__main__":
    unittest.main()
