"""Each SDK against each kind of upstream, through strata: what a provider says reaches the caller in the caller's own dialect.

The upstream is strata-fake-provider, which enforces the published contracts and answers by script.
"""
import itertools
import json
import unittest

import anthropic
import boto3
import openai
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from harness import (ACCESS_KEY, BEARER, BODY_BYTES_MAX, SECRET_KEY, UPSTREAM_CONFIG, UPSTREAM_SECRETS, FakeUpstream, Server,
                     server_with_upstream)

MODELS = {
    "openai": "up-openai/gpt-4o-mini",
    "anthropic": "up-anthropic/claude-sonnet-4-5",
    "bedrock": "up-bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0",
}
QUESTION = "What is the weather in Sörby? 🗼"
TOOL = "get_weather"
SCHEMA = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
# What gets lost when arguments are parsed and written again without care.
ARGUMENTS = {"place": "Sörby 🗼 \"north\"\\\n\u2028", "id": 9007199254740993, "depth": {"z": [1, -2.5, 1e-9, None, True], "a": {}}}


class Answer:
    """What all SDKs' answers are compared as."""

    def __init__(self, text="", stop="", tokens=(0, 0), call=None):
        self.text, self.stop, self.tokens, self.call = text, stop, tokens, call


class OpenAiSdk:
    error, rate_limited, unavailable = openai.APIError, openai.RateLimitError, openai.InternalServerError
    stop = {"stop": "end", "tool_calls": "tool", "length": "length"}

    def __init__(self, url):
        self.client = openai.OpenAI(base_url=url + "/v1", api_key=BEARER, max_retries=0)

    def messages(self, call=None, result=None):
        messages = [{"role": "user", "content": QUESTION}]
        if call:
            messages += [{"role": "assistant", "content": None, "tool_calls": [
                {"id": call[0], "type": "function", "function": {"name": call[1], "arguments": json.dumps(call[2])}}]},
                {"role": "tool", "tool_call_id": call[0], "content": result}]
        return messages

    def request(self, model, tools, **more):
        request = {"model": model, "messages": self.messages(**more), "max_tokens": 200}
        if tools:
            request["tools"] = [{"type": "function", "function": {"name": TOOL, "parameters": SCHEMA}}]
        return request

    def plain(self, model, tools=False, **more):
        reply = self.client.chat.completions.create(**self.request(model, tools, **more))
        message, call = reply.choices[0].message, None
        if message.tool_calls:
            made = message.tool_calls[0]
            call = (made.id, made.function.name, json.loads(made.function.arguments))
        return Answer(message.content or "", self.stop[reply.choices[0].finish_reason],
                      (reply.usage.prompt_tokens, reply.usage.completion_tokens), call)

    def stream(self, model, tools=False):
        out, arguments, name = Answer(), "", None
        for chunk in self.client.chat.completions.create(**self.request(model, tools), stream=True,
                                                         stream_options={"include_usage": True}):
            if chunk.usage:
                out.tokens = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
            for choice in chunk.choices:
                out.text += choice.delta.content or ""
                out.stop = self.stop.get(choice.finish_reason, out.stop)
                for part in choice.delta.tool_calls or []:
                    name = (part.id, part.function.name) if part.id else name
                    arguments += part.function.arguments or ""
        if name:
            out.call = (*name, json.loads(arguments))
        return out

    def retry_after(self, error):
        return error.response.headers.get("retry-after")


