"""The wire formats as the conformance suite speaks and reads them, written against the public documentation, not against strata.

Each class builds a request of a client from the neutral form, reads what an upstream of that format was sent back into the
neutral form, and reads answers (whole and streamed) into a neutral answer. The neutral form is described in README.md.
"""
import base64
import json
import struct


def b64(data):
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def compact(value):
    """Without members that are None or empty, so that absent and empty compare equal."""
    if isinstance(value, dict):
        return {k: compact(v) for k, v in value.items() if v not in (None, [], {}, "") and v is not False}
    return [compact(v) for v in value] if isinstance(value, list) else value


def kind_of(status):
    """What the SDKs make of an error's status."""
    return {429: "rate_limited", 503: "unavailable", 529: "unavailable"}.get(status, "invalid")


def sse_events(body):
    for block in body.decode().replace("\r\n", "\n").split("\n\n"):
        name, data = "", []
        for line in block.split("\n"):
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data.append(line[6:])
        if data:
            yield name, "\n".join(data)


def frames(body):
    """(headers, payload) of application/vnd.amazon.eventstream."""
    at = 0
    while at < len(body):
        total, header_size = struct.unpack(">II", body[at:at + 8])
        headers, rest = {}, body[at + 12:at + 12 + header_size]
        while rest:
            size = rest[0]
            name, kind = rest[1:1 + size].decode(), rest[1 + size]
            assert kind == 7, f"header type {kind}"
            length = struct.unpack(">H", rest[2 + size:4 + size])[0]
            headers[name] = rest[4 + size:4 + size + length].decode()
            rest = rest[4 + size + length:]
        yield headers, body[at + 12 + header_size:at + total - 4]
        at += total


class Gathered:
    """A neutral answer that is being put together."""

    def __init__(self):
        self.out = {"text": "", "reasoning": "", "signed": False, "calls": [], "citations": [], "refused": False}

    def call(self, id, name):
        self.out["calls"].append({"id": id, "name": name, "input": ""})

    def arguments(self, text):
        self.out["calls"][-1]["input"] += text

    def finish(self):
        for call in self.out["calls"]:
            if isinstance(call["input"], str):
                call["input"] = json.loads(call["input"] or "{}")
        return self.out


