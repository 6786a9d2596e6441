"""Hostile requests over real sockets: each gets a clear error in its dialect's form that names the field, and the server lives on."""
import gzip
import http.client
import json
import socket
import struct
import subprocess
import unittest
import urllib.parse

import httpx

from harness import ACCESS_KEY, BEARER, BODY_BYTES_MAX, SECRET_KEY, server, server_with_upstream

CHAT, MESSAGES, CONVERSE = "/v1/chat/completions", "/v1/messages", "/model/builtin%2Fextract/converse"
HI = [{"role": "user", "content": "hi"}]
HI_BLOCKS = [{"role": "user", "content": [{"text": "hi"}]}]


def openai(**members):
    return json.dumps(dict({"model": "builtin/extract", "messages": HI}, **members))


def claude(**members):
    return json.dumps(dict({"model": "builtin/extract", "max_tokens": 9, "messages": HI}, **members))


def converse(**members):
    return json.dumps(dict({"messages": HI_BLOCKS}, **members))


# path, body, status, what the message names
CASES = [
    # Not JSON, or not text.
    (CHAT, "", 400, "JSON"),
    (CHAT, "{", 400, "JSON"),
    (CHAT, '{"model": "builtin/extract",}', 400, "JSON"),
    (CHAT, "[" * 100_000, 400, "nested deeper"),
    (CHAT, '"just text"', 400, "object"),
    (CHAT, b'{"model": "\xff\xfe", "messages": []}', 400, "UTF-8"),
    (CHAT, b'{"model": "builtin/extract", "messages": [{"role": "user", "content": "caf\xe9"}]}', 400, "UTF-8"),
    (CHAT, '{"model": "builtin/extract", "messages": [{"role": "user", "content": "\\ud800"}]}', 400, "JSON"),
    (CHAT, '{"model": "builtin/extract", "messages": [{"role": "user", "content": "\\ud800"}]}', 400, "messages[0].content"),
    (CHAT, b"\xef\xbb\xbf" + openai().encode(), 400, "byte order mark"),
    (MESSAGES, b"\x00\x01\x02", 400, "JSON"),
    (MESSAGES, "null", 400, "object"),
    (CONVERSE, "{]", 400, "JSON"),
    (CONVERSE, b'{"messages": [{"role": "user", "content": [{"text": "\xc3\x28"}]}]}', 400, "UTF-8"),
    ("/v1/embeddings", "7", 400, "object"),
    # Wrong types and ranges.
    (CHAT, openai(model=7), 400, "model"),
    (CHAT, openai(messages="hi"), 400, "messages"),
    (CHAT, openai(messages=[]), 400, "messages"),
    (CHAT, openai(messages=[7]), 400, "messages[0]"),
    (CHAT, openai(messages=[{"role": "user", "content": {"a": 1}}]), 400, "messages[0].content"),
    (CHAT, openai(messages=[{"role": "wizard", "content": "x"}]), 400, "messages[0].role"),
    (CHAT, openai(messages=[{"role": "user", "content": [{"type": "text", "text": 7}]}]), 400, "messages[0].content[0].text"),
    (CHAT, openai(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,%%"}}]}]),
     400, "messages[0].content[0]"),
    (CHAT, openai(temperature="hot"), 400, "temperature"),
    (CHAT, openai(temperature=1e300), 400, "temperature"),
    (CHAT, openai(temperature=float("inf")), 400, "JSON"),
    (CHAT, openai(max_tokens=-1), 400, "max_tokens"),
    (CHAT, openai(max_tokens=10**30), 400, "max_tokens"),
    (CHAT, openai(stream="yes"), 400, "stream"),
    (CHAT, openai(store="x"), 400, "store"),
    (CHAT, openai(web_search_options={}), 400, "web_search_options"),
    (MESSAGES, claude(messages=[{"role": "user", "content": ""}]), 400, "must have non-empty content"),
    (MESSAGES, claude(messages=[{"role": "user", "content": [{"type": "text", "text": ""}]}]), 400,
     "text content blocks must be non-empty"),
    (CONVERSE, converse(messages=[{"role": "user", "content": [{"text": " "}]}]), 400,
     "The text field in the ContentBlock object at messages.0.content.0 is blank."),
    # Members that the models of this process have no word for are not skipped.
    (CHAT, openai(logit_bias={"hello": 5}), 400, "logit_bias.hello"),
    (CHAT, openai(logit_bias={"50256": 5}), 400, "logit_bias"),
    (CHAT, openai(model="kb/harbour", min_p=0.1), 400, "min_p"),
    (CHAT, openai(model="builtin/smollm2-135m-instruct", min_p=0.1), 400, "min_p"),
    (CHAT, openai(model="kb/harbour", logprobs=True), 400, "logprobs"),
    (CHAT, openai(model="builtin/extract", logprobs=True, top_logprobs=2), 400, "top_logprobs"),
    ("/v1/responses", json.dumps({"model": "kb/harbour", "input": "Who?", "top_logprobs": 2}), 400, "top_logprobs"),
    ("/v1/responses", json.dumps({"model": "kb/harbour", "input": ""}), 400, "input"),
    (MESSAGES, claude(colour="red"), 400, "colour: Extra inputs are not permitted"),
    (CHAT, openai(n=5), 400, "n"),
    (CHAT, openai(tools=[{"type": "function"}]), 400, "tools[0].function"),
    (CHAT, openai(response_format={"type": "json_schema"}), 400, "response_format"),
    (MESSAGES, claude(max_tokens=None), 400, "max_tokens"),
    (MESSAGES, claude(max_tokens="many"), 400, "max_tokens"),
    (MESSAGES, claude(system=7), 400, "system"),
    (MESSAGES, claude(messages=[{"role": "user", "content": [{"type": "spell"}]}]), 400, "messages.0.content.0.type"),
    (MESSAGES, claude(messages=[{"role": "user", "content": [{"type": "document", "source": {
        "type": "base64", "media_type": "application/pdf", "data": "!"}}]}]), 400, "messages.0.content.0"),
    (MESSAGES, claude(stop_sequences="x"), 400, "stop_sequences"),
    (MESSAGES, claude(tools=[{"name": "f"}]), 400, "tools.0.input_schema"),
    (CONVERSE, converse(messages="hi"), 400, "messages"),
    (CONVERSE, converse(messages=[{"role": "user", "content": [{"text": 7}]}]), 400, "messages.0.content.0.text"),
    (CONVERSE, converse(messages=[{"role": "user", "content": [{"text": "a", "image": {}}]}]), 400, "messages.0.content.0"),
    (CONVERSE, converse(inferenceConfig={"maxTokens": 0}), 400, "inferenceConfig.maxTokens"),
    (CONVERSE, converse(toolConfig={"tools": {}}), 400, "toolConfig.tools"),
    ("/v1/embeddings", json.dumps({"model": "builtin/all-minilm-l6-v2"}), 400, "input"),
    ("/v1/embeddings", json.dumps({"model": "builtin/all-minilm-l6-v2", "input": [{}]}), 400, "input[0]"),
    ("/v1/embeddings", json.dumps({"model": "builtin/all-minilm-l6-v2", "input": "a", "encoding_format": "roman"}), 400, "encoding_format"),
    ("/v1/embeddings", json.dumps({"model": "builtin/all-minilm-l6-v2", "input": "a", "dimensions": 0}), 400, "dimensions"),
    ("/v1/embeddings", json.dumps({"model": "builtin/all-minilm-l6-v2", "input": "berth " * 255}), 400, "input: this text has 257 tokens"),
    ("/v1/embeddings", json.dumps({"model": "builtin/all-minilm-l6-v2", "input": ["a", "berth " * 9000]}), 400,
     "input[1]: this text has 9002 tokens, the maximum context length of builtin/all-minilm-l6-v2 is 256 tokens"),
    ("/model/builtin%2Fall-minilm-l6-v2/invoke", json.dumps({"inputText": "berth " * 300}), 400, "inputText: this text has 302 tokens"),
    ("/model/builtin%2Fall-minilm-l6-v2/invoke", json.dumps({"texts": ["berth " * 300], "input_type": "search_query"}), 400, "texts.0"),
    ("/knowledgebases/NOBODY1234/retrieve", json.dumps({"retrievalQuery": {"text": "x"}}), 404, "NOBODY1234"),
    ("/knowledgebases/NOBODY1234/retrieve", json.dumps({"retrievalQuery": {"text": ["x"]}}), 400, "retrievalQuery.text"),
    ("/retrieveAndGenerate", json.dumps({"input": {}}), 400, "input.text"),
    # A model that knows no tools says so of what names them: calls and results of before stand in the messages.
    (CHAT, openai(model="builtin/smollm2-135m-instruct", messages=[
        HI[0], {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "3"}]), 400, "messages: this model cannot read calls and results of tools"),
    (MESSAGES, claude(model="builtin/smollm2-135m-instruct", messages=[
        HI[0], {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "3"}]}]),
     400, "messages: this model cannot read calls and results of tools"),
    ("/model/builtin%2Fsmollm2-135m-instruct/converse", converse(messages=[
        HI_BLOCKS[0], {"role": "assistant", "content": [{"toolUse": {"toolUseId": "c", "name": "f", "input": {}}}]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "c", "content": [{"text": "3"}]}}]}]),
     400, "messages: this model cannot read calls and results of tools"),
    # Unknown things.
    (CHAT, openai(model="nobody/nothing"), 404, "nobody/nothing"),
    (CHAT, openai(model="kb/nowhere"), 404, "kb/nowhere"),
    (CHAT, openai(model="builtin/all-minilm-l6-v2"), 400, "builtin/all-minilm-l6-v2"),
    (CHAT, openai(model=""), 400, "model"),
    (CHAT, openai(model="x" * 5000), 400, "model"),
    (MESSAGES, claude(model="nobody"), 404, "nobody"),
    ("/model/nobody/converse", converse(), 404, "nobody"),
    ("/model/%zz/converse", converse(), 400, "path"),
    ("/v1/embeddings", json.dumps({"model": "builtin/extract", "input": "a"}), 400, "builtin/extract"),
    ("/v1/nothing", "{}", 404, "/v1/nothing"),
]

