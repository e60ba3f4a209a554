"""What is said, and what can't be."""

import inspect
import json
import logging
import os
import re
import tempfile
import unittest
import wave
from pathlib import Path

import numpy as np
from cli import said

import lumivox

TEXT = "Dr. Smith paid “£3.50” for Zoë’s naïve café 🎉 guide. It was worth it!\n\nWasn't it?"


class Speech(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.embedded = lumivox.Synthesizer.embedded(threads=1)
        cls.kokoro = lumivox.Synthesizer("kokoro-int8")

    def test_five_lines_speak_as_the_program_does(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "hello.wav"
            speech = self.embedded.speak("Hello, world!")
            speech.save(path)
            self.assertEqual(path.read_bytes(), said("Hello, world!", "-m", "embedded"))
            self.assertEqual(os.listdir(folder), ["hello.wav"])
            with wave.open(str(path)) as file:
                self.assertEqual((file.getframerate(), file.getnframes()), (22_050, len(speech.samples)))

    def test_every_option_has_the_effect_that_it_has_in_the_program(self):
        plain = self.embedded.speak(TEXT).to_wav()
        for option, value in [
            ("speed", 1.3),
            ("length_scale", 0.8),
            ("noise_scale", 0.2),
            ("noise_w", 0.1),
            ("sentence_silence", 0.25),
            ("paragraph_silence", 0.5),
            ("seed", 2**64 - 1),
            ("language", "en-gb"),
            ("emoji", True),
        ]:
            with self.subTest(option):
                flag = "--" + option.replace("_", "-")
                flags = [flag] if value is True else [flag, str(value)]
                wav = self.embedded.speak(TEXT, **{option: value}).to_wav()
                self.assertEqual(wav, said(TEXT, "-m", "embedded", *flags))
                self.assertNotEqual(wav, plain)

    def test_ssml_phonemes_and_a_lexicon_are_read_as_by_the_program(self):
        ssml = "<speak>One <break time='300ms'/> <prosody rate='80%'>two</prosody></speak>"
        self.assertEqual(self.embedded.speak(ssml, ssml=True).to_wav(), said(ssml, "-m", "embedded", "--ssml"))
        phonemes = "həlˈoʊ wˈɜːld"
        wav = self.embedded.speak(phonemes, phonemes=True).to_wav()
        self.assertEqual(wav, said(phonemes, "-m", "embedded", "--phonemes"))
        with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as words:
            words.write("tea\ttˈeɪ\n")
            words.flush()
            wav = self.embedded.speak("Over tea", lexicon={"tea": "tˈeɪ"}).to_wav()
            self.assertEqual(wav, said("Over tea", "-m", "embedded", "--lexicon", words.name))

    def test_kokoro_speaks_as_the_program_does(self):
        arguments = ["-m", "kokoro-int8", "--voice", "bf_emma:60,af_bella:40", "--seed", "3"]
        speech = self.kokoro.speak("A blend, please.", voice="bf_emma:60,af_bella:40", seed=3)
        self.assertEqual(speech.to_wav(), said("A blend, please.", *arguments))
        self.assertEqual(speech.to_wav(sample_format="f32"), said("A blend, please.", *arguments, "--sample-format", "f32"))
        self.assertEqual(speech.sample_rate_hz, 24_000)
        self.assertIn("af_heart", self.kokoro.voices)

    def test_samples_are_what_the_file_holds(self):
        speech = self.embedded.speak(TEXT)
        self.assertEqual((speech.samples.dtype, speech.samples.ndim), (np.float32, 1))
        integers = np.frombuffer(speech.to_wav()[44:], "<i2")
        self.assertEqual(len(integers), len(speech.samples))
        self.assertLessEqual(np.abs(integers / 32767 - np.clip(speech.samples, -1, 1)).max(), 0.51 / 32767)
        self.assertAlmostEqual(speech.duration_s, len(integers) / 22_050)

    def test_words_have_their_places_in_the_text_and_their_times(self):
        speech = self.embedded.speak(TEXT)
        words = speech.words
        self.assertTrue(all(TEXT[word.start : word.end] == word.text for word in words), words)
        self.assertIn("café", [word.text for word in words])
        times = [time for word in words for time in (word.start_s, word.end_s)]
        self.assertEqual(times, sorted(times))
        self.assertLessEqual(times[-1], speech.duration_s)
        self.assertTrue(all(word.phonemes for word in words))
        told = json.loads(speech.to_json())
        self.assertEqual([word["text"] for word in told["words"]], [word.text for word in words])
        self.assertIn("-->", speech.to_srt())
        self.assertTrue(speech.to_vtt().startswith("WEBVTT\n"))

    def test_samples_of_another_shape_or_type_are_refused(self):
        for change in ({"shape": (1, -1)}, {"dtype": np.uint8}):
            speech = self.embedded.speak("Hello.")
            for name, value in change.items():
                setattr(speech.samples, name, value)
            with self.subTest(change):
                self.assertRaises(lumivox.OptionError, speech.to_wav)
                self.assertRaises(lumivox.OptionError, lambda: speech.duration_s)

    def test_losses_are_told(self):
        warnings = self.embedded.speak(TEXT).warnings
        self.assertEqual([warning.is_loss for warning in warnings], [True])
        self.assertIn("🎉", str(warnings[0]))

    def test_chunks_joined_are_the_speech(self):
        for arguments in ({}, {"chunk_frames": 50}):
            with self.subTest(arguments):
                stream = self.embedded.stream(TEXT, seed=5, **arguments)
                chunks = list(stream)
                self.assertGreater(len(chunks), 4)
                speech = self.embedded.speak(TEXT, seed=5)
                np.testing.assert_array_equal(np.concatenate(chunks), speech.samples)
                self.assertEqual([word.start_s for word in stream.words], [word.start_s for word in speech.words])
                self.assertEqual(len(stream.warnings), 1)
                self.assertEqual(list(stream), [])

    def test_what_is_wrong_has_its_own_exception(self):
        cases = [
            ({"speed": 9.0}, lumivox.OptionError),
            ({"seed": -1}, lumivox.OptionError),
            ({"g2p": "x"}, lumivox.OptionError),
            ({"ssml": True, "phonemes": True}, lumivox.OptionError),
            ({"voice": "nobody"}, lumivox.UnknownVoiceError),
            ({"max_text_bytes": 3}, lumivox.TextTooLongError),
            ({"language": "xx"}, lumivox.OptionError),
            ({"ssml": True}, lumivox.SsmlError),
            ({"speed": "fast"}, TypeError),
            ({"sped": 1.0}, TypeError),
        ]
        for options, expected in cases:
            for say in (self.embedded.speak, self.embedded.stream):
                with self.subTest(options), self.assertRaises(expected):
                    say("Fish & chips < 3", **options)
        self.assertRaises(lumivox.OptionError, self.embedded.speak, "a\ud800")
        with self.assertRaises(lumivox.NothingToSayError) as caught:
            self.embedded.speak("🎉")
        self.assertEqual(len(caught.exception.warnings), 1)
        with self.assertRaises(lumivox.UnknownVoiceError) as caught:
            self.kokoro.speak("Hello.", voice="af_hart")
        self.assertEqual(caught.exception.nearest[0], "af_heart")
        with self.assertRaises(lumivox.WriteError):
            self.embedded.speak("Hello.").save("/nonexistent/x.wav")

    def test_models_that_can_not_be_had_are_told(self):
        with self.assertRaises(lumivox.ModelNotFoundError) as caught:
            lumivox.Synthesizer("kokroo")
        self.assertIn("kokoro", caught.exception.nearest)
        self.assertRaises(lumivox.ModelNotFoundError, lumivox.Synthesizer, "./none.safetensors")
        self.assertRaises(lumivox.ModelFileError, lumivox.Synthesizer, __file__)
        for threads in (0, -1, 5000, 10**9, 2**65):
            self.assertRaises(lumivox.OptionError, lumivox.Synthesizer, "embedded", threads=threads)
        self.assertRaises(lumivox.DeviceError, lumivox.Synthesizer, "embedded", device="cuda:9999")
        self.assertRaises(lumivox.DeviceError, lumivox.Synthesizer, "embedded", precision="f16")

    def test_the_type_stubs_name_everything_that_there_is(self):
        stubs = (Path(lumivox.__file__).parent / "_lumivox.pyi").read_text()
        for name in ("Synthesizer", "Speech", "Stream", "Word", "Phoneme", "SpeechWarning"):
            start = re.search(rf"^class {name}\b", stubs, re.MULTILINE).start()
            end = stubs.find("@final", start)
            body = stubs[start : None if end < 0 else end]
            members = [member for member in vars(getattr(lumivox, name)) if not member.startswith("_")]
            self.assertEqual([member for member in members if f"def {member}(" not in body], [], name)
        options = list(inspect.signature(lumivox.Synthesizer.speak).parameters)[2:]
        declared = stubs[stubs.index("class Options") : stubs.index("@final")]
        self.assertEqual([option for option in options if f"    {option}: " not in declared], [])
        self.assertTrue((Path(lumivox.__file__).parent / "py.typed").is_file())


if __name__ == "__main__":
    logging.basicConfig()
    unittest.main()
