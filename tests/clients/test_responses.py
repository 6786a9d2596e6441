"""The openai SDK's Responses at providers that speak the API: OpenAI's own tools, what a provider keeps, who may ask for it, and
where such a request may not go. Two upstreams stand for two accounts."""
import time
import unittest

import openai
from openai import OpenAI

from harness import BEARER, FakeUpstream, Server

OTHER = "sk-strata-responses-other-0123456789abcdef"
CONFIG = """
resilience: {{retries: 0, breaker_faults: 1000000, breaker_percent: 100, breaker_open: 10, breaker_open_max: 10}}
providers:
  - {{name: up-a, kind: azure, base_url: "{a}", secret: "env:AZURE"}}
  - {{name: up-b, kind: azure, base_url: "{b}", secret: "env:AZURE", data_region: eu-central}}
  - {{name: up-chat, kind: openai, base_url: "{a}/v1", secret: "env:OPENAI"}}
  - {{name: up-anthropic, kind: anthropic, base_url: "{a}", secret: "env:ANTHROPIC"}}
models:
  - {{id: mixed, deployments: [up-anthropic/claude-sonnet-4-5, up-a/gpt-4o]}}
  - {{id: accounts, deployments: [up-a/gpt-4o, up-b/gpt-4o]}}
  - {{id: backed, deployments: [up-a/gpt-4o], fallback: [up-anthropic/claude-sonnet-4-5, up-b/gpt-4o]}}
"""
ROUTER = """
candidates: [up-anthropic/claude-sonnet-4-5, up-a/gpt-4o]
fallback: up-anthropic/claude-sonnet-4-5
"""
SECRETS = {"OPENAI": "sk-fake-openai", "AZURE": "fake-azure-key", "ANTHROPIC": "sk-ant-fake"}
SEARCH = [{"type": "web_search"}]
PATH = "/openai/v1/responses"


class Base(unittest.TestCase):
    MORE = ""

    @classmethod
    def setUpClass(cls):
        cls.a, cls.b = FakeUpstream(), FakeUpstream()
        cls.server = Server(CONFIG.format(a=cls.a.url, b=cls.b.url) + cls.MORE, SECRETS, documents=False)
        cls.client = OpenAI(base_url=cls.server.url + "/v1", api_key=BEARER, max_retries=0)
        cls.server.cli("key", "create", "--name", "other", "--role", "invoke", "--bearer", OTHER)
        cls.other = OpenAI(base_url=cls.server.url + "/v1", api_key=OTHER, max_retries=0)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def setUp(self):
        self.a.script()
        self.b.script()

    def respond(self, **more):
        return self.client.responses.create(**{"model": "up-a/gpt-4o", "input": "How is the weather?", **more})

    def paths(self, upstream):
        return [(r["method"], r["target"]) for r in upstream.requests()]


