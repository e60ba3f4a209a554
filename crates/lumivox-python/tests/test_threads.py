"""Other threads, interrupts and forks."""

import os
import signal
import subprocess
import sys
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import lumivox

LONG = "This is said again and again, for a good while. " * 60


def computing():
    """Processor time of this process, in seconds, all threads of it together."""
    return time.process_time()


class Threads(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.synthesizer = lumivox.Synthesizer.embedded(threads=1)

    def test_python_runs_while_it_speaks(self):
        spoken = threading.Event()

        def speak():
            self.synthesizer.speak(LONG)
            spoken.set()

        thread = threading.Thread(target=speak)
        started = time.monotonic()
        thread.start()
        turns = 0
        while not spoken.is_set():
            time.sleep(0.005)
            turns += 1
        elapsed_s = time.monotonic() - started
        thread.join()
        # A speech that held the interpreter would let this one have a turn or two.
        self.assertGreater(elapsed_s, 0.5)
        self.assertGreater(turns, 30)

    def test_threads_share_a_stream(self):
        whole = self.synthesizer.speak(LONG[:600]).samples
        stream = self.synthesizer.stream(LONG[:600])
        with ThreadPoolExecutor(3) as pool:
            looking = [pool.submit(lambda: max(len(stream.words) for _ in range(2000)))]
            lengths = pool.map(lambda _: sum(len(chunk) for chunk in stream), range(2))
            self.assertEqual(sum(lengths), len(whole))
            looking[0].result()
        self.assertEqual(len(stream.words), len(LONG[:600].split()))

    def test_loading_lets_others_run(self):
        loaded = threading.Event()

        def load():
            for _ in range(5):
                lumivox.Synthesizer("kokoro-int8", threads=1)
            loaded.set()

        thread = threading.Thread(target=load)
        thread.start()
        turns = 0
        while not loaded.is_set():
            time.sleep(0.005)
            turns += 1
        thread.join()
        self.assertGreater(turns, 30)

    def test_one_synthesizer_serves_many_threads(self):
        texts = [f"Number {number} is said." for number in range(16)]
        alone = [self.synthesizer.speak(text, seed=seed).samples for seed, text in enumerate(texts)]
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda it: self.synthesizer.speak(it[1], seed=it[0]).samples, enumerate(texts)))
        for one, other in zip(alone, together):
            np.testing.assert_array_equal(one, other)

    def test_a_stream_that_nobody_wants_ends(self):
        for end in ("drop", "close", "with"):
            with self.subTest(end):
                stream = self.synthesizer.stream(LONG)
                self.assertGreater(len(next(stream)), 0)
                if end == "drop":
                    del stream
                elif end == "close":
                    stream.close()
                    self.assertEqual(list(stream), [])
                else:
                    with stream:
                        pass
                    self.assertEqual(list(stream), [])
                # What is in hand is ended first.
                time.sleep(0.3)
                before_s = computing()
                time.sleep(0.5)
                self.assertLess(computing() - before_s, 0.1)

    def test_interrupts_end_it(self):
        for call in ("synthesizer.speak(text)", "list(synthesizer.stream(text))"):
            # A shell in the background has its programs ignore interrupts.
            program = (
                "import signal\n"
                "import lumivox\n"
                "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
                "synthesizer = lumivox.Synthesizer.embedded(threads=1)\n"
                f"text = {LONG!r} * 40\n"
                "print('begins', flush=True)\n"
                f"{call}\n"
            )
            with self.subTest(call):
                command = [sys.executable, "-c", program]
                child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                self.addCleanup(child.kill)
                self.assertEqual(child.stdout.readline(), "begins\n")
                time.sleep(1.0)
                sent = time.monotonic()
                child.send_signal(signal.SIGINT)
                _, stderr = child.communicate(timeout=60)
                self.assertIn("KeyboardInterrupt", stderr)
                self.assertLess(time.monotonic() - sent, 10.0)

    @unittest.skipUnless(hasattr(os, "fork"), "this system does not fork")
    def test_after_a_fork_it_says_so_instead_of_hanging(self):
        child = os.fork()
        if child == 0:
            try:
                self.synthesizer.speak("Hello.")
            except RuntimeError as error:
                os._exit(0 if "fork" in str(error) else 1)
            os._exit(2)
        self.assertEqual(os.waitpid(child, 0)[1], 0)


if __name__ == "__main__":
    unittest.main()
