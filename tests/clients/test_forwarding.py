"""Where client and provider speak the same dialect, bytes are forwarded: requests but for the spliced members, answers,
refusals and streams to the byte, in any chunking, with what no version of strata knows, while the trace keeps question and
answer and guardrails judge both.

The upstream is a socket that records what it is sent and answers with prepared bytes.
"""
import base64
import json
import socket
import struct
import threading
import time
import unittest
import urllib.error
import urllib.request
import zlib

from harness import BEARER, Server

OPENAI_ANSWER = (b'{ "id":"chatcmpl-1", "object":"chat.completion","model":"gpt-x-0815","new":{"a":[1.50,1e3]},\n'
                 b'  "choices":[{"index":0,"message":{"role":"assistant","content":"It is \\u0073unny. \xf0\x9f\x97\xbc"},'
                 b'"finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":11,"completion_tokens":4,"total_tokens":15,'
                 b'"vendor_tokens":3},"service_tier":"flex"}\n')
OPENAI_EVENTS = [
    b': keep-alive\n\n',
    b'data: {"id":"1","model":"gpt-x-0815","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n',
    b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"It is \\"usage\\": "},"finish_reason":null}],"obfuscation":"xY"}\n\n',
    b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"sunny."},"finish_reason":null}],"new":{"a":1.50}}\r\n\r\n',
    b'data: {"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
]
OPENAI_USAGE = b'data: {"id":"1","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":4,"total_tokens":15}}\n\n'
OPENAI_DONE = b'data: [DONE]\n\n'
ANTHROPIC_ANSWER = (b'{"id":"msg_1","type":"message","role":"assistant","model":"claude-x-0815","content":[{"type":"text","text":'
                    b'"It is sunny."},{"type":"something_new","x":1.50}],"stop_reason":"end_turn","stop_sequence":null,'
                    b'"usage":{"input_tokens":11,"output_tokens":4},"context_management":{"applied":[]}}')
ANTHROPIC_EVENTS = [
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant",'
    b'"model":"claude-x-0815","content":[],"stop_reason":null,"usage":{"input_tokens":11,"output_tokens":1}}}\n\n',
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n',
    b'event: ping\ndata: {"type": "ping"}\n\n',
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"It is "}}\n\n',
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"sunny."},"n":1.0}\n\n',
    b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n',
    b'event: brand_new\ndata: {"type":"brand_new"}\n\n',
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":4}}\n\n',
]
ANTHROPIC_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def frame(kind, payload, **headers):
    """One message of application/vnd.amazon.eventstream."""
    head = b""
    for name, value in {":event-type": kind, ":content-type": "application/json", ":message-type": "event", **headers}.items():
        head += struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", 7, len(value)) + value.encode()
    prelude = struct.pack(">II", len(head) + len(payload) + 16, len(head))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
    return message + struct.pack(">I", zlib.crc32(message))


def chunk(vendor):
    return frame("chunk", json.dumps({"bytes": base64.b64encode(vendor).decode(), "p": "abc"}).encode())


CONVERSE_ANSWER = (b'{ "metrics":{"latencyMs":7},"output":{"message":{"content":[{"text":"It is sunny."},{"newKind":{"x":1.50}}],'
                   b'"role":"assistant"}},"stopReason":"end_turn","usage":{"inputTokens":11,"outputTokens":4,"totalTokens":15,"new":2}}')
CONVERSE_EVENTS = [
    frame("messageStart", b'{"p":"ab","role":"assistant"}'),
    frame("contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"text":"It is "},"p":"abcdef"}'),
    frame("brandNew", b'{"a":1.50}'),
    frame("contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"text":"sunny."}}'),
    frame("contentBlockStop", b'{"contentBlockIndex":0}'),
]
CONVERSE_END = [
    frame("messageStop", b'{"stopReason":"end_turn","p":"a"}'),
    frame("metadata", b'{"metrics":{"latencyMs":7},"usage":{"inputTokens":11,"outputTokens":4,"totalTokens":15},"new":[]}'),
]
INVOKE_CHUNKS = [
    chunk(b'{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"claude-x-0815","content":[],'
          b'"usage":{"input_tokens":11,"output_tokens":1}}}'),
    chunk(b'{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}'),
    chunk(b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"It is "},"new":1.50}'),
    chunk(b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"sunny."}}'),
    chunk(b'{"type":"content_block_stop","index":0}'),
    chunk(b'{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":4}}'),
    chunk(b'{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":11,"outputTokenCount":4,'
          b'"invocationLatency":9,"firstByteLatency":3}}'),
]
GEMINI_ANSWER = (b'{"candidates":[{"content":{"parts":[{"text":"It is sunny."}],"role":"model"},"finishReason":"STOP","avgLogprobs":-0.50}],'
                 b'"usageMetadata":{"promptTokenCount":11,"candidatesTokenCount":4,"totalTokenCount":15,"new":{}},"modelVersion":"gemini-x"}')
GEMINI_EVENTS = [
    b'data: {"candidates": [{"content": {"parts": [{"text": "It is "}],"role": "model"},"index": 0}],"modelVersion": "gemini-x"}\r\n\r\n',
    b'data: {"candidates": [{"content": {"parts": [{"text": "sunny."}],"role": "model"},"finishReason": "STOP","new": 1.50}],'
    b'"usageMetadata": {"promptTokenCount": 11,"candidatesTokenCount": 4,"totalTokenCount": 15}}\r\n\r\n',
    b'data: {"usageMetadata": {"promptTokenCount": 11,"candidatesTokenCount": 4,"totalTokenCount": 15},"late": true}\r\n\r\n',
]
GEMINI_ELEMENTS = [
    b'[{\n  "candidates": [{"content": {"parts": [{"text": "It is "}],"role": "model"},"index": 0}],"modelVersion": "gemini-x"\n}\n',
    b',\r\n{"candidates": [{"content": {"parts": [{"text": "sunny."}],"role": "model"},"finishReason": "STOP","new": 1.50}],'
    b'"usageMetadata": {"promptTokenCount": 11,"candidatesTokenCount": 4,"totalTokenCount": 15}}\n',
    b']\n',
]
RESPONSE = (b'{ "id":"resp_up1", "object":"response","status":"completed","model":"gpt-x-0815","new":{"a":[1.50]},"output":['
            b'{"type":"web_search_call","id":"ws_1","status":"completed","action":{"x":1e3}},\n{"type":"message","id":"msg_1","role":"assistant",'
            b'"status":"completed","content":[{"type":"output_text","text":"It is \\u0073unny. \xf0\x9f\x97\xbc","annotations":[],"n":1.0}]}],'
            b'"usage":{"input_tokens":11,"output_tokens":4,"total_tokens":15,"vendor_tokens":3}}\n')


def response_event(number, kind, members):
    return b'event: %s\ndata: {"type":"%s","sequence_number":%d,%s}\n\n' % (kind, kind, number, members)


