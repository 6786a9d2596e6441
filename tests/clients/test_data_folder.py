"""The data folder when something is wrong with it: damaged files, too few files to open, folders of somebody else, backups."""
import os
import resource
import subprocess
import unittest

import boto3

from harness import ACCESS_KEY, BEARER, SECRET_KEY, STRATA, Server, run_strata, stop_process

KEY = {"Authorization": "Bearer " + BEARER}


class ServerOfFewFiles(Server):
    FILES = 256

    def start(self, *flags):
        where = ["--listen", self.listen, "--tls-listen", self.tls_listen]
        limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (self.FILES // 4, self.FILES))
        return subprocess.Popen([STRATA, "serve", "--data", self.data, "--config", self.config_file, *where, *flags],
                                stdout=subprocess.PIPE, stderr=self.log, text=True, env=self.env, preexec_fn=limit)


def restart(running):
    stop_process(running.process)
    running.process = running.start()
    running.wait_until_ready()


def agent_of(running, kind="bedrock-agent"):
    return boto3.client(kind, endpoint_url=running.url, region_name="us-east-1", aws_access_key_id=ACCESS_KEY,
                        aws_secret_access_key=SECRET_KEY)


def make_base(agent, name):
    base = agent.create_knowledge_base(name=name, roleArn="arn:aws:iam::123456789012:role/x", knowledgeBaseConfiguration={
        "type": "VECTOR", "vectorKnowledgeBaseConfiguration": {"embeddingModelArn": "builtin/all-minilm-l6-v2"}})
    return base["knowledgeBase"]["knowledgeBaseId"]


class DamagedFiles(unittest.TestCase):
    def setUp(self):
        self.running = Server()
        self.addCleanup(self.running.stop)
        self.base = make_base(agent_of(self.running), "broken")
        self.file = os.path.join(self.running.data, f"kb-{self.base}.db")

    def check_that_only_it_fails(self, why):
        agent = agent_of(self.running)
        failed = agent.get_knowledge_base(knowledgeBaseId=self.base)["knowledgeBase"]
        self.assertEqual(failed["status"], "FAILED")
        self.assertIn(why, failed["failureReasons"][0])
        self.assertIn("north quay", self.running.cli("kb", "search", "harbour", "ferry"))
        self.assertEqual(self.running.get("/readyz")[0], 200)
        self.assertIn("strata_kb_failed 1\n", self.running.get("/metrics", KEY)[2].decode())
        self.assertIn("kb.base.failed", self.running.log_text())

    def test_a_damaged_base_fails_alone_and_can_be_deleted(self):
        stop_process(self.running.process)
        with open(self.file, "r+b") as f:
            f.write(os.urandom(3 * 4096))
        self.running.process = self.running.start()
        self.running.wait_until_ready()
        self.check_that_only_it_fails("not a database")
        refused = run_strata(self.running.data, "backup", os.path.join(self.running.folder, "copy"))
        self.assertEqual((refused.returncode, self.base in refused.stderr), (1, True), refused.stderr)
        self.running.cli("kb", "delete", "broken")
        self.assertFalse(os.path.exists(self.file))
        self.assertIn("strata_kb_failed 0\n", self.running.get("/metrics", KEY)[2].decode())
        self.running.cli("backup", os.path.join(self.running.folder, "copy"))

    def test_a_base_whose_file_is_lost_is_not_made_empty(self):
        stop_process(self.running.process)
        os.rename(self.file, self.file + ".kept")
        self.running.process = self.running.start()
        self.running.wait_until_ready()
        self.check_that_only_it_fails("is missing")
        self.assertFalse(os.path.exists(self.file))
        os.rename(self.file + ".kept", self.file)
        restart(self.running)
        status = agent_of(self.running).get_knowledge_base(knowledgeBaseId=self.base)["knowledgeBase"]["status"]
        self.assertEqual(status, "ACTIVE")


class FewFiles(unittest.TestCase):
    def test_a_server_with_more_bases_than_files_serves_them_all(self):
        running = ServerOfFewFiles(documents=False)
        self.addCleanup(running.stop)
        self.assertIn("server.few_open_files", running.log_text())
        agent = agent_of(running)
        bases = [make_base(agent, f"base{i}") for i in range(40)]
        restart(running)
        search = agent_of(running, "bedrock-agent-runtime")
        for base in bases + bases[::-1]:
            search.retrieve(knowledgeBaseId=base, retrievalQuery={"text": "ferry"})
        files = len(os.listdir(f"/proc/{running.process.pid}/fd"))
        self.assertLess(files, ServerOfFewFiles.FILES)
        states = {agent_of(running).get_knowledge_base(knowledgeBaseId=b)["knowledgeBase"]["status"] for b in bases}
        self.assertEqual(states, {"ACTIVE"})


class Folders(unittest.TestCase):
    def test_a_disk_with_other_things_is_left_alone(self):
        running = Server(documents=False)
        self.addCleanup(running.stop)
        disk = os.path.join(running.folder, "disk")
        for name in ("lost+found", "other"):
            os.makedirs(os.path.join(disk, name))
        os.chmod(disk, 0o755)
        refused = run_strata(disk, "key", "create")
        self.assertEqual((refused.returncode, "holds other things" in refused.stderr), (1, True), refused.stderr)
        self.assertEqual((os.stat(disk).st_mode & 0o777, sorted(os.listdir(disk))), (0o755, ["lost+found", "other"]))

    def test_a_backup_has_the_providers_that_were_added(self):
        running = Server(documents=False)
        self.addCleanup(running.stop)
        running.cli("provider", "add", "mine", "--kind", "openai", "--base-url", "http://127.0.0.1:9/v1", "--secret", "env:NOBODY")
        copy, back = (os.path.join(running.folder, name) for name in ("copy.tar", "back"))
        running.cli("backup", copy)
        self.assertEqual(run_strata(back, "restore", copy).returncode, 0)
        listed = run_strata(back, "provider", "list")
        self.assertIn("mine", listed.stdout, listed.stderr)


if __name__ == "__main__":
    unittest.main()
