"""The unmodified openai SDK against strata."""
import base64
import struct
import unittest

import openai
from openai import OpenAI

from harness import BEARER, server

QUESTION = "How much does a berth cost in winter?"


class OpenAiClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = server()
        cls.client = OpenAI(base_url=cls.server.url + "/v1", api_key=BEARER, max_retries=0)

    def ask(self, **more):
        return self.client.chat.completions.create(
            model="kb/harbour", messages=[{"role": "user", "content": QUESTION}], **more)

    def test_knowledge_base_answers_with_citations(self):
        message = self.ask().choices[0].message
        self.assertIn("12 euros", message.content)
        notes = [a.url_citation for a in message.annotations]
        self.assertTrue(notes)
        for note in notes:
            self.assertIn("harbour.md", note.url)
            cited = message.content[note.start_index:note.end_index]
            self.assertTrue(cited.strip(), "a citation covers a part of the answer")

    def test_stream_adds_up_to_the_same_answer(self):
        whole = self.ask().choices[0].message.content
        parts, usage = [], None
        for chunk in self.ask(stream=True, stream_options={"include_usage": True}):
            if chunk.choices and chunk.choices[0].delta.content:
                parts.append(chunk.choices[0].delta.content)
            usage = chunk.usage or usage
        self.assertEqual("".join(parts), whole)
        self.assertGreater(usage.total_tokens, 0)

    def test_answer_names_its_trace(self):
        raw = self.client.chat.completions.with_raw_response.create(
            model="kb/harbour", messages=[{"role": "user", "content": QUESTION}])
        trace_id = raw.headers["x-strata-trace-id"]
        self.assertEqual(len(trace_id), 32)
        status, _, page = self.server.get(raw.headers["x-strata-trace-url"])
        self.assertEqual(status, 200)
        self.assertIn(QUESTION, page.decode())
        tree = self.server.cli("trace", trace_id)
        for stage in ("knowledge.lexical", "knowledge.dense", "knowledge.fuse", "knowledge.retrieve"):
            self.assertIn(stage, tree)

    def test_unanswerable_question_is_refused(self):
        message = self.client.chat.completions.create(
            model="kb/harbour", messages=[{"role": "user", "content": "Who won the chess championship of 1972?"}]).choices[0].message
        self.assertIn("do not answer", message.content)
        self.assertFalse(message.annotations)

    def test_language_model_answers_and_says_that_it_is_a_demo(self):
        raw = self.client.chat.completions.with_raw_response.create(
            model="builtin/smollm2-135m-instruct", max_tokens=12, temperature=0, seed=1,
            messages=[{"role": "user", "content": "Say hello."}])
        answer = raw.parse()
        self.assertTrue(answer.choices[0].message.content)
        self.assertIn("demo", raw.headers["x-strata-demo"].lower())
        self.assertLessEqual(answer.usage.completion_tokens, 12)

    def test_embeddings_as_floats_and_base64_are_the_same(self):
        floats = self.client.embeddings.create(model="builtin/all-minilm-l6-v2", input=["a berth", "a lighthouse"],
                                               encoding_format="float")
        self.assertEqual(len(floats.data), 2)
        self.assertEqual(len(floats.data[0].embedding), 384)
        coded = self.client.embeddings.with_raw_response.create(
            model="builtin/all-minilm-l6-v2", input=["a berth"], encoding_format="base64").http_response.json()
        raw = base64.b64decode(coded["data"][0]["embedding"])
        values = struct.unpack(f"<{len(raw) // 4}f", raw)
        for a, b in zip(values, floats.data[0].embedding):
            self.assertAlmostEqual(a, b, places=5)

    def test_models_are_listed(self):
        ids = {m.id for m in self.client.models.list()}
        self.assertLessEqual({"kb/harbour", "builtin/extract", "builtin/all-minilm-l6-v2"}, ids)
        self.assertEqual(self.client.models.retrieve("builtin/extract").id, "builtin/extract")

    def test_errors_are_the_sdk_s_own(self):
        with self.assertRaises(openai.NotFoundError) as caught:
            self.client.chat.completions.create(model="kb/harbor", messages=[{"role": "user", "content": "x"}])
        self.assertIn("kb/harbor", str(caught.exception))
        with self.assertRaises(openai.AuthenticationError):
            OpenAI(base_url=self.server.url + "/v1", api_key="sk-wrong", max_retries=0).models.list()
        with self.assertRaises(openai.BadRequestError) as caught:
            self.client.chat.completions.create(model="kb/harbour", messages=[{"role": "user", "content": 7}])
        self.assertIn("messages[0].content", str(caught.exception))

    def test_prefix_and_tls_listener_serve_it_too(self):
        import httpx2 as httpx
        import ssl
        context = ssl.create_default_context(cafile=self.server.ca)
        client = OpenAI(base_url=self.server.tls_url + "/openai/v1", api_key=BEARER, max_retries=0,
                        http_client=httpx.Client(verify=context))
        self.assertTrue(client.models.list().data)


if __name__ == "__main__":
    unittest.main()
