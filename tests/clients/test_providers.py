"""Providers beside chat: remote rerank, moderations and embeddings; models that declare terms of their own; denied words; circles."""
import json
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from harness import BEARER, FakeUpstream, Server, run_strata

CONFIG = """
resilience: {{retries: 0, breaker_open: 10, breaker_open_max: 10}}
providers:
  - {{name: o, kind: openai, base_url: "{url}/v1", secret: "env:O"}}
  - {{name: c, kind: cohere, base_url: "{url}", secret: "env:C"}}
  - name: terms
    kind: openai
    base_url: "{url}/v1"
    secret: "env:O"
    data_region: eu-central
    retention: none
    clearance: [pii]
    models: [gpt-eu, {{id: gpt-us, region: us-east, retention: 30d, clearance: []}}]
"""


class Providers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fake = FakeUpstream()
        cls.server = Server(CONFIG.format(url=cls.fake.url), {"O": "sk-fake-openai", "C": "fake-cohere-key"}, documents=False)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def ask(self, path, body, **headers):
        request = urllib.request.Request(self.server.url + path, json.dumps(body).encode(), {
            "content-type": "application/json", "authorization": "Bearer " + BEARER, **headers})
        try:
            with urllib.request.urlopen(request, timeout=30) as r:
                return r.status, json.loads(r.read())
        except urllib.error.HTTPError as e:
            return e.code, json.loads(e.read())

    def test_rerank_by_cohere_and_by_a_compatible_server(self):
        documents = ["the price of tea", "a lighthouse keeper", "the keeper of the lighthouse of Sörby"]
        for model in ("c/rerank-v3.5", "o/bge-reranker-v2-m3"):
            status, got = self.ask("/v2/rerank", {"model": model, "query": "keeper of the lighthouse", "documents": documents, "top_n": 2})
            self.assertEqual(status, 200, got)
            self.assertEqual([(r["index"], r["relevance_score"]) for r in got["results"]], [(2, 1.0), (0, 0.5)])
        status, _ = self.ask("/v2/rerank", {"model": "c/rerank-v3.5", "query": "x", "documents": []})
        self.assertEqual(status, 400)

    def test_moderations(self):
        status, got = self.ask("/v1/moderations", {"model": "o/omni-moderation-latest", "input": ["all is well", "pure violence"]})
        self.assertEqual(status, 200, got)
        self.assertEqual([r["flagged"] for r in got["results"]], [False, True])
        self.assertEqual((got["results"][1]["categories"]["violence"], got["results"][1]["category_scores"]["violence"]), (True, 0.75))

    def test_embeddings_by_cohere(self):
        status, got = self.ask("/v1/embeddings", {"model": "c/embed-v4.0", "input": ["a", "b"], "encoding_format": "float"})
        self.assertEqual(status, 200, got)
        self.assertEqual([len(row["embedding"]) for row in got["data"]], [8, 8])
        sent = json.loads(self.fake.requests()[-1]["body"])
        self.assertEqual((sent["texts"], sent["embedding_types"]), (["a", "b"], ["float"]))

    def test_models_declare_terms_of_their_own(self):
        def chat(model, **headers):
            status, got = self.ask("/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": "hi"}]}, **headers)
            return status, got.get("error", {}).get("message", "")
        for header, allowed, refused, named in (("x-strata-regions: us-east", "gpt-us", "gpt-eu", "eu-central"),
                                                ("x-strata-regions: eu-central", "gpt-eu", "gpt-us", "us-east"),
                                                ("x-strata-retention: none", "gpt-eu", "gpt-us", "30d"),
                                                ("x-strata-labels: pii", "gpt-eu", "gpt-us", "label 'pii'")):
            name, value = header.split(": ")
            self.assertEqual(chat("terms/" + allowed, **{name: value})[0], 200)
            status, message = chat("terms/" + refused, **{name: value})
            self.assertEqual(status, 403, header)
            self.assertIn(named, message)
            self.assertIn("terms/" + refused, message)
        # Another spelling of an id does not lead around its terms.
        status, message = chat("terms/models/gpt-us", **{"x-strata-labels": "pii"})
        self.assertEqual(status, 404)
        self.assertIn("expected one of gpt-eu, gpt-us", message)

    def test_guardrails_come_and_go_with_a_reload(self):
        body = {"model": "o/gpt-4o-mini", "messages": [{"role": "user", "content": "a Kestrel?"}]}
        config = CONFIG.format(url=self.fake.url)
        self.assertEqual(self.ask("/v1/chat/completions", body)[0], 200)
        self.server.configure(config + "guardrails: [{name: birds, words: [kestrel]}]\n")
        self.assertIn("guardrails", self.server.cli("reload"))
        status, got = self.ask("/v1/chat/completions", body)
        self.assertEqual((status, got["error"]["code"]), (400, "content_filter"))
        self.server.configure(config + "guardrails: [{name: birds, words: [kestrel], acton: mask}, {name: birds, words: []}]\n")
        done = run_strata(self.server.data, "reload", env=self.server.env)
        self.assertNotEqual(done.returncode, 0)
        for part in ("did you mean action", "two are named 'birds'", "expected at least one"):
            self.assertIn(part, done.stdout + done.stderr)
        self.server.configure(config)
        self.server.cli("reload")
        self.assertEqual(self.ask("/v1/chat/completions", body)[0], 200)


