"""The command line: every command against a running server, and on a data folder that no server holds."""
import csv
import glob
import io
import json
import os
import re
import shutil
import tempfile
import unittest
import urllib.error
import urllib.request

from harness import SAMPLES, FakeUpstream, Server, run_strata, write_documents

CORPUS = [
    {"_id": "tide", "title": "Tides", "text": "The tide at Sörby rises by forty centimetres."},
    {"_id": "ferry", "title": "Ferry", "text": "The ferry to the island leaves every hour from pier two.", "year": 2024},
    {"_id": "fish", "title": "Market", "text": "Herring is sold at the market on Fridays.", "year": 2021},
]
QUERIES = [{"_id": "q1", "text": "when does the ferry leave"}, {"_id": "q2", "text": "where is herring sold"}]


def deps(pattern):
    """A file or folder that the build fetched, whatever its version."""
    root = os.environ.get("STRATA_DEPS") or os.path.dirname(os.environ["STRATA_NODE"])
    return sorted(glob.glob(os.path.join(root, pattern)))[-1]


def write_lines(path, items):
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(json.dumps(item, ensure_ascii=False) + "\n" for item in items)
    return path


class Commands:
    """The same promises for both ways a command reaches its data; `url` is None without a server."""

    url = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="strata-commands-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.data = cls.place("data")
        cls.docs = write_documents(cls.place("docs"))
        cls.config = cls.place("strata.yaml")
        with open(cls.config, "w", encoding="utf-8") as f:
            f.write("server: {detect_providers: false}\n")
        cls.fake = FakeUpstream()
        cls.secret = cls.place("secret")
        with open(cls.secret, "w", encoding="utf-8") as f:
            f.write("sk-fake-openai\n")

    @classmethod
    def place(cls, name):
        return os.path.join(cls.folder, name)

    def strata(self, *args):
        done = run_strata(self.data, "--config", self.config, *args)
        self.assertEqual(done.returncode, 0, f"strata {args}\n{done.stdout}{done.stderr}")
        self.assertNotIn("request.finished", done.stderr)
        return done.stdout

    def refused(self, *args, code=1):
        """What a command that must fail says."""
        done = run_strata(self.data, "--config", self.config, *args)
        self.assertEqual(done.returncode, code, f"strata {args}\n{done.stdout}{done.stderr}")
        return done.stderr

    def status_with(self, key):
        """What the running server answers to a key."""
        request = urllib.request.Request(self.url + "/v1/models", headers={"authorization": "Bearer " + key})
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return reply.status
        except urllib.error.HTTPError as e:
            return e.code

    def test_asking_a_folder_reads_it_answers_with_sources_and_costs(self):
        first = self.strata("ask", self.docs, "How much does a berth cost in winter?")
        self.assertIn("3 new", first)
        self.assertRegex(first, r"12 euros in winter\.\s?\[1\]")
        self.assertIn("[1] Harbour rules", first)
        self.assertIn("docs/harbour.md", first)
        trace = re.search(r"strata trace (\w{32})", first)[1]
        self.assertIn("cost   0.00 USD", first)

        again = self.strata("ask", self.docs, "Who is called when a plate breaks in the store?")
        self.assertIn("0 new, 0 changed", again)
        self.assertRegex(again, r"storage-manual\.pdf")
        self.assertRegex(again, r"page [12]")

        tree = self.strata("trace", trace)
        for span in ("How much does a berth cost in winter?", "knowledge.retrieve", "knowledge.fuse"):
            self.assertIn(span, tree)
        self.assertEqual(json.loads(self.strata("trace", trace, "--json"))["trace_id"], trace)
        self.assertIn(trace, self.strata("trace"))
        self.assertIn("does not exist", self.refused("trace", "0" * 32))

        rows = {row["group"]: row for row in csv.DictReader(io.StringIO(self.strata("cost", "--by", "model", "--csv")))}
        self.assertGreaterEqual(int(rows["builtin/extract"]["calls"]), 2)
        self.assertGreater(int(rows["builtin/all-minilm-l6-v2"]["input_tokens"]), 0)
        bases = {row["group"]: row for row in csv.DictReader(io.StringIO(self.strata("cost", "--by", "kb", "--csv")))}
        mine = [row for name, row in bases.items() if name not in ("", "-")]
        self.assertTrue(any(int(row["calls"]) >= 2 for row in mine), bases)
        self.assertIn("total", self.strata("cost", "--by", "key"))
        self.assertIn("colour", self.refused("cost", "--by", "colour"))
        self.assertIn("2026-13-99", self.refused("cost", "--from", "2026-13-99"))

    def test_corpora_are_imported_searched_and_run(self):
        corpus = write_lines(self.place("corpus.jsonl"), CORPUS)
        self.assertIn("3 lines, 3 indexed, 0 unchanged, 0 failed", self.strata("kb", "import", "soerby", corpus))
        self.assertIn("3 lines, 0 indexed, 3 unchanged, 0 failed", self.strata("kb", "import", "soerby", corpus))
        self.assertRegex(self.strata("kb", "list"), r"soerby\s+\w{10}\s+ACTIVE")

        found = self.strata("kb", "search", "soerby", "herring market", "--results", "2")
        self.assertRegex(found, r"(?s)^1\. \d\.\d+ .*Herring is sold")
        only = self.strata("kb", "search", "soerby", "herring", "--mode", "hybrid",
                           "--filter", '{"equals": {"key": "year", "value": 2024}}')
        self.assertIn("ferry", only)
        self.assertNotIn("Herring", only)
        self.assertIn("--filter", self.refused("kb", "search", "soerby", "x", "--filter", "{"))
        self.assertIn("nowhere", self.refused("kb", "search", "nowhere", "x"))

        out = self.place("run.tsv")
        queries = write_lines(self.place("queries.jsonl"), QUERIES)
        self.assertIn("2 queries", self.strata("kb", "run", "soerby", "--queries", queries, "--out", out, "--depth", "2"))
        with open(out, encoding="utf-8") as f:
            lines = [line.rstrip("\n").split("\t") for line in f]
        best = {}
        for query, document, score in lines:
            best.setdefault(query, document)
            float(score)
        self.assertEqual(best, {"q1": "ferry", "q2": "fish"})

        qrels = self.place("qrels.tsv")
        with open(qrels, "w", encoding="utf-8") as f:
            f.write("query-id\tcorpus-id\tscore\nq1\tferry\t1\nq2\tfish\t1\n")
        figures, plot = self.place("figures.json"), self.place("plot.svg")
        shown = self.strata("kb", "eval", "soerby", "--queries", queries, "--qrels", qrels,
                            "--out", figures, "--plot", plot)
        self.assertRegex(shown, r"(?m)^default +1\.0000 +1\.0000")
        with open(figures, encoding="utf-8") as f:
            report = json.load(f)
        self.assertEqual(report["queries"], 2)
        self.assertEqual(report["variants"][0]["figures"]["MRR@10"], [1, 1, 1])
        with open(plot, encoding="utf-8") as f:
            self.assertIn("</svg>", f.read())
        self.assertIn("line 1", self.refused("kb", "eval", "soerby", "--queries", queries, "--qrels", queries))

        spans = self.place("spans.jsonl")
        self.strata("kb", "run", "soerby", "--queries", queries, "--out", spans, "--spans",
                    "--filter", '{"equals": {"key": "year", "value": 2024}}')
        with open(spans, encoding="utf-8") as f:
            self.assertEqual([len(json.loads(line)["chunks"]) for line in f], [1, 1])

        answers = self.place("answers.jsonl")
        self.assertIn("2 answers", self.strata("kb", "answer", "soerby", "--queries", queries, "--out", answers))
        with open(answers, encoding="utf-8") as f:
            answered = {row["_id"]: row for row in map(json.loads, f)}
        self.assertEqual(set(answered), {"q1", "q2"})
        for row in answered.values():
            cited = {chunk["document"] for sentence in row["sentences"] for chunk in sentence["chunks"]}
            self.assertEqual(set(row["citations"]), cited)

        bad = write_lines(self.place("bad.jsonl"), [CORPUS[0], {"_id": 7, "text": "x"}])
        said = self.refused("kb", "import", "soerby", bad)
        self.assertIn("2", said)
        self.assertIn("_id", said)
        self.refused("kb", "import", "unmade", bad)
        self.assertNotIn("unmade", self.strata("kb", "list"))
        self.strata("kb", "delete", "soerby")
        self.assertNotIn("soerby", self.strata("kb", "list"))

    def test_keys_are_created_listed_rotated_and_revoked(self):
        made = self.strata("key", "create", "--name", "porter", "--model", "builtin/*", "--expires-days", "30")
        key = re.search(r"^key +(\S+)", made, re.M)[1]
        bearer = re.search(r"^bearer key +(\S+)", made, re.M)[1]
        listed = self.strata("key", "list")
        self.assertRegex(listed, key + r" +porter .* until 20")
        self.assertNotIn(bearer, listed)

        rotated = self.strata("key", "rotate", key, "--overlap-hours", "1")
        newer = re.search(r"^bearer key +(\S+)", rotated, re.M)[1]
        self.assertNotEqual(newer, bearer)
        if self.url:
            self.assertEqual([self.status_with(k) for k in (bearer, newer, bearer + "x")], [200, 200, 401])
        self.assertIn("revoked", self.strata("key", "revoke", key))
        self.assertRegex(self.strata("key", "list"), key + r".* revoked 20")
        if self.url:
            self.assertEqual([self.status_with(k) for k in (bearer, newer)], [401, 401])
        self.assertIn("nobody", self.refused("key", "revoke", "nobody"))
        self.assertIn("role", self.refused("key", "create", "--role", "emperor"))

    def test_providers_are_added_listed_and_tested(self):
        add = ("provider", "add", "lab", "--kind", "openai", "--base-url", self.fake.url + "/v1", "--secret", "file:" + self.secret)
        self.assertIn("lab/MODEL", self.strata(*add))
        self.assertRegex(self.strata("provider", "list"), r"lab +openai .*configured")
        self.assertIn("lab: good", self.strata("provider", "test", "lab"))
        self.assertIn("lab", self.refused(*add))

        wrong = self.place("wrong")
        with open(wrong, "w", encoding="utf-8") as f:
            f.write("sk-wrong")
        self.strata("provider", "add", "shut", "--kind", "openai", "--base-url", self.fake.url + "/v1", "--secret", "file:" + wrong)
        said = self.refused("provider", "test", "shut")
        self.assertIn("was refused (HTTP 401)", said)
        self.assertNotIn("sk-wrong", said)
        self.assertIn("kind", self.refused("provider", "add", "odd", "--kind", "oracle"))
        self.assertIn("secret", self.refused("provider", "add", "odd", "--kind", "openai", "--base-url", self.fake.url, "--secret", "sk-plain"))
        self.assertIn("nobody", self.refused("provider", "test", "nobody"))

    def test_models_are_listed_and_imported(self):
        self.assertRegex(self.strata("model", "list"), r"builtin/smollm2-135m-instruct +builtin +chat .*demo")
        self.assertRegex(self.strata("model", "list"), r"builtin/late-interaction-minilm +builtin +rerank ")
        self.assertIn("imported local/folded (embed, bert", self.strata("model", "import", deps("minilm-*"), "--name", "folded"))
        gguf = glob.glob(os.path.join(deps("smollm2-*"), "*.gguf"))[0]
        self.assertIn("imported local/small (chat, llama", self.strata("model", "import", gguf, "--name", "small"))
        listed = self.strata("model", "list")
        self.assertRegex(listed, r"local/folded .* embed ")
        self.assertRegex(listed, r"local/small .* chat ")
        self.assertIn("small", self.refused("model", "import", gguf, "--name", "small"))

        broken = self.place("broken.gguf")
        with open(broken, "wb") as f:
            f.write(b"GGUF\x03\x00\x00\x00" + b"\xff" * 64)
        self.assertIn("broken", self.refused("model", "import", broken))
        self.assertNotIn("broken", self.strata("model", "list"))

    def test_backup_and_restore(self):
        self.strata("kb", "import", "kept", write_lines(self.place("kept.jsonl"), CORPUS))
        for target in (self.place("backup"), self.place("backup.tar")):
            self.assertRegex(self.strata("backup", target), r"^\d+ databases and \d+ files, \d+ bytes")
            self.assertIn("backup", self.refused("backup", target))
            restored = target + ".restored"
            done = run_strata(restored, "restore", target)
            self.assertEqual(done.returncode, 0, done.stderr)
            found = run_strata(restored, "--config", self.config, "kb", "search", "kept", "ferry")
            self.assertIn("pier two", found.stdout, found.stderr)
            self.assertEqual(run_strata(restored, "restore", target).returncode, 1)
        done = run_strata(self.place("fresh"), "restore", self.place("nowhere"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("nowhere", done.stderr)


class CommandsOnAFolder(Commands, unittest.TestCase):
    def test_a_folder_that_serves_is_not_opened_twice(self):
        server = Server(documents=False)
        self.addCleanup(server.stop)
        done = run_strata(server.data, "serve", "--listen", "127.0.0.1:0", "--tls-listen", "")
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(server.process.pid), done.stderr)


class CommandsOnAServer(Commands, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        server = Server(documents=False)
        cls.addClassCleanup(server.stop)
        cls.data, cls.url = server.data, server.url


class CommandsWithoutData(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="strata-commands-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.data = os.path.join(self.folder, "data")

    def test_parse_prints_every_form(self):
        manual = os.path.join(SAMPLES, "storage-manual.pdf")
        forms = {form: run_strata(self.data, "parse", manual, "--format", form).stdout for form in ("json", "md", "html")}
        parsed = json.loads(forms["json"])
        self.assertEqual(parsed["title"], "Storage manual of the Lindholm Collection")
        self.assertEqual(parsed["pageCount"], 2)
        self.assertIn("# Storage manual", forms["md"])
        self.assertIn("| A | Glass negatives | 16 °C |", forms["md"])
        self.assertIn("<h1>Storage manual", forms["html"])
        self.assertIn("<td>Glass negatives</td>", forms["html"])
        self.assertFalse(os.path.exists(self.data), "parsing writes nothing")
        for name in os.listdir(SAMPLES):
            if os.path.isfile(path := os.path.join(SAMPLES, name)):
                self.assertEqual(run_strata(self.data, "parse", path).returncode, 0, name)

    def test_parse_says_what_is_wrong(self):
        broken = os.path.join(self.folder, "broken.pdf")
        with open(os.path.join(SAMPLES, "storage-manual.pdf"), "rb") as f:
            head = f.read(2000)
        with open(broken, "wb") as f:
            f.write(head)
        done = run_strata(self.data, "parse", broken)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("PDF", done.stderr)
        self.assertEqual(run_strata(self.data, "parse", os.path.join(self.folder, "none.pdf")).returncode, 2)
        done = run_strata(self.data, "parse", os.path.join(SAMPLES, "loans.csv"), "--format", "docx")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("docx", done.stderr)

    def test_check_names_file_line_and_nearest_name(self):
        config = os.path.join(self.folder, "strata.yaml")
        cases = [
            ("server:\n  lissten: 127.0.0.1:1\n", ["strata.yaml:2", "server.lissten", "server.listen"]),
            ("net:\n  body_bytes_max: 12\n", ["strata.yaml:2", "net.body_bytes_max", "1024"]),
            ("net:\n  body_bytes_max: many\n", ["strata.yaml:2", "net.body_bytes_max"]),
            ("server: [1, 2\n", ["strata.yaml:"]),
            ("providers:\n  - {name: a, kind: oracle}\n", ["strata.yaml:2", "oracle"]),
            ("providers:\n  - {name: a, kind: openai, base_url: 'http://x/v1', secret: sk-plain}\n", ["strata.yaml:2", "secret"]),
            ("providers:\n  - {name: a, kind: bedrock, regoin: x}\n", ["strata.yaml:2", "regoin", "region"]),
            ("- just\n- a list\n", ["strata.yaml:1", "mapping"]),
            ("server: {listen: here}\n", ["strata.yaml", "server.listen", "ADDRESS:PORT"]),
            ("server: {tls_certificate: /nope, tls_private_key: /nope}\n", ["strata.yaml", "server.tls_certificate", "/nope"]),
            ("server: {tls_certificate: /etc/hostname}\n", ["strata.yaml", "server.tls_private_key"]),
            ("store: {master_key: sk-plain}\n", ["strata.yaml", "store.master_key", "env:NAME"]),
            ("kb: {s3_map: [bad]}\n", ["strata.yaml", "kb.s3_map"]),
            ("otlp: {endpoint: nope}\n", ["strata.yaml", "otlp.endpoint"]),
            ("aliases: {a: b, b: a}\n", ["strata.yaml", "circle"]),
        ]
        for text, says in cases:
            with self.subTest(text=text):
                with open(config, "w", encoding="utf-8") as f:
                    f.write(text)
                done = run_strata(self.data, "check", "--config", config)
                self.assertEqual(done.returncode, 1, done.stdout)
                for part in says:
                    self.assertIn(part, done.stderr)
                self.assertNotIn("sk-plain", done.stderr)
        with open(config, "w", encoding="utf-8") as f:
            f.write("aliases: {fast: builtin/extract}\n")
        self.assertIn("good", run_strata(self.data, "check", "--config", config).stdout)
        self.assertNotEqual(run_strata(self.data, "check", "--config", config + "x").returncode, 0)
        self.assertNotEqual(run_strata(self.data, "check", "--config", self.folder).returncode, 0)

    def test_wrong_command_lines_are_refused(self):
        for args in ([], ["fly"], ["kb"], ["ask", "only-a-source"], ["key", "create", "--expires-days", "x"]):
            self.assertEqual(run_strata(self.data, *args).returncode, 2, args)
        self.assertFalse(os.path.exists(self.data))


if __name__ == "__main__":
    unittest.main()
