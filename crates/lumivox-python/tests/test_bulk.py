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
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
from cli import said

import lumivox
from lumivox.bulk import BulkError, ManifestError, Settings, cluster, read_manifest, run
from lumivox.bulk.manifest import LEXICON
from lumivox.bulk.speaker import Speaker

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
            ('{"text": "a", "max_text_bytes": 0.5}\n', "`max_text_bytes`"),
            ('{"text": "a", "lexicon": "x"}\n', "`lexicon`"),
            ('{"text": "a", "lexicon": {"a": 1}}\n', "`lexicon`"),
            ('{"text": "a", "id": [1]}\n', "`id`"),
            ('{"text": "a", "model": [1]}\n', "`model`"),
            ('{"text": "a"}\n{"text": "\\ud800 hi"}\n', "line 2"),
            ('{"text": "a"}\n' + "[" * 100_000, "line 2: nested too deeply"),
            ('{"text": "a", "meta": {}}\n{"text": "b", "meta": {}}\n', "`meta`"),
            ('{"text": "a", "meta": ' + "[" * 60 + "]" * 60 + "}\n", "`meta`"),
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

    def test_bad_parquet_is_refused(self):
        path = self.folder / "m.parquet"
        half = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff"))
        for table, expected in [
            (pa.table({"text": half}), "`text`"),
            (pa.table({"text": ["a"], "lexicon": [["a"]]}), "`lexicon`"),
            (pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], ["text", "text"]), "Parquet"),
        ]:
            with self.subTest(expected):
                pq.write_table(table, path)
                with self.assertRaisesRegex(ManifestError, expected):
                    read_manifest(path)
        pq.write_table(pa.table({"text": ["a" * 1000]}), path, compression="zstd")
        damaged = bytearray(path.read_bytes())
        damaged[4:60] = b"\xff" * 56
        path.write_bytes(damaged)
        with self.assertRaisesRegex(ManifestError, "Parquet"):
            read_manifest(path)

    def test_lexicons_are_of_their_row(self):
        lines = [{"text": "a", "lexicon": {"a": "x"}}, {"text": "b", "lexicon": {"b": "y", "c": "z"}}, {"text": "c"}]
        write_manifest(self.folder / "m.jsonl", lines)
        pq.write_table(pa.Table.from_pylist(lines), self.folder / "struct.parquet")
        pairs = pa.array([[("a", "x")], [("b", "y"), ("c", "z")], None], LEXICON)
        pq.write_table(pa.table({"text": ["a", "b", "c"], "lexicon": pairs}), self.folder / "map.parquet")
        for name in ("m.jsonl", "struct.parquet", "map.parquet"):
            with self.subTest(name):
                self.assertEqual(read_manifest(self.folder / name)[0].column("lexicon").to_pylist(), pairs.to_pylist())

    def test_every_option_of_speak_may_be_a_row_s(self):
        said, silent = "Said.", {"text": "Said.", "max_text_bytes": 1}
        lines = [{"text": said}, silent, {"text": said, "lexicon": {"said": "bˈu"}}, {"text": said, "lexicon": {"other": "a"}, "max_text_bytes": 5}]
        write_manifest(self.folder / "m.jsonl", lines)
        (self.folder / "shards").mkdir()
        Speaker(self.work(4))(read_manifest(self.folder / "m.jsonl")[0])
        table = pq.read_table(shards(self.folder))
        self.assertRegex(table.column("error").to_pylist()[1], "TextTooLongError")
        plain, _, other, same = table.column("sha256").to_pylist()
        self.assertIsNotNone(other)
        self.assertEqual((plain == other, plain == same), (False, True))

    def test_what_python_has_no_value_for_is_carried_through(self):
        far = pa.array([2**40], pa.timestamp("s"))
        pq.write_table(pa.table({"text": ["Said."], "when": far}), self.folder / "m.parquet")
        (self.folder / "shards").mkdir()
        table = read_manifest(self.folder / "m.parquet")[0]
        Speaker(self.work(1))(table)
        shard = pq.read_table(shards(self.folder))
        self.assertEqual(shard.column("error").to_pylist(), [None])
        self.assertEqual(shard.column("when").cast(pa.int64()).to_pylist(), [2**40 * 1000])

    def work(self, rows_per_shard, **others):
        """What an actor is told."""
        work = {"folder": str(self.folder), "key": "k", "run": "r", "retry": False, "rows_per_shard": rows_per_shard, "model": "embedded"}
        models = {"embedded": ["embedded", lumivox.Synthesizer("embedded", threads=1).fingerprint]}
        return work | {"threads": 1, "precision": "f32", "models": models, "options": {}} | others

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
        work = self.work(4)
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


