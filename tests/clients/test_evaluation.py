"""Evaluation sets from files and from traffic."""
import gzip
import json
import os
import unittest

import openai

from harness import BEARER, FakeUpstream, Server, run_strata


class Evaluation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.upstream = FakeUpstream()
        config = f"""
providers:
  - {{name: up, kind: openai, base_url: "{cls.upstream.url}/v1", secret: "env:FAKE_OPENAI_KEY"}}
"""
        cls.server = Server(config, {"FAKE_OPENAI_KEY": "sk-fake-openai"}, documents=False)
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


if __name__ == "__main__":
    unittest.main()