class AnthropicSdk:
    error, rate_limited, unavailable = anthropic.APIError, anthropic.RateLimitError, anthropic.InternalServerError
    stop = {"end_turn": "end", "tool_use": "tool", "max_tokens": "length"}

    def __init__(self, url):
        self.client = anthropic.Anthropic(base_url=url, api_key=BEARER, max_retries=0)

    def messages(self, call=None, result=None):
        messages = [{"role": "user", "content": QUESTION}]
        if call:
            messages += [{"role": "assistant", "content": [{"type": "tool_use", "id": call[0], "name": call[1], "input": call[2]}]},
                         {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call[0], "content": result}]}]
        return messages

    def request(self, model, tools, **more):
        request = {"model": model, "messages": self.messages(**more), "max_tokens": 200}
        if tools:
            request["tools"] = [{"name": TOOL, "input_schema": SCHEMA}]
        return request

    def answer(self, message):
        call = next(((b.id, b.name, b.input) for b in message.content if b.type == "tool_use"), None)
        return Answer("".join(b.text for b in message.content if b.type == "text"), self.stop[message.stop_reason],
                      (message.usage.input_tokens, message.usage.output_tokens), call)

    def plain(self, model, tools=False, **more):
        return self.answer(self.client.messages.create(**self.request(model, tools, **more)))

    def stream(self, model, tools=False):
        with self.client.messages.stream(**self.request(model, tools)) as stream:
            return self.answer(stream.get_final_message())

    def retry_after(self, error):
        return error.response.headers.get("retry-after")


class Boto3:
    error, rate_limited, unavailable = (ClientError, EventStreamError), ClientError, ClientError
    stop = {"end_turn": "end", "tool_use": "tool", "max_tokens": "length"}

    def __init__(self, url):
        self.client = boto3.client("bedrock-runtime", endpoint_url=url, region_name="eu-central-1",
                                   aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY,
                                   config=Config(retries={"total_max_attempts": 1}))

    def messages(self, call=None, result=None):
        messages = [{"role": "user", "content": [{"text": QUESTION}]}]
        if call:
            messages += [{"role": "assistant", "content": [{"toolUse": {"toolUseId": call[0], "name": call[1], "input": call[2]}}]},
                         {"role": "user", "content": [{"toolResult": {"toolUseId": call[0], "content": [{"text": result}]}}]}]
        return messages

    def request(self, model, tools, **more):
        request = {"modelId": model, "messages": self.messages(**more), "inferenceConfig": {"maxTokens": 200}}
        if tools:
            request["toolConfig"] = {"tools": [{"toolSpec": {"name": TOOL, "inputSchema": {"json": SCHEMA}}}]}
        return request

    def plain(self, model, tools=False, **more):
        reply = self.client.converse(**self.request(model, tools, **more))
        blocks = reply["output"]["message"]["content"]
        use = next((b["toolUse"] for b in blocks if "toolUse" in b), None)
        return Answer("".join(b.get("text", "") for b in blocks), self.stop[reply["stopReason"]],
                      (reply["usage"]["inputTokens"], reply["usage"]["outputTokens"]),
                      use and (use["toolUseId"], use["name"], use["input"]))

    def stream(self, model, tools=False):
        out, arguments, name = Answer(), "", None
        for event in self.client.converse_stream(**self.request(model, tools))["stream"]:
            delta = event.get("contentBlockDelta", {}).get("delta", {})
            out.text += delta.get("text", "")
            arguments += delta.get("toolUse", {}).get("input", "")
            if use := event.get("contentBlockStart", {}).get("start", {}).get("toolUse"):
                name = (use["toolUseId"], use["name"])
            if "messageStop" in event:
                out.stop = self.stop[event["messageStop"]["stopReason"]]
            if "metadata" in event:
                out.tokens = (event["metadata"]["usage"]["inputTokens"], event["metadata"]["usage"]["outputTokens"])
        if name:
            out.call = (*name, json.loads(arguments))
        return out

    def retry_after(self, error):
        return error.response["ResponseMetadata"]["HTTPHeaders"].get("retry-after")