class Responses(Base):
    def test_a_search_of_openai_s_own(self):
        self.a.script({"text": "It is sunny.", "citation_uri": "https://weather.example/", "citation_title": "Weather", "citation_quote": "x",
                       "input_tokens": 11, "output_tokens": 4})
        reply = self.respond(tools=SEARCH, include=["web_search_call.action.sources"])
        self.assertEqual([item.type for item in reply.output], ["web_search_call", "message"])
        self.assertEqual(reply.output_text, "It is sunny.")
        self.assertEqual(reply.output[1].content[0].annotations[0].url, "https://weather.example/")
        self.assertEqual((reply.usage.input_tokens, reply.usage.output_tokens), (11, 4))
        self.assertEqual(self.paths(self.a), [("POST", PATH)])

    def test_a_stream_has_the_provider_s_events(self):
        self.a.script({"chunks": ["It is ", "sunny."], "reasoning": "hm"})
        types, numbers, text, final = [], [], "", None
        for event in self.respond(tools=SEARCH, stream=True, reasoning={"summary": "auto"}):
            types.append(event.type)
            numbers.append(event.sequence_number)
            text += event.delta if event.type == "response.output_text.delta" else ""
            final = getattr(event, "response", final)
        self.assertEqual((types[0], types[-1]), ("response.created", "response.completed"))
        for kind in ("response.reasoning_summary_text.delta", "response.web_search_call.searching"):
            self.assertIn(kind, types)
        self.assertEqual(numbers, list(range(len(numbers))))
        self.assertEqual((text, final.output_text), ("It is sunny.", "It is sunny."))
        self.assertEqual(self.client.responses.retrieve(final.id).output_text, "It is sunny.")

    def test_the_sdk_s_own_stream_adds_up(self):
        self.a.script({"chunks": ["It is ", "sunny."]})
        with self.client.responses.stream(model="up-a/gpt-4o", input="?", tools=SEARCH) as stream:
            for _ in stream:
                pass
            self.assertEqual(stream.get_final_response().output_text, "It is sunny.")

    def test_tools_are_called_and_answered(self):
        self.a.script({"tool_calls": [{"id": "c1", "name": "find", "input": {"q": "x"}}]})
        tools = [{"type": "function", "name": "find", "parameters": {"type": "object", "properties": {}}, "strict": False}]
        first = self.respond(tools=tools)
        self.assertEqual((first.output[0].call_id, first.output[0].arguments), ("c1", '{"q":"x"}'))
        self.a.script({"text": "Found."})
        second = self.respond(input=[{"type": "function_call_output", "call_id": "c1", "output": "7"}], previous_response_id=first.id)
        self.assertEqual(second.output_text, "Found.")

    def test_what_a_provider_keeps_is_gone_on_from_there(self):
        first = self.respond(input="My name is Ada.")
        second = self.respond(input="What is my name?", previous_response_id=first.id, tools=SEARCH)
        self.assertEqual(second.previous_response_id, first.id)
        items = self.client.responses.input_items.list(second.id)
        self.assertEqual([part.text for item in items for part in item.content], ["What is my name?"])
        with self.assertRaises(openai.BadRequestError) as refused:
            self.respond(model="up-b/gpt-4o", previous_response_id=first.id)
        self.assertEqual(refused.exception.param, "previous_response_id")
        self.assertIn("provider up-a", str(refused.exception))
        with self.assertRaises(openai.BadRequestError) as refused:
            self.respond(model="up-anthropic/claude-sonnet-4-5", previous_response_id=first.id)
        self.assertIn("provider up-a", str(refused.exception))
        self.assertEqual(self.paths(self.b), [])

    def test_several_accounts_keep_their_own(self):
        for i in range(4):
            first = self.respond(model="accounts")
            asked = self.a if len(self.paths(self.a)) else self.b
            for _ in range(3):
                first = self.respond(model="accounts", previous_response_id=first.id)
            self.assertEqual((len(self.paths(asked)), len(self.paths(self.a)) + len(self.paths(self.b))), (4, 4))
            self.setUp()

    def test_a_fallback_never_gets_what_another_keeps(self):
        first = self.respond(model="backed")
        self.a.script({"status": 503, "times": 0, "match": {"path": "/responses"}})
        with self.assertRaises(openai.InternalServerError):
            self.respond(model="backed", previous_response_id=first.id)
        self.assertEqual(self.paths(self.b), [])
        time.sleep(0.05)
        # What can be said elsewhere goes to the first of them, what cannot to the one that speaks the API.
        self.assertIn("You said", self.respond(model="backed", store=False).output_text)
        time.sleep(0.05)
        self.assertEqual([item.type for item in self.respond(model="backed", tools=SEARCH, store=False).output],
                         ["web_search_call", "message"])
        self.assertEqual(self.paths(self.b), [("POST", PATH)])

    def test_only_its_own_key_sees_a_response(self):
        reply = self.respond()
        for ask in (lambda: self.other.responses.retrieve(reply.id), lambda: self.other.responses.delete(reply.id),
                    lambda: self.other.responses.input_items.list(reply.id), lambda: self.other.responses.cancel(reply.id),
                    lambda: self.other.responses.create(model="up-a/gpt-4o", input="?", previous_response_id=reply.id),
                    lambda: self.client.responses.create(model="up-a/gpt-4o", input="?", previous_response_id="resp_unknown")):
            before = len(self.paths(self.a))
            with self.assertRaises(openai.NotFoundError):
                ask()
            self.assertEqual(len(self.paths(self.a)), before)
        self.assertEqual(self.client.responses.retrieve(reply.id).id, reply.id)

    def test_a_conversation_belongs_to_the_key_that_named_it_first(self):
        self.respond(conversation="conv_1")
        self.respond(conversation={"id": "conv_1"})
        with self.assertRaises(openai.NotFoundError):
            self.other.responses.create(model="up-a/gpt-4o", input="?", conversation="conv_1")
        with self.assertRaises(openai.BadRequestError) as refused:
            self.respond(model="up-b/gpt-4o", conversation="conv_1")
        self.assertIn("provider up-a", str(refused.exception))

    def test_deleting_deletes_it_at_the_provider(self):
        reply = self.respond()
        self.client.responses.delete(reply.id)
        self.assertEqual(self.paths(self.a)[-1], ("DELETE", PATH + "/" + reply.id))
        for ask in (self.client.responses.retrieve, self.client.responses.delete):
            with self.assertRaises(openai.NotFoundError):
                ask(reply.id)

    def test_what_is_not_stored_is_not_found(self):
        reply = self.respond(store=False)
        self.assertIn('"store":false', self.a.requests()[-1]["body"].replace(" ", ""))
        with self.assertRaises(openai.NotFoundError):
            self.client.responses.retrieve(reply.id)

    def test_background_responses_are_asked_for_and_cancelled(self):
        reply = self.respond(background=True)
        self.assertEqual((reply.status, reply.output), ("queued", []))
        calls = self.server.cli("cost", "--by", "model")
        self.assertEqual(self.client.responses.retrieve(reply.id).status, "completed")
        told = self.server.cli("cost", "--by", "model")
        self.assertNotEqual(told, calls, "what it used is known once it has ended")
        self.client.responses.retrieve(reply.id)
        self.assertEqual(self.server.cli("cost", "--by", "model"), told, "and counted once")
        self.assertEqual(self.client.responses.cancel(reply.id).status, "cancelled")
        waited = self.respond()
        with self.assertRaises(openai.BadRequestError) as refused:
            self.client.responses.cancel(waited.id)
        self.assertIn("synchronous", str(refused.exception))

    def test_refusals_are_the_provider_s(self):
        with self.assertRaises(openai.BadRequestError) as refused:
            self.respond(max_output_tokens=3)
        self.assertEqual((refused.exception.param, refused.exception.code), ("max_output_tokens", "integer_below_min_value"))
        with self.assertRaises(openai.BadRequestError) as refused:
            self.respond(tools=[{"type": "mcp"}])
        self.assertIn("server_label", str(refused.exception))

    def test_a_compatible_server_may_be_declared_to_speak_the_api(self):
        for name, speaks in (("lab", "yes"), ("shut", "no")):
            self.server.cli("provider", "add", name, "--kind", "openai", "--base-url", self.b.url + "/v1", "--secret", "env:OPENAI",
                            "--responses", speaks)
        first = self.respond(model="lab/gpt-4o", tools=SEARCH)
        self.assertEqual(first.output[0].type, "web_search_call")
        self.assertEqual(self.respond(model="lab/gpt-4o", previous_response_id=first.id).previous_response_id, first.id)
        self.assertEqual(self.paths(self.b), [("POST", "/v1/responses")] * 2)
        with self.assertRaises(openai.BadRequestError):
            self.respond(model="shut/gpt-4o", tools=SEARCH)

    def test_who_does_not_speak_the_api_names_the_tool_and_who_does(self):
        for model in ("up-chat/gpt-4o", "up-anthropic/claude-sonnet-4-5"):
            self.assertIn("You said", self.respond(model=model, store=False).output_text)
            with self.assertRaises(openai.BadRequestError) as refused:
                self.respond(model=model, tools=SEARCH)
            for part in ("web_search", "kind openai or azure"):
                self.assertIn(part, str(refused.exception))

    def test_a_pool_asks_whoever_can(self):
        for _ in range(4):
            self.assertEqual(self.respond(model="mixed", tools=SEARCH).output[0].type, "web_search_call")
        self.assertEqual({path for _, path in self.paths(self.a)}, {PATH})
        for _ in range(2):
            self.respond(model="mixed", store=False)
        self.assertIn("/v1/messages", {path for _, path in self.paths(self.a)})

    def test_a_router_leaves_out_who_cannot(self):
        with open(self.server.folder + "/router.yaml", "w", encoding="utf-8") as f:
            f.write(ROUTER)
        self.server.cli("route", "create", "mix", self.server.folder + "/router.yaml")
        self.assertEqual(self.respond(model="router/mix", tools=SEARCH).output[0].type, "web_search_call")
        self.assertIn("You said", self.respond(model="router/mix", store=False).output_text)
        self.assertEqual([path for _, path in self.paths(self.a)], [PATH, "/v1/messages"])

    def test_regions_hold(self):
        key = "sk-strata-responses-region-0123456789abcdef"
        self.server.cli("key", "create", "--name", "eu", "--role", "invoke", "--region", "eu-central", "--bearer", key)
        client = OpenAI(base_url=self.server.url + "/v1", api_key=key, max_retries=0)
        self.assertEqual(client.responses.create(model="accounts", input="?", tools=SEARCH).output[0].type, "web_search_call")
        with self.assertRaises(openai.PermissionDeniedError):
            client.responses.create(model="up-a/gpt-4o", input="?", tools=SEARCH)
        self.assertEqual(self.paths(self.a), [])

    def test_a_cut_stream_fails(self):
        self.a.script({"chunks": ["It is ", "sunny."], "cut_after": 6})
        events = list(self.respond(stream=True))
        self.assertEqual(events[-1].type, "response.failed")
        self.assertEqual([e.sequence_number for e in events], list(range(len(events))))
        self.assertEqual({e.response.id for e in events if hasattr(e, "response")}, {events[0].response.id})

    def test_a_client_that_leaves_ends_the_upstream_s_work(self):
        self.a.script({"chunks": ["It is ", "sunny."], "hold_after": 6})
        stream = self.respond(stream=True)
        for event in stream:
            if event.type == "response.output_text.delta":
                break
        stream.close()
        for _ in range(100):
            if self.a.requests()[0]["client_gone"]:
                return
            time.sleep(0.02)
        self.fail("the upstream was not told")

    def test_the_call_is_in_ledger_and_trace(self):
        self.a.script({"text": "Sunny in Sörby.", "input_tokens": 1234, "output_tokens": 77})
        raw = self.client.responses.with_raw_response.create(model="up-a/gpt-4o", input="How is Sörby?", tools=SEARCH)
        shown = self.server.cli("trace", raw.headers["x-strata-trace-id"])
        for part in ("1234", "77", "up-a/gpt-4o", "Sunny in Sörby.", "How is Sörby?"):
            self.assertIn(part, shown)

    def test_file_search_over_this_server_s_stores_is_run_here(self):
        file = self.client.files.create(file=("harbour.md", b"# Harbour\n\nA berth costs 12 euros in winter.\n"), purpose="assistants")
        store = self.client.vector_stores.create(name="harbour", file_ids=[file.id])
        for _ in range(200):
            if self.client.vector_stores.retrieve(store.id).file_counts.completed == 1:
                break
            time.sleep(0.05)
        reply = self.respond(input="What does a berth cost in winter?", tools=[{"type": "file_search", "vector_store_ids": [store.id]}])
        self.assertEqual(reply.output[0].type, "file_search_call")
        self.assertEqual(self.paths(self.a), [("POST", "/openai/v1/chat/completions")])
        self.assertIn("12 euros", self.a.requests()[0]["body"])
        self.respond(tools=[{"type": "file_search", "vector_store_ids": ["vs_of_openai"]}])
        self.assertEqual(self.paths(self.a)[-1], ("POST", PATH))
        # A response of this server's is gone on from here, by translation.
        self.respond(previous_response_id=reply.id)
        self.assertEqual(self.paths(self.a)[-1], ("POST", "/openai/v1/chat/completions"))