class Folders(unittest.TestCase):
    """Runs in which the actor is called without a cluster."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.manifest, self.out = self.folder / "manifest.jsonl", self.folder / "out"
        self.shards = self.out / "shards"
        write_manifest(self.manifest, rows(3))
        self.behind = lambda: None
        said = mock.patch.object(cluster, "say", self.say)
        said.start()
        self.addCleanup(said.stop)

    def say(self, blocks, work, settings, progress):
        self.said, self.work = len(blocks), work
        speaker = Speaker(work)
        for block in blocks:
            speaker(block)
        self.behind()

    def run_bulk(self, **others):
        self.said = 0
        given = {"manifest": self.manifest, "out": self.out, "model": "embedded", "rows_per_shard": 1, "quiet": True}
        return run(Settings(**given | others))

    def put(self, *names):
        for name in names:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("mine")

    def test_what_is_not_a_run_s_is_left_alone(self):
        mine = ["out/shards/.precious", "out/shards/x", "out/.lock", "out/.note"]
        self.put(*mine)
        for restart in (False, True):
            with self.assertRaisesRegex(BulkError, r"no run has made \(x\)"):
                self.run_bulk(restart=restart)
        (self.shards / "x").unlink()
        (self.shards / ".ipynb_checkpoints").mkdir()
        self.put("out/shards/.nfs0001")
        for restart in (False, False, True):
            self.assertEqual(self.run_bulk(restart=restart).failed, 0)
        for name in mine[:1] + mine[2:] + ["out/shards/.nfs0001"]:
            self.assertEqual((self.folder / name).read_text(), "mine")

    def test_shards_and_an_index_of_others_are_kept(self):
        for name in ("out/index.parquet", "out/shards/000000.parquet"):
            self.put(name)
            with self.assertRaisesRegex(BulkError, "no bulk.json"):
                self.run_bulk()
            self.assertEqual((self.folder / name).read_text(), "mine")
            (self.folder / name).unlink()

    def test_what_a_killed_run_left_is_removed(self):
        self.run_bulk()
        left = [f"out/shards/.000001-{'a' * 32}.part", "out/shards/.000001.attempts", f"out/.index-{'a' * 32}.part", "out/shards/000007.parquet"]
        self.put(*left)
        self.run_bulk()
        self.assertEqual([name for name in left if (self.folder / name).exists()], [])

    def test_a_folder_that_can_not_be_used_is_told(self):
        self.out.write_text("a file")
        with self.assertRaisesRegex(BulkError, "another --out"):
            self.run_bulk()
        self.out.unlink()
        for content in ("{", "[]", "{}", "[" * 100_000, "\udcff"):
            self.out.mkdir(exist_ok=True)
            (self.out / "bulk.json").write_text(content, errors="surrogateescape")
            with self.assertRaisesRegex(BulkError, "bulk.json is damaged.*--restart"):
                self.run_bulk()
        with self.assertRaisesRegex(BulkError, "the voice"):
            self.run_bulk(options={"voice": "\udcff"})
        self.assertEqual(self.run_bulk(restart=True).failed, 0)
        (self.out / "index.parquet").unlink()
        (self.out / "index.parquet").mkdir()
        with self.assertRaisesRegex(BulkError, "can't be worked in.*same command"):
            self.run_bulk()

    def test_a_damaged_shard_is_told(self):
        self.run_bulk()
        shard = self.shards / "000001.parquet"
        damaged = bytearray(shard.read_bytes())
        damaged[4:60] = b"\xff" * 56
        shard.write_bytes(damaged)
        with self.assertRaisesRegex(BulkError, "000001.parquet can't be read.*remove it"):
            self.run_bulk()
        shard.unlink()
        self.run_bulk()
        self.assertEqual(self.said, 1)

    def test_an_actor_of_an_earlier_run_gets_nothing_into_the_index(self):
        self.run_bulk()
        earlier, table = self.work, read_manifest(self.manifest)[0]
        for block, expected in [(table.slice(1, 1), "000001"), (pa.table({**dict(zip(table.column_names, table.slice(2, 1))), "row": [5]}), "000005")]:
            self.behind = lambda: Speaker(earlier)(block)
            with self.assertRaisesRegex(BulkError, f"{expected}.parquet was written by an earlier run"):
                self.run_bulk(restart=True)
            self.assertFalse((self.out / "index.parquet").exists())
            self.behind = lambda: None
            summary = self.run_bulk()
            self.assertEqual((summary.failed, self.said), (0, 1 if expected == "000001" else 0))
            self.assertEqual(len(shards(self.out)), 3)

    def test_models_of_rows_are_checked_and_found_from_everywhere(self):
        lines = rows(2)
        lines[1]["model"] = "./later.safetensors"
        write_manifest(self.manifest, lines)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        self.assertRegex(self.run_bulk().failures[0][1], "ModelNotFoundError")
        model = self.folder / "later.safetensors"
        first = lumivox.Synthesizer("piper-joe", threads=1)
        # It came while the run went on: nobody knows whether that of other nodes is the same.
        model.symlink_to(first.path)
        with self.assertRaisesRegex(RuntimeError, "not there where the run was started"):
            Speaker(self.work)._synthesizer(lines[1]["model"])
        self.assertEqual(self.run_bulk(retry_failed=True).failed, 0)
        self.assertEqual(self.said, 1)
        self.assertEqual(self.work["models"][lines[1]["model"]], (str(model), first.fingerprint))
        claim = json.loads((self.out / "bulk.json").read_text())
        self.assertEqual(claim["models"][lines[1]["model"]], first.fingerprint)
        claim["models"][lines[1]["model"]] = "another"
        (self.out / "bulk.json").write_text(json.dumps(claim))
        with self.assertRaisesRegex(BulkError, r"the model ./later.safetensors differ"):
            self.run_bulk()

    def test_a_model_of_the_command_is_found_from_everywhere(self):
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        model = self.folder / "own.safetensors"
        model.symlink_to(lumivox.Synthesizer("piper-joe", threads=1).path)
        # No row asks for the command's, so that it need not be there.
        write_manifest(self.manifest, [line | {"model": "embedded"} for line in rows(1)])
        self.assertEqual(self.run_bulk(model="no-such-model").failed, 0)
        write_manifest(self.manifest, rows(1))
        self.assertEqual(self.run_bulk(model="own.safetensors", restart=True).failed, 0)
        self.assertEqual(self.work["model"], str(model))

    def test_a_damaged_manifest_ends_the_command_with_its_code(self):
        self.manifest.write_text('{"text": "\\ud800 hi"}\n')
        code, figures, stderr = bulk(self.manifest, self.out)
        self.assertEqual((code, figures, stderr.count("\n")), (2, None, 1))
        self.assertIn("line 1", stderr)


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