class OpenAi:
    stops = {"stop": "end", "tool_calls": "tool", "length": "length", "content_filter": "filtered"}

    def path(self, model, stream):
        return "/v1/chat/completions"

    def _block(self, block):
        if "text" in block:
            return {"type": "text", "text": block["text"]}
        if "image" in block:
            url = block.get("url") or f"data:image/{block['image']};base64,{b64(block['data'])}"
            return {"type": "image_url", "image_url": {"url": url}}
        if "document" in block:
            kind = {"txt": "text/plain", "pdf": "application/pdf"}[block["document"]]
            return {"type": "file", "file": {"filename": block["name"],
                                             "file_data": f"data:{kind};base64,{b64(block['data'])}"}}
        return None

    def build(self, model, ask, stream):
        messages = [{"role": "system", "content": ask["system"]}] if "system" in ask else []
        for m in ask["messages"]:
            if "raw" in m:
                messages.append(m["raw"])
                continue
            calls = [{"id": b["call"]["id"], "type": "function",
                      "function": {"name": b["call"]["name"], "arguments": json.dumps(b["call"]["input"])}}
                     for b in m["content"] if "call" in b]
            for b in m["content"]:
                if "result" in b:
                    r = b["result"]
                    messages.append({"role": "tool", "tool_call_id": r["id"],
                                     "content": r.get("text") or json.dumps(r.get("json"))})
            rest = [self._block(b) for b in m["content"]]
            rest = [b for b in rest if b]
            if m["role"] == "assistant":
                text = "".join(b["text"] for b in m["content"] if "text" in b) or None
                thought = "".join(b["reasoning"] for b in m["content"] if "reasoning" in b)
                messages.append({"role": "assistant", "content": text, **({"tool_calls": calls} if calls else {}),
                                 **({"reasoning_content": thought} if thought else {})})
            elif rest:
                messages.append({"role": "user", "content": rest})
        body = {"model": model, "messages": messages, "stream": stream}
        if stream:
            body["stream_options"] = {"include_usage": True}
        for ours, theirs in (("max_tokens", "max_tokens"), ("temperature", "temperature"), ("top_p", "top_p"),
                             ("seed", "seed"), ("stop", "stop"), ("effort", "reasoning_effort")):
            if ours in ask:
                body[theirs] = ask[ours]
        if "tools" in ask:
            body["tools"] = [{"type": "function", "function": {
                "name": t["name"], "description": t["description"], "parameters": t["schema"]}} for t in ask["tools"]]
        if "choice" in ask:
            word = {"any": "required"}.get(ask["choice"], ask["choice"])
            body["tool_choice"] = word if word in ("auto", "none", "required") else {
                "type": "function", "function": {"name": word}}
        if "schema" in ask:
            body["response_format"] = {"type": "json_schema", "json_schema": {
                "name": "answer", "schema": ask["schema"], "strict": True}}
        if "logprobs" in ask:
            body.update(logprobs=True, top_logprobs=ask["logprobs"])
        return body

    def _read_part(self, part):
        if part["type"] == "text":
            if part["text"].startswith("Document: "):
                name, _, data = part["text"][10:].partition("\n\n")
                return {"document": "txt", "name": name, "data": data}
            return {"text": part["text"]}
        if part["type"] == "image_url":
            url = part["image_url"]["url"]
            if not url.startswith("data:"):
                return {"image": "", "url": url}
            kind, _, data = url[5:].partition(";base64,")
            return {"image": kind.split("/")[1], "data": base64.b64decode(data).decode()}
        kind, _, data = part["file"]["file_data"][5:].partition(";base64,")
        return {"document": {"application/pdf": "pdf", "text/plain": "txt"}[kind], "name": part["file"].get("filename", ""),
                "data": base64.b64decode(data).decode()}

    def read_request(self, body):
        out, messages = {}, []
        for m in body["messages"]:
            content = m.get("content")
            parts = [{"text": content}] if isinstance(content, str) else [self._read_part(p) for p in content or []]
            if m["role"] == "system":
                out["system"] = "".join(p["text"] for p in parts)
            elif m["role"] == "tool":
                text = "".join(p["text"] for p in parts)
                result = {"result": {"id": m["tool_call_id"], "text": text}}
                if messages and messages[-1]["role"] == "user" and "result" in messages[-1]["content"][-1]:
                    messages[-1]["content"].append(result)
                else:
                    messages.append({"role": "user", "content": [result]})
            elif m["role"] == "assistant":
                thought = [{"reasoning": m["reasoning_content"]}] if m.get("reasoning_content") else []
                calls = [{"call": {"id": c["id"], "name": c["function"]["name"],
                                   "input": json.loads(c["function"]["arguments"])}} for c in m.get("tool_calls", [])]
                messages.append({"role": "assistant", "content": thought + parts + calls})
            elif messages and messages[-1]["role"] == "user":
                messages[-1]["content"] += parts  # results and what follows them are one turn
            else:
                messages.append({"role": "user", "content": parts})
        out["messages"] = messages
        for theirs, ours in (("max_tokens", "max_tokens"), ("max_completion_tokens", "max_tokens"),
                             ("temperature", "temperature"), ("top_p", "top_p"), ("seed", "seed"), ("stop", "stop"),
                             ("reasoning_effort", "effort"), ("top_logprobs", "logprobs")):
            if theirs in body:
                out[ours] = body[theirs]
        if "tools" in body:
            out["tools"] = [{"name": t["function"]["name"], "description": t["function"].get("description", ""),
                             "schema": t["function"]["parameters"]} for t in body["tools"]]
        if "tool_choice" in body:
            c = body["tool_choice"]
            out["choice"] = c["function"]["name"] if isinstance(c, dict) else {"required": "any"}.get(c, c)
        if "response_format" in body:
            out["schema"] = body["response_format"]["json_schema"]["schema"]
        return out

    def _usage(self, usage):
        details = usage.get("prompt_tokens_details") or {}
        read, write = details.get("cached_tokens", 0), details.get("cache_write_tokens", 0)
        return {"input": usage["prompt_tokens"] - read - write, "output": usage["completion_tokens"], "cache_read": read,
                "cache_write": write, "reasoning": (usage.get("completion_tokens_details") or {}).get("reasoning_tokens", 0)}

    def _logprobs(self, choice):
        return [[t["token"], t["logprob"]] for t in (choice.get("logprobs") or {}).get("content") or []]

    def _citations(self, items):
        return [{"uri": a["url_citation"]["url"], "title": a["url_citation"]["title"],
                 "quote": a["url_citation"].get("quote", "")} for a in items or []]

    def read_answer(self, body):
        choice = body["choices"][0]
        m, g = choice["message"], Gathered()
        g.out["text"] = (m.get("content") or "") + (m.get("refusal") or "")
        g.out["refused"] = bool(m.get("refusal"))
        g.out["reasoning"] = m.get("reasoning_content", "")
        for c in m.get("tool_calls", []):
            g.call(c["id"], c["function"]["name"])
            g.arguments(c["function"]["arguments"])
        g.out["citations"] = self._citations(m.get("annotations"))
        g.out["logprobs"] = self._logprobs(choice)
        g.out["stop"] = "refusal" if m.get("refusal") else self.stops[choice["finish_reason"]]
        g.out["stop_sequence"] = choice.get("stop_reason", "")
        g.out["usage"] = self._usage(body["usage"])
        return g.finish()

    def playback(self, body):
        return body["choices"][0]["message"]

    def read_stream(self, raw):
        g, ids, done = Gathered(), set(), False
        g.out["logprobs"] = []
        for _, data in sse_events(raw):
            if data == "[DONE]":
                done = True
                continue
            chunk = json.loads(data)
            if "error" in chunk:
                g.out["error"] = chunk["error"]["code"]
                continue
            if chunk.get("usage"):
                g.out["usage"] = self._usage(chunk["usage"])
            for choice in chunk["choices"]:
                delta = choice["delta"]
                g.out["text"] += (delta.get("content") or "") + (delta.get("refusal") or "")
                g.out["refused"] = g.out["refused"] or bool(delta.get("refusal"))
                g.out["reasoning"] += delta.get("reasoning_content") or ""
                g.out["logprobs"] += self._logprobs(choice)
                for c in delta.get("tool_calls", []):
                    if c["index"] not in ids:
                        ids.add(c["index"])
                        g.call(c["id"], c["function"]["name"])
                    assert c["index"] == len(g.out["calls"]) - 1
                    g.arguments(c["function"].get("arguments", ""))
                g.out["citations"] += self._citations(delta.get("annotations"))
                if choice["finish_reason"]:
                    g.out["stop"] = self.stops[choice["finish_reason"]]
                    g.out["stop_sequence"] = choice.get("stop_reason", "")
        if g.out["refused"]:
            g.out["stop"] = "refusal"
        assert done != ("error" in g.out), "[DONE] ends whole answers, and only these"
        return g.finish() if done else g.out

    def read_error(self, status, body):
        return kind_of(status), body["error"]["message"]


