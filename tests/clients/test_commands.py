"""The command line: every command against a running server, and on a data folder that no server holds."""
import csv
import fcntl
import glob
import gzip
import io
import json
import os
import re
import shutil
import signal
import socket
import stat
import struct
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

from harness import (SAMPLES, STRATA, FakeUpstream, Server, clean_environment, run_strata, stop_process, write_documents)

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


def scanned_pdf(pages):
    """A PDF whose pages are pictures, as a scanner makes them."""
    picture = b"q 400 0 0 500 100 100 cm BI /W 2 /H 2 /CS /G /BPC 8 /F /AHx ID 00FF00FF> EI Q"
    kids = b" ".join(b"%d 0 R" % (3 + 2 * i) for i in range(pages))
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, pages)]
    for i in range(pages):
        objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R >>" % (4 + 2 * i))
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(picture), picture))
    pdf, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(pdf))
        pdf += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + b"".join(b"%010d 00000 n \n" % at for at in places)
    return pdf + table + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(pdf))


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

    def partly(self, *args):
        """A command that is done but for some documents."""
        done = run_strata(self.data, "--config", self.config, *args)
        self.assertEqual(done.returncode, 3, f"strata {args}\n{done.stdout}{done.stderr}")
        return done

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
        self.assertIn("3 added", first)
        self.assertRegex(first, r"12 euros in winter\.\s?\[1\]")
        self.assertIn("[1] Harbour rules", first)
        self.assertIn("docs/harbour.md", first)
        trace = re.search(r"strata trace (\w{32})", first)[1]
        self.assertIn("cost   0.00 USD", first)

        again = self.strata("ask", self.docs, "Who is called when a plate breaks in the store?")
        self.assertIn("0 added, 0 changed", again)
        self.assertRegex(again, r"storage-manual\.pdf")
        self.assertRegex(again, r"page [12]")

        tree = self.strata("trace", trace)
        for span in ("How much does a berth cost in winter?", "knowledge.retrieve", "knowledge.fuse"):
            self.assertIn(span, tree)
        self.assertEqual(json.loads(self.strata("trace", trace, "--json"))["trace_id"], trace)
        self.assertIn(trace, self.strata("trace"))
        # Each stage names the document, and the passage by the id that the citation has.
        spans = {}
        def walk(nodes):
            for node in nodes:
                spans[node["name"]] = node["fields"]
                walk(node["children"])
        walk(json.loads(self.strata("trace", trace, "--json"))["roots"])
        cited = next(f["citations"][0] for f in spans.values() if "citations" in f)
        for stage in ("knowledge.lexical", "knowledge.dense", "knowledge.fuse"):
            hits = spans[stage]["hits"]
            hit = next(h for h in hits if h["chunk"] == cited["chunk"])
            self.assertEqual((hit["document"], hit["uri"]), (cited["title"], cited["uri"]))
            self.assertGreater(hit["score"], 0)
            self.assertLessEqual(len(hits), 10)
            self.assertIn(cited["chunk"], tree[tree.index(stage):])
        self.assertIn("does not exist", self.refused("trace", "0" * 32))

        rows = {row["group"]: row for row in csv.DictReader(io.StringIO(self.strata("cost", "--by", "model", "--csv")))}
        self.assertGreaterEqual(int(rows["builtin/extract"]["calls"]), 2)
        self.assertGreater(int(rows["builtin/all-minilm-l6-v2"]["input_tokens"]), 0)
        bases = {row["group"]: row for row in csv.DictReader(io.StringIO(self.strata("cost", "--by", "kb", "--csv")))}
        mine = [row for name, row in bases.items() if name not in ("", "-")]
        self.assertTrue(any(int(row["calls"]) >= 2 for row in mine), bases)
        # The ingestion's calls stand under the key that began it, beside the question's.
        self.assertRegex(self.strata("cost", "--by", "key"), r"control +(1[0-9]|[2-9][0-9]) ")
        self.assertIn("colour", self.refused("cost", "--by", "colour"))
        self.assertIn("2026-13-99", self.refused("cost", "--from", "2026-13-99"))

    def test_corpora_are_imported_searched_and_run(self):
        corpus = write_lines(self.place("corpus.jsonl"), CORPUS)
        self.assertIn("3 lines, 3 indexed, 0 unchanged, 0 duplicates, 0 failed", self.strata("kb", "import", "soerby", corpus))
        self.assertIn("3 lines, 0 indexed, 3 unchanged, 0 duplicates, 0 failed", self.strata("kb", "import", "soerby", corpus))
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
        again = self.strata("kb", "eval", "soerby", "--queries", queries, "--qrels", qrels)
        self.assertRegex(again, r"since \S+, 2 queries of both: nDCG@10 \+0\.0000")
        over_time = self.place("over-time.svg")
        history = self.strata("kb", "evaluations", "soerby", "--plot", over_time)
        self.assertEqual(len(re.findall(r"(?m)^\S+Z +2 +100 +1\.0000", history)), 2, history)
        with open(over_time, encoding="utf-8") as f:
            self.assertEqual(f.read().count("<circle"), 2)
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

        bad = write_lines(self.place("bad.jsonl"), [{"_id": 7.5, "text": "x"}, {"_id": "a\tb", "text": "x"}])
        self.assertIn("bad.jsonl:1: _id: expected a string", self.refused("kb", "import", "unmade", bad))
        self.assertIn("/dev/null: is empty", self.refused("kb", "import", "unmade", "/dev/null"))
        blank = self.place("blank.jsonl")
        with open(blank, "w", encoding="utf-8") as f:
            f.write("\n\n")
        self.assertIn("blank.jsonl: holds no documents", self.refused("kb", "import", "unmade", blank))
        self.assertNotIn("unmade", self.strata("kb", "list"))
        self.strata("kb", "delete", "soerby")
        self.assertNotIn("soerby", self.strata("kb", "list"))

    def test_pipes_and_links_are_read_and_written_as_what_they_are(self):
        lines = lambda items: "".join(json.dumps(item) + "\n" for item in items)
        run = lambda *args, text: run_strata(self.data, "--config", self.config, "kb", *args, input_text=text)
        done = run("import", "piped", "/dev/stdin", text=lines([*CORPUS, {"_id": "bad"}]))
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("4 lines, 3 indexed", done.stdout)
        self.assertIn("failed: /dev/stdin:4: text: missing", done.stderr)
        done = run("run", "piped", "--queries", "/dev/stdin", "--out", "/dev/stdout", "--depth", "1", text=lines(QUERIES))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([line.split("\t")[:2] for line in done.stdout.splitlines()], [["q1", "ferry"], ["q2", "fish"]])
        self.assertIn("2 queries written", done.stderr)
        said = run("run", "piped", "--queries", "/dev/stdin", "--out", "/dev/stdout", text=lines([QUERIES[0], QUERIES[0]]))
        self.assertEqual(said.returncode, 1)
        self.assertIn("/dev/stdin:2: _id: 'q1' stands in line 1 already", said.stderr)

        queries = write_lines(self.place("piped.jsonl"), QUERIES)
        real, link, pipe = self.place("real.tsv"), self.place("link.tsv"), self.place("pipe")
        os.symlink("real.tsv", link)  # not there yet
        self.strata("kb", "run", "piped", "--queries", queries, "--out", link)
        self.assertTrue(os.path.islink(link))
        with open(real, encoding="utf-8") as f:
            whole = f.read()
        self.assertTrue(whole.startswith("q1\tferry\t"))
        os.mkfifo(pipe)
        for command in (["run", "piped"], ["answer", "piped"]):
            reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True)
            self.strata("kb", *command, "--queries", queries, "--out", pipe)
            text = reader.communicate(timeout=30)[0]
            self.assertTrue(text == whole if command[0] == "run" else '"answer"' in text, text)
            self.assertTrue(stat.S_ISFIFO(os.stat(pipe).st_mode))
        qrels = self.place("piped.qrels")
        with open(qrels, "w", encoding="utf-8") as f:
            f.write("q1\tferry\t1\nq2\tgone\t1\nq9\tfish\t1\n")
        shown = run("eval", "piped", "--queries", "/dev/stdin", "--qrels", qrels, "--depth", "5", text=lines(QUERIES)).stdout
        self.assertNotIn("@10", shown)
        self.assertIn("R@5", shown)
        self.assertIn("1 judged queries are not in the file of queries", shown)
        self.assertIn("1 documents that are judged relevant are not in the base", shown)
        self.assertEqual(glob.glob(os.path.join(self.data, "*.spool")), [])
        self.strata("kb", "delete", "piped")

    def test_an_import_says_what_it_left_out_and_why(self):
        other = dict(CORPUS[0], text="The tide does not rise.")
        twice = write_lines(self.place("twice.jsonl"), [*CORPUS, CORPUS[1], other])
        done = self.partly("kb", "import", "twice", twice)
        self.assertIn("5 lines, 3 indexed, 0 unchanged, 1 duplicates, 1 failed", done.stdout)
        self.assertIn("twice.jsonl:5: _id: 'tide' stands in line 1 already", done.stderr)
        packed = self.place("cut.jsonl.gz")
        with open(twice, "rb") as f:
            whole = gzip.compress(f.read() * 50)
        with open(packed, "wb") as f:
            f.write(whole[:len(whole) // 2])
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        said = self.refused("kb", "import", "cut", "cut.jsonl.gz")
        self.assertRegex(said, r"error: cut\.jsonl\.gz:\d+: the gzip stream is cut")
        self.assertIn("is no gzip file", self.refused("kb", "import", "cut", shutil.copy(twice, self.place("plain.gz"))))
        self.strata("kb", "delete", "twice")

    def test_a_sync_whose_documents_partly_failed_says_so(self):
        folder = self.place("partly")
        if not os.path.isdir(folder):
            write_documents(folder)
        with open(os.path.join(folder, "broken.pdf"), "wb") as f:
            f.write(b"%PDF-1.4\nnot a pdf at all")
        self.strata("kb", "create", "partly", folder)
        done = self.partly("kb", "sync", "partly")
        self.assertRegex(done.stdout, r"^COMPLETE: documents: 4 scanned, 3 added, 0 changed, 0 removed, 0 skipped, 1 failed$")
        self.assertRegex(done.stderr, r"failed: .*broken\.pdf: ")
        self.assertRegex(done.stderr, r"(?m)^documents: \d+ scanned, ", "progress where stderr is no terminal")
        os.remove(os.path.join(folder, "broken.pdf"))
        os.remove(os.path.join(folder, "harbour.md"))
        self.assertRegex(self.strata("kb", "sync", "partly"), r"0 added, 0 changed, 2 removed, 0 skipped, 0 failed")
        self.strata("kb", "create", "sourceless")
        self.assertIn("has no folder or s3:// source", self.refused("kb", "sync", "sourceless"))
        self.strata("kb", "delete", "partly")
        self.strata("kb", "delete", "sourceless")

    def test_what_is_asked_is_named_as_it_was_typed(self):
        self.assertIn("'/no/such' is not there; expected a folder", self.refused("ask", "/no/such", "what?"))
        self.assertIn("expected a folder", self.refused("ask", self.config, "what?"))
        said = self.refused("ask", "nosuchbase", "what?")
        self.assertIn("knowledge base 'nosuchbase' does not exist, and there is no folder of that name", said)

    def test_keys_are_created_listed_rotated_and_revoked(self):
        made = self.strata("key", "create", "--name", "porter", "--model", "builtin/*", "--expires-days", "30")
        key = re.search(r"^key +(\S+)", made, re.M)[1]
        bearer = re.search(r"^bearer key +(\S+)", made, re.M)[1]
        listed = self.strata("key", "list")
        self.assertRegex(listed, key + r" +porter .* until 20\S* +invoke +\S+ of - +builtin/\*")
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
        for flag, value, says in (("--region", "no region!", "expected a region's name"), ("--label", "a,b", "expected a label"),
                                  ("--model", "a*b", "expected a model id"), ("--workspace", "a b", "workspace"),
                                  ("--retention", "soon", "retention")):
            said = self.refused("key", "create", flag, value)
            self.assertIn(says, said)
            self.assertIn(value, said)

    def test_providers_are_added_listed_and_tested(self):
        add = ("provider", "add", "lab", "--kind", "openai", "--base-url", self.fake.url + "/v1", "--secret", "file:" + self.secret)
        self.assertIn("lab/MODEL", self.strata(*add))
        listed = self.strata("provider", "list")
        self.assertRegex(listed, r"lab +openai .*configured")
        self.assertNotRegex(listed, r"(?m)^(kb|prompt|router|application-inference-profile) ")
        self.assertIn("models that strata makes of these: ", listed)
        self.assertIn("kb/… (knowledge bases)", listed)
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
        self.assertIn("data_region: 'no where'", self.refused("provider", "add", "odd", "--kind", "openai", "--base-url",
                                                            self.fake.url, "--data-region", "no where"))
        self.assertIn("region: 'no where'", self.refused("provider", "add", "odd", "--kind", "bedrock", "--region", "no where"))

    def test_a_provider_without_its_secret_is_warned_of_and_can_be_removed(self):
        add = ("provider", "add", "dim", "--kind", "openai", "--base-url", self.fake.url + "/v1", "--secret", "env:STRATA_TESTS_UNSET")
        done = run_strata(self.data, "--config", self.config, *add)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"^warning: .*STRATA_TESTS_UNSET is not set\n$")
        self.assertRegex(self.strata("provider", "list"), r"dim +openai .*problem: .*STRATA_TESTS_UNSET is not set")
        self.assertIn("STRATA_TESTS_UNSET is not set", self.refused("provider", "test", "dim"))
        self.assertIn("did you mean dim?", self.refused("provider", "remove", "dym"))
        self.assertIn("removed dim", self.strata("provider", "remove", "dim"))
        self.assertNotIn("dim ", self.strata("provider", "list"))
        self.assertIn("'dim' does not exist", self.refused("provider", "remove", "dim"))
        self.assertIn("a part of strata itself", self.refused("provider", "remove", "builtin"))
        for own in ("builtin", "kb", "router", "application-inference-profile"):
            self.assertIn("nothing to call", self.refused("provider", "test", own))
        self.strata(*add)  # the name is free again
        self.strata("provider", "remove", "dim")

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
        said = self.refused("model", "import", broken)
        self.assertIn("broken.gguf is not a model that runs here: ", said)
        self.assertNotIn(".import", said)
        self.assertNotIn("broken", self.strata("model", "list"))
        self.assertIn("is no GGUF file", self.refused("model", "import", self.config))

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
        self.assertIn("which is no folder", self.refused("backup", self.place("nowhere/backup")))
        self.assertFalse(os.path.exists(self.place("nowhere")))
        self.assertIn("lies in the data folder", self.refused("backup", os.path.join(self.data, "backup")))
        done = run_strata(self.place("fresh"), "restore", self.place("nowhere"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("nowhere", done.stderr)


class CommandsOnAFolder(Commands, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        run_strata(cls.data, "key", "create")  # makes the folder

    def test_a_folder_that_serves_is_not_opened_twice(self):
        server = Server(documents=False)
        self.addCleanup(server.stop)
        done = run_strata(server.data, "serve", "--listen", "127.0.0.1:0", "--tls-listen", "")
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(server.process.pid), done.stderr)
        self.assertIn(server.url, done.stderr)

    def test_a_server_waits_for_one_that_was_just_killed(self):
        for how in (signal.SIGTERM, signal.SIGKILL):
            server = Server(documents=False)
            self.addCleanup(server.stop)
            server.process.send_signal(how)
            old = server.process
            server.process = server.start()
            server.wait_until_ready()
            self.assertTrue(server.alive())
            old.wait(30)
            old.stdout.close()

    def test_a_command_waits_for_a_server_that_starts(self):
        data = self.place("starting")
        self.assertEqual(run_strata(data, "kb", "create", "early").returncode, 0)
        serve = subprocess.Popen([STRATA, "--data", data, "serve", "--listen", "127.0.0.1:0", "--tls-listen", ""],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=clean_environment())
        self.addCleanup(stop_process, serve)
        for _ in range(20):  # before, while and after it takes the folder
            done = run_strata(data, "kb", "list")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("early", done.stdout)

    def test_what_is_printed_and_asked_of_no_server(self):
        """The console's address needs one; what the first start prints holds in any folder."""
        self.assertEqual(run_strata(self.place("idle"), "kb", "create", "x").returncode, 0)
        done = run_strata(self.place("idle"), "console")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn(f"no server holds the data folder '{self.place('idle')}'", done.stderr)
        serve = subprocess.Popen([STRATA, "--data", "near", "serve", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=clean_environment(), cwd=self.folder)
        self.addCleanup(stop_process, serve)
        printed = iter(serve.stdout.readline, "")
        line = next(line for line in printed if "AWS_CA_BUNDLE" in line)
        self.assertEqual(set(re.findall(r"=(\S+)", line)), {self.place("near/tls/authority.pem")})

    def test_a_server_that_dies_under_a_command_is_named(self):
        many = self.place("many")
        os.mkdir(many)
        for i in range(120):
            with open(os.path.join(many, f"{i}.txt"), "w", encoding="utf-8") as f:
                f.writelines(f"Document {i} says in sentence {k} that the ferry number {i * k} leaves at {k}. " for k in range(200))
        server = Server(documents=False)
        self.addCleanup(server.stop)
        server.cli("kb", "create", "many", many)
        sync = subprocess.Popen([STRATA, "--data", server.data, "kb", "sync", "many"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, env=clean_environment())
        self.addCleanup(sync.stderr.close)
        self.addCleanup(stop_process, sync)
        time.sleep(1)
        self.assertIsNone(sync.poll(), "it reads for many seconds")
        server.process.kill()
        self.assertEqual(sync.wait(60), 1)
        self.assertIn(f"the server (process {server.process.pid}) ended", sync.stderr.read())

    def test_the_console_of_a_server_that_died_is_not_looked_for_in_the_folder(self):
        server = Server(documents=False)
        self.addCleanup(server.stop)
        server.process.kill()
        server.process.wait(30)
        # Whoever has the folder now: the address that the dead server left there is nobody's.
        with open(os.path.join(server.data, "run", "lock"), "r+b") as held:
            fcntl.lockf(held, fcntl.LOCK_EX)
            for args in (["console"], ["reload"]):
                done = run_strata(server.data, *args)
                self.assertEqual((done.returncode, done.stdout), (1, ""), args)
                self.assertIn(f"no server holds the data folder '{server.data}'", done.stderr)
                self.assertNotIn("waiting", done.stderr)

    def test_a_second_demo_starts_as_quietly_as_the_first(self):
        for _ in range(2):
            demo = subprocess.Popen([STRATA, "--data", self.place("demo"), "demo", "--samples", SAMPLES, "--listen", "127.0.0.1:0",
                                     "--tls-listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                    env=clean_environment(), cwd=self.folder)
            self.addCleanup(stop_process, demo)
            printed = "".join(iter(demo.stdout.readline, "        (Ctrl-C stops)\n"))
            self.assertIn("question: ", printed)
            demo.send_signal(signal.SIGINT)
            _, said = demo.communicate(timeout=60)
            self.assertNotRegex(said, "409|conflict")

    def test_what_a_sync_leaves_out_is_said(self):
        folder, outside = self.place("odd"), self.place("outside.txt")
        os.mkdir(folder)
        shutil.copy(os.path.join(SAMPLES, "storage-manual.pdf"), folder)
        with open(os.path.join(folder, "scan.pdf"), "wb") as f:
            f.write(scanned_pdf(pages=2))
        with open(outside, "w", encoding="utf-8") as f:
            f.write("not of this folder")
        os.symlink(outside, os.path.join(folder, "link.txt"))
        os.mkfifo(os.path.join(folder, "pipe.txt"))
        self.strata("kb", "create", "odd", folder)
        for _ in range(2):
            done = run_strata(self.data, "--config", self.config, "kb", "sync", "odd")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stdout, r"4 scanned, \d added, 0 changed, 0 removed, 2 skipped, 0 failed")
            self.assertRegex(done.stderr, r"warning: skipped: file://\S+/link\.txt: a symbolic link that leads out of the source")
            self.assertRegex(done.stderr, r"warning: skipped: file://\S+/pipe\.txt: a pipe, not a file")
            self.assertRegex(done.stderr, r"warning: file://\S+/scan\.pdf: pages without text: 2 of 2")
        asked = run_strata(self.place("asking"), "ask", folder, "How cold are glass negatives kept?")
        self.assertEqual(asked.returncode, 0, asked.stderr)
        self.assertRegex(asked.stderr, r"warning: file://\S+/scan\.pdf: pages without text: 2 of 2")
        parsed = run_strata(self.data, "parse", os.path.join(folder, "scan.pdf"))
        self.assertEqual(parsed.returncode, 0)
        self.assertIn("pages without text: 2 of 2", parsed.stderr)

    def test_a_base_is_asked_before_a_folder_of_its_name(self):
        where = self.place("here")
        os.makedirs(os.path.join(where, "notes"))
        with open(os.path.join(where, "notes", "other.txt"), "w", encoding="utf-8") as f:
            f.write("The museum of glass opens at ten and closes at five.")
        data = self.place("both")
        for args in (["kb", "create", "notes", self.docs], ["kb", "sync", "notes"]):
            self.assertEqual(run_strata(data, *args).returncode, 0)

        def ask(source, question):
            done = subprocess.run([STRATA, "--data", data, "ask", source, question], capture_output=True, text=True, timeout=120,
                                  env=clean_environment(), cwd=where)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            return done

        base = ask("notes", "How much does a berth cost in winter?")
        self.assertIn("12 euros", base.stdout)
        self.assertIn("strata ask ./notes", base.stderr)
        self.assertNotIn("folder-", run_strata(data, "kb", "list").stdout)
        for _ in range(2):
            folder = ask("./notes", "When does the museum of glass open?")
            self.assertIn("ten", folder.stdout)
        listed = run_strata(data, "kb", "list").stdout
        self.assertEqual(listed.count("folder-"), 1, listed)
        self.assertNotIn("conflict", run_strata(data, "trace").stdout)
        self.assertIn(f"made by strata ask for {where}/notes", listed)

    def test_a_detected_provider_says_how_to_turn_it_off(self):
        env = dict(clean_environment(), OPENAI_API_KEY="sk-found")
        done = run_strata(self.data, "provider", "remove", "openai", env=env)
        self.assertEqual(done.returncode, 1)
        self.assertIn("environment variable OPENAI_API_KEY", done.stderr)
        self.assertIn("server.detect_providers: false", done.stderr)

    def test_a_configured_provider_says_where_it_stands(self):
        config = self.place("with-provider.yaml")
        with open(config, "w", encoding="utf-8") as f:
            f.write("server: {detect_providers: false}\nproviders:\n"
                    "  - {name: fixed, kind: openai, base_url: 'http://127.0.0.1:9', models: [m]}\n")
        done = run_strata(self.data, "--config", config, "provider", "remove", "fixed")
        self.assertEqual(done.returncode, 1)
        self.assertIn("with-provider.yaml:3", done.stderr)


class CommandsAfterADeath(unittest.TestCase):
    """A server that was killed keeps its folder for as long as the kernel takes it apart; its port is closed before."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="strata-commands-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def test_a_command_right_after_a_kill_opens_the_folder(self):
        server = Server(documents=False)
        self.addCleanup(server.stop)
        server.cli("kb", "create", "mine")
        server.process.kill()
        done = run_strata(server.data, "kb", "list")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("mine", done.stdout)

    def test_a_command_waits_for_a_folder_whose_server_is_dying(self):
        data = os.path.join(self.folder, "data")
        self.assertEqual(run_strata(data, "kb", "create", "mine").returncode, 0)
        lock = open(os.path.join(data, "run", "lock"), "r+")
        self.addCleanup(lock.close)
        fcntl.fcntl(lock, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        with socket.socket() as closed:  # bound, and nobody listens
            closed.bind(("127.0.0.1", 0))
            with open(os.path.join(data, "run", "server.json"), "w", encoding="utf-8") as f:
                json.dump({"pid": 1, "url": f"http://127.0.0.1:{closed.getsockname()[1]}", "control": "control-x"}, f)
            release = threading.Timer(4, lock.close)
            release.start()
            done = run_strata(data, "kb", "list")
            release.join()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("mine", done.stdout)
        self.assertIn("waiting: the data folder", done.stderr)


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
            ("aliases: {a: kb/docs@b, b: a}\n", ["strata.yaml", "aliases.a", "cannot answer for another"]),
            ("aliases: {a: kb/docs@p}\nmodels:\n  - {id: p, deployments: [a]}\n",
             ["strata.yaml:3", "models.p", "'kb/docs@p' is a knowledge base"]),
            ("aliases: {a: q}\nmodels:\n  - {id: p, deployments: [a]}\n  - {id: q, deployments: [builtin/extract]}\n",
             ["strata.yaml:3", "models.p", "'a' is the configured model 'q'"]),
            ("models:\n  - {id: p, deployments: [builtin/extract], fallback: ['arn:aws:bedrock:us-east-1:000000000000:"
             "application-inference-profile/abcdefgh1234']}\n", ["strata.yaml:2", "models.p", "inference profile"]),
            ("aliases: {a: kb/docs}\nkb.query.model: a\n", ["strata.yaml:2", "kb.query.model", "no language model"]),
            ("server: {listen: '127.0.0.1:18080'}\nproviders:\n"
             "  - {name: me, kind: openai, base_url: 'http://127.0.0.1:18080/v1', secret: 'env:HOME'}\n",
             ["strata.yaml:3", "providers.me", "this server itself"]),
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

    def check(self, text, *args):
        config = os.path.join(self.folder, "strata.yaml")
        with open(config, "w", encoding="utf-8") as f:
            f.write(text)
        return run_strata(self.data, "check", "--config", config, *args)

    def test_check_says_all_that_is_wrong_each_with_its_line(self):
        done = self.check("server:\n  listen: here\n  lissten: x\n  listen: 127.0.0.1:1\nstore:\n  master_key: sk-plain\n"
                          "aliases:\n  a: builtin/extrakt\n  b: elsewhere/x\nkb:\n  embedding_model: builtin/none\n")
        self.assertEqual(done.returncode, 1, done.stdout)
        for line, key in (("2", "server.listen"), ("3", "unknown option server.lissten"), ("4", "server.listen: stands twice"),
                          ("6", "store.master_key"), ("8", "aliases.a"), ("9", "warning: aliases.b"), ("11", "kb.embedding_model")):
            self.assertRegex(done.stderr, rf"(?m)^\S*strata\.yaml:{line}: {key}")
        self.assertNotIn("sk-plain", done.stderr)
        self.assertFalse(os.path.exists(self.data), "checking writes nothing")

    def test_serve_refuses_what_check_refuses(self):
        config = os.path.join(self.folder, "strata.yaml")
        for text in ("aliases: {a: b, b: a}\n", "kb: {embedding_model: builtin/none}\n", "server: {listen: 'localhost:0'}\n",
                     "log.level: info\nlog: {level: info}\n", "journal: {segment_bytes: 268435456, bytes_max: 1048576}\n"):
            with self.subTest(text=text):
                checked = self.check(text)
                served = run_strata(self.data, "serve", "--config", config)
                self.assertEqual((checked.returncode, served.returncode), (1, 1), served.stdout)
                for line in served.stderr.strip().splitlines():
                    self.assertIn(line.removeprefix("error: "), checked.stderr)
        self.assertFalse(os.path.exists(self.data), "refused before anything is made")

    def test_commands_that_read_do_not_make_a_data_folder(self):
        id_ = "0" * 32
        for args in (["kb", "list"], ["kb", "sync", "x"], ["kb", "search", "x", "y"], ["kb", "delete", "x"], ["trace"], ["trace", id_],
                     ["cost"], ["key", "list"], ["key", "revoke", "x"], ["key", "rotate", "x"], ["provider", "list"],
                     ["provider", "test", "x"], ["provider", "remove", "x"], ["model", "list"], ["console"], ["reload"],
                     ["backup", self.folder + "/b"], ["ask", "x", "y"]):
            with self.subTest(args=args):
                done = run_strata(self.data, *args)
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn(f"there is no data folder at '{self.data}'", done.stderr)
                self.assertFalse(os.path.exists(self.data))

    def test_wrong_values_do_not_make_a_data_folder(self):
        for args, names in ((["key", "create", "--role", "king"], "'king' is no role"), (["key", "create", "--bearer", "short"], "bearer"),
                            (["key", "create", "--label", "a b"], "labels"), (["key", "create", "--retention", "long"], "retention"),
                            (["kb", "import", "x", "/dev/null"], "/dev/null: is empty"),
                            (["kb", "create", "x/y", self.folder], "name"), (["kb", "create", "x", "/no/such"], "/no/such"),
                            (["provider", "add", "odd", "--kind", "oracle"], "kind")):
            with self.subTest(args=args):
                done = run_strata(self.data, *args)
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn(names, done.stderr)
                self.assertFalse(os.path.exists(self.data))

    def test_the_table_of_roles_needs_no_data_folder(self):
        done = run_strata(self.data, "key", "roles")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(os.path.join(os.path.dirname(__file__), "..", "..", "docs", "access.md"), encoding="utf-8") as f:
            self.assertEqual(done.stdout, f.read())
        self.assertFalse(os.path.exists(self.data))

    def test_a_folder_of_other_things_is_not_made_a_data_folder(self):
        with open(os.path.join(self.folder, "letter.txt"), "w", encoding="utf-8") as f:
            f.write("dear")
        os.chmod(self.folder, 0o755)
        done = run_strata(self.folder, "kb", "create", "x")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("holds other things", done.stderr)
        self.assertEqual(os.listdir(self.folder), ["letter.txt"])
        self.assertEqual(os.stat(self.folder).st_mode & 0o777, 0o755)

    def test_a_mistyped_command_line_is_answered_with_the_nearest(self):
        for args, says in ((["bogus"], "there is no command 'bogus'; expected one of serve, "),
                           (["srve"], "strata: there is no command 'srve' (did you mean serve?)"),
                           (["kb", "snyc", "x"], "strata kb: there is no command 'snyc' (did you mean sync?)"),
                           (["--data", "x", "kb"], "strata kb: expected one of create, list"),
                           (["key", "create", "--nmae", "x"], "strata key create: there is no option --nmae (did you mean --name?)"),
                           (["kb", "list", "--dta=x"], "there is no option --dta (did you mean --data?)"),
                           (["kb", "create"], "strata kb create: name is required"),
                           (["serve", "extra"], "strata serve: "),
                           (["key", "create", "--bearer", ""], "is empty"),
                           (["kb", "import", "x", "/no/such"], "/no/such")):
            with self.subTest(args=args):
                done = run_strata(self.data, *args)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(says, done.stderr)
                self.assertTrue(all(line.startswith("error: ") for line in done.stderr.splitlines()), done.stderr)
        self.assertIn("--data: expected a folder", run_strata("", "kb", "list").stderr)

    def test_wrong_command_lines_are_refused(self):
        for args in ([], ["fly"], ["kb"], ["ask", "only-a-source"], ["key", "create", "--expires-days", "x"]):
            self.assertEqual(run_strata(self.data, *args).returncode, 2, args)
        self.assertFalse(os.path.exists(self.data))


if __name__ == "__main__":
    unittest.main()
