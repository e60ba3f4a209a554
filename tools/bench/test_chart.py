"""The chart, the table and the printed summary of a record."""

import json
import unittest
import xml.etree.ElementTree as ElementTree

import chart
import report
from sample import record, run


class Chart(unittest.TestCase):
    def setUp(self):
        engines = {"lumivox": 0.2, "onnxruntime": 0.4, "onnxruntime-export": 0.5, "pytorch": 0.1, "lumivox-before": 0.3}
        runs = [run(i, engine, rtf * (1 + i / 10), threads=threads) for i in range(2) for threads in (1, 2) for engine, rtf in engines.items()]
        self.record = record(runs + [run(0, "lumivox", 0.05, "mms", "41"), run(0, "transformers", 0.1, "mms", "41")])

    def test_every_engine_is_drawn_once(self):
        drawing = ElementTree.fromstring(chart.svg(self.record))
        texts = [element.text for element in drawing.iter("{http://www.w3.org/2000/svg}text")]
        for engine in ("ONNX Runtime", "PyTorch", "transformers"):
            self.assertEqual(texts.count(engine), 1)
        self.assertEqual(texts.count("lumivox"), 2)
        self.assertEqual(len(list(drawing.iter("{http://www.w3.org/2000/svg}rect"))), 6)

    def test_bars_are_as_long_as_engines_are_fast(self):
        drawing = ElementTree.fromstring(chart.svg(self.record))
        widths = [float(element.get("width")) for element in drawing.iter("{http://www.w3.org/2000/svg}rect")]
        self.assertAlmostEqual(widths[1] / widths[0], 0.5, delta=0.01)
        self.assertAlmostEqual(widths[3] / widths[0], 2.0, delta=0.01)

    def test_the_table_shows_what_is_lost(self):
        table = chart.markdown(self.record)
        self.assertIn("| Kokoro-82M, 174 characters | 2 | 0.210 | 1.05 s | 2.00× (2.00-2.00) | 0.50× (0.50-0.50) |", table)
        self.assertIn("| MMS-TTS, 41 characters | 2 | 0.050 | 0.25 s |  | 2.00× (2.00-2.00) |", table)
        self.assertNotIn("before", table)

    def test_what_is_lost_is_told_in_words(self):
        words = chart.lost(self.record)
        self.assertIn("wall time of Kokoro-82M, 174 characters, 2 threads (PyTorch takes 0.50× (0.50-0.50))", words)
        self.assertIn(words, chart.section(self.record))
        self.assertNotIn("ONNX Runtime takes", words)
        larger = {**self.record["memory"][0], "engine": "pytorch", "peak_rss_bytes": 400e6}
        self.assertIn("peak memory of Kokoro-82M, 174 characters (500 MB for 400 MB of PyTorch)", chart.lost({**self.record, "memory": [*self.record["memory"], larger]}))
        ours = [run for run in self.record["rounds"] if run["engine"] != "pytorch"]
        self.assertEqual(chart.lost({**self.record, "rounds": ours}), "Nothing of this is lost to another engine.")

    def test_memory(self):
        self.assertIn("| Kokoro-82M, 174 characters | lumivox | 500 MB | 0.20 s |", chart.memory(self.record))

    def test_the_readme_keeps_what_is_around_the_markers(self):
        before = f"one\n{chart.BEGIN}\nold\n{chart.END}\ntwo\n"
        self.assertEqual(chart.insert(before, "new"), f"one\n{chart.BEGIN}\nnew\n{chart.END}\ntwo\n")

    def test_a_busy_machine_is_told(self):
        self.assertNotIn("not idle", chart.section(self.record))
        self.assertIn("not idle", chart.section({**self.record, "idle": False}))
        self.assertIn("not idle", chart.svg({**self.record, "idle": False}))
        self.assertIn("NOT IDLE", report.summary({**self.record, "idle": False}))

    def test_a_record_survives_json(self):
        again = json.loads(report.to_json(self.record))
        self.assertEqual(chart.svg(again), chart.svg(self.record))

    def test_the_summary_has_every_engine(self):
        summary = report.summary(self.record)
        self.assertIn("kokoro/174 lumivox-before x1", summary)
        self.assertIn("500 MB", summary)


if __name__ == "__main__":
    unittest.main()