class Upstreams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server, cls.fake = server_with_upstream()
        cls.sdks = {"openai": OpenAiSdk(cls.server.url), "anthropic": AnthropicSdk(cls.server.url), "boto3": Boto3(cls.server.url)}

    def for_each(self, check):
        """check(sdk, kind, model) for every SDK with every kind of upstream."""
        for (name, sdk), (kind, model) in itertools.product(self.sdks.items(), MODELS.items()):
            with self.subTest(sdk=name, upstream=kind):
                check(sdk, kind, model)

    def test_text_arrives_whole_and_streamed(self):
        words = ["It is ", "sunny", " in Sörby", " 🗼."]
        def check(sdk, kind, model):
            self.fake.script({"chunks": words, "input_tokens": 21, "output_tokens": 9, "times": 0})
            for answer in (sdk.plain(model), sdk.stream(model)):
                self.assertEqual(answer.text, "".join(words))
                self.assertEqual(answer.stop, "end")
                self.assertEqual(answer.tokens, (21, 9))
            self.assertTrue(all(r["status"] == 200 for r in self.fake.requests()))
        self.for_each(check)

    def test_length_is_the_stop_reason(self):
        def check(sdk, kind, model):
            self.fake.script({"text": "It is", "stop": "max_tokens", "times": 0})
            self.assertEqual(sdk.plain(model).stop, "length")
            self.assertEqual(sdk.stream(model).stop, "length")
        self.for_each(check)

    def test_tool_calls_keep_their_arguments_exactly(self):
        def check(sdk, kind, model):
            self.fake.script({"tool_calls": [{"id": "call_1", "name": TOOL, "input": ARGUMENTS}], "stop": "tool_use", "times": 0})
            for answer in (sdk.plain(model, tools=True), sdk.stream(model, tools=True)):
                self.assertEqual(answer.stop, "tool")
                self.assertEqual(answer.call, ("call_1", TOOL, ARGUMENTS))
        self.for_each(check)

    def test_tool_results_reach_the_upstream(self):
        def check(sdk, kind, model):
            self.fake.script({"text": "19 degrees."})
            answer = sdk.plain(model, tools=True, call=("call_1", TOOL, ARGUMENTS), result="nineteen °C")
            self.assertEqual(answer.text, "19 degrees.")
            # Bodies that are forwarded keep the client's escapes.
            sent = json.dumps(json.loads(self.fake.requests()[-1]["body"]), ensure_ascii=False)
            self.assertIn("nineteen °C", sent)
            self.assertIn("9007199254740993", sent)
        self.for_each(check)

    def test_rate_limits_are_passed_on_with_their_wait(self):
        def check(sdk, kind, model):
            self.fake.script({"status": 429, "retry_after_s": 7, "error_message": "slow down", "times": 0})
            for call in (sdk.plain, sdk.stream):
                with self.assertRaises(sdk.rate_limited) as caught:
                    call(model)
                self.assertEqual(sdk.retry_after(caught.exception), "7")
                if isinstance(caught.exception, ClientError):
                    self.assertEqual(caught.exception.response["Error"]["Code"], "ThrottlingException")
        self.for_each(check)

    def test_a_failing_upstream_is_an_error(self):
        def check(sdk, kind, model):
            self.fake.script({"status": 503, "error_message": "down", "times": 0})
            for call in (sdk.plain, sdk.stream):
                with self.assertRaises(sdk.unavailable):
                    call(model)
        self.for_each(check)

    def test_a_cut_stream_is_an_error_and_not_an_end(self):
        def check(sdk, kind, model):
            for frames in (1, 4):
                self.fake.script({"chunks": ["It ", "is ", "sunny ", "in ", "Sörby."], "cut_after": frames, "times": 0})
                with self.assertRaises(sdk.error):
                    sdk.stream(model)
        self.for_each(check)

    def test_an_error_within_a_stream_is_an_error(self):
        types = {"openai": "server_error", "anthropic": "overloaded_error", "bedrock": "throttlingException"}
        def check(sdk, kind, model):
            self.fake.script({"chunks": ["It ", "is "], "stream_error": types[kind], "error_message": "worn out", "times": 0})
            with self.assertRaises(sdk.error):
                sdk.stream(model)
        self.for_each(check)

    def test_broken_upstream_answers_are_errors(self):
        start = 'event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant",' \
                '"model":"x","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}\n\n'
        delta = 'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}\n\n'
        stop = 'event: message_stop\ndata: {"type":"message_stop"}\n\n'
        chunk = 'data: {"choices":[{"index":0,"delta":{"content":7},"finish_reason":null}]}\n\n'
        garbage = {
            "openai": ["data: {\"choices\":\n\n", chunk, "data: []\n\ndata: [DONE]\n\n", "<html>busy</html>", "\x00\xff"],
            "anthropic": [delta + start, stop, start + start, "event: message_start\ndata: [1\n\n", "busy"],
            "bedrock": ["\x00\x00\x00\x10\x00\x00\x00\x00", "{\"output\":", "busy" * 40],
        }
        def check(sdk, kind, model):
            for text in garbage[kind]:
                if text == chunk and isinstance(sdk, OpenAiSdk):
                    continue  # well-formed events of the client's own dialect pass as they are
                self.fake.script({"garbage": text, "times": 0})
                with self.assertRaises(sdk.error, msg=repr(text)):
                    sdk.stream(model)
                with self.assertRaises(sdk.error, msg=repr(text)):
                    sdk.plain(model)
        self.for_each(check)
        self.assertTrue(self.server.alive())


