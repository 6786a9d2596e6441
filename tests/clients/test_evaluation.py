"""Evaluation sets from files and from traffic; runs over them, also over a kill -9; a router from their rows."""
import gzip
import json
import os
import re
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request

import boto3
import openai

from harness import ACCESS_KEY, BEARER, SECRET_KEY, STRATA, FakeUpstream, Server, run_strata


class Evaluation(unittest.TestCase):
    CONFIG = """
providers:
  - {{name: up, kind: openai, base_url: "{url}/v1", secret: "env:FAKE_OPENAI_KEY"}}
"""

    @classmethod
    def setUpClass(cls):
        cls.upstream = FakeUpstream()
        cls.server = Server(cls.CONFIG.format(url=cls.upstream.url), {"FAKE_OPENAI_KEY": "sk-fake-openai"}, documents=False)
        cls.openai = openai.OpenAI(base_url=cls.server.url + "/v1", api_key=BEARER, max_retries=0)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def write(self, name, *rows):
        path = os.path.join(self.server.folder, name)
        opened = gzip.open if name.endswith(".gz") else open
        with opened(path, "wt", encoding="utf-8") as f:
            f.writelines((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
        return path

    def rows(self, name):
        return [json.loads(line) for line in self.server.cli("eval", "set", "show", name, "--json").splitlines()]

    def ask(self, messages, **more):
        raw = self.openai.chat.completions.with_raw_response.create(model="up/gpt-4o", messages=messages, **more)
        return raw.headers["x-strata-trace-id"]

    def test_a_file_becomes_a_version_and_a_wrong_one_changes_nothing(self):
        sums = [{"id": f"s{n}", "question": f"What is {n} plus {n}?", "expected": str(2 * n)} for n in range(3)]
        self.assertIn("version 1: 3 rows (3 added", self.server.cli("eval", "set", "import", "sums", self.write("sums.jsonl.gz", *sums)))
        wrong = self.write("wrong.jsonl", sums[0], {"question": "x", "expectd": "y"}, "no json")
        done = run_strata(self.server.data, "eval", "set", "import", "sums", wrong, env=self.server.env)
        self.assertEqual(done.returncode, 1)
        self.assertIn("wrong.jsonl:2: ", done.stderr)
        self.assertIn("did you mean expected?", done.stderr)
        self.assertIn("wrong.jsonl:3: ", done.stderr)
        self.assertEqual(len(self.rows("sums")), 3)
        one = self.write("one.jsonl", dict(sums[0], expected=["0", "zero"]))
        self.assertIn("version 2: 1 rows (0 added, 1 changed, 0 unchanged, 2 removed)",
                      self.server.cli("eval", "set", "import", "sums", one, "--replace"))
        self.assertEqual([row["id"] for row in self.rows("sums:1")], ["s0", "s1", "s2"])
        self.assertEqual(self.rows("sums")[0]["expected"], ["0", "zero"])
        self.assertIn("imports sums.jsonl.gz", self.server.cli("eval", "set", "show", "sums"))
        self.assertIn("sums", self.server.cli("eval", "set", "list"))
        self.server.cli("eval", "set", "delete", "sums")
        self.assertNotIn("sums", self.server.cli("eval", "set", "list"))

    def test_served_requests_become_rows_with_their_conversation_and_labels(self):
        self.upstream.script({"text": "Rosa Lind", "times": 0})
        plain = self.ask([{"role": "user", "content": "Who keeps the keys?"}])
        conversation = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"},
                        {"role": "assistant", "content": "Hello!"}, {"role": "user", "content": "And who is she?"}]
        longer = self.ask(conversation)
        image = [{"type": "text", "text": "What is this?"},
                 {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
        pictured = self.ask([{"role": "user", "content": image}])
        self.server.cli("eval", "set", "add-trace", "served", plain, longer, "--expected", "Rosa Lind", "--score", "1")
        rows = self.rows("served")
        self.assertEqual([row["messages"] for row in rows],
                         [[{"role": "user", "content": "Who keeps the keys?"}], conversation])
        self.assertEqual(rows[0]["graded"], [{"answer": "Rosa Lind", "score": 1}])
        self.assertEqual(rows[0]["trace"], plain)
        done = run_strata(self.server.data, "eval", "set", "add-trace", "served", plain, pictured, env=self.server.env)
        self.assertIn("more than text", done.stderr)
        self.assertEqual(len(self.rows("served")), 2)

    def test_an_empty_set_can_be_made_and_a_name_is_taken_once(self):
        self.server.cli("eval", "set", "create", "later", "--description", "to be filled")
        self.assertIn("to be filled", self.server.cli("eval", "set", "list"))
        done = run_strata(self.server.data, "eval", "set", "create", "later", env=self.server.env)
        self.assertEqual(done.returncode, 1)
        self.assertIn("exists already", done.stderr)

    def import_sums(self, name, count, **more):
        rows = [dict({"id": f"s{n}", "question": f"What is {n} plus {n}? (row {n}.)", "expected": str(2 * n)}, **more) for n in range(count)]
        self.server.cli("eval", "set", "import", name, self.write(name + ".jsonl", *rows))

    def prompts(self):
        return boto3.client("bedrock-agent", endpoint_url=self.server.url, region_name="us-east-1", aws_access_key_id=ACCESS_KEY,
                            aws_secret_access_key=SECRET_KEY)

    def test_versions_of_a_prompt_are_compared(self):
        agent = self.prompts()
        def variant(text, *names):
            return {"name": "one", "templateType": "TEXT", "modelId": "up/gpt-4o-mini", "templateConfiguration": {
                "text": {"text": text, "inputVariables": [{"name": name} for name in names]}}}
        made = agent.create_prompt(name="sums", variants=[variant("Add up, {{ tone }}: {{ what }}", "tone", "what")])
        agent.create_prompt_version(promptIdentifier=made["id"])
        agent.update_prompt(promptIdentifier=made["id"], name="sums", variants=[variant("Guess.")])
        agent.create_prompt_version(promptIdentifier=made["id"])
        agent.update_prompt(promptIdentifier=made["id"], name="sums", variants=[variant("{{ a }} {{ what }}", "a", "what")])
        self.import_sums("prompted", 3, variables={"tone": "step by step"})
        right = [{"match": {"contains": f"Add up, step by step: What is {n} plus {n}?"}, "text": str(2 * n), "times": 0} for n in range(3)]
        self.upstream.script(*right, {"text": "1000", "times": 0})
        out = os.path.join(self.server.folder, "prompted-cases.jsonl")
        one, two, draft = f"prompt/{made['id']}:1", made["arn"] + ":2", "prompt/" + made["id"]
        report = self.server.cli("eval", "run", "prompted", "--targets", ",".join((one, two, draft)), "--judges", "numeric", "--out", out)
        self.assertRegex(report, one + r" +3 +0 +1.000")
        self.assertRegex(report, two + r" +3 +0 +0.000")
        with open(out, encoding="utf-8") as f:
            cases = [json.loads(line) for line in f]
        self.assertIn("no value for 'a', 'what'", next(c for c in cases if c["target"] == draft)["error"])
        asked = [json.loads(r["body"]) if isinstance(r["body"], str) else r["body"] for r in self.upstream.requests()]
        texts = [[m["content"] for m in body["messages"]] for body in asked]
        self.assertIn(["Add up, step by step: What is 1 plus 1? (row 1.)"], texts, "the question stands in the prompt alone")
        self.assertIn(["Guess.", "What is 1 plus 1? (row 1.)"], texts, "a prompt without variables comes first")
        gone = run_strata(self.server.data, "eval", "run", "prompted", "--targets", "prompt/AAAAAAAAAA", "--judges", "numeric", env=self.server.env)
        self.assertEqual(gone.returncode, 1)
        self.assertIn("AAAAAAAAAA", gone.stderr)

    def test_a_person_is_erased_from_evaluations(self):
        self.upstream.script({"text": "Rosa Lind", "times": 0})
        theirs = self.ask([{"role": "user", "content": "Who keeps my keys?"}], user="u-erased")
        others = self.ask([{"role": "user", "content": "Who keeps the keys?"}], user="u-stays")
        self.server.cli("eval", "set", "add-trace", "people", theirs, others, "--expected", "Rosa Lind")
        self.server.cli("eval", "run", "people", "--targets", "up/gpt-4o", "--judges", "exact")
        urllib.request.urlopen(urllib.request.Request(
            self.server.url + "/v1/feedback", json.dumps({"trace_id": theirs, "value": -1}).encode(),
            {"authorization": "Bearer " + BEARER, "content-type": "application/json"})).read()
        said = self.server.cli("erase", "u-erased")
        for what in ("1 feedbacks", "1 rows of evaluation sets", "1 cases of evaluation runs", "2 traces"):
            self.assertIn(f"{what}\n", said)
        self.assertEqual([row["subject"] for row in self.rows("people")], ["u-stays"])
        self.assertIn(" 1 ", self.server.cli("eval", "set", "list"))
        self.assertEqual(set(line.split()[0] for line in self.server.cli("erase", "u-erased").splitlines()), {"0"})

    def test_targets_are_compared_and_judged_case_by_case(self):
        self.import_sums("compared", 6, graded=[{"answer": "no idea", "score": 0}, {"answer": "surely so", "score": 1}])
        right = [{"match": {"contains": f"(row {n}.)"}, "text": f"The answer is {2 * n}", "times": 0, "input_tokens": 20, "output_tokens": 5}
                 for n in range(6)]
        self.upstream.script(
            {"match": {"contains": "You grade"}, "text": '{"reason": "fair", "score": 4}', "times": 0},
            {"match": {"contains": '"small"'}, "text": "The answer is 4", "times": 0}, *right)
        out = os.path.join(self.server.folder, "cases.jsonl")
        report = self.server.cli("eval", "run", "compared", "--targets", "up/gpt-4o,up/small", "--judges", "numeric,model:up/judge",
                                 "--out", out)
        self.assertIn("done, 12 of 12 cases", report)
        self.assertRegex(report, r"up/gpt-4o +6 +0 +1.000 \(1.000 to 1.000\)")
        self.assertRegex(report, r"up/small +6 +0 +0.167")
        self.assertIn("agrees with people on 12 graded answers: 0.500", report)
        with open(out, encoding="utf-8") as f:
            cases = [json.loads(line) for line in f]
        self.assertEqual(len(cases), 12)
        wrong = next(c for c in cases if c["row"] == "s5" and c["target"] == "up/small")
        self.assertEqual((wrong["answer"], wrong["scores"]), ("The answer is 4", {"numeric": 0, "model:up/judge": 0.75}))
        trace = self.server.cli("trace", wrong["trace"])
        self.assertIn("What is 5 plus 5?", trace)
        number = re.search(r"run (\S+) over compared:1", report)[1]
        self.assertIn(number, self.server.cli("cost", "--by", "tag:eval"))
        self.assertIn(number, self.server.cli("eval", "runs"))
        rows = [json.loads(line) for line in self.server.cli("eval", "export", number, "--price", "up/small=1/2").splitlines()]
        self.assertEqual(len(rows), 6)
        self.assertEqual(rows[0]["outcomes"]["up/gpt-4o"]["quality"], 1)
        self.assertIn("cost", rows[0]["outcomes"]["up/small"])
        self.assertNotIn("cost", rows[0]["outcomes"]["up/gpt-4o"], "its price is not known")
        self.server.cli("eval", "delete", number)
        self.assertNotIn(number, self.server.cli("eval", "runs"))

    def test_a_plan_that_cannot_be_run_says_why(self):
        self.import_sums("few", 1)
        for flags, part in ((["--targets", "nobody/none"], "nobody"), (["--targets", "up/a", "--judges", "exactly"], "exact, numeric"),
                            (["--targets", "up/a,up/a"], "twice")):
            done = run_strata(self.server.data, "eval", "run", "few", *flags, env=self.server.env)
            self.assertEqual(done.returncode, 1)
            self.assertIn(part, done.stderr)

    def test_a_killed_server_goes_on_where_it_was(self):
        server = Server(self.CONFIG.format(url=self.upstream.url), {"FAKE_OPENAI_KEY": "sk-fake-openai"}, documents=False)
        try:
            rows = self.write("slow.jsonl", *({"id": f"s{n}", "question": f"slow {n}?", "expected": "1"} for n in range(40)))
            server.cli("eval", "set", "import", "slow", rows)
            self.upstream.script({"text": "1", "times": 0, "delay_ms": 100})
            begun = server.cli("eval", "run", "slow", "--targets", "up/gpt-4o", "--at-once", "2", "--detach")
            number = re.search(r"run (\S+) goes on", begun)[1]
            while len(server.cli("eval", "cases", number).splitlines()) < 5:
                time.sleep(0.05)
            server.process.kill()
            server.process.wait()
            server.process.stdout.close()
            server.process = server.start()
            server.wait_until_ready()
            self.assertIn("done, 40 of 40 cases", server.cli("eval", "show", number, "--wait"))
            asked = [r for r in self.upstream.requests() if "slow" in json.dumps(r)]
            self.assertLessEqual(len(asked), 42, "only what was under way is asked again")
        finally:
            server.stop()

    def feedback(self, key=BEARER, **body):
        request = urllib.request.Request(self.server.url + "/v1/feedback", json.dumps(body).encode(),
                                         {"authorization": "Bearer " + key, "content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)

    def test_what_users_say_is_kept_and_grades_the_rows_that_are_sampled(self):
        self.upstream.script({"text": "Rosa Lind", "times": 0})
        trace = self.ask([{"role": "user", "content": "Who says so?"}])
        self.assertEqual(self.feedback(trace_id=trace, value=-1, metadata={"text": "wrong person"})["status"], "success")
        self.feedback(trace_id=trace, value=-5, weight=0.5)
        listed = self.server.cli("eval", "feedback", "--blame")
        self.assertIn(trace, listed)
        self.assertIn("wrong person", listed)
        self.server.cli("eval", "set", "add-trace", "blamed", trace)
        self.assertEqual(self.rows("blamed")[0]["graded"], [{"answer": "Rosa Lind", "score": 0}])
        for body, status in (({"trace_id": "0" * 32, "value": 1}, 404), ({"trace_id": trace, "value": 11}, 400),
                             ({"trace_id": trace}, 400), ({"trace_id": trace, "value": 1, "weigth": 1}, 400)):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                self.feedback(**body)
            self.assertEqual(refused.exception.code, status)
            refused.exception.close()

    def test_own_models_get_a_certified_router(self):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "router", "own_router.py")
        done = subprocess.run([sys.executable, script, "--strata", STRATA, "--fake", os.environ["STRATA_FAKE_PROVIDER"],
                               "--rows", "700", "--fresh", "150"], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("moved to the cheap model", done.stdout)


if __name__ == "__main__":
    unittest.main()