class Guarded(Base):
    MORE = "guardrails:\n  - {name: names, words: ['kestrel'], action: block}\n  - {name: weather, words: ['cloudy sky'], action: mask, mask: '[weather]'}\n"

    def test_what_a_provider_kept_is_judged_when_it_is_read(self):
        self.a.script({"text": "A cloudy sky.", "match": {"contains": "weather"}})
        reply = self.respond(background=True)
        self.assertEqual(self.client.responses.retrieve(reply.id).output_text, "A [weather].")
        self.a.script({"text": "A kestrel.", "match": {"contains": "weather"}})
        reply = self.respond(background=True)
        with self.assertRaises(openai.BadRequestError):
            self.client.responses.retrieve(reply.id)

    def test_a_masked_answer_is_gone_on_from(self):
        self.a.script({"text": "A cloudy sky."})
        first = self.respond(tools=SEARCH)
        self.assertEqual(first.output_text, "A [weather].")
        self.assertEqual(self.respond(previous_response_id=first.id).status, "completed")

    def test_the_sdk_s_stream_adds_up_behind_a_mask(self):
        words = ["word%d " % i for i in range(60)]
        self.a.script({"chunks": [*words, "a clou", "dy sky."], "chunk_delay_ms": 3})
        with self.client.responses.stream(model="up-a/gpt-4o", input="?", tools=SEARCH) as stream:
            for _ in stream:
                pass
            final = stream.get_final_response()
        self.assertEqual(final.output_text, "".join(words) + "a [weather].")
        self.assertEqual([item.type for item in final.output], ["web_search_call", "message"])


class Fitted(Base):
    """truncation: auto, where a configured model's deployment does not speak the API."""

    MORE = "  - {id: small, deployments: [builtin/smollm2-135m-instruct]}\nllama: {context_tokens: 512}\n"

    def ask_small(self, **more):
        turns = [{"role": role, "content": f"{role} number {i}: a boat lies at the quay in the rain."} for i in range(40) for role in ("user", "assistant")]
        return self.respond(model="small", input=[*turns, {"role": "user", "content": "Where is the boat?"}], max_output_tokens=8, **more)

    def test_a_conversation_that_is_too_long_is_cut_where_that_is_asked_for(self):
        for more in ({}, {"truncation": "disabled"}):
            with self.assertRaises(openai.BadRequestError) as refused:
                self.ask_small(**more)
            self.assertIn("512", str(refused.exception))
        self.assertTrue(self.ask_small(truncation="auto").output_text)
        streamed = [e for e in self.ask_small(truncation="auto", stream=True) if e.type == "response.output_text.delta"]
        self.assertTrue(streamed)


if __name__ == "__main__":
    unittest.main()
