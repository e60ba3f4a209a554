"""Bulk synthesis on Ray: a node and a driver are killed, and every row is said once all the same."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from cli import said

import lumivox
from lumivox.bulk import ManifestError, read_manifest

SEEDS = 3

# Nothing is told to anybody.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"


def rows(count):
    return [{"id": f"r{n}", "text": f"Row {n} is said.", "seed": n % SEEDS, "speaker": n % 7} for n in range(count)]


def write_manifest(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def command(manifest, out, *arguments):
    common = ["--model", "embedded", "--rows-per-shard", "5", "--json", "--quiet"]
    return [sys.executable, "-m", "lumivox.bulk", str(manifest), "--out", str(out), *common, *arguments]


def bulk(manifest, out, *arguments):
    """Exit code, figures, and what was written to standard error."""
    done = subprocess.run(command(manifest, out, *arguments), capture_output=True, text=True, timeout=300)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def shards(out):
    return sorted((out / "shards").glob("[0-9]*.parquet"))


def wait_for_shards(out, count):
    deadline = time.monotonic() + 120
    while len(shards(out)) < count:
        if time.monotonic() > deadline:
            raise AssertionError(f"{len(shards(out))} shards after two minutes")
        time.sleep(0.02)


class Manifests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_bad_ones_are_refused_with_the_place(self):
        path = self.folder / "m.jsonl"
        for content, expected in [
            ('{"text": "a"}\n{"text": \n', "line 2"),
            ('["a"]\n', "line 1"),
            ('{"txt": "a"}\n', "no column `text`; it has txt"),
            ('{"text": "a", "id": 1}\n{"text": "b", "id": 1}\n', "`id`"),
            ('{"text": "a", "speed": 1}\n{"text": "b", "speed": "x"}\n', "`speed`"),
            ('{"text": "a", "error": 1}\n', "error"),
            ('{"text": "a", "seed": 0.5}\n', "`seed`"),
            ('{"text": "a", "seed": "7"}\n', "`seed`"),
            ("", "no column"),
        ]:
            with self.subTest(content):
                path.write_text(content)
                with self.assertRaisesRegex(ManifestError, expected):
                    read_manifest(path)
        code, figures, stderr = bulk(path, self.folder / "out")
        self.assertEqual((code, figures), (2, None))
        self.assertIn("no column `text`", stderr)

    def test_parquet_and_lines_are_the_same_rows(self):
        lines = [{"text": "a", "seed": 1, "x": None}, {"text": "b", "seed": None, "x": 2.5}]
        write_manifest(self.folder / "m.jsonl", lines)
        # As pandas writes whole numbers among which one is missing.
        table = pa.table({"text": ["a", "b"], "seed": pa.array([1.0, None]), "x": [None, 2.5]})
        pq.write_table(table, self.folder / "m.parquet")
        read = [read_manifest(self.folder / name)[0] for name in ("m.jsonl", "m.parquet")]
        self.assertEqual(read[0].to_pylist(), read[1].to_pylist())
        self.assertEqual(read[0].column_names, ["row", "id", "text", "seed", "x"])

    def test_a_cluster_that_is_not_there_is_told(self):
        write_manifest(self.folder / "m.jsonl", rows(3))
        code, figures, stderr = bulk(self.folder / "m.jsonl", self.folder / "out", "--address", "127.0.0.1:9")
        self.assertEqual((code, figures), (2, None))
        self.assertIn("Ray could not go on", stderr)

    def test_speakers_may_be_numbers(self):
        write_manifest(self.folder / "m.jsonl", [{"text": "a", "voice": 3}, {"text": "b", "voice": None}])
        table, _ = read_manifest(self.folder / "m.jsonl")
        self.assertEqual(table.column("voice").to_pylist(), ["3", None])

    def test_a_row_that_ends_its_process_is_given_up_and_the_others_are_said(self):
        write_manifest(self.folder / "m.jsonl", rows(4))
        (self.folder / "shards").mkdir()
        work = {"folder": str(self.folder), "key": "k", "run": "r", "retry": False, "rows_per_shard": 4, "model": "embedded"}
        work |= {"threads": 1, "precision": "f32", "fingerprints": {}, "options": {}}
        program = (
            "import json, os, sys\nfrom pathlib import Path\nfrom lumivox.bulk import read_manifest\n"
            "from lumivox.bulk.speaker import Speaker\n"
            "class Fragile(Speaker):\n"
            "    def _say(self, row):\n"
            "        return os._exit(9) if row['row'] == 2 else super()._say(row)\n"
            "Fragile(json.loads(sys.argv[2]))(read_manifest(Path(sys.argv[1]))[0])\n"
        )
        command = [sys.executable, "-c", program, str(self.folder / "m.jsonl"), json.dumps(work)]
        self.assertEqual([subprocess.run(command).returncode for _ in range(4)], [9, 9, 9, 0])
        (shard,) = shards(self.folder)
        errors = pq.read_table(shard).column("error").to_pylist()
        self.assertEqual([error is None for error in errors], [True, True, False, True])
        self.assertFalse(list(shard.parent.glob("*.attempts")))

    def test_without_ray_it_says_what_to_install(self):
        program = "import sys; sys.modules['ray'] = None\nfrom lumivox.bulk.cli import main; sys.exit(main(['m', '--out', 'o']))"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("pip install 'lumivox[bulk]'", done.stderr)


class Bulk(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.manifest, self.out = self.folder / "manifest.jsonl", self.folder / "out"

    def assert_all_said(self, lines, failed=()):
        """Every row is there once, in its order, with the audio that the program makes."""
        table = pq.read_table(self.out / "shards")
        self.assertEqual(table.column("id").to_pylist(), [line["id"] for line in lines])
        self.assertEqual(table.column("speaker").to_pylist(), [line.get("speaker") for line in lines])
        index = pq.read_table(self.out / "index.parquet").to_pylist()
        self.assertEqual([line["id"] for line in index if line["error"]], list(failed))
        for number, (line, row) in enumerate(zip(lines, table.to_pylist())):
            self.assertEqual((row["row"], row["error"] is None), (number, line["id"] not in failed))
            if row["error"] is None and number % 6 == 0:
                expected = said(line["text"], "-m", "embedded", "--seed", str(line["seed"]))
                self.assertEqual(row["audio"]["bytes"], expected, line["id"])
            position = index[number]["position"]
            shard = pq.read_table(self.out / index[number]["shard"]).slice(position, 1).to_pylist()[0]
            self.assertEqual(shard["row"], number)

    def test_a_node_that_dies_loses_nothing_and_rows_that_fail_stop_nothing(self):
        from ray.cluster_utils import Cluster

        lines = rows(60)
        model = self.folder / "later.safetensors"
        lines[7]["text"], lines[8]["speed"], lines[9]["model"] = "🎉", 99, str(model)
        write_manifest(self.manifest, lines)
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        self.addCleanup(cluster.shutdown)
        node = cluster.add_node(num_cpus=1)

        def kill():
            wait_for_shards(self.out, 3)
            for processes in node.all_processes.values():
                for process in processes:
                    os.kill(process.process.pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        code, figures, stderr = bulk(self.manifest, self.out, "--address", cluster.address)
        killer.join()
        self.assertEqual((code, figures["rows"], figures["failed"], figures["said_rows"]), (1, 60, 3, 60), stderr)
        for name, why in [("r7", "NothingToSayError"), ("r8", "OptionError"), ("r9", "ModelNotFoundError")]:
            self.assertRegex(stderr, f"failed: {name}: {why}: ")
        self.assert_all_said(lines, ["r7", "r8", "r9"])

        # The model is here now: its row is said, and those that can't be stay as they are.
        untouched = {path.name: path.stat().st_mtime_ns for path in shards(self.out) if path.name != "000001.parquet"}
        model.write_bytes(Path(lumivox.Synthesizer("piper-joe").path).read_bytes())
        code, figures, stderr = bulk(self.manifest, self.out, "--address", cluster.address, "--retry-failed")
        self.assertEqual((code, figures["failed"], figures["said_rows"]), (1, 2, 5), stderr)
        row = pq.read_table(self.out / "shards" / "000001.parquet").to_pylist()[4]
        self.assertEqual(row["audio"]["bytes"], said(lines[9]["text"], "-m", "piper-joe", "--seed", str(lines[9]["seed"])))
        self.assertEqual({path.name: path.stat().st_mtime_ns for path in shards(self.out) if path.name in untouched}, untouched)

    def test_a_driver_that_is_killed_goes_on_where_it_was(self):
        lines = rows(60)
        write_manifest(self.manifest, lines)
        driver = subprocess.Popen(command(self.manifest, self.out, "--actors", "1"), start_new_session=True)
        wait_for_shards(self.out, 3)
        driver.kill()
        driver.wait()
        self.assertFalse((self.out / "index.parquet").exists())
        # Its actors may end what they have in hand.
        time.sleep(2.0)
        before = {path.name: path.stat().st_mtime_ns for path in shards(self.out)}
        self.assertLess(len(before), 12)

        with self.subTest("another manifest is refused"):
            other = self.folder / "other.jsonl"
            write_manifest(other, lines[:-1])
            code, figures, stderr = bulk(other, self.out)
            self.assertEqual((code, figures), (2, None))
            self.assertIn("manifest_sha256", stderr)
            self.assertIn("--restart", stderr)
            code, figures, stderr = bulk(self.manifest, self.out, "--speed", "2")
            self.assertEqual((code, figures), (2, None))
            self.assertIn("options", stderr)

        code, figures, stderr = bulk(self.manifest, self.out, "--actors", "1")
        self.assertEqual((code, figures["said_rows"]), (0, 60 - 5 * len(before)), stderr)
        self.assertEqual({name: (self.out / "shards" / name).stat().st_mtime_ns for name in before}, before)
        self.assertEqual([path for path in (self.out / "shards").iterdir() if path.suffix != ".parquet"], [])
        self.assert_all_said(lines)

        code, figures, stderr = bulk(self.manifest, self.out)
        self.assertEqual((code, figures["rows"], figures["said_rows"]), (0, 60, 0), stderr)


if __name__ == "__main__":
    unittest.main()
