"""The unmodified google-genai SDK against strata: the knowledge base, and every kind of upstream."""
import json
import unittest
import urllib.error
import urllib.request

from google import genai
from google.genai import errors, types

from harness import BEARER, server, server_with_upstream

QUESTION = "Who was the keeper of the lighthouse of Sörby?"
MODELS = ["up-openai/gpt-4o-mini", "up-anthropic/claude-sonnet-4-5", "up-gemini/gemini-2.5-flash",
          "up-bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0"]
WEATHER = types.Tool(function_declarations=[types.FunctionDeclaration(
    name="weather", description="of a place", parameters=types.Schema(
        type="OBJECT", properties={"place": types.Schema(type="STRING")}, required=["place"]))])


def client(url, key=BEARER):
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url, retry_options=types.HttpRetryOptions(attempts=1)))


class KnowledgeBase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = server()
        cls.client = client(cls.server.url)

    def test_answers_with_grounding(self):
        answer = self.client.models.generate_content(model="kb/harbour", contents=QUESTION)
        self.assertIn("Alma Ström", answer.text)
        grounding = answer.candidates[0].grounding_metadata
        self.assertTrue(any("Alma Ström" in c.retrieved_context.text for c in grounding.grounding_chunks))
        segment = grounding.grounding_supports[0].segment
        self.assertEqual(answer.text.encode()[segment.start_index or 0:segment.end_index].decode(), segment.text)
        self.assertEqual(answer.candidates[0].finish_reason, types.FinishReason.STOP)
        self.assertGreater(answer.usage_metadata.total_token_count, 0)

    def test_stream_adds_up_to_the_same_answer(self):
        whole = self.client.models.generate_content(model="kb/harbour", contents=QUESTION)
        chunks = list(self.client.models.generate_content_stream(model="kb/harbour", contents=QUESTION))
        self.assertEqual("".join(c.text or "" for c in chunks), whole.text)
        self.assertTrue(chunks[-1].candidates[0].grounding_metadata.grounding_chunks)
        self.assertEqual(chunks[-1].usage_metadata.total_token_count, whole.usage_metadata.total_token_count)

    def test_embeddings(self):
        model = "builtin/all-minilm-l6-v2"
        answer = self.client.models.embed_content(model=model, contents=["a boat", "a ship", "an apple"])
        a, b, c = (e.values for e in answer.embeddings)
        dot = lambda x, y: sum(p * q for p, q in zip(x, y))  # noqa: E731
        self.assertGreater(dot(a, b), dot(a, c))

    def test_tokens_are_counted(self):
        count = lambda text: self.client.models.count_tokens(  # noqa: E731
            model="builtin/smollm2-135m-instruct", contents=text).total_tokens
        self.assertGreater(count("Hello " * 50), count("Hello") + 40)

    def test_models_are_listed_in_pages_and_by_name(self):
        names = [m.name for m in self.client.models.list(config={"page_size": 2})]
        self.assertIn("models/kb/harbour", names)
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(self.client.models.get(model="kb/harbour").name, "models/kb/harbour")

    def test_errors_are_the_sdk_s_own(self):
        with self.assertRaises(errors.ClientError) as caught:
            self.client.models.generate_content(model="nobody", contents="x")
        self.assertEqual((caught.exception.code, caught.exception.status), (404, "NOT_FOUND"))
        stranger = client(self.server.url, "wrong")
        with self.assertRaises(errors.ClientError) as caught:
            stranger.models.generate_content(model="kb/harbour", contents="x")
        self.assertEqual((caught.exception.code, caught.exception.status), (401, "UNAUTHENTICATED"))
        with self.assertRaises(errors.ClientError) as caught:
            self.client.models.generate_content(model="kb/harbour", contents="x", config={"candidate_count": 2})
        self.assertIn("generationConfig.candidateCount", caught.exception.message)

    def test_key_in_the_address_and_the_json_array_form(self):
        body = json.dumps({"contents": [{"parts": [{"text": QUESTION}]}]}).encode()
        url = f"{self.server.url}/v1beta/models/kb%2Fharbour:streamGenerateContent?key={BEARER}"
        with urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"}), timeout=30) as r:
            chunks = json.load(r)
        text = "".join(p["text"] for c in chunks for p in c["candidates"][0]["content"]["parts"])
        self.assertIn("Alma Ström", text)
        self.assertNotIn(BEARER, self.server.log_text())
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(urllib.request.Request(f"{self.server.url}/v1/messages?key={BEARER}", b"{}"), timeout=30)
        self.assertEqual(caught.exception.code, 401, "only Gemini's paths take a key in the address")