class Anthropic:
    stops = {"end_turn": "end", "tool_use": "tool", "max_tokens": "length", "stop_sequence": "stop_sequence",
             "refusal": "refusal"}

    def path(self, model, stream):
        return "/v1/messages"

    def _block(self, b):
        if "text" in b:
            return {"type": "text", "text": b["text"]}
        if "image" in b:
            return {"type": "image", "source": {"type": "url", "url": b["url"]} if "url" in b else {
                "type": "base64", "media_type": "image/" + b["image"], "data": b64(b["data"])}}
        if "document" in b:
            source = {"type": "text", "media_type": "text/plain", "data": b["data"]} if b["document"] == "txt" else {
                "type": "base64", "media_type": "application/pdf", "data": b64(b["data"])}
            return {"type": "document", "title": b["name"], "source": source,
                    **({"citations": {"enabled": True}} if b.get("cite") else {})}
        if "call" in b:
            return {"type": "tool_use", **b["call"]}
        if "reasoning" in b:
            return {"type": "thinking", "thinking": b["reasoning"], "signature": b["signature"]}
        r = b["result"]
        content = [{"type": "text", "text": r.get("text") or json.dumps(r["json"])}] if "text" in r or "json" in r else []
        content += [self._block(r["image"])] if "image" in r else []
        return {"type": "tool_result", "tool_use_id": r["id"], "content": content, **({"is_error": True} if r.get("error") else {})}

    def build(self, model, ask, stream):
        body = {"model": model, "max_tokens": ask.get("max_tokens", 4096), "messages": [
            m["raw"] if "raw" in m else {"role": m["role"], "content": [self._block(b) for b in m["content"]]}
            for m in ask["messages"]]}
        if stream:
            body["stream"] = True
        for ours, theirs in (("system", "system"), ("temperature", "temperature"), ("top_p", "top_p"),
                             ("top_k", "top_k"), ("stop", "stop_sequences")):
            if ours in ask:
                body[theirs] = ask[ours]
        if "tools" in ask:
            body["tools"] = [{"name": t["name"], "description": t["description"], "input_schema": t["schema"]}
                             for t in ask["tools"]]
        if "choice" in ask:
            body["tool_choice"] = {"type": ask["choice"]} if ask["choice"] in ("auto", "any", "none") else {
                "type": "tool", "name": ask["choice"]}
        if "schema" in ask:
            body["output_config"] = {"format": {"type": "json_schema", "schema": ask["schema"]}}
        if "budget" in ask:
            body["thinking"] = {"type": "enabled", "budget_tokens": ask["budget"]}
        return body

    def _read_block(self, b):
        kind = b["type"]
        if kind == "text":
            return {"text": b["text"]}
        if kind == "image":
            s = b["source"]
            return {"image": "", "url": s["url"]} if s["type"] == "url" else {
                "image": s["media_type"].split("/")[1], "data": base64.b64decode(s["data"]).decode()}
        if kind == "document":
            s = b["source"]
            text = s["data"] if s["type"] == "text" else base64.b64decode(s["data"]).decode()
            return {"document": "txt" if s["type"] == "text" else "pdf", "name": b.get("title", ""), "data": text,
                    "cite": b.get("citations", {}).get("enabled", False)}
        if kind == "tool_use":
            return {"call": {"id": b["id"], "name": b["name"], "input": b["input"]}}
        if kind == "thinking":
            return {"reasoning": b["thinking"], "signature": b["signature"]}
        pieces = [self._read_block(p) for p in b["content"]]
        return {"result": {"id": b["tool_use_id"], "text": "".join(p["text"] for p in pieces if "text" in p),
                           "image": next((p for p in pieces if "image" in p), None), "error": b.get("is_error")}}

    def read_request(self, body):
        out = {"messages": [{"role": m["role"], "content": [self._read_block(b) for b in m["content"]]}
                            for m in body["messages"]]}
        for theirs, ours in (("max_tokens", "max_tokens"), ("temperature", "temperature"), ("top_p", "top_p"),
                             ("top_k", "top_k"), ("stop_sequences", "stop")):
            if theirs in body:
                out[ours] = body[theirs]
        system = body.get("system")
        if system:
            out["system"] = system if isinstance(system, str) else "".join(b["text"] for b in system)
        if "tools" in body:
            out["tools"] = [{"name": t["name"], "description": t.get("description", ""), "schema": t["input_schema"]}
                            for t in body["tools"]]
        if "tool_choice" in body:
            out["choice"] = body["tool_choice"].get("name") or body["tool_choice"]["type"]
        config = body.get("output_config", {})
        if "format" in config:
            out["schema"] = config["format"]["schema"]
        out["effort"] = config.get("effort")
        out["budget"] = body.get("thinking", {}).get("budget_tokens")
        return out

    def _usage(self, u):
        return {"input": u["input_tokens"], "output": u["output_tokens"], "cache_read": u.get("cache_read_input_tokens", 0),
                "cache_write": u.get("cache_creation_input_tokens", 0)}

    def _citation(self, c):
        return {"uri": c.get("source") or c.get("url", ""), "title": c.get("title") or c.get("document_title") or "",
                "quote": c["cited_text"]}

    def read_answer(self, body):
        g = Gathered()
        for b in body["content"]:
            if b["type"] == "text":
                g.out["text"] += b["text"]
                g.out["citations"] += [self._citation(c) for c in b.get("citations", [])]
            elif b["type"] == "thinking":
                g.out["reasoning"] += b["thinking"]
                g.out["signed"] = g.out["signed"] or bool(b["signature"])
            elif b["type"] == "tool_use":
                g.call(b["id"], b["name"])
                g.arguments(json.dumps(b["input"]))
        g.out["stop"] = self.stops[body["stop_reason"]]
        g.out["stop_sequence"] = body["stop_sequence"]
        g.out["usage"] = self._usage(body["usage"])
        return g.finish()

    def playback(self, body):
        return {"role": "assistant", "content": body["content"]}

    def read_events(self, events):
        g, opened, closed, ended = Gathered(), -1, -1, False
        for e in events:
            kind = e["type"]
            if kind == "error":
                g.out["error"] = {"overloaded_error": "unavailable", "rate_limit_error": "rate_limited"}.get(
                    e["error"]["type"], "invalid")
                return g.out
            if kind == "message_start":
                usage = e["message"]["usage"]
            elif kind == "content_block_start":
                assert e["index"] == opened + 1 == closed + 1, "blocks do not follow one another"
                opened, block = e["index"], e["content_block"]
                if block["type"] == "tool_use":
                    g.call(block["id"], block["name"])
            elif kind == "content_block_delta":
                d = e["delta"]
                if d["type"] == "text_delta":
                    g.out["text"] += d["text"]
                elif d["type"] == "thinking_delta":
                    g.out["reasoning"] += d["thinking"]
                elif d["type"] == "signature_delta":
                    g.out["signed"] = True
                elif d["type"] == "input_json_delta":
                    g.arguments(d["partial_json"])
                elif d["type"] == "citations_delta":
                    g.out["citations"].append(self._citation(d["citation"]))
            elif kind == "content_block_stop":
                closed = e["index"]
            elif kind == "message_delta":
                g.out["stop"] = self.stops[e["delta"]["stop_reason"]]
                g.out["stop_sequence"] = e["delta"]["stop_sequence"]
                g.out["usage"] = self._usage({**usage, **e["usage"]})
            elif kind == "message_stop":
                ended = True
        assert ended and opened == closed, "the stream has no end"
        return g.finish()

    def read_stream(self, raw):
        return self.read_events(json.loads(data) for _, data in sse_events(raw))

    def read_error(self, status, body):
        return kind_of(status), body["error"]["message"]


