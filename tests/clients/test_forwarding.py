"""Where client and provider speak the same dialect, bytes are forwarded: requests but for the spliced members, answers and
streams to the byte, in any chunking, with what no version of strata knows, while the trace keeps question and answer.

The upstream is a socket that records what it is sent and answers with prepared bytes.
"""
import json
import socket
import threading
import time
import unittest
import urllib.error
import urllib.request

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
QUESTION = "How is the weather in S\u00f6rby?"


class Upstream:
    """Answers every request with `head` and the pieces of `body`; remembers head and body of the last one."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.socket.getsockname()[1]
        self.pieces, self.type, self.cut = [], "application/json", False
        self.head = self.body = None
        threading.Thread(target=self.accept, daemon=True).start()

    def answer(self, pieces, content_type="application/json", cut=False):
        self.pieces, self.type, self.cut = list(pieces), content_type, cut

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
        self.head, self.body = headers, body
        connection.sendall(("HTTP/1.1 200 OK\r\ncontent-type: %s\r\nx-request-id: req-upstream\r\nX-RateLimit-Remaining-Tokens: 7\r\n"
                            "openai-processing-ms: 12\r\nset-cookie: a=b\r\ntransfer-encoding: chunked\r\n\r\n" % self.type).encode())
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
    @classmethod
    def setUpClass(cls):
        cls.upstream = Upstream()
        cls.server = Server("providers:\n"
                            f"  - {{name: o, kind: openai, base_url: '{cls.upstream.url}/v1', secret: 'env:O'}}\n"
                            f"  - {{name: a, kind: anthropic, base_url: '{cls.upstream.url}', secret: 'env:A'}}\n",
                            {"O": "sk-o-secret", "A": "sk-a-secret"}, documents=False)

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

    def anthropic(self, more=b"", **headers):
        body = (b'{"model":"a/claude-x","max_tokens":100,"messages":[{"role":"user","content":[{"type":"text","text":"' +
                QUESTION.encode() + b'"}]}],"container":{"id":"x","n":1.50}' + more + b'}')
        return body, self.ask("/v1/messages", body, **headers)

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


if __name__ == "__main__":
    unittest.main()
