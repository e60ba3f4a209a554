"""Medians and ratios."""

import unittest

import figures
from sample import record, run


class Figures(unittest.TestCase):
    def test_spread(self):
        self.assertEqual(figures.spread([3.0, 1.0, 2.0]), {"median": 2.0, "min": 1.0, "max": 3.0})

    def test_rows_are_medians_over_rounds(self):
        rows = figures.table([run(0, "lumivox", 0.1), run(1, "lumivox", 0.3), run(2, "lumivox", 0.2), run(0, "pytorch", 0.5)])
        self.assertEqual([row["engine"] for row in rows], ["lumivox", "pytorch"])
        self.assertAlmostEqual(rows[0]["rtf"]["median"], 0.2)
        self.assertAlmostEqual(rows[0]["cpu_rtf"]["max"], 0.6)
        self.assertAlmostEqual(rows[0]["ttfb_s"]["min"], 0.5)

    def test_ratios_are_those_of_the_same_round(self):
        # The machine is half as fast in the second round; the ratio is the same.
        runs = [run(0, "lumivox", 0.1), run(0, "pytorch", 0.5), run(1, "lumivox", 0.2), run(1, "pytorch", 1.0)]
        (row,) = figures.ratios(runs)
        for kind in ("median", "min", "max"):
            self.assertAlmostEqual(row["rtf"][kind], 5.0)
            self.assertAlmostEqual(row["ttfb_s"][kind], 10.0)

    def test_the_faster_graph_is_chosen_round_by_round(self):
        runs = [run(i, engine, rtf) for engine, rtfs in {"lumivox": (0.1, 0.1), "onnxruntime": (0.4, 0.3), "onnxruntime-export": (0.3, 0.5)}.items() for i, rtf in enumerate(rtfs)]
        row = next(row for row in figures.ratios(runs) if row["engine"] == figures.FASTEST_F32)
        self.assertAlmostEqual(row["rtf"]["min"], 3.0)
        self.assertAlmostEqual(row["rtf"]["max"], 3.0)

    def test_threads_and_cases_are_not_mixed(self):
        runs = [run(0, "lumivox", 0.2, threads=1), run(0, "pytorch", 0.4, threads=2), run(0, "lumivox", 0.1, case="44")]
        self.assertEqual(figures.ratios(runs), [])

    def test_scaling(self):
        runs = [run(0, "lumivox", 0.4, threads=1), run(0, "lumivox", 0.2, threads=2), run(0, "pytorch", 0.2, threads=2)]
        (row,) = figures.scaling(runs)
        self.assertEqual((row["engine"], row["threads"]), ("lumivox", 2))
        self.assertAlmostEqual(row["rtf"]["median"], 2.0)


    def test_joined_records_keep_ratios_of_what_was_measured_together(self):
        first = record([run(0, "lumivox", 0.1), run(0, "pytorch", 0.4)])
        second = {**record([run(0, "lumivox", 0.2), run(0, "any-tts", 1.0)]), "date": "2027-01-01", "idle": False}
        both = figures.joined([second, first])
        ratios = {row["engine"]: row["rtf"]["median"] for row in figures.ratios(both["rounds"])}
        self.assertAlmostEqual(ratios["pytorch"], 4)
        self.assertAlmostEqual(ratios["any-tts"], 5)
        self.assertEqual((both["date"], both["idle"], len(both["memory"])), ("2027-01-01", False, 1))


if __name__ == "__main__":
    unittest.main()