class Invoke(Anthropic):
    """InvokeModel with Anthropic's body, as Bedrock takes it for Claude."""

    def path(self, model, stream):
        from urllib.parse import quote
        return f"/model/{quote(model, safe='')}/invoke" + ("-with-response-stream" if stream else "")

    def build(self, model, ask, stream):
        body = super().build(model, ask, False)
        del body["model"]
        return {"anthropic_version": "bedrock-2023-05-31", **body}

    def read_stream(self, raw):
        events = []
        for headers, payload in frames(raw):
            data = json.loads(payload)
            if headers[":message-type"] == "exception":
                return {**self.read_events_cut(events), "error": Converse.exceptions[headers[":exception-type"]]}
            events.append(json.loads(base64.b64decode(data["bytes"])))
        return self.read_events(events)

    def read_events_cut(self, events):
        text = "".join(e["delta"].get("text", "") for e in events if e["type"] == "content_block_delta")
        return {"text": text}

    def read_error(self, status, body):
        return kind_of(status), body["message"]


class Converse:
    stops = {"end_turn": "end", "tool_use": "tool", "max_tokens": "length", "stop_sequence": "stop_sequence",
             "content_filtered": "filtered"}
    exceptions = {"throttlingException": "rate_limited", "serviceUnavailableException": "unavailable",
                  "validationException": "invalid"}

    def path(self, model, stream):
        from urllib.parse import quote
        return f"/model/{quote(model, safe='')}/converse" + ("-stream" if stream else "")

    def _block(self, b):
        if "text" in b:
            return {"text": b["text"]}
        if "image" in b:
            return {"image": {"format": b["image"] or "png", "source": {"bytes": b64(b["data"])} if "data" in b else {}}}
        if "document" in b:
            return {"document": {"format": b["document"], "name": b["name"],
                                 "source": {"text": b["data"]} if b["document"] == "txt" else {"bytes": b64(b["data"])},
                                 **({"citations": {"enabled": True}} if b.get("cite") else {})}}
        if "call" in b:
            return {"toolUse": {"toolUseId": b["call"]["id"], "name": b["call"]["name"], "input": b["call"]["input"]}}
        if "reasoning" in b:
            return {"reasoningContent": {"reasoningText": {"text": b["reasoning"], "signature": b["signature"]}}}
        r = b["result"]
        content = [{"text": r["text"]}] if "text" in r else [{"json": r["json"]}] if "json" in r else []
        content += [self._block(r["image"])] if "image" in r else []
        return {"toolResult": {"toolUseId": r["id"], "content": content, **({"status": "error"} if r.get("error") else {})}}

    def build(self, model, ask, stream):
        body = {"messages": [m["raw"] if "raw" in m else {"role": m["role"], "content": [self._block(b) for b in m["content"]]}
                             for m in ask["messages"]]}
        if "system" in ask:
            body["system"] = [{"text": ask["system"]}]
        config = {theirs: ask[ours] for ours, theirs in (("max_tokens", "maxTokens"), ("temperature", "temperature"),
                                                         ("top_p", "topP"), ("stop", "stopSequences")) if ours in ask}
        if config:
            body["inferenceConfig"] = config
        if "tools" in ask:
            body["toolConfig"] = {"tools": [{"toolSpec": {"name": t["name"], "description": t["description"],
                                                          "inputSchema": {"json": t["schema"]}}} for t in ask["tools"]]}
            if ask.get("choice", "none") != "none":
                word = ask["choice"]
                body["toolConfig"]["toolChoice"] = {word: {}} if word in ("auto", "any") else {"tool": {"name": word}}
        if "schema" in ask:
            body["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {
                "schema": json.dumps(ask["schema"]), "name": "answer"}}}}
        if "budget" in ask:
            body["additionalModelRequestFields"] = {"thinking": {"type": "enabled", "budget_tokens": ask["budget"]}}
        return body

    def _read_block(self, b):
        (kind, v), = b.items()
        if kind == "text":
            return {"text": v}
        if kind == "image":
            return {"image": v["format"], "data": base64.b64decode(v["source"]["bytes"]).decode()}
        if kind == "document":
            s = v["source"]
            return {"document": v["format"], "name": v["name"], "cite": v.get("citations", {}).get("enabled", False),
                    "data": s["text"] if "text" in s else base64.b64decode(s["bytes"]).decode()}
        if kind == "toolUse":
            return {"call": {"id": v["toolUseId"], "name": v["name"], "input": v["input"]}}
        if kind == "reasoningContent":
            t = v["reasoningText"]
            return {"reasoning": t["text"], "signature": t.get("signature")}
        pieces = [self._read_block(p) for p in v["content"] if "json" not in p]
        text = "".join(p["text"] for p in pieces if "text" in p)
        text += "".join(json.dumps(p["json"]) for p in v["content"] if "json" in p)
        return {"result": {"id": v["toolUseId"], "text": text, "error": v.get("status") == "error" or None,
                           "image": next((p for p in pieces if "image" in p), None)}}

    def read_request(self, body):
        out = {"messages": [{"role": m["role"], "content": [self._read_block(b) for b in m["content"]]}
                            for m in body["messages"]]}
        config = body.get("inferenceConfig", {})
        for theirs, ours in (("maxTokens", "max_tokens"), ("temperature", "temperature"), ("topP", "top_p"),
                             ("stopSequences", "stop")):
            if theirs in config:
                out[ours] = config[theirs]
        if "system" in body:
            out["system"] = "".join(b["text"] for b in body["system"])
        tools = body.get("toolConfig", {})
        if tools:
            out["tools"] = [{"name": t["toolSpec"]["name"], "description": t["toolSpec"].get("description", ""),
                             "schema": t["toolSpec"]["inputSchema"]["json"]} for t in tools["tools"]]
            choice = tools.get("toolChoice")
            if choice:
                (kind, v), = choice.items()
                out["choice"] = v.get("name", kind)
        output = body.get("outputConfig", {})
        if "textFormat" in output:
            out["schema"] = json.loads(output["textFormat"]["structure"]["jsonSchema"]["schema"])
        more = body.get("additionalModelRequestFields", {})
        out["budget"] = more.get("thinking", {}).get("budget_tokens")
        out["effort"] = output.get("effort")
        return out

    def _usage(self, u):
        return {"input": u["inputTokens"], "output": u["outputTokens"], "cache_read": u.get("cacheReadInputTokens", 0),
                "cache_write": u.get("cacheWriteInputTokens", 0)}

    def _citation(self, c):
        return {"uri": c.get("source", ""), "title": c.get("title", ""),
                "quote": "".join(p["text"] for p in c.get("sourceContent", []))}

    def read_answer(self, body):
        g = Gathered()
        for b in body["output"]["message"]["content"]:
            (kind, v), = b.items()
            if kind == "text":
                g.out["text"] += v
            elif kind == "citationsContent":
                g.out["text"] += "".join(p["text"] for p in v["content"])
                g.out["citations"] += [self._citation(c) for c in v["citations"]]
            elif kind == "reasoningContent":
                g.out["reasoning"] += v["reasoningText"]["text"]
                g.out["signed"] = g.out["signed"] or bool(v["reasoningText"].get("signature"))
            elif kind == "toolUse":
                g.call(v["toolUseId"], v["name"])
                g.arguments(json.dumps(v["input"]))
        g.out["stop"] = self.stops[body["stopReason"]]
        g.out["stop_sequence"] = body.get("additionalModelResponseFields", {}).get("stop_sequence", "")
        g.out["usage"] = self._usage(body["usage"])
        return g.finish()

    def playback(self, body):
        return body["output"]["message"]

    def read_stream(self, raw):
        g = Gathered()
        for headers, payload in frames(raw):
            data = json.loads(payload)
            if headers[":message-type"] == "exception":
                g.out["error"] = self.exceptions[headers[":exception-type"]]
                return g.out
            kind = headers[":event-type"]
            if kind == "contentBlockStart":
                use = data["start"]["toolUse"]
                g.call(use["toolUseId"], use["name"])
            elif kind == "contentBlockDelta":
                (what, v), = data["delta"].items()
                if what == "text":
                    g.out["text"] += v
                elif what == "toolUse":
                    g.arguments(v["input"])
                elif what == "reasoningContent":
                    g.out["reasoning"] += v.get("text", "")
                    g.out["signed"] = g.out["signed"] or "signature" in v
                elif what == "citation":
                    g.out["citations"].append(self._citation(v))
            elif kind == "messageStop":
                g.out["stop"] = self.stops[data["stopReason"]]
                g.out["stop_sequence"] = data.get("additionalModelResponseFields", {}).get("stop_sequence", "")
            elif kind == "metadata":
                g.out["usage"] = self._usage(data["usage"])
        return g.finish()

    def read_error(self, status, body):
        return kind_of(status), body["message"]