SDK_HEADERS = {MESSAGES: {"anthropic-version": "2026-10-21"}}


def post(url, path, body, headers=None, method="POST"):
    """(status, headers, body) of one request on a connection of its own."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=30)
    try:
        sent = dict({"content-type": "application/json", "authorization": "Bearer " + BEARER}, **(headers or {}))
        connection.request(method, path, body if isinstance(body, bytes) else body.encode(), sent)
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read()
    finally:
        connection.close()


def exchange(url, sent, half_close=True):
    """What the server says to these bytes, up to its close or to the first pause after an answer."""
    host, port = urllib.parse.urlsplit(url).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as s:
        try:
            s.sendall(sent)
            if half_close:
                s.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has answered and closed already
        answer = b""
        try:
            while part := s.recv(65536):
                answer += part
        except ConnectionResetError:
            pass
        return answer


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = server()

    def tearDown(self):
        self.assertTrue(self.server.alive(), "the server lives on")

    def check_form(self, path, headers, body):
        """The message of an error in the form of the path's dialect."""
        self.assertTrue(headers["content-type"].startswith("application/json"), headers["content-type"])
        error = json.loads(body)
        if path == MESSAGES:
            self.assertEqual(error["type"], "error")
            self.assertRegex(error["error"]["type"], "^([a-z_]+_error|request_too_large)$")
            return error["error"]["message"]
        if path.startswith("/v1/"):
            self.assertTrue(error["error"]["type"])
            return error["error"]["message"] + str(error["error"].get("param"))
        self.assertRegex(headers["x-amzn-errortype"], r"^[A-Z][A-Za-z]+Exception$")
        return error["message"]

    def test_each_error_has_its_dialect_s_form_and_names_the_field(self):
        for path, body, status, names in CASES:
            with self.subTest(path=path, body=str(body)[:120]):
                got, headers, reply = post(self.server.url, path, body, SDK_HEADERS.get(path))
                self.assertEqual(got, status, reply[:500])
                self.assertIn(names, self.check_form(path, headers, reply))

    def test_refused_requests_name_their_trace(self):
        broken = ((CHAT, "{"), (CHAT, openai(messages=7)), (MESSAGES, "{"), (MESSAGES, claude(max_tokens=None)), (CONVERSE, "{"),
                  ("/v1/embeddings", "{}"), ("/v1beta/models/builtin%2Fextract:generateContent", "{"), ("/retrieveAndGenerate", "{}"),
                  ("/v1/responses", "{"), ("/v1/rerank", "{}"), ("/strata/v1/kbs", "{"))
        for path, body in broken:
            with self.subTest(path=path, body=body):
                status, headers, _ = post(self.server.url, path, body, SDK_HEADERS.get(path))
                self.assertEqual(status, 400)
                self.assertIn(headers["x-strata-trace-id"], headers["x-strata-trace-url"])
                self.assertEqual(self.server.get(headers["x-strata-trace-url"])[0], 200)

    def test_names_that_are_not_utf8_are_refused_and_traces_stay_readable(self):
        status, headers, reply = post(self.server.url, "/model/%ff/converse", converse())
        self.assertEqual(status, 400, reply)
        self.assertIn("UTF-8", self.check_form(CONVERSE, headers, reply))
        status, headers, reply = post(self.server.url, CHAT, openai(), {"x-strata-tag-team": "caf\xe9"})
        self.assertEqual(status, 400, reply)
        self.assertIn("x-strata-tag-team", self.check_form(CHAT, headers, reply))
        _, _, traces = self.server.get("/strata/v1/traces", {"authorization": "Bearer " + BEARER})
        self.assertTrue(json.loads(traces.decode("utf-8"))["traces"])
        self.assertIn("model", self.server.cli("trace"))

    def test_keys_are_asked_for_before_anything_is_read(self):
        for path in (CHAT, MESSAGES, CONVERSE):
            status, headers, reply = post(self.server.url, path, "{", dict(SDK_HEADERS.get(path, {}), authorization="Bearer x"))
            self.assertIn(status, (401, 403))
            self.assertIn("key", self.check_form(path, headers, reply))

    def test_long_bodies_of_strangers_are_not_read(self):
        stranger = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer nobody\r\n"
        for rest in ("content-length: 60000000\r\n\r\n{", "content-length: 2\r\nexpect: 100-continue\r\n\r\n"):
            answer = exchange(self.server.url, (stranger + rest).encode(), half_close=False)
            self.assertTrue(answer.startswith(b"HTTP/1.1 401 "), answer[:200])
        unsigned = (f"PUT /strata/nothing HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {BEARER}\r\nexpect: 100-continue\r\n"
                    "content-length: 60000000\r\n\r\n")
        self.assertTrue(exchange(self.server.url, unsigned.encode(), half_close=False).startswith(b"HTTP/1.1 404 "))
        with httpx.Client(http1=False, http2=True, timeout=60) as client:
            reply = client.post(self.server.url + MESSAGES, content=b" " * 5_000_000, headers={"x-api-key": "nobody"})
            self.assertEqual(reply.status_code, 401)
        # Who is known may send them: with a key, with a signature.
        long = openai(messages=[{"role": "user", "content": "glacier " * 20_000}])
        self.assertNotIn(post(self.server.url, CHAT, long)[0], (401, 413))
        known = stranger.replace("nobody", BEARER) + f"expect: 100-continue\r\ncontent-length: {len(long)}\r\n\r\n"
        host, port = urllib.parse.urlsplit(self.server.url).netloc.split(":")
        with socket.create_connection((host, int(port)), timeout=10) as s:
            s.sendall(known.encode())
            self.assertTrue(s.recv(100).startswith(b"HTTP/1.1 100 "))

    def test_oversized_bodies_are_refused_with_the_option_s_name(self):
        limited, _ = server_with_upstream()
        big = openai(messages=[{"role": "user", "content": "x" * BODY_BYTES_MAX}])
        for path in (CHAT, MESSAGES, CONVERSE):
            status, headers, reply = post(limited.url, path, big)
            self.assertEqual(status, 413)
            self.assertIn("net.body_bytes_max", self.check_form(path, headers, reply))
        # Nothing of another dialect beside it.
        forms = {CHAT: {"error"}, "/openai/v1/embeddings": {"error"}, MESSAGES: {"type", "error"}, CONVERSE: {"message"},
                 "/v1beta/models/x:generateContent": {"error"}, "/retrieveAndGenerate": {"message"},
                 "/strata/v1/keys": {"error"}}
        for path, members in forms.items():
            status, headers, reply = post(limited.url, path, big)
            self.assertEqual((status, set(json.loads(reply))), (413, members), path)
            self.assertEqual("x-amzn-errortype" in headers, "message" in members, path)
        # Told at once, by its announced length, over HTTP/2 too; clients that still send see the answer.
        for client in (["curl", "-s", "--http2-prior-knowledge"], ["curl", "-s", "--http1.1"]):
            sent = subprocess.run([*client, "-w", "\n%{http_code}", "-H", "authorization: Bearer " + BEARER, "-H", "content-type: application/json",
                                   "--data-binary", "@-", limited.url + CHAT], input=b" " * (60 * BODY_BYTES_MAX), capture_output=True, timeout=60)
            self.assertEqual((sent.returncode, sent.stdout.splitlines()[-1]), (0, b"413"), sent)
            self.assertIn(b"net.body_bytes_max", sent.stdout)
        with httpx.Client(http1=False, http2=True, timeout=60) as client:
            reply = client.post(limited.url + CHAT, content=b" " * (60 * BODY_BYTES_MAX), headers={"authorization": "Bearer " + BEARER})
            self.assertEqual(reply.status_code, 413)
            self.assertIn("net.body_bytes_max", self.check_form(CHAT, reply.headers, reply.content))
        chunked = (f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {BEARER}\r\ntransfer-encoding: chunked\r\n\r\n".encode() +
                   b"10000\r\n" + b" " * 65536 + b"\r\n" + b"10000\r\n" + b" " * 65536 + b"\r\n0\r\n\r\n")
        self.assertIn(b" 413 ", exchange(limited.url, chunked)[:20])
        self.assertTrue(limited.alive())

    def test_settings_that_ask_for_nothing_are_no_error(self):
        neutral = {"presence_penalty": 0, "frequency_penalty": 0.0, "logit_bias": {}, "store": False}
        self.assertEqual(post(self.server.url, CHAT, openai(**neutral))[0], 200)
        self.assertEqual(post(self.server.url, MESSAGES, claude(mcp_servers=[], cache_control={"type": "ephemeral"}))[0], 200)

    def test_gzip_bodies_are_read(self):
        packed = {"content-encoding": "gzip"}
        for path, body in ((CHAT, openai()), (MESSAGES, claude()), (CONVERSE, converse())):
            headers = dict(SDK_HEADERS.get(path, {}))
            plain, *_ = post(self.server.url, path, body, headers)
            status, _, reply = post(self.server.url, path, gzip.compress(body.encode()), dict(headers, **packed))
            self.assertEqual((plain, status), (200, 200), reply)
            status, _, reply = post(self.server.url, path, body, dict(headers, **{"content-encoding": "identity"}))
            self.assertEqual(status, 200, reply)
        # Larger than what is unpacked between two other requests.
        long = openai(messages=HI * 20_000)
        plain, *_ = post(self.server.url, CHAT, long)
        self.assertEqual(post(self.server.url, CHAT, gzip.compress(long.encode()), packed)[0], plain)
        for path in (CHAT, MESSAGES, CONVERSE):
            headers = dict(SDK_HEADERS.get(path, {}), **packed)
            for broken in (b"{}", gzip.compress(openai().encode())[:-6]):
                status, got, reply = post(self.server.url, path, broken, headers)
                self.assertEqual(status, 400)
                self.assertIn("gzip", self.check_form(path, got, reply))
            headers["content-encoding"] = "br"
            status, got, reply = post(self.server.url, path, b"{}", headers)
            self.assertEqual((status, got["accept-encoding"]), (415, "gzip, identity"))
            self.assertIn("'br'", self.check_form(path, got, reply))
            # Nobody without a key has anything unpacked.
            status, _, _ = post(self.server.url, path, b"{}", dict(headers, authorization="Bearer x"))
            self.assertIn(status, (401, 403))

    def test_gzip_bombs_are_refused_with_the_option_s_name(self):
        limited, _ = server_with_upstream()
        bomb = gzip.compress(b" " * 50_000_000)
        self.assertLess(len(bomb), BODY_BYTES_MAX)
        for path in (CHAT, MESSAGES, CONVERSE):
            headers = dict(SDK_HEADERS.get(path, {}), **{"content-encoding": "gzip"})
            status, got, reply = post(limited.url, path, bomb, headers)
            self.assertEqual(status, 413 if path != CONVERSE else 400)
            self.assertIn("net.body_bytes_max", self.check_form(path, got, reply))
        self.assertTrue(limited.alive())

    def test_a_signed_gzip_body_is_unpacked_after_its_signature_is_checked(self):
        import botocore.auth
        import botocore.awsrequest
        import botocore.credentials
        url = self.server.url + CONVERSE
        request = botocore.awsrequest.AWSRequest(
            "POST", url, data=gzip.compress(converse().encode()),
            headers={"content-type": "application/json", "content-encoding": "gzip"})
        botocore.auth.SigV4Auth(botocore.credentials.Credentials(ACCESS_KEY, SECRET_KEY), "bedrock", "us-east-1").add_auth(request)
        signed = dict(request.headers.items())
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=30)
        connection.request("POST", CONVERSE, request.data, signed)
        reply = connection.getresponse()
        self.assertEqual(reply.status, 200, reply.read())
        connection.close()

    def test_a_wrong_method_is_405_and_says_which_are_right(self):
        cases = [("GET", CHAT, "POST"), ("PUT", MESSAGES, "POST"), ("DELETE", CONVERSE, "POST"), ("PATCH", "/v1/models", "GET, HEAD"),
                 ("PATCH", "/knowledgebases/ABCDEFGHIJ", "DELETE, GET, HEAD, PUT")]
        for method, path, allow in cases:
            with self.subTest(method=method, path=path):
                status, headers, reply = post(self.server.url, path, "", method=method)
                self.assertEqual((status, headers["allow"]), (405, allow), reply)
                self.assertIn("expected " + allow, self.check_form(path, headers, reply))
        self.assertEqual((post(self.server.url, "/healthz", "", method="HEAD")[0], self.server.get("/healthz", method="HEAD")[2]), (200, b""))

    def test_broken_http_is_answered_or_closed(self):
        head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\n".encode()
        cases = [
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
            (b"GET / HTTP/9.9\r\nhost: x\r\n\r\n", b"505"),
            (b"GET /\r\n\r\n", b"400"),
            (b"G@T / HTTP/1.1\r\nhost: x\r\n\r\n", b"400"),
            (b"GET / HTTP/1.1\r\n\r\n", b"400"),
            (b"GET / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n", b"400"),
            (b"GET / HTTP/1.1\r\nhost: x\r\na: " + b"y" * 100_000 + b"\r\n\r\n", b"431"),
            (head + b"content-length: -1\r\n\r\n", b"400"),
            (head + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello", b"400"),
            (head + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
            (head + b"content-length: 99999999999999999999\r\n\r\n", b"4"),
            (head + b"transfer-encoding: gzip\r\n\r\n", b"501"),
            (head + b"transfer-encoding: chunked\r\n\r\nzz\r\n", b"400"),
        ]
        for sent, status in cases:
            with self.subTest(sent=sent[:60]):
                answer = exchange(self.server.url, sent)
                self.assertTrue(answer.startswith(b"HTTP/1.1 " + status), answer[:200])
                body = json.loads(answer.split(b"\r\n\r\n", 1)[1])
                message = body.get("error", body)["message"]  # in the form of the path, as far as that was read
                self.assertNotIn("internal", message)
        # A body that stops half-way has nobody to answer.
        exchange(self.server.url, head + b"content-length: 50\r\n\r\n{")

    def test_broken_http2_frames_end_the_connection(self):
        preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        settings = frame(4, 0, 0, b"")
        cases = [
            preface + b"\xff" * 64,
            preface + frame(0, 1, 1, b"data before any settings"),
            preface + settings + frame(0, 1, 1, b"data of a stream that is not open"),
            preface + settings + frame(1, 5, 2, b"\x82"),
            preface + settings + frame(1, 5, 1, b"\xff\xff\xff\xff\xff"),
            preface + settings + frame(4, 0, 0, b"abc"),
            preface + settings + frame(8, 0, 0, struct.pack(">I", 0)),
            preface + settings + frame(9, 4, 1, b"\x82"),
            preface + settings + b"".join(frame(3, 0, i, struct.pack(">I", 8)) for i in range(1, 2001, 2)),
        ]
        for sent in cases:
            with self.subTest(sent=sent[24:60]):
                answer = exchange(self.server.url, sent)
                kinds, at = [], 0
                while at + 9 <= len(answer):
                    kinds.append(answer[at + 3])
                    at += 9 + int.from_bytes(answer[at:at + 3], "big")
                self.assertIn(7, kinds, "the server says goodbye with GOAWAY")

    def test_rapid_resets_do_not_stop_other_clients(self):
        # HPACK: :method POST, :scheme http, :path /v1/models, :authority x (literals without indexing).
        def literal(index, value):
            return bytes([index]) + bytes([len(value)]) + value
        block = b"\x83\x86" + literal(4, b"/v1/models") + literal(1, b"x")
        burst = b"".join(frame(1, 4, i, block) + frame(3, 0, i, struct.pack(">I", 8)) for i in range(1, 4001, 2))
        exchange(self.server.url, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"") + burst)
        self.assertTrue(self.server.alive())


if __name__ == "__main__":
    unittest.main()
