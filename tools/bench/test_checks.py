"""Comparison of audio. Needs numpy."""

import unittest

import numpy as np

import checks
import engines

RATE_HZ = 16000


def tone(hz, seconds=1.0):
    return np.sin(2 * np.pi * hz * np.arange(int(RATE_HZ * seconds)) / RATE_HZ).astype(np.float32)


class Checks(unittest.TestCase):
    def test_snr(self):
        self.assertAlmostEqual(checks.snr_db(tone(440), tone(440) * np.float32(1.1)), 20, delta=0.01)

    def test_loudness_is_no_difference_of_spectra(self):
        found = checks.compare(tone(440), tone(440) * np.float32(1.5), RATE_HZ)
        self.assertLess(found["log_mel_l1"], 0.01)
        self.assertLess(found["mean_log_mel_l1"], 0.01)

    def test_another_tone_is_another_spectrum(self):
        found = checks.compare(tone(440), tone(880), RATE_HZ)
        self.assertGreater(found["log_mel_l1"], 0.1)
        self.assertGreater(found["mean_log_mel_l1"], 0.1)

    def test_another_length_is_refused(self):
        found = checks.compare(tone(440), tone(440, 1.01), RATE_HZ)
        self.assertNotIn("snr_db", found)
        with self.assertRaisesRegex(checks.CheckError, "samples"):
            checks.require(found, checks.Bound(snr_db=35), "test")
        checks.require(found, checks.Bound(length=0.02, mean_log_mel_l1=0.2), "test")

    def test_noise_is_refused(self):
        found = checks.compare(tone(440), tone(440) + tone(880) / 10, RATE_HZ)
        with self.assertRaisesRegex(checks.CheckError, "SNR"):
            checks.require(found, checks.Bound(snr_db=35), "test")

    def test_silence_is_refused(self):
        found = checks.compare(tone(440), np.zeros_like(tone(440)), RATE_HZ)
        with self.assertRaises(checks.CheckError):
            checks.require(found, checks.Bound(mean_log_mel_l1=0.2), "test")

    def test_every_engine_has_a_bound(self):
        for family, names in engines.FAMILIES.items():
            for name in names:
                checks.bound(name, family)


if __name__ == "__main__":
    unittest.main()
