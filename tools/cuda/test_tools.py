"""What can be tested without the compilers: `python3 -m unittest discover -s tools/cuda`."""

import pathlib
import tempfile
import unittest
from unittest import mock

import build
import compiler
import faults
import graphs
import roofline

LOG = """ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'first' for 'sm_70'
ptxas info    : Function properties for first
    32 bytes stack frame, 8 bytes spill stores, 16 bytes spill loads
ptxas info    : Used 255 registers, 1024 bytes smem, 560 bytes cmem[0]
ptxas info    : Compiling entry function 'second' for 'sm_70'
ptxas info    : Function properties for second
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 38 registers, 560 bytes cmem[0], 56 bytes cmem[2]
"""


class Binaries(unittest.TestCase):
    def test_resources_are_read(self):
        first, second = compiler.resources(LOG, 70)
        self.assertEqual(first, compiler.Resources("first", 70, 255, 8, 16, 32, 1024))
        self.assertEqual(second, compiler.Resources("second", 70, 38, 0, 0, 0, 0))

    def test_a_log_that_is_not_understood_is_an_error(self):
        for log in ("", LOG.replace("spill loads", "spilled"), LOG.replace("Used 38 registers", "Used few registers")):
            with self.assertRaises(compiler.CompileError):
                compiler.resources(log, 70)
        with self.assertRaises(compiler.CompileError):
            compiler.resources(LOG, 75)

    def test_spills_need_a_reason(self):
        resources = compiler.resources(LOG, 70)
        self.assertEqual(len(list(build.spills(resources))), 1)
        with mock.patch.object(build, "SPILLS_ALLOWED", {"first": "a reason"}):
            self.assertEqual(list(build.spills(resources)), [])
        with mock.patch.object(build, "SPILLS_ALLOWED", {"first": "a reason", "second": "none"}):
            self.assertEqual(len(list(build.spills(resources))), 1)

    def test_what_is_committed_is_compared(self):
        files = {"a.gz": b"machine code", "b.tsv": b"text"}
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(build, "BINARIES", pathlib.Path(folder) / "binaries"):
            self.assertEqual(len(list(build.differences(files))), 2)
            build.write(files)
            self.assertEqual(list(build.differences(files)), [])
            self.assertEqual(len(list(build.differences(files | {"a.gz": b"other code"}))), 1)
            self.assertEqual(list(build.differences({"b.tsv": b"text"})), ["a.gz is not of the sources"])
            build.write({"b.tsv": b"text"})
            self.assertEqual([path.name for path in build.BINARIES.iterdir()], ["b.tsv"])


class Faults(unittest.TestCase):
    def test_each_changes_its_source(self):
        for fault in faults.FAULTS:
            with tempfile.TemporaryDirectory() as folder:
                folder = pathlib.Path(folder)
                faults.copy(fault.family, folder)
                fault.plant(folder)
                self.assertNotEqual((folder / fault.source).read_text(), (faults.KERNELS / fault.source).read_text())

    def test_a_text_that_is_not_there_is_an_error(self):
        with tempfile.TemporaryDirectory() as folder:
            faults.copy("conv1d", pathlib.Path(folder))
            with self.assertRaises(SystemExit):
                faults.Fault("conv1d", "nothing", "no such text", "").plant(pathlib.Path(folder))


class Graphs(unittest.TestCase):
    def test_kokoro_multiplies_as_often_as_was_counted(self):
        # As counted for the CPU: 27.6 GMAC for a second of audio, at its usual 15 tokens.
        kernels = graphs.graph("kokoro", 150, 400)
        self.assertAlmostEqual(sum(kernel.flops for kernel in kernels) / 10 / 2e9, 27.6, delta=0.1)

    def test_samples_of_a_frame(self):
        self.assertEqual([graphs.samples_per_frame(family) for family in ("kokoro", "piper", "mms")], [600, 256, 256])

    def test_no_prediction_is_faster_than_the_limit(self):
        for gpu in roofline.GPUS.values():
            for family, name in roofline.AUDIO_S:
                for dtype in ("f32", "f16"):
                    kernels = [kernel for segment in roofline.segments(family, name) for kernel in graphs.graph(family, *segment)]
                    limit = sum(roofline.limit_s(gpu, kernel, dtype) for kernel in kernels) / roofline.AUDIO_S[family, name]
                    self.assertGreater(roofline.predicted_rtf(gpu, family, name, dtype, launched="graph"), limit)


if __name__ == "__main__":
    unittest.main()