class Gemini:
    stops = {"STOP": "end", "MAX_TOKENS": "length", "SAFETY": "filtered"}

    def path(self, model, stream):
        return f"/v1beta/models/{model}:" + ("streamGenerateContent?alt=sse" if stream else "generateContent")

    def _block(self, b, names):
        if "text" in b:
            return {"text": b["text"]}
        if "image" in b:
            return {"fileData": {"mimeType": "image/png", "fileUri": b["url"]}} if "url" in b else {
                "inlineData": {"mimeType": "image/" + b["image"], "data": b64(b["data"])}}
        if "document" in b:
            kind = {"txt": "text/plain", "pdf": "application/pdf"}[b["document"]]
            return {"inlineData": {"mimeType": kind, "displayName": b["name"], "data": b64(b["data"])}}
        if "call" in b:
            return {"functionCall": {"id": b["call"]["id"], "name": b["call"]["name"], "args": b["call"]["input"]}}
        if "reasoning" in b:
            return {"text": b["reasoning"], "thought": True, "thoughtSignature": b64("strata.anthropic." + b["signature"])}
        r = b["result"]
        response = {"error" if r.get("error") else "output": r["text"]} if "text" in r else r.get("json", {})
        return {"functionResponse": {"id": r["id"], "name": names[r["id"]], "response": response,
                                     **({"parts": [self._block(r["image"], names)]} if "image" in r else {})}}

    def build(self, model, ask, stream):
        names = {b["call"]["id"]: b["call"]["name"] for m in ask["messages"] for b in m.get("content", []) if "call" in b}
        for m in ask["messages"]:
            for p in m.get("raw", {}).get("parts", []):
                if "functionCall" in p:
                    names[p["functionCall"]["id"]] = p["functionCall"]["name"]
        body = {"contents": [m["raw"] if "raw" in m else {
            "role": {"assistant": "model"}.get(m["role"], "user"), "parts": [self._block(b, names) for b in m["content"]]}
            for m in ask["messages"]]}
        if "system" in ask:
            body["systemInstruction"] = {"parts": [{"text": ask["system"]}]}
        config = {theirs: ask[ours] for ours, theirs in (
            ("max_tokens", "maxOutputTokens"), ("temperature", "temperature"), ("top_p", "topP"), ("top_k", "topK"),
            ("seed", "seed"), ("stop", "stopSequences")) if ours in ask}
        if "schema" in ask:
            config.update(responseMimeType="application/json", responseJsonSchema=ask["schema"])
        if "budget" in ask:
            config["thinkingConfig"] = {"includeThoughts": True, "thinkingBudget": ask["budget"]}
        elif "effort" in ask:
            config["thinkingConfig"] = {"includeThoughts": True, "thinkingLevel": ask["effort"].upper()}
        else:
            config["thinkingConfig"] = {"includeThoughts": True} if ask.get("show_thoughts") else None
        if "logprobs" in ask:
            config.update(responseLogprobs=True, logprobs=ask["logprobs"])
        body["generationConfig"] = compact(config)
        if "tools" in ask:
            body["tools"] = [{"functionDeclarations": [{"name": t["name"], "description": t["description"],
                                                        "parametersJsonSchema": t["schema"]} for t in ask["tools"]]}]
        if "choice" in ask:
            word = ask["choice"]
            body["toolConfig"] = {"functionCallingConfig": {"mode": word.upper()} if word in ("auto", "any", "none") else {
                "mode": "ANY", "allowedFunctionNames": [word]}}
        return body

    def _read_part(self, p):
        if p.get("thought"):
            return {"reasoning": p["text"], "signature": p.get("thoughtSignature")}
        if "text" in p:
            if p["text"].startswith("Document: "):
                name, _, data = p["text"][10:].partition("\n\n")
                return {"document": "txt", "name": name, "data": data}
            return {"text": p["text"]}
        if "inlineData" in p:
            kind, data = p["inlineData"]["mimeType"], base64.b64decode(p["inlineData"]["data"]).decode()
            return {"image": kind.split("/")[1], "data": data} if kind.startswith("image/") else {
                "document": "txt" if kind == "text/plain" else "pdf", "data": data}
        if "fileData" in p:
            return {"image": "", "url": p["fileData"]["fileUri"]}
        if "functionCall" in p:
            c = p["functionCall"]
            return {"call": {"id": c["id"], "name": c["name"], "input": c["args"], "signature": p.get("thoughtSignature")}}
        r = p["functionResponse"]
        response = r["response"]
        text = response.get("output", response.get("error")) if set(response) <= {"output", "error"} else json.dumps(response)
        return {"result": {"id": r["id"], "text": text, "error": True if "error" in response else None,
                           "image": next((self._read_part(x) for x in r.get("parts", [])), None)}}

    def read_request(self, body):
        out = {"messages": [{"role": {"model": "assistant"}.get(c["role"], "user"),
                             "content": [self._read_part(p) for p in c["parts"]]} for c in body["contents"]]}
        config = body.get("generationConfig", {})
        for theirs, ours in (("maxOutputTokens", "max_tokens"), ("temperature", "temperature"), ("topP", "top_p"),
                             ("topK", "top_k"), ("seed", "seed"), ("stopSequences", "stop"),
                             ("responseJsonSchema", "schema"), ("logprobs", "logprobs")):
            if theirs in config:
                out[ours] = config[theirs]
        thinking = config.get("thinkingConfig", {})
        out["budget"] = thinking.get("thinkingBudget")
        out["effort"] = thinking.get("thinkingLevel", "").lower()
        if "systemInstruction" in body:
            out["system"] = "".join(p["text"] for p in body["systemInstruction"]["parts"])
        if "tools" in body:
            out["tools"] = [{"name": f["name"], "description": f.get("description", ""), "schema": f["parametersJsonSchema"]}
                            for t in body["tools"] for f in t["functionDeclarations"]]
        calling = body.get("toolConfig", {}).get("functionCallingConfig")
        if calling:
            out["choice"] = calling["allowedFunctionNames"][0] if "allowedFunctionNames" in calling else calling["mode"].lower()
        return out

    def _usage(self, u):
        read, thoughts = u.get("cachedContentTokenCount", 0), u.get("thoughtsTokenCount", 0)
        assert u["totalTokenCount"] == u["promptTokenCount"] + u["candidatesTokenCount"] + thoughts
        return {"input": u["promptTokenCount"] - read, "output": u["candidatesTokenCount"] + thoughts, "cache_read": read,
                "reasoning": thoughts}

    def _add(self, g, body):
        for candidate in body.get("candidates", []):
            for p in candidate.get("content", {}).get("parts", []):
                g.out["signed"] = g.out["signed"] or "thoughtSignature" in p
                if p.get("thought"):
                    g.out["reasoning"] += p["text"]
                elif "text" in p:
                    g.out["text"] += p["text"]
                elif "functionCall" in p:
                    c = p["functionCall"]
                    g.call(c["id"], c["name"])
                    g.arguments(json.dumps(c["args"]))
            grounding = candidate.get("groundingMetadata", {})
            for support in grounding.get("groundingSupports", []):
                for index in support["groundingChunkIndices"]:
                    (_, source), = grounding["groundingChunks"][index].items()
                    g.out["citations"].append({"uri": source["uri"], "title": source.get("title", ""),
                                               "quote": source.get("text", "")})
            for token in candidate.get("logprobsResult", {}).get("chosenCandidates", []):
                g.out.setdefault("logprobs", []).append([token["token"], token["logProbability"]])
            if "finishReason" in candidate:
                g.out["stop"] = self.stops[candidate["finishReason"]]
        if "usageMetadata" in body:
            g.out["usage"] = self._usage(body["usageMetadata"])

    def _end(self, g):
        if g.out.get("stop") == "end" and g.out["calls"]:
            g.out["stop"] = "tool"
        return g.finish()

    def read_answer(self, body):
        g = Gathered()
        self._add(g, body)
        return self._end(g)

    def playback(self, body):
        return body["candidates"][0]["content"]

    def read_stream(self, raw):
        g = Gathered()
        for _, data in sse_events(raw):
            body = json.loads(data)
            if "error" in body:
                g.out["error"] = self.read_error(body["error"]["code"], body)[0]
                return g.out
            self._add(g, body)
        assert "stop" in g.out, "the stream has no end"
        return self._end(g)

    def read_error(self, status, body):
        return kind_of(status), body["error"]["message"]