class SilentUpstreams(unittest.TestCase):
    """A provider that stops in the middle of a stream, its connection open."""

    def test_silence_in_a_stream_is_an_error_and_the_providers_fault(self):
        fake = FakeUpstream()
        config = UPSTREAM_CONFIG.format(url=fake.url, limit=BODY_BYTES_MAX) + "provider: {stream_idle_ms: 300}\n"
        server = Server(config, UPSTREAM_SECRETS, documents=False)
        self.addCleanup(server.stop)
        sdks = (OpenAiSdk(server.url), AnthropicSdk(server.url), Boto3(server.url))
        for sdk, (kind, model) in itertools.product(sdks, MODELS.items()):
            with self.subTest(sdk=type(sdk).__name__, upstream=kind):
                fake.script({"chunks": ["It ", "is ", "sunny ", "in ", "Sörby."], "hold_after": 4, "times": 0})
                with self.assertRaises(sdk.error) as ended:
                    sdk.stream(model)
                self.assertIn("nothing came for 300 ms", str(ended.exception))
        status, _, body = server.get("/strata/v1/deployments", {"authorization": "Bearer " + BEARER})
        self.assertEqual(status, 200)
        cut = {d["id"]: d["outcomes"].get("cut", 0) for d in json.loads(body)["deployments"]}
        for model in MODELS.values():
            self.assertEqual(cut[model], len(sdks), cut)


class WithoutSecret(unittest.TestCase):
    """A provider whose secret is not set answers nothing, and no SDK asks it twice."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server("""
providers:
  - {name: dim, kind: openai, base_url: "http://127.0.0.1:9/v1", secret: "env:STRATA_TESTS_UNSET"}
models:
  - {id: pool, deployments: [{model: dim/gpt-4o-mini}]}
""", documents=False)
        cls.addClassCleanup(cls.server.stop)

    def test_is_an_error_that_names_it_and_is_not_tried_again(self):
        sent = []
        hooks = {"request": [lambda request: sent.append(request.url)]}
        plain = openai.OpenAI(base_url=self.server.url + "/v1", api_key=BEARER, http_client=openai.DefaultHttpxClient(event_hooks=hooks))
        claude = anthropic.Anthropic(base_url=self.server.url, api_key=BEARER, http_client=anthropic.DefaultHttpxClient(event_hooks=hooks))
        for model in ("dim/gpt-4o-mini", "pool"):
            with self.subTest(model=model):
                wrong = "provider dim is not set up: environment variable STRATA_TESTS_UNSET is not set"
                with self.assertRaises(openai.PermissionDeniedError) as refused:
                    plain.chat.completions.create(model=model, messages=[{"role": "user", "content": "hi"}])
                self.assertIn(wrong, str(refused.exception))
                with self.assertRaises(anthropic.PermissionDeniedError) as refused:
                    claude.messages.create(model=model, max_tokens=9, messages=[{"role": "user", "content": "hi"}])
                self.assertIn(wrong, str(refused.exception))
                with self.assertRaises(ClientError) as refused:
                    boto3.client("bedrock-runtime", endpoint_url=self.server.url, region_name="eu-central-1",
                                 aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY).converse(
                        modelId=model, messages=[{"role": "user", "content": [{"text": "hi"}]}])
                self.assertEqual(refused.exception.response["Error"]["Code"], "AccessDeniedException")
                self.assertEqual(refused.exception.response["ResponseMetadata"]["RetryAttempts"], 0)
                self.assertIn(wrong, str(refused.exception))
        self.assertEqual(len(sent), 4, "each SDK has asked once for each model")


if __name__ == "__main__":
    unittest.main()