class Upstreams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server, cls.fake = server_with_upstream()
        cls.client = client(cls.server.url)

    def ask(self, model, contents="Weather?", **config):
        return self.client.models.generate_content(model=model, contents=contents, config=config)

    def test_tools_are_called_and_answered(self):
        for model in MODELS:
            with self.subTest(model=model):
                self.fake.script({"tool_calls": [{"id": "call_1", "name": "weather", "input": {"place": "Sörby"}},
                                                 {"id": "call_2", "name": "weather", "input": {"place": "Oslo"}}]})
                answer = self.ask(model, tools=[WEATHER])
                self.assertEqual([c.args["place"] for c in answer.function_calls], ["Sörby", "Oslo"])
                results = [types.Part(function_response=types.FunctionResponse(
                    id=c.id, name=c.name, response={"output": "rain"})) for c in answer.function_calls]
                self.fake.script({"text": "It rains."})
                turns = [types.Content(role="user", parts=[types.Part(text="Weather?")]), answer.candidates[0].content,
                         types.Content(role="user", parts=results)]
                self.assertEqual(self.ask(model, turns, tools=[WEATHER]).text, "It rains.")

    def test_streams(self):
        for model in MODELS:
            with self.subTest(model=model):
                self.fake.script({"chunks": ["It ", "rains."], "input_tokens": 9, "output_tokens": 4})
                chunks = list(self.client.models.generate_content_stream(model=model, contents="Weather?"))
                self.assertEqual([c.text for c in chunks if c.text], ["It ", "rains."])
                self.assertEqual(chunks[-1].usage_metadata.prompt_token_count, 9)

    def test_answers_by_schema(self):
        for model in MODELS:
            with self.subTest(model=model):
                self.fake.script({"text": '{"name": "Ada"}'})
                schema = types.Schema(type="OBJECT", properties={"name": types.Schema(type="STRING")}, required=["name"])
                answer = self.ask(model, response_mime_type="application/json", response_schema=schema)
                self.assertEqual(json.loads(answer.text), {"name": "Ada"})
                sent = self.fake.requests()[-1]["body"].replace("\\", "").replace(" ", "")
                self.assertIn('"type":"object"', sent.lower())

    def test_thoughts_are_shown_when_asked_for(self):
        for model in MODELS:
            with self.subTest(model=model):
                self.fake.script({"reasoning": "Clouds.", "text": "It rains.", "times": 2})
                thoughts = self.ask(model, thinking_config=types.ThinkingConfig(include_thoughts=True))
                shown = [p.text for p in thoughts.candidates[0].content.parts if p.thought]
                self.assertEqual(shown, ["Clouds."])
                if model != "up-gemini/gemini-2.5-flash":  # whose own answer is passed on, and the fake always thinks aloud
                    self.assertFalse(any(p.thought for p in self.ask(model).candidates[0].content.parts))

    def test_upstream_errors_keep_their_meaning(self):
        for model in MODELS:
            with self.subTest(model=model):
                self.fake.script({"status": 429, "retry_after_s": 7, "times": 0})
                with self.assertRaises(errors.ClientError) as caught:
                    self.ask(model)
                self.assertEqual(caught.exception.status, "RESOURCE_EXHAUSTED")
                if model != "up-gemini/gemini-2.5-flash":  # whose own answer is passed on
                    delays = [d["retryDelay"] for d in caught.exception.details["error"]["details"] if "retryDelay" in d]
                    self.assertEqual(delays, ["7.000s"])
                self.fake.script({"chunks": ["Hel", "lo"], "cut_after": 3})
                with self.assertRaises(errors.ServerError):
                    list(self.client.models.generate_content_stream(model=model, contents="x"))


if __name__ == "__main__":
    unittest.main()