def response_events(deltas, more=b""):
    """The events of one message behind a search of OpenAI's own."""
    text = json.dumps("".join(deltas)).encode()
    at = b'"output_index":1,"item_id":"msg_1","content_index":0,'
    part = b'{"type":"output_text","text":%s,"annotations":[]}'
    item = b'{"id":"msg_1","type":"message","role":"assistant","status":"%s","content":[%s]' + more + b'}'
    search = b'{"id":"ws_1","type":"web_search_call","status":"completed","new":1.50}'
    response = b'{"id":"resp_up1","object":"response","status":"%s","model":"gpt-x-0815","output":[%s],"usage":%s}'
    events = [(b"response.created", b'"response":' + response % (b"in_progress", b"", b"null")),
              (b"response.output_item.added", b'"output_index":0,"item":' + search),
              (b"response.web_search_call.searching", b'"output_index":0,"item_id":"ws_1"'),
              (b"response.output_item.done", b'"output_index":0,"item":' + search),
              (b"response.brand_new", b'"a":1.50'),
              (b"response.output_item.added", b'"output_index":1,"item":' + item % (b"in_progress", b"")),
              (b"response.content_part.added", at + b'"part":' + part % b'""')]
    events += [(b"response.output_text.delta", at + b'"delta":%s,"obfuscation":"xY"' % json.dumps(d).encode()) for d in deltas]
    events += [(b"response.output_text.done", at + b'"text":' + text), (b"response.content_part.done", at + b'"part":' + part % text),
               (b"response.output_item.done", b'"output_index":1,"item":' + item % (b"completed", part % text)),
               (b"response.completed", b'"response":' + response % (
                   b"completed", search + b"," + item % (b"completed", part % text),
                   b'{"input_tokens":11,"output_tokens":4,"total_tokens":15}'))]
    return [response_event(i, kind, members) for i, (kind, members) in enumerate(events)]


RESPONSE_EVENTS = response_events(["It is ", "sunny."])
QUESTION = "How is the weather in S\u00f6rby?"


