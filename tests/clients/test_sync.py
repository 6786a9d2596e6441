"""Syncs that run for a while: looked at by a second command, interrupted, stopped."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import boto3

from harness import ACCESS_KEY, SECRET_KEY, STRATA, Server, clean_environment, run_strata


def write_folder(folder, documents):
    """Text that takes the embedding model about a second a document."""
    os.mkdir(folder)
    for number in range(documents):
        with open(os.path.join(folder, f"{number:03}.md"), "w", encoding="utf-8") as f:
            for part in range(12):
                f.write(f"# Part {part} of {number}\n\n" + "The harbour master keeps a list of all boats in the bay. " * 16 + "\n\n")
    return folder


class Follower:
    """`strata kb sync` in a process of its own, from its first line on stderr on."""

    def __init__(self, data, name):
        self.process = subprocess.Popen([STRATA, "--data", data, "kb", "sync", name], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=clean_environment())
        self.first = self.process.stderr.readline()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.end()

    def end(self):
        """Exit code, stdout, and what came on stderr after the first line."""
        out, err = self.process.communicate(timeout=240)
        return self.process.returncode, out, err


class SyncOfServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(documents=False)
        cls.server.cli("kb", "create", "big", write_folder(os.path.join(cls.server.folder, "big"), 300))
        cls.server.cli("kb", "create", "small", write_folder(os.path.join(cls.server.folder, "small"), 3))

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def test_ctrl_c_stops_the_sync_that_the_command_started(self):
        follower = Follower(self.server.data, "big")
        self.assertIn("scanned", follower.first)
        code, out, err = follower.interrupt()
        self.assertEqual(code, 130, err)
        self.assertIn("STOPPED: documents:", out)
        self.assertIn("stopping the sync", err)
        self.assertIn("strata kb sync big goes on from there", err)
        self.assertIn("no sync of big runs", self.server.cli("kb", "stop", "big"))

    def test_ctrl_c_on_a_command_that_looks_on_leaves_the_sync_running(self):
        starter = Follower(self.server.data, "big")
        onlooker = Follower(self.server.data, "big")
        self.assertIn("runs already", onlooker.first)
        code, _, err = onlooker.interrupt()
        self.assertEqual(code, 130, err)
        self.assertIn("the sync goes on", err)
        self.assertIsNone(starter.process.poll())
        self.assertIn("STOPPED: documents:", self.server.cli("kb", "stop", "big"))
        code, out, err = starter.end()
        self.assertEqual(code, 1)
        self.assertIn("STOPPED: documents:", out)
        self.assertIn("error: the sync was stopped by a stop command (strata kb stop", err)
        self.assertNotIn("client", err)

    def test_a_sync_whose_base_is_deleted_ends_and_says_so(self):
        documents = os.path.join(self.server.folder, "big")
        self.server.cli("kb", "create", "short-lived", documents)
        follower = Follower(self.server.data, "short-lived")
        self.assertIn("scanned", follower.first)
        self.assertIn("deleted short-lived", self.server.cli("kb", "delete", "short-lived"))
        code, _, err = follower.end()
        self.assertEqual(code, 1)
        self.assertIn("error: the sync ended as knowledge base 'short-lived' was deleted", err)

    def test_a_second_command_shows_the_running_sync_and_then_what_changed_since(self):
        starter = Follower(self.server.data, "small")
        onlooker = Follower(self.server.data, "small")
        self.assertIn("runs already", onlooker.first)
        code, out, err = starter.end()
        self.assertEqual(code, 0, err)
        self.assertIn("COMPLETE: documents: 3 scanned, 3 added", out)
        code, out, err = onlooker.end()
        self.assertEqual(code, 0, err)
        self.assertIn("COMPLETE: documents: 3 scanned, 3 added", out)
        self.assertIn("COMPLETE: documents: 3 scanned, 0 added", out)

    def test_bedrock_stops_a_running_job(self):
        agent = boto3.client("bedrock-agent", endpoint_url=self.server.url, region_name="us-east-1",
                             aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY)
        base = next(b for b in agent.list_knowledge_bases()["knowledgeBaseSummaries"] if b["name"] == "big")
        source = agent.list_data_sources(knowledgeBaseId=base["knowledgeBaseId"])["dataSourceSummaries"][0]
        where = {"knowledgeBaseId": base["knowledgeBaseId"], "dataSourceId": source["dataSourceId"]}
        job = dict(where, ingestionJobId=agent.start_ingestion_job(**where)["ingestionJob"]["ingestionJobId"])

        def status():
            return agent.get_ingestion_job(**job)["ingestionJob"]["status"]

        until = time.monotonic() + 120
        while status() == "STARTING" and time.monotonic() < until:
            time.sleep(0.05)
        self.assertEqual(status(), "IN_PROGRESS")
        self.assertIn(agent.stop_ingestion_job(**job)["ingestionJob"]["status"], ("STOPPING", "STOPPED"))
        while status() == "STOPPING" and time.monotonic() < until:
            time.sleep(0.05)
        self.assertEqual(status(), "STOPPED")
        reasons = agent.get_ingestion_job(**job)["ingestionJob"]["failureReasons"]
        self.assertTrue(any("stopped by a stop command" in reason for reason in reasons), reasons)


class SyncOnABusyMachine(unittest.TestCase):
    def test_it_tells_its_pace_and_that_other_work_goes_first(self):
        folder = tempfile.mkdtemp(prefix="strata-sync-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        data = os.path.join(folder, "data")
        documents = write_folder(os.path.join(folder, "big"), 300)
        self.assertEqual(run_strata(data, "kb", "create", "big", documents).returncode, 0)
        others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * os.cpu_count())]
        try:
            follower = Follower(data, "big")
            said = ""
            until = time.monotonic() + 120
            while ("note:" not in said or " left" not in said) and time.monotonic() < until:
                said += follower.process.stderr.readline()
        finally:
            for other in others:
                other.kill()
                other.wait()
        code, _, err = follower.interrupt()
        self.assertEqual(code, 130, err)
        self.assertRegex(said, r"\d+ of 300 read, [\d.]+ a minute, about \d+ (s|min|h \d+ min) left")
        self.assertRegex(said, r"note: the processors are busy: indexing gets \d+ % of the time that it asks for")
        self.assertIn("server.background_nice is 10", said)
        self.assertEqual(said.count("note:"), 1)


class SyncWithoutServer(unittest.TestCase):
    def test_ctrl_c_stops_the_sync(self):
        folder = tempfile.mkdtemp(prefix="strata-sync-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        data = os.path.join(folder, "data")
        documents = write_folder(os.path.join(folder, "big"), 300)
        self.assertEqual(run_strata(data, "kb", "create", "big", documents).returncode, 0)
        follower = Follower(data, "big")
        self.assertIn("scanned", follower.first)
        code, out, err = follower.interrupt()
        self.assertEqual(code, 130, err)
        self.assertIn("STOPPED: documents:", out)
        self.assertIn("no sync of big runs", run_strata(data, "kb", "stop", "big").stdout)


if __name__ == "__main__":
    unittest.main()