class Responses:
    """OpenAI's Responses API."""

    def path(self, model, stream):
        return "/v1/responses"

    def _part(self, b):
        if "text" in b:
            return {"type": "input_text", "text": b["text"]}
        if "image" in b:
            return {"type": "input_image", "image_url": b.get("url") or f"data:image/{b['image']};base64,{b64(b['data'])}"}
        kind = {"txt": "text/plain", "pdf": "application/pdf"}[b["document"]]
        return {"type": "input_file", "filename": b["name"], "file_data": f"data:{kind};base64,{b64(b['data'])}"}

    def build(self, model, ask, stream):
        items = []
        for m in ask["messages"]:
            if "raw" in m:
                items += m["raw"]
                continue
            parts = []
            for b in m["content"]:
                if "call" in b:
                    items.append({"type": "function_call", "call_id": b["call"]["id"], "name": b["call"]["name"],
                                  "arguments": json.dumps(b["call"]["input"])})
                elif "result" in b:
                    items.append({"type": "function_call_output", "call_id": b["result"]["id"],
                                  "output": b["result"].get("text") or json.dumps(b["result"].get("json"))})
                elif m["role"] == "assistant":
                    parts.append({"type": "output_text", "text": b["text"], "annotations": []})
                else:
                    parts.append(self._part(b))
            if parts:
                items.append({"type": "message", "role": m["role"], "content": parts})
        body = {"model": model, "input": items, "stream": stream, "store": False}
        for ours, theirs in (("system", "instructions"), ("max_tokens", "max_output_tokens"),
                             ("temperature", "temperature"), ("top_p", "top_p")):
            if ours in ask:
                body[theirs] = ask[ours]
        if "tools" in ask:
            body["tools"] = [{"type": "function", "name": t["name"], "description": t["description"],
                              "parameters": t["schema"], "strict": False} for t in ask["tools"]]
        if "choice" in ask:
            word = {"any": "required"}.get(ask["choice"], ask["choice"])
            body["tool_choice"] = word if word in ("auto", "none", "required") else {"type": "function", "name": word}
        if "schema" in ask:
            body["text"] = {"format": {"type": "json_schema", "name": "answer", "schema": ask["schema"], "strict": True}}
        if "effort" in ask:
            body["reasoning"] = {"effort": ask["effort"], "summary": "auto"}
        return body

    def _read_part(self, p):
        if p["type"] in ("input_text", "output_text"):
            return {"text": p["text"]}
        if p["type"] == "input_image":
            url = p["image_url"]
            if not url.startswith("data:"):
                return {"image": "", "url": url}
            kind, _, data = url[5:].partition(";base64,")
            return {"image": kind.split("/")[1], "data": base64.b64decode(data).decode()}
        kind, _, data = p["file_data"][5:].partition(";base64,")
        return {"document": {"application/pdf": "pdf", "text/plain": "txt"}[kind], "name": p["filename"],
                "data": base64.b64decode(data).decode()}

    def _read_item(self, item):
        """(role, blocks)"""
        kind = item.get("type", "message")
        if kind == "function_call":
            return "assistant", [{"call": {"id": item["call_id"], "name": item["name"], "input": json.loads(item["arguments"])}}]
        if kind == "function_call_output":
            return "user", [{"result": {"id": item["call_id"], "text": item["output"]}}]
        if kind == "reasoning":
            return "assistant", [{"reasoning": "".join(s["text"] for s in item["summary"]), "signature": item.get("encrypted_content", "")}]
        return item["role"], [self._read_part(p) for p in item["content"]]

    def read_request(self, body):
        out, messages = {"system": body.get("instructions")}, []
        for item in body["input"]:
            role, blocks = self._read_item(item)
            if messages and messages[-1]["role"] == role:
                messages[-1]["content"] += blocks
            else:
                messages.append({"role": role, "content": blocks})
        out["messages"] = messages
        for theirs, ours in (("max_output_tokens", "max_tokens"), ("temperature", "temperature"), ("top_p", "top_p"),
                             ("top_logprobs", "logprobs")):
            out[ours] = body.get(theirs)
        out["tools"] = [{"name": t["name"], "description": t["description"], "schema": t["parameters"]} for t in body.get("tools", [])]
        c = body.get("tool_choice")
        out["choice"] = c["name"] if isinstance(c, dict) else {"required": "any"}.get(c, c)
        out["schema"] = body.get("text", {}).get("format", {}).get("schema")
        out["effort"] = body.get("reasoning", {}).get("effort")
        return out

    def read_answer(self, body):
        g = Gathered()
        for item in body["output"]:
            if item["type"] == "message":
                for part in item["content"]:
                    g.out["refused"] = g.out["refused"] or part["type"] == "refusal"
                    g.out["text"] += part.get("text") or part.get("refusal") or ""
                    g.out["citations"] += [{"uri": a["url"], "title": a["title"], "quote": a.get("quote", "")}
                                           for a in part.get("annotations", []) if a["type"] == "url_citation"]
            elif item["type"] == "reasoning":
                g.out["reasoning"] += "".join(s["text"] for s in item.get("summary", []) + (item.get("content") or []))
                g.out["signed"] = g.out["signed"] or bool(item.get("encrypted_content"))
            elif item["type"] == "function_call":
                g.call(item["call_id"], item["name"])
                g.arguments(item["arguments"])
        reason = (body.get("incomplete_details") or {}).get("reason")
        g.out["stop"] = {"max_output_tokens": "length", "content_filter": "filtered"}.get(reason) or (
            "refusal" if g.out["refused"] else "tool" if g.out["calls"] else "end")
        u = body["usage"]
        read = u["input_tokens_details"]["cached_tokens"]
        write = u["input_tokens_details"].get("cache_write_tokens", 0)
        g.out["usage"] = {"input": u["input_tokens"] - read - write, "output": u["output_tokens"], "cache_read": read,
                          "cache_write": write, "reasoning": u["output_tokens_details"]["reasoning_tokens"]}
        return g.finish()

    def playback(self, body):
        return body["output"]

    def read_stream(self, raw):
        text, calls, last = "", {}, None
        for name, data in sse_events(raw):
            if data == "[DONE]":
                continue
            e = json.loads(data)
            if e["type"] in ("response.output_text.delta", "response.refusal.delta"):
                text += e["delta"]
            elif e["type"] == "response.function_call_arguments.delta":
                calls[e["output_index"]] = calls.get(e["output_index"], "") + e["delta"]
            elif e["type"] in ("response.completed", "response.incomplete"):
                last = e["response"]
            elif e["type"] in ("response.failed", "error"):
                error = e.get("error") or e["response"]["error"] if e["type"] == "response.failed" else e
                return {"text": text, "error": {"server_error": "unavailable", "rate_limit_exceeded": "rate_limited",
                                                "unavailable": "unavailable"}.get(error.get("code"), error.get("code"))}
        assert last, "the stream has no end"
        out = self.read_answer(last)
        assert out["text"] == text, "the deltas do not add up to the answer"
        for index, arguments in calls.items():
            assert last["output"][index]["arguments"] == arguments, "the deltas do not add up to the arguments"
        return out

    def read_error(self, status, body):
        return OpenAi().read_error(status, body)