class Upstream:
    """Answers every request with `head` and the pieces of `body`; remembers head and body of the last one."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.socket.getsockname()[1]
        self.pieces, self.type, self.cut, self.status, self.more = [], "application/json", False, "200 OK", ""
        self.head = self.body = self.target = None
        threading.Thread(target=self.accept, daemon=True).start()

    def answer(self, pieces, content_type="application/json", cut=False, status="200 OK", more=""):
        self.pieces, self.type, self.cut, self.status, self.more = list(pieces), content_type, cut, status, more

    def accept(self):
        while True:
            connection, _ = self.socket.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while self.exchange(connection):
                pass

    def exchange(self, connection):
        got = b""
        while b"\r\n\r\n" not in got:
            more = connection.recv(65536)
            if not more:
                return False
            got += more
        head, body = got.split(b"\r\n\r\n", 1)
        headers = {n.lower(): v.strip() for n, v in (line.split(":", 1) for line in head.decode().split("\r\n")[1:])}
        while len(body) < int(headers.get("content-length", 0)):
            body += connection.recv(65536)
        self.head, self.body, self.target = headers, body, head.decode().split(" ")[1]
        connection.sendall(("HTTP/1.1 %s\r\ncontent-type: %s\r\nx-request-id: req-upstream\r\nX-RateLimit-Remaining-Tokens: 7\r\n"
                            "openai-processing-ms: 12\r\nset-cookie: a=b\r\n%stransfer-encoding: chunked\r\n\r\n" %
                            (self.status, self.type, self.more)).encode())
        for piece in self.pieces:
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            time.sleep(0.002)
        if self.cut:
            return False
        connection.sendall(b"0\r\n\r\n")
        return True


def split(data, size):
    return [data[i:i + size] for i in range(0, len(data), size)]


class Forwarding(unittest.TestCase):
    GUARDRAILS = ""

    @classmethod
    def setUpClass(cls):
        cls.upstream = Upstream()
        cls.server = Server("resilience: {retries: 0, breaker_open: 10, breaker_open_max: 10}\n" + cls.GUARDRAILS + "providers:\n"
                            f"  - {{name: o, kind: openai, base_url: '{cls.upstream.url}/v1', secret: 'env:O'}}\n"
                            f"  - {{name: z, kind: azure, base_url: '{cls.upstream.url}', secret: 'env:O'}}\n"
                            f"  - {{name: a, kind: anthropic, base_url: '{cls.upstream.url}', secret: 'env:A'}}\n"
                            f"  - {{name: b, kind: bedrock, base_url: '{cls.upstream.url}', region: eu-north-1}}\n"
                            f"  - {{name: g, kind: gemini, base_url: '{cls.upstream.url}', secret: 'env:G'}}\n"
                            f"  - {{name: v, kind: vertex, base_url: '{cls.upstream.url}', region: us-central1, project: p, secret: 'env:V'}}\n",
                            {"V": "v-token", "O": "sk-o-secret", "A": "sk-a-secret", "G": "g-secret", "AWS_ACCESS_KEY_ID": "AKIATEST",
                             "AWS_SECRET_ACCESS_KEY": "aws-secret"}, documents=False)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def ask(self, path, body, **headers):
        """(status, headers, body) of a POST of these bytes."""
        request = urllib.request.Request(self.server.url + path, body, {"content-type": "application/json",
                                                                        "authorization": "Bearer " + BEARER, **headers})
        try:
            with urllib.request.urlopen(request, timeout=30) as r:
                return r.status, r.headers, r.read()
        except urllib.error.HTTPError as e:
            return e.code, e.headers, e.read()

    def openai(self, more=b"", **headers):
        body = (b'{ "messages":[{"role":"user","content":"' + QUESTION.encode() + b'","vendor":1.50}],\n "model" : "o/gpt-x",'
                b'"n":1,"seed":9007199254740993' + more + b',"unknown":{"b":[],"a":"\\u00e9"}}')
        return body, self.ask("/v1/chat/completions", body, **headers)

    def responses(self, more=b"", **headers):
        body = (b'{ "input":[{"role":"user","content":[{"type":"input_text","text":"' + QUESTION.encode() + b'","vendor":1.50}]}],\n'
                b'"tools":[{"type":"web_search","x":1.50}],"include":["new.thing"], "model" : "z/gpt-x","store":false' + more +
                b',"unknown":{"b":[],"a":"\\u00e9"}}')
        return body, self.ask("/v1/responses", body, **headers)

    def anthropic(self, more=b"", model="a/claude-x", **headers):
        body = (b'{"model":"' + model.encode() + b'","max_tokens":100,"messages":[{"role":"user","content":[{"type":"text","text":"' +
                QUESTION.encode() + b'"}]}],"container":{"id":"x","n":1.50}' + more + b'}')
        return body, self.ask("/v1/messages", body, **headers)

    def claude_on_vertex(self, more=b""):
        return self.anthropic(more, model="v/claude-x@1")

    def converse(self, operation="converse", more=b""):
        body = (b'{"messages":[{"role":"user","content":[{"text":"' + QUESTION.encode() + b'"}]}],"inferenceConfig":{"maxTokens":100,'
                b'"new":1.50},"requestMetadata":{"team":"a"}' + more + b',"unknown":{"b":[]}}')
        return body, self.ask("/model/b%2Fanthropic.claude-x/" + operation, body)

    def invoke(self, operation="invoke", model="anthropic.claude-x"):
        body = (b'{"anthropic_version":"bedrock-2023-05-31","max_tokens":100,"anthropic_beta":["new-2027"],"messages":[{"role":"user",'
                b'"content":"' + QUESTION.encode() + b'"}],"unknown":1.50}')
        return body, self.ask("/model/b%2F" + model + "/" + operation, body, **{"x-amzn-bedrock-trace": "ENABLED"})

    def gemini(self, operation="generateContent", more=b"", provider="g"):
        body = (b'{"contents":[{"role":"user","parts":[{"text":"' + QUESTION.encode() + b'"}]}],"generationConfig":{"maxOutputTokens":100,'
                b'"new":1.50}' + more + b',"unknown":{"b":[]}}')
        return body, self.ask(f"/v1beta/models/{provider}/gemini-x:{operation}", body)

    def check_trace(self, headers, text):
        """The answer was read too: question, text and tokens are in the trace, and its call is in the ledger."""
        trace = headers["x-strata-trace-id"]
        for _ in range(100):
            status, _, got = self.server.get(headers["x-strata-trace-url"])
            if status == 200:
                break
            time.sleep(0.05)
        page = got.decode()
        self.assertIn(text, page.replace("&quot;", '"'))
        self.assertIn("S\u00f6rby", page)
        shown = self.server.cli("trace", trace)
        self.assertIn("11", shown)

    def test_openai_request_and_answer(self):
        for size in (3, 100, 10_000):
            self.upstream.answer(split(OPENAI_ANSWER, size))
            body, (status, headers, got) = self.openai(**{"openai-organization": "org-1", "openai-beta": "b-1", "x-vendor": "kept"})
            self.assertEqual((status, got), (200, OPENAI_ANSWER))
            self.assertEqual(self.upstream.body, body.replace(b'"o/gpt-x"', b'"gpt-x"'))
            sent = self.upstream.head
            self.assertEqual((sent["openai-beta"], sent["x-vendor"]), ("b-1", "kept"))
            self.assertNotIn("openai-organization", sent)
            self.assertEqual((sent["authorization"], sent["accept-encoding"]), ("Bearer sk-o-secret", "identity"))
            self.assertEqual((headers["x-request-id"], headers["x-ratelimit-remaining-tokens"]), ("req-upstream", "7"))
            self.assertIsNone(headers["set-cookie"])
            self.check_trace(headers, "It is sunny.")

    def test_openai_stream_without_usage_asked_shows_no_usage(self):
        whole = b"".join(OPENAI_EVENTS) + OPENAI_USAGE + OPENAI_DONE
        for pieces in ([*OPENAI_EVENTS, OPENAI_USAGE, OPENAI_DONE], split(whole, 7), [whole]):
            self.upstream.answer(pieces, "text/event-stream; charset=utf-8")
            body, (status, headers, got) = self.openai(b',"stream":true')
            self.assertEqual((status, got), (200, b"".join(OPENAI_EVENTS) + OPENAI_DONE))
            self.assertEqual(headers["content-type"], "text/event-stream; charset=utf-8")
            sent = json.loads(self.upstream.body)
            self.assertEqual(sent.pop("stream_options"), {"include_usage": True})
            self.assertEqual(sent, {**json.loads(body), "model": "gpt-x"})
            self.assertIn(b'"seed":9007199254740993,"stream":true,"unknown":{"b":[],"a":"\\u00e9"}}', self.upstream.body)
            self.check_trace(headers, 'It is "usage": sunny.')

    def test_openai_stream_with_usage_asked_shows_it(self):
        whole = b"".join(OPENAI_EVENTS) + OPENAI_USAGE + OPENAI_DONE
        for pieces in (split(whole, 50), [whole]):
            self.upstream.answer(pieces, "text/event-stream")
            body, (status, _, got) = self.openai(b',"stream":true,"stream_options":{"include_usage":true}')
            self.assertEqual((status, got), (200, whole))
            self.assertEqual(self.upstream.body, body.replace(b'"o/gpt-x"', b'"gpt-x"'))

    def test_responses_request_and_answer(self):
        for size in (3, 100, 10_000):
            self.upstream.answer(split(RESPONSE, size))
            body, (status, headers, got) = self.responses(**{"openai-beta": "b-1", "openai-project": "p-1"})
            self.assertEqual((status, got), (200, RESPONSE))
            self.assertEqual((self.upstream.body, self.upstream.target), (body.replace(b'"z/gpt-x"', b'"gpt-x"'), "/openai/v1/responses"))
            self.assertEqual((self.upstream.head["openai-beta"], self.upstream.head["api-key"]), ("b-1", "sk-o-secret"))
            self.assertNotIn("openai-project", self.upstream.head)
            self.assertEqual(headers["x-request-id"], "req-upstream")
            self.check_trace(headers, "It is sunny.")

    def test_responses_stream(self):
        whole = b"".join(RESPONSE_EVENTS)
        for pieces in (RESPONSE_EVENTS, split(whole, 11), [whole], [whole + b"data: [DONE]\n\n"]):
            self.upstream.answer(pieces, "text/event-stream; charset=utf-8")
            body, (status, headers, got) = self.responses(b',"stream":true')
            self.assertEqual((status, got), (200, b"".join(pieces)))
            self.assertEqual(self.upstream.body, body.replace(b'"z/gpt-x"', b'"gpt-x"'))
            self.check_trace(headers, "It is sunny.")

    def kept(self):
        """The id of a response that the upstream keeps."""
        self.upstream.answer([RESPONSE])
        code, _, _ = self.ask("/v1/responses", b'{"model":"z/gpt-x","input":"hi"}')
        self.assertEqual(code, 200)
        return "resp_up1"

    def read(self, path):
        """(status, headers, body) of a GET."""
        request = urllib.request.Request(self.server.url + path, None, {"authorization": "Bearer " + BEARER})
        try:
            with urllib.request.urlopen(request, timeout=30) as r:
                return r.status, r.headers, r.read()
        except urllib.error.HTTPError as e:
            return e.code, e.headers, e.read()

    def test_the_events_of_a_kept_response(self):
        path = "/v1/responses/" + self.kept()
        whole = b"".join(RESPONSE_EVENTS)
        for pieces in (RESPONSE_EVENTS, split(whole, 11), [whole]):
            self.upstream.answer(pieces, "text/event-stream")
            status, headers, got = self.read(path + "?stream=true&include%5B%5D=new.thing")
            self.assertEqual((status, headers["content-type"], got), (200, "text/event-stream", whole))
            self.assertNotIn("x-strata-deployment", headers)
            self.assertEqual(self.upstream.target, "/openai/v1/responses/resp_up1?stream=true&include%5B%5D=new.thing")
        self.upstream.answer(RESPONSE_EVENTS[:8], "text/event-stream", True)
        _, _, got = self.read(path + "?stream=true")
        self.assertTrue(got.startswith(b"".join(RESPONSE_EVENTS[:8])))
        self.assertIn(b"response.failed", got)
        self.assertNotIn(b"response.completed", got)
        self.upstream.answer([b'{"error":{"message":"no stream of this one","type":"invalid_request_error"}}'], status="400 Bad Request")
        status, _, got = self.read(path + "?stream=true")
        self.assertEqual((status, json.loads(got)["error"]["message"]), (400, "no stream of this one"))
        self.assertEqual(self.read("/v1/responses/resp_unknown?stream=true")[0], 404)
        self.assertEqual(self.upstream.target, "/openai/v1/responses/resp_up1?stream=true")

    def test_events_of_a_kept_response_from_a_place_on(self):
        path = "/v1/responses/" + self.kept()
        self.upstream.answer(RESPONSE_EVENTS[8:], "text/event-stream")
        status, _, got = self.read(path + "?stream=true&starting_after=7")
        if self.GUARDRAILS:
            self.assertEqual((status, json.loads(got)["error"]["param"]), (400, "starting_after"))
        else:
            self.assertEqual((status, got), (200, b"".join(RESPONSE_EVENTS[8:])))

    def test_input_tokens_are_counted_by_whoever_will_read_them(self):
        self.upstream.answer([b'{"object":"response.input_tokens","input_tokens":1234,"new":1.50}'])
        body = b'{ "input":"hi","tools":[{"type":"web_search","x":1.50}], "model" : "z/gpt-x"}'
        code, _, got = self.ask("/v1/responses/input_tokens", body)
        self.assertEqual((code, json.loads(got)), (200, {"object": "response.input_tokens", "input_tokens": 1234}))
        self.assertEqual((self.upstream.target, self.upstream.body), ("/openai/v1/responses/input_tokens", body.replace(b"z/", b"")))
        self.upstream.answer([b'{"input_tokens":77}'])
        code, _, got = self.ask("/v1/responses/input_tokens", b'{"model":"a/claude-x","input":"hi"}')
        self.assertEqual((code, json.loads(got)["input_tokens"], self.upstream.target), (200, 77, "/v1/messages/count_tokens"))
        self.upstream.answer([b'{"count":7}'])
        self.assertEqual(self.ask("/v1/responses/input_tokens", body)[0], 503)

    def test_a_conversation_is_compacted_where_it_can_be(self):
        answer = (b'{ "id":"cmp_1","object":"response.compaction","created_at":7,"output":[{"type":"message","role":"user","content":[{"type":'
                  b'"input_text","text":"hi"}]},{"type":"compaction","id":"c_1","encrypted_content":"gAAA1.50"}],'
                  b'"usage":{"input_tokens":11,"output_tokens":4,"total_tokens":15},"new":1.50}\n')
        self.upstream.answer([answer])
        body = b'{ "input":[{"role":"user","content":"hi","vendor":1.50}], "model" : "z/gpt-x","new":[] }'
        code, headers, got = self.ask("/v1/responses/compact", body)
        self.assertEqual((code, got), (200, answer))
        self.assertEqual((self.upstream.target, self.upstream.body), ("/openai/v1/responses/compact", body.replace(b"z/", b"")))
        self.assertIn("11", self.server.cli("trace", headers["x-strata-trace-id"]))
        self.upstream.body = None
        for model in (b"o/gpt-x", b"a/claude-x"):
            code, _, got = self.ask("/v1/responses/compact", b'{"model":"%s","input":"hi"}' % model)
            self.assertEqual((code, json.loads(got)["error"]["param"]), (400, "model"))
            self.assertIn("compacted only by a provider that speaks", json.loads(got)["error"]["message"])
        self.assertIsNone(self.upstream.body)

    def test_a_cut_response_fails_and_never_completes(self):
        failed = response_event(9, b"response.failed", b'"response":{"id":"resp_up1","status":"failed","output":[],"error":'
                                b'{"code":"server_error","message":"broken"},"usage":{"input_tokens":11,"output_tokens":2,"total_tokens":13}}')
        for pieces, cut in ((RESPONSE_EVENTS[:8], True), (RESPONSE_EVENTS[:8], False), ([*RESPONSE_EVENTS[:8], failed], False)):
            self.upstream.answer(pieces, "text/event-stream", cut)
            _, (status, _, got) = self.responses(b',"stream":true')
            self.assertEqual(status, 200)
            self.assertTrue(got.startswith(b"".join(RESPONSE_EVENTS[:7])))
            self.assertNotIn(b"response.completed", got)
            last = [json.loads(line[6:]) for line in got.decode().split("\n") if line.startswith("data: ")][-1]
            self.assertEqual((last["type"], last["response"]["id"], last["response"]["status"]), ("response.failed", "resp_up1", "failed"))
            self.assertIn(last["sequence_number"], (8, 9))

    def test_anthropic_request_and_answer(self):
        self.upstream.answer(split(ANTHROPIC_ANSWER, 40))
        body, (status, headers, got) = self.anthropic(**{"anthropic-beta": "new-thing-2027", "anthropic-version": "2023-06-01"})
        self.assertEqual((status, got), (200, ANTHROPIC_ANSWER))
        self.assertEqual(self.upstream.body, body.replace(b'"a/claude-x"', b'"claude-x"'))
        self.assertEqual((self.upstream.head["anthropic-beta"], self.upstream.head["x-api-key"]), ("new-thing-2027", "sk-a-secret"))
        self.assertNotIn("authorization", self.upstream.head)
        self.check_trace(headers, "It is sunny.")

    def test_anthropic_stream(self):
        whole = b"".join(ANTHROPIC_EVENTS) + ANTHROPIC_STOP
        for pieces in ([*ANTHROPIC_EVENTS, ANTHROPIC_STOP], split(whole, 11), [whole]):
            self.upstream.answer(pieces, "text/event-stream")
            body, (status, headers, got) = self.anthropic(b',"stream":true')
            self.assertEqual((status, got), (200, whole))
            self.assertEqual(self.upstream.body, body.replace(b'"a/claude-x"', b'"claude-x"'))
            self.check_trace(headers, "It is sunny.")

    def check_signed(self, path):
        self.assertEqual(self.upstream.target, path)
        self.assertIn("Credential=AKIATEST/", self.upstream.head["authorization"])
        self.assertIn("/eu-north-1/bedrock/aws4_request", self.upstream.head["authorization"])

    def test_converse(self):
        for size in (7, 10_000):
            self.upstream.answer(split(CONVERSE_ANSWER, size), more="x-amzn-RequestId: aws-1\r\n")
            body, (status, headers, got) = self.converse()
            self.assertEqual((status, got), (200, CONVERSE_ANSWER))
            self.assertEqual(self.upstream.body, body)
            self.check_signed("/model/anthropic.claude-x/converse")
            self.assertEqual(headers["x-amzn-requestid"], "aws-1")
            self.check_trace(headers, "It is sunny.")

    def test_converse_stream(self):
        whole = b"".join(CONVERSE_EVENTS + CONVERSE_END)
        for pieces in (CONVERSE_EVENTS + CONVERSE_END, split(whole, 11), [whole]):
            self.upstream.answer(pieces, "application/vnd.amazon.eventstream")
            body, (status, headers, got) = self.converse("converse-stream")
            self.assertEqual((status, got), (200, whole))
            self.assertEqual(headers["content-type"], "application/vnd.amazon.eventstream")
            self.assertEqual(self.upstream.body, body)
            self.check_signed("/model/anthropic.claude-x/converse-stream")
            self.check_trace(headers, "It is sunny.")

    def test_invoke_model(self):
        self.upstream.answer(split(ANTHROPIC_ANSWER, 40), more="X-Amzn-Bedrock-Input-Token-Count: 11\r\n")
        body, (status, headers, got) = self.invoke()
        self.assertEqual((status, got), (200, ANTHROPIC_ANSWER))
        self.assertEqual(self.upstream.body, body)
        self.assertEqual(self.upstream.head["x-amzn-bedrock-trace"], "ENABLED")
        self.assertEqual(headers["x-amzn-bedrock-input-token-count"], "11")
        self.check_signed("/model/anthropic.claude-x/invoke")
        self.check_trace(headers, "It is sunny.")

    def test_invoke_model_with_response_stream(self):
        whole = b"".join(INVOKE_CHUNKS)
        for pieces in (INVOKE_CHUNKS, split(whole, 11), [whole]):
            self.upstream.answer(pieces, "application/vnd.amazon.eventstream")
            body, (status, headers, got) = self.invoke("invoke-with-response-stream")
            self.assertEqual((status, got), (200, whole))
            self.assertEqual(self.upstream.body, body)
            self.check_signed("/model/anthropic.claude-x/invoke-with-response-stream")
            self.check_trace(headers, "It is sunny.")

    def test_gemini(self):
        self.upstream.answer(split(GEMINI_ANSWER, 40))
        body, (status, headers, got) = self.gemini()
        self.assertEqual((status, got), (200, GEMINI_ANSWER))
        self.assertEqual((self.upstream.body, self.upstream.target), (body, "/v1beta/models/gemini-x:generateContent"))
        self.assertEqual(self.upstream.head["x-goog-api-key"], "g-secret")
        self.check_trace(headers, "It is sunny.")

    def test_gemini_stream(self):
        whole = b"".join(GEMINI_EVENTS)
        for pieces in (GEMINI_EVENTS, split(whole, 11), [whole]):
            self.upstream.answer(pieces, "text/event-stream")
            body, (status, headers, got) = self.gemini("streamGenerateContent?alt=sse")
            self.assertEqual((status, got), (200, whole))
            self.assertEqual((self.upstream.body, self.upstream.target), (body, "/v1beta/models/gemini-x:streamGenerateContent?alt=sse"))
            self.check_trace(headers, "It is sunny.")

    def test_gemini_stream_as_an_array(self):
        whole = b"".join(GEMINI_ELEMENTS)
        for pieces in (GEMINI_ELEMENTS, split(whole, 11), [whole]):
            self.upstream.answer(pieces)
            body, (status, headers, got) = self.gemini("streamGenerateContent")
            self.assertEqual((status, got), (200, whole))
            self.assertEqual((self.upstream.body, self.upstream.target), (body, "/v1beta/models/gemini-x:streamGenerateContent"))
            self.assertEqual(headers["content-type"], "application/json")
            self.check_trace(headers, "It is sunny.")

    def test_a_cut_array_ends_with_an_error_element(self):
        for cut in (True, False):
            self.upstream.answer(GEMINI_ELEMENTS[:1], cut=cut)
            _, (status, _, got) = self.gemini("streamGenerateContent")
            self.assertEqual(status, 200)
            self.assertEqual([sorted(element) for element in json.loads(got)], [["candidates", "modelVersion"], ["error"]])

    def test_vertex(self):
        path = "/v1/projects/p/locations/us-central1/publishers/google/models/gemini-x:"
        for operation, pieces, kind in (("generateContent", split(GEMINI_ANSWER, 40), "application/json"),
                                        ("streamGenerateContent?alt=sse", GEMINI_EVENTS, "text/event-stream"),
                                        ("streamGenerateContent", GEMINI_ELEMENTS, "application/json")):
            self.upstream.answer(pieces, kind)
            body, (status, headers, got) = self.gemini(operation, provider="v")
            self.assertEqual((status, got), (200, b"".join(pieces)))
            self.assertEqual((self.upstream.body, self.upstream.target), (body, path + operation))
            self.assertEqual(self.upstream.head["authorization"], "Bearer v-token")
            self.check_trace(headers, "It is sunny.")

    def test_vertex_is_sent_the_roles_it_demands(self):
        self.upstream.answer([GEMINI_ANSWER])
        status, _, _ = self.ask("/v1beta/models/v/gemini-x:generateContent", b'{"contents":[{"parts":[{"text":"hi"}]}]}')
        self.assertEqual(status, 200)
        self.assertEqual(json.loads(self.upstream.body)["contents"], [{"role": "user", "parts": [{"text": "hi"}]}])

    def test_claude_on_vertex(self):
        start = "/v1/projects/p/locations/us-central1/publishers/anthropic/models/claude-x@1:"
        for more, operation, pieces, kind in ((b"", "rawPredict", split(ANTHROPIC_ANSWER, 40), "application/json"),
                                              (b',"stream":true', "streamRawPredict", [*ANTHROPIC_EVENTS, ANTHROPIC_STOP], "text/event-stream")):
            self.upstream.answer(pieces, kind)
            body, (status, headers, got) = self.anthropic(more, model="v/claude-x@1", **{"anthropic-beta": "files-1"})
            self.assertEqual((status, got), (200, b"".join(pieces)))
            sent = body.replace(b'"model":"v/claude-x@1"', b'"anthropic_version":"vertex-2023-10-16"')
            self.assertEqual((self.upstream.body, self.upstream.target), (sent, start + operation))
            self.assertEqual(self.upstream.head["authorization"], "Bearer v-token")
            self.assertEqual(self.upstream.head["anthropic-beta"], "files-1")
            self.check_trace(headers, "It is sunny.")

    def test_claude_on_vertex_is_sent_no_service_tier(self):
        self.upstream.answer([ANTHROPIC_ANSWER])
        _, (status, _, _) = self.claude_on_vertex(b',"service_tier":"auto"')
        self.assertEqual(status, 200)
        self.assertNotIn("service_tier", json.loads(self.upstream.body))

    def test_cut_streams_of_bedrock_and_gemini(self):
        for cut in (True, False):
            self.upstream.answer(CONVERSE_EVENTS, "application/vnd.amazon.eventstream", cut)
            _, (status, _, got) = self.converse("converse-stream")
            self.assertTrue(got.startswith(b"".join(CONVERSE_EVENTS[:4])))
            self.assertIn(b"serviceUnavailableException", got)
            self.assertNotIn(b"messageStop", got)
            self.upstream.answer(INVOKE_CHUNKS[:4], "application/vnd.amazon.eventstream", cut)
            _, (status, _, got) = self.invoke("invoke-with-response-stream")
            self.assertTrue(got.startswith(b"".join(INVOKE_CHUNKS[:4])))
            self.assertIn(b"serviceUnavailableException", got)
            self.upstream.answer(GEMINI_EVENTS[:1], "text/event-stream", cut)
            _, (status, _, got) = self.gemini("streamGenerateContent?alt=sse")
            self.assertTrue(got.startswith(GEMINI_EVENTS[0]))
            self.assertIn(b'"error"', got)

    REFUSALS = [
        ("openai", b'{ "error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded","new":1.50}}', "400 Bad Request"),
        ("responses", b'{ "error":{"message":"no such tool","type":"invalid_request_error","param":"tools[0]","code":null,"new":1.50}}', "400 Bad Request"),
        ("openai", b'{"error":{"message":"slow down","type":"tokens","code":"rate_limit_exceeded"}}', "429 Too Many Requests"),
        ("anthropic", b'{"type":"error","error":{"type":"overloaded_error","message":"busy"},"request_id":"req_1","n":1.0}', "529 "),
        ("claude_on_vertex", b'{"type":"error","error":{"type":"invalid_request_error","message":"too long"},"n":1.0}', "400 Bad Request"),
        ("converse", b'{"message":"The model returned: too long","new":1.50}', "400 Bad Request"),
        ("gemini", b'{ "error":{"code":503,"message":"busy","status":"UNAVAILABLE","details":[{"@type":"x","n":1.0}]}}', "503 Unavailable"),
    ]

    def test_refusals_are_forwarded(self):
        for client, refusal, status in self.REFUSALS:
            more = "Retry-After: 3\r\nx-amzn-ErrorType: ValidationException\r\nx-new: 1\r\n"
            self.upstream.answer([refusal], status=status, more=more)
            _, (code, headers, got) = getattr(self, client)()
            self.assertEqual((code, got), (int(status[:3]), refusal))
            self.assertEqual((headers["retry-after"], headers["x-new"], headers["x-amzn-errortype"]), ("3", "1", "ValidationException"))
            self.assertIsNone(headers["set-cookie"])
            self.assertTrue(headers["x-strata-trace-id"])
            self.assertIn("error", self.server.cli("trace", headers["x-strata-trace-id"]))

    def test_refusals_that_are_not_the_clients_to_see(self):
        # Our key is refused, a proxy answers, and the provider repeats our key.
        self.upstream.answer([b'{"error":{"message":"Incorrect API key provided: sk-o-secret","code":"invalid_api_key"}}'], status="401 No")
        _, (code, _, got) = self.openai()
        time.sleep(0.05)  # the breaker is open for 10 ms
        self.assertEqual(code, 403)
        self.assertNotIn(b"sk-o-secret", got)
        self.upstream.answer([b"<html>bad gateway</html>"], "text/html", status="502 Bad Gateway")
        _, (code, _, got) = self.openai()
        time.sleep(0.05)
        self.assertEqual(code, 503)
        self.assertIn("message", json.loads(got)["error"])
        # Whoever asks, in whatever dialect, learns nothing of the account: the trace has it.
        said = "user arn:aws:iam::123456789012:user/strata-prod may not do this"
        foreign = b'{"model":"o/gpt-x","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}'
        for ask in (lambda: self.openai()[1], lambda: self.ask("/v1/messages", foreign)):
            self.upstream.answer([json.dumps({"error": {"message": said}}).encode()], status="403 No")
            code, headers, got = ask()
            time.sleep(0.05)
            self.assertEqual(code, 403)
            self.assertNotIn(b"strata-prod", got)
            self.assertIn("the provider refused this server's credentials", json.loads(got)["error"]["message"])
            self.assertIn("provider o: the provider answered 403: " + said, self.server.cli("trace", headers["x-strata-trace-id"]))
        self.upstream.answer([b'{"error":{"message":"sk-o-secret is busy"}}'], status="429 Slowly")
        _, (code, _, got) = self.openai()
        time.sleep(0.05)
        self.assertEqual((code, got), (429, b'{"error":{"message":"*** is busy"}}'))

    def test_a_refusal_to_another_dialect_keeps_message_and_code(self):
        self.upstream.answer([self.REFUSALS[0][1]], status="400 Bad Request")
        code, _, got = self.ask("/v1/messages", b'{"model":"o/gpt-x","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}')
        self.assertEqual(code, 400)
        error = json.loads(got)["error"]
        self.assertEqual(error["type"], "invalid_request_error")
        self.assertIn("context_length_exceeded", error["message"])
        self.assertIn("too long", error["message"])

    def test_a_cut_stream_ends_with_an_error_event(self):
        for cut in (True, False):  # the connection, or only the stream
            self.upstream.answer(OPENAI_EVENTS[:3], "text/event-stream", cut)
            _, (status, _, got) = self.openai(b',"stream":true')
            self.assertEqual(status, 200)
            self.assertTrue(got.startswith(b"".join(OPENAI_EVENTS[:3])))
            self.assertIn(b'"error"', got)
            self.assertNotIn(b'"finish_reason":"stop"', got)
            self.upstream.answer(ANTHROPIC_EVENTS[:5], "text/event-stream", cut)
            _, (status, _, got) = self.anthropic(b',"stream":true')
            self.assertTrue(got.startswith(b"".join(ANTHROPIC_EVENTS[:5])))
            self.assertIn(b"event: error", got)
            self.assertNotIn(b"message_stop", got)

    def test_what_cannot_be_an_answer_is_an_error(self):
        self.upstream.answer([b"<html>busy</html>"])
        for (_, (status, _, got)), unavailable in ((self.openai(), 503), (self.anthropic(), 529)):
            self.assertEqual(status, unavailable)
            self.assertIn("error", json.loads(got))


class Guarded(Forwarding):
    """All of the above with guardrails that find nothing; and what they do when they find something."""

    GUARDRAILS = ("guardrails:\n"
                  "  - {name: names, words: ['Project Falcon', 'kestrel'], action: block}\n"
                  "  - {name: weather, words: ['cloudy sky'], action: mask, mask: '[weather]'}\n")

    def test_a_blocked_request_reaches_nobody(self):
        self.upstream.body = None
        for path, body in (("/v1/chat/completions", b'{"model":"o/gpt-x","messages":[{"role":"user","content":"what is project-FALCON?"}]}'),
                           ("/v1/messages", b'{"model":"a/x","max_tokens":9,"messages":[{"role":"user","content":[{"type":"new","x":"a K\\u00e9strel"}]}]}')):
            code, _, got = self.ask(path, body)
            self.assertEqual(code, 400)
            self.assertIn("names", json.loads(got)["error"]["message"])
        self.assertIsNone(self.upstream.body)

    def test_a_masked_request(self):
        self.upstream.answer([OPENAI_ANSWER])
        code, _, got = self.ask("/v1/chat/completions", b'{"model":"o/gpt-x","messages":[{"role":"user","content":"A Cloudy  sky, or not?"}]}')
        self.assertEqual(code, 200)
        self.assertEqual(json.loads(self.upstream.body)["messages"][0]["content"], "A [weather], or not?")

    @staticmethod
    def events(words):
        return [b'data: {"id":"1","model":"m","choices":[{"index":0,"delta":{"content":%s},"finish_reason":null}],"v":1.50}\n\n'
                % json.dumps(w).encode() for w in words] + OPENAI_EVENTS[-1:] + [OPENAI_DONE]

    def text_of(self, got):
        chunks = [json.loads(line[6:]) for line in got.decode().split("\n") if line.startswith("data: {")]
        return "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c.get("choices"))

    def test_a_masked_stream(self):
        before = ["word%d " % i for i in range(60)]
        for pieces in (lambda e: e, lambda e: [b"".join(e)]):
            self.upstream.answer(pieces(self.events([*before, "a clou", "dy", " sky", " today, cloudy skyline ", "and more."])), "text/event-stream")
            _, (status, headers, got) = self.openai(b',"stream":true')
            self.assertEqual(status, 200)
            self.assertEqual(self.text_of(got), "".join(before) + "a [weather] today, cloudy skyline and more.")
            self.assertTrue(got.rstrip().endswith(b"data: [DONE]"))
            self.assertNotIn(b'"dy"', got)
        self.assertIn(b'"finish_reason":"stop"', got)

    def test_a_stream_that_is_masked_from_its_first_bytes_begins_as_it_should(self):
        """What the provider's stream began with came with the text that is masked, and does not leave."""
        def masked(pieces):
            return [b"".join(p.replace(b"It is ", b"A cloudy sky: ") for p in pieces)]
        self.upstream.answer(masked([*ANTHROPIC_EVENTS, ANTHROPIC_STOP]), "text/event-stream")
        for ask in (self.anthropic, self.claude_on_vertex):
            _, (status, _, got) = ask(b',"stream":true')
            self.assertEqual(status, 200)
            events = [json.loads(line[6:]) for line in got.decode().split("\n") if line.startswith("data: ")]
            self.assertEqual([e["type"] for e in events if e["type"] != "content_block_delta"],
                             ["message_start", "content_block_start", "content_block_stop", "message_delta", "message_stop"])
            self.assertEqual("".join(e["delta"]["text"] for e in events if e["type"] == "content_block_delta"), "A [weather]: sunny.")
        self.upstream.answer(masked([*OPENAI_EVENTS, OPENAI_USAGE, OPENAI_DONE]), "text/event-stream")
        _, (_, _, got) = self.openai(b',"stream":true')
        chunks = [json.loads(line[6:]) for line in got.decode().split("\n") if line.startswith("data: {")]
        self.assertEqual(chunks[0]["choices"][0]["delta"]["role"], "assistant")
        self.assertNotIn(b"cloudy", got)
        self.upstream.answer([b"".join([CONVERSE_EVENTS[0], frame("contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"text":"A cloudy sky: "}}'),
                                        *CONVERSE_EVENTS[3:], *CONVERSE_END])], "application/vnd.amazon.eventstream")
        _, (_, _, got) = self.converse("converse-stream")
        self.assertEqual((got.count(b"messageStart"), got.count(b"messageStop")), (1, 1))
        self.assertIn(b"[weather]", got)
        self.assertNotIn(b"cloudy", got)
        self.upstream.answer([b"".join([*INVOKE_CHUNKS[:2], chunk(b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta",'
                                                                   b'"text":"A cloudy sky: "}}'), *INVOKE_CHUNKS[3:]])],
                             "application/vnd.amazon.eventstream")
        _, (_, _, got) = self.invoke("invoke-with-response-stream")
        events = [base64.b64decode(part.split(b'"')[0]) for part in got.split(b'{"bytes":"')[1:]]
        self.assertEqual(json.loads(events[0])["type"], "message_start")
        self.assertIn(b"[weather]", b"".join(events))

    def test_a_masked_response_stream(self):
        before = ["word%d " % i for i in range(60)]
        deltas = [*before, "a clou", "dy", " sky", " today, cloudy skyline ", "and more."]
        for pieces in (response_events(deltas), [b"".join(response_events(deltas))]):
            self.upstream.answer(pieces, "text/event-stream")
            _, (status, _, got) = self.responses(b',"stream":true')
            self.assertEqual(status, 200)
            events = [json.loads(line[6:]) for line in got.decode().split("\n") if line.startswith("data: ")]
            shown = "".join(before) + "a [weather] today, cloudy skyline and more."
            self.assertEqual("".join(e["delta"] for e in events if e["type"] == "response.output_text.delta"), shown)
            self.assertEqual([e["sequence_number"] for e in events], list(range(len(events))))
            self.assertEqual((events[0]["type"], events[-1]["type"]), ("response.created", "response.completed"))
            self.assertEqual({e["response"]["id"] for e in events if "response" in e}, {"resp_up1"})
            message = events[-1]["response"]["output"][-1]
            self.assertEqual(message["content"][0]["text"], shown)
            # What an SDK adds up: each item is added once, at the place where it stands in the end.
            added = {e["output_index"]: e["item"]["id"] for e in events if e["type"] == "response.output_item.added"}
            self.assertEqual([added[i] for i in sorted(added)], [item["id"] for item in events[-1]["response"]["output"]])
            self.assertNotIn(b'"dy"', got)

    def test_a_masked_response(self):
        self.upstream.answer([RESPONSE.replace(b"It is \\u0073unny.", b"A cloudy, sky.")])
        _, (status, _, got) = self.responses()
        self.assertEqual(status, 200)
        answer = json.loads(got)
        self.assertEqual((answer["id"], answer["output"][0]["content"][0]["text"]), ("resp_up1", "A [weather]. \U0001f5fc"))

    def test_events_of_a_kept_response_are_masked(self):
        path = "/v1/responses/" + self.kept()
        self.upstream.answer(response_events(["It is a clou", "dy sky."]), "text/event-stream")
        status, _, got = self.read(path + "?stream=true")
        events = [json.loads(line[6:]) for line in got.decode().split("\n") if line.startswith("data: ")]
        self.assertEqual(("".join(e["delta"] for e in events if e["type"] == "response.output_text.delta"), events[-1]["type"]),
                         ("It is a [weather].", "response.completed"))
        self.assertNotIn(b"clou", got)

    def test_a_conversation_that_would_be_masked_is_not_compacted(self):
        self.upstream.answer([b'{"id":"cmp_1","object":"response.compaction","output":[{"type":"message","role":"assistant","content":[{"type":'
                              b'"output_text","text":"A cloudy sky."}]}],"usage":{"input_tokens":11,"output_tokens":4,"total_tokens":15}}'])
        code, _, got = self.ask("/v1/responses/compact", b'{"model":"z/gpt-x","input":"A Cloudy  sky, or not?"}')
        self.assertEqual((code, self.upstream.target), (400, "/openai/v1/responses/compact"))
        self.assertEqual(json.loads(self.upstream.body)["input"], "A [weather], or not?")
        self.assertNotIn(b"loudy", got)

    def test_a_masked_request_of_responses_is_forwarded_with_its_tools(self):
        self.upstream.answer([RESPONSE])
        code, _, _ = self.ask("/v1/responses", b'{"model":"z/gpt-x","input":"A Cloudy  sky, or not?","tools":[{"type":"web_search"}],"n":1.50}')
        self.assertEqual((code, self.upstream.target), (200, "/openai/v1/responses"))
        self.assertEqual(self.upstream.body, b'{"model":"gpt-x","input":"A [weather], or not?","tools":[{"type":"web_search"}],"n":1.50}')

    def test_what_no_decoder_knows_in_responses_is_judged(self):
        self.upstream.body = None
        for hidden in (b'"tools":[{"type":"mcp","server_label":"kestrel"}]', b'"input":[{"type":"mcp_call","output":"project falcon"}]',
                       b'"prompt":{"id":"p","variables":{"x":"Kestrel"}}'):
            code, _, got = self.ask("/v1/responses", b'{"model":"z/gpt-x",' + hidden + (b"}" if b"input" in hidden else b',"input":"hi"}'))
            self.assertEqual(code, 400)
            self.assertIn("names", json.loads(got)["error"]["message"])
        self.assertIsNone(self.upstream.body)
        answers = ([RESPONSE.replace(b'"x":1e3', b'"query":"k\\u00e9strel"')],
                   [e.replace(b'"a":1.50', b'"a":"kestrel"') for e in RESPONSE_EVENTS])
        self.upstream.answer(answers[0])
        _, (status, _, got) = self.responses()
        self.assertEqual(status, 400)
        self.upstream.answer(answers[1], "text/event-stream")
        _, (status, _, got) = self.responses(b',"stream":true')
        self.assertNotIn(b"kestrel", got)
        self.assertNotIn(b"response.completed", got)
        self.assertIn(b"response.failed", got)

    def test_a_masked_array(self):
        element = b'%s{"candidates": [{"content": {"parts": [{"text": %s}],"role": "model"},"index": 0}]}\n'
        before = ["word%d " % i for i in range(60)]
        words = [*before, "a clou", "dy", " sky", " today, cloudy skyline ", "and more."]
        elements = [element % (b"," if i else b"[", json.dumps(w).encode()) for i, w in enumerate(words)] + GEMINI_ELEMENTS[1:]
        for pieces in (elements, [b"".join(elements)]):
            self.upstream.answer(pieces)
            _, (status, _, got) = self.gemini("streamGenerateContent")
            parts = [part["text"] for e in json.loads(got) for c in e.get("candidates", []) for part in c["content"]["parts"]]
            self.assertEqual("".join(parts), "".join(before) + "a [weather] today, cloudy skyline and more.sunny.")

    def test_a_masked_answer(self):
        self.upstream.answer([OPENAI_ANSWER.replace(b"It is \\u0073unny.", b"A cloudy, sky.")])
        _, (status, _, got) = self.openai()
        self.assertEqual(json.loads(got)["choices"][0]["message"]["content"], "A [weather]. \U0001f5fc")

    def test_a_blocked_answer(self):
        self.upstream.answer([OPENAI_ANSWER.replace(b"It is \\u0073unny.", b"Kestrel.")])
        _, (status, _, got) = self.openai()
        self.assertEqual(status, 400)
        self.assertNotIn(b"Kestrel", got)

    def test_a_blocked_stream(self):
        before = ["word%d " % i for i in range(60)]
        self.upstream.answer(self.events([*before, "a Kes", "trel", " flies over ", *before]), "text/event-stream")
        _, (status, _, got) = self.openai(b',"stream":true')
        self.assertTrue("".join(before).startswith(self.text_of(got)))
        self.assertNotIn(b"Kes", got)
        self.assertIn(b"content_filter", got)
        self.assertNotIn(b'"finish_reason":"stop"', got)

    def test_a_blocked_tool_call(self):
        self.upstream.answer([b'{"id":"1","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"c",'
                              b'"type":"function","function":{"name":"find","arguments":"{\\"q\\":\\"k\\\\u00e9strel\\"}"}}]},'
                              b'"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'])
        _, (status, _, got) = self.openai()
        self.assertEqual(status, 400)
        self.assertNotIn(b"strel", got)

    def test_what_is_not_decoded_is_judged(self):
        for more, blocked in ((b'"details":[{"note":"a k\\u00e9strel"}]', True), (b'"kestrel":1', True),
                              (b'"details":[{"note":"a cloudy sky"}]', False)):
            self.upstream.answer([OPENAI_ANSWER.replace(b'"role":"assistant"', b'"role":"assistant",' + more)])
            _, (status, _, got) = self.openai()
            self.assertEqual(status, 400 if blocked else 200)
            self.assertNotIn(b"strel", got)
            self.assertNotIn(b"cloudy", got)
            events = self.events(["one", "two"])
            events[1] = events[1].replace(b'"delta":{', b'"delta":{' + more + b",")
            self.upstream.answer(events, "text/event-stream")
            _, (status, _, got) = self.openai(b',"stream":true')
            self.assertEqual(b"content_filter" in got, blocked)
            self.assertEqual(b'"finish_reason":"stop"' in got, not blocked)
            self.assertNotIn(b"strel", got)
            self.assertNotIn(b"cloudy", got)

    def test_what_a_provider_says_when_it_refuses_is_judged(self):
        for said, kept in ((b"no sparrow", True), (b"no k\\u0065strel", False)):
            self.upstream.answer([b'{"error":{"message":"%s","type":"invalid_request_error","param":"a","code":"b"}}' % said], status="400 Bad Request")
            _, (status, _, got) = self.openai()
            self.assertEqual(status, 400)
            self.assertEqual(said in got, kept)
            self.assertNotIn(b"kestrel", got)


if __name__ == "__main__":
    unittest.main()