class Circles(unittest.TestCase):
    """A provider whose address leads back to this server."""
    CHAT = {"messages": [{"role": "user", "content": "What is the colour of a kestrel?"}]}

    @classmethod
    def setUpClass(cls):
        # Where the server listens is known only now, so no check of the file can see it.
        cls.server = Server(env={"SELF": BEARER}, documents=False)
        cls.server.configure("providers:\n"
                             f"  - {{name: me, kind: openai, base_url: '{cls.server.url}/v1', secret: 'env:SELF', models: [round]}}\n"
                             f"  - {{name: claude, kind: anthropic, base_url: '{cls.server.url}', secret: 'env:SELF', models: [other]}}\n"
                             "aliases: {there: claude/back, back: me/there}\n"
                             "models:\n  - {id: spare, deployments: [me/round], fallback: [builtin/extract]}\n")
        cls.server.cli("reload")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def finished(self):
        """How many requests the server has logged; lines are written together, a little later."""
        count = -1
        while count != (count := self.server.log_text().count('"request.finished"')):
            time.sleep(0.3)
        return count

    def ask(self, path, body):
        """(status, headers, answer, how many requests the server saw for it)."""
        seen = self.finished()
        request = urllib.request.Request(self.server.url + path, json.dumps(body).encode(), {
            "content-type": "application/json", "authorization": "Bearer " + BEARER})
        try:
            with urllib.request.urlopen(request, timeout=30) as r:
                answer = r.status, r.headers, json.loads(r.read())
        except urllib.error.HTTPError as e:
            answer = e.code, e.headers, json.loads(e.read())
        return *answer, self.finished() - seen

    def test_a_circle_is_refused_in_each_dialect_after_a_few_steps(self):
        converse = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
        gemini = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
        for model in ("me/round", "there"):
            name = urllib.parse.quote(model, safe="")
            for path, body, said in (
                    ("/v1/chat/completions", {"model": model, **self.CHAT}, lambda a: a["error"]["code"] == "loop_detected"),
                    ("/v1/messages", {"model": model, "max_tokens": 9, **self.CHAT}, lambda a: a["error"]["type"] == "invalid_request_error"),
                    (f"/model/{name}/converse", converse, lambda a: "message" in a),
                    (f"/v1beta/models/{name}:generateContent", gemini, lambda a: a["error"]["code"] == 508)):
                with self.subTest(model=model, path=path):
                    status, headers, answer, seen = self.ask(path, body)
                    self.assertEqual(status, 508, answer)
                    self.assertTrue(said(answer), answer)
                    self.assertIn("servers of this kind", json.dumps(answer))
                    self.assertEqual(seen, 5, "one that was asked, and one for each step")
                    if path.endswith("converse"):
                        self.assertEqual(headers["x-amzn-errortype"], "ValidationException")

    def test_another_deployment_is_not_asked_instead(self):
        self.assertEqual(self.ask("/v1/chat/completions", {"model": "spare", **self.CHAT})[0], 508)

    def test_embeddings_go_round_no_longer(self):
        status, _, answer, _ = self.ask("/v1/embeddings", {"model": "me/round", "input": "a"})
        self.assertEqual(status, 508, answer)

    def test_one_step_is_no_circle(self):
        status, _, answer, seen = self.ask("/v1/chat/completions", {"model": "me/builtin/extract", **self.CHAT})
        self.assertEqual((status, seen), (200, 2), answer)


if __name__ == "__main__":
    unittest.main()