class Cohere:
    """Cohere's chat, version 2, as an upstream is sent it."""

    def _read_part(self, p):
        if p["type"] == "text":
            return {"text": p["text"]}
        if p["type"] == "thinking":
            return {"reasoning": p["thinking"]}
        url = p["image_url"]["url"]
        if not url.startswith("data:"):
            return {"image": "", "url": url}
        kind, _, data = url[5:].partition(";base64,")
        return {"image": kind.split("/")[1], "data": base64.b64decode(data).decode()}

    def read_request(self, body):
        out, messages = {}, []
        for m in body["messages"]:
            content = m.get("content") or []
            parts = [{"text": content}] if isinstance(content, str) else [self._read_part(p) for p in content]
            if m["role"] == "system":
                out["system"] = "".join(p["text"] for p in parts)
                continue
            role = "assistant" if m["role"] == "assistant" else "user"
            if m["role"] == "tool":
                parts = [{"result": {"id": m["tool_call_id"], "text": "".join(p["text"] for p in parts)}}]
            if m.get("tool_plan"):
                parts.append({"text": m["tool_plan"]})
            parts += [{"call": {"id": c["id"], "name": c["function"]["name"], "input": json.loads(c["function"]["arguments"])}}
                      for c in m.get("tool_calls", [])]
            if role == "user" and messages and messages[-1]["role"] == "user":
                messages[-1]["content"] += parts  # results and what follows them are one turn
            else:
                messages.append({"role": role, "content": parts})
        # Documents stand at the top level; whose turn they came with is not said.
        cite = body.get("citation_options", {}).get("mode") == "ENABLED"
        documents = [{"document": "txt", "name": d["data"].get("title", ""), "data": d["data"]["text"], "cite": cite}
                     for d in body.get("documents", [])]
        next(m for m in messages if m["role"] == "user")["content"][:0] = documents
        out["messages"] = messages
        for theirs, ours in (("max_tokens", "max_tokens"), ("temperature", "temperature"), ("p", "top_p"), ("k", "top_k"),
                             ("seed", "seed"), ("stop_sequences", "stop")):
            if theirs in body:
                out[ours] = body[theirs]
        if "tools" in body:
            out["tools"] = [{"name": t["function"]["name"], "description": t["function"].get("description", ""),
                             "schema": t["function"]["parameters"]} for t in body["tools"]]
        if "tool_choice" in body:
            out["choice"] = {"REQUIRED": "any", "NONE": "none"}[body["tool_choice"]]
        out["schema"] = body.get("response_format", {}).get("json_schema")
        out["budget"] = body.get("thinking", {}).get("token_budget")
        return out
