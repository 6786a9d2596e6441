#!/usr/bin/env python3
"""Scores the citations of kb/NAME answers against two annotations that were made before strata's citations were seen.

    bench/answer/citations/measure.py --strata build/release/strata --half development|held-out|both [--save OUT.jsonl] [--list]

Starts a server on a fresh data folder with the documents of this folder as a knowledge base, and a scripted upstream that gives
the answers of generated.jsonl, as a language model would. extract.jsonl's questions are answered by builtin/extract. What the
figures mean: README.md.
"""
import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HERE = os.path.dirname(os.path.abspath(__file__))
BEARER = "sk-strata-citations-0123456789abcdef"
COVERED = 0.8  # share of an annotated span's characters that citations must hold
RESAMPLES = 2000


def read_lines(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


def read_documents():
    folder = os.path.join(HERE, "documents")
    texts = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8") as f:
            texts[name] = f.read()
    return texts


# ---- the scripted upstream and the server

class Upstream:
    """An OpenAI-compatible server that answers the question at the prompt's end with what was written for it."""

    def __init__(self, answers):
        upstream = self
        self.prompts = {}  # question → the prompt that it came in

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                prompt = body["messages"][-1]["content"]
                if not isinstance(prompt, str):
                    prompt = "".join(part["text"] for part in prompt)
                question = prompt.rsplit("Question: ", 1)[1]
                upstream.prompts[question] = prompt
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                self.deltas(answers[question])

            def deltas(self, text):
                pieces = [text[i:i + 7] for i in range(0, len(text), 7)]
                for piece in pieces:
                    self.event({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
                self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
                self.event({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})
                self.chunk(b"data: [DONE]\n\n")
                self.chunk(b"")

            def event(self, value):
                value = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "scripted", **value}
                self.chunk(b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n")

            def chunk(self, data):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Strata:
    def __init__(self, binary, upstream, folder, settings, data=None):
        self.binary, self.data = binary, data or os.path.join(folder, "data")
        filled = os.path.exists(self.data)
        config = os.path.join(folder, "strata.yaml")
        with open(config, "w", encoding="utf-8") as f:
            f.write("server.detect_providers: false\n" + "".join(line + "\n" for line in settings) +
                    f'providers:\n  - {{name: writer, kind: openai, base_url: "{upstream}", secret: "env:WRITER_KEY"}}\n')
        self.env = {**os.environ, "WRITER_KEY": "sk-writer"}
        self.log = open(os.path.join(folder, "server.log"), "w", encoding="utf-8")
        self.process = subprocess.Popen(
            [binary, "serve", "--data", self.data, "--config", config, "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env=self.env)
        self.url = next((m[1] for line in self.process.stdout if (m := re.match(r"ready (\S+)", line))), None)
        if not self.url:
            sys.exit("the server did not get ready: " + open(self.log.name, encoding="utf-8").read()[-2000:])
        if not filled:
            self.run("key", "create", "--name", "bench", "--role", "admin", "--bearer", BEARER)
            self.run("kb", "create", "notes", os.path.join(HERE, "documents"))
            self.run("kb", "sync", "notes")

    def run(self, *args):
        done = subprocess.run([self.binary, "--data", self.data, *args], capture_output=True, text=True, env=self.env, timeout=1200)
        if done.returncode != 0:
            sys.exit(f"strata {' '.join(args)}: {done.stdout}{done.stderr}")
        return done.stdout

    def ask(self, model, question):
        """The answer's text, and its citations as {start, end (of the text), document, text, from}."""
        body = {"model": model, "max_tokens": 2000, "messages": [{"role": "user", "content": question}]}
        request = urllib.request.Request(self.url + "/v1/messages", json.dumps(body).encode(), {
            "x-api-key": BEARER, "anthropic-version": "2023-06-01", "content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as reply:
            message = json.load(reply)
        text, citations = "", []
        for block in message["content"]:
            for cited in block.get("citations") or []:
                citations.append({"start": len(text), "end": len(text) + len(block["text"]), "text": cited["cited_text"],
                                  "document": os.path.basename(cited.get("source") or cited.get("document_title") or ""),
                                  "from": cited.get("start_char_index")})
            text += block["text"]
        return text, citations

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.log.close()


def ask_all(args, items, settings=()):
    generated = {item["question"]: item["answer"] for item in items if item["writer"] == "generated"}
    upstream = Upstream(generated)
    out = []
    with tempfile.TemporaryDirectory(prefix="strata-citations-") as folder:
        strata = Strata(args.strata, upstream.url, folder, settings, args.data)
        try:
            for item in items:
                model = "kb/notes@writer/scripted" if item["writer"] == "generated" else "kb/notes"
                text, citations = strata.ask(model, item["question"])
                out.append({"id": item["id"], "text": text, "citations": citations,
                            "prompt": upstream.prompts.get(item["question"])})
        finally:
            strata.stop()
    return out


# ---- spans

def folded(text):
    """As strata reads it: Markdown's code marks are not part of the text."""
    return re.sub(r"\s+", " ", text.replace("`", "")).strip()


class Places:
    """Where quotes stand in the documents, both folded."""

    def __init__(self, documents):
        self.texts = {name: folded(text) for name, text in documents.items()}

    def find(self, document, quote):
        """[(document, begin, end)], all places; a document that the answer names otherwise is looked for in all."""
        quote = folded(quote)
        names = [document] if document in self.texts else list(self.texts)
        return [(name, m.start(), m.start() + len(quote)) for name in names for m in re.finditer(re.escape(quote), self.texts[name])]


def overlap(a, b):
    return max(0, min(a[2], b[2]) - max(a[1], b[1])) if a[0] == b[0] else 0


def covered(span, places):
    """Whether the cited places hold `span`, together."""
    held = set()
    for place in places:
        if place[0] == span[0]:
            held.update(range(max(place[1], span[1]), min(place[2], span[2])))
    return len(held) >= COVERED * (span[2] - span[1])


# ---- scoring

def sentence_spans(item, text):
    """Where the annotated sentences stand in the answer; None for one that is not there (any more)."""
    at, spans = 0, []
    for sentence in item["sentences"]:
        begin = text.find(sentence, at)
        if begin < 0:
            spans.append(None)
            continue
        at = begin + len(sentence)
        spans.append((begin, at))
    return spans


def citations_of(span, citations):
    """Those that cover at least half of the sentence, or lie in it."""
    out = []
    for cited in citations:
        shared = min(span[1], cited["end"]) - max(span[0], cited["start"])
        if shared > 0 and (shared * 2 >= span[1] - span[0] or shared * 2 >= cited["end"] - cited["start"]):
            out.append(cited)
    return out


class Score:
    """Counts of one set of sentences; `by_answer` for the intervals."""

    def __init__(self):
        self.by_answer = {}

    def add(self, answer, name, value):
        counts = self.by_answer.setdefault(answer, {})
        done, total = counts.get(name, (0, 0))
        counts[name] = (done + bool(value), total + 1)

    def total(self, name, answers=None):
        rows = [self.by_answer[a].get(name, (0, 0)) for a in (answers or self.by_answer)]
        return sum(r[0] for r in rows), sum(r[1] for r in rows)

    def interval(self, name):
        """95 %, by drawing answers with replacement."""
        dice, answers, shares = random.Random(17), list(self.by_answer), []
        for _ in range(RESAMPLES):
            done, total = self.total(name, dice.choices(answers, k=len(answers)))
            if total:
                shares.append(done / total)
        shares.sort()
        return shares[int(0.025 * len(shares))], shares[int(0.975 * len(shares)) - 1]

    def row(self, name):
        done, total = self.total(name)
        if total == 0:
            return "–"
        low, high = self.interval(name)
        return f"{done / total:.3f} ({done} of {total}; {low:.2f}–{high:.2f})"


def judge(item, reply, annotation, places, listing=None):
    """[(sentence id, measure, good)] of one answer against one annotation."""
    out = []
    for number, span in enumerate(sentence_spans(item, reply["text"]), 1):
        key = f"{item['id']}.{number}"
        if span is None:
            out.append((key, "sentences not found", True))
            continue
        gold = annotation[key]
        sets = [[places.find(part["document"], part["text"])[0] for part in parts] for parts in gold["support"]]
        spans = [s for parts in sets for s in parts]
        cited = []  # places of each citation
        for citation in citations_of(span, reply["citations"]):
            found = places.find(citation["document"], citation["text"])
            out.append((key, "quotes found in their document", bool(found)))
            cited.append(found)
        flat = [place for found in cited for place in found]
        problems = []
        for found in cited:
            good = any(overlap(a, b) * 2 >= min(a[2] - a[1], b[2] - b[1]) for a in found for b in spans)
            out.append((key, "precision", good))
            if not good:
                problems.append("wrong citation")
        if sets:
            good = any(all(covered(s, flat) for s in parts) for parts in sets)
            out.append((key, "recall", good))
            if reply["prompt"]:
                prompt = folded(reply["prompt"])
                there = any(all(folded(part["text"]) in prompt for part in parts) for parts in gold["support"])
                out.append((key, "support is in the prompt", there))
                if there:
                    out.append((key, "recall where the prompt holds the support", good))
            if not good:
                problems.append("not covered")
        elif gold["needs_support"]:
            out.append((key, "unsupported sentences without a citation", not cited))
        else:
            out.append((key, "sentences that claim nothing, without a citation", not cited))
        if problems and listing is not None:
            listing.append((key, problems, item["sentences"][number - 1], [(c["document"], c["text"]) for c in
                            citations_of(span, reply["citations"])], gold["support"]))
    return out


def same_support(a, b, places):
    """Whether two annotations of a sentence say the same."""
    def sets(entry):
        return [[places.find(part["document"], part["text"])[0] for part in parts] for parts in entry["support"]]

    def match(s, t):
        return len(s) == len(t) and all(any(overlap(x, y) >= COVERED * min(x[2] - x[1], y[2] - y[1]) for y in t) for x in s)
    first, second = sets(a), sets(b)
    return (a["needs_support"] == b["needs_support"] and len(first) == len(second)
            and all(any(match(s, t) for t in second) for s in first))


MEASURES = ["precision", "recall", "support is in the prompt", "recall where the prompt holds the support",
            "unsupported sentences without a citation", "sentences that claim nothing, without a citation",
            "quotes found in their document", "sentences not found"]


def report(items, replies, passes, agreed, places, listing):
    groups = [("all", items)] + [(w, [i for i in items if i["writer"] == w]) for w in ("generated", "extract")]
    for group, members in groups:
        for name, annotation in [*passes.items(), ("agreed", passes["pass 1"])]:
            score = Score()
            for item in members:
                found = judge(item, replies[item["id"]], annotation, places,
                              listing if (group, name) == ("all", "pass 1") else None)
                for key, measure, good in found:
                    if name != "agreed" or key in agreed:
                        score.add(item["id"], measure, good)
            print(f"\n{group}, {name}: {len(members)} answers")
            for measure in MEASURES:
                if score.total(measure)[1]:
                    print(f"  {measure:50} {score.row(measure)}")


def check_marks(args, items, replies):
    """With kb.answer.unsupported = mark, exactly the sentences without a citation carry the mark; with drop, they are gone."""
    generated = [i for i in items if i["writer"] == "generated"]
    plain = {i["id"]: replies[i["id"]] for i in generated}
    for mode in ("mark", "drop"):
        wrong = []
        for reply in ask_all(args, generated, [f"kb.answer.unsupported: {mode}"]):
            item = next(i for i in generated if i["id"] == reply["id"])
            before = plain[reply["id"]]
            for sentence, span in zip(item["sentences"], sentence_spans(item, before["text"])):
                cited = span and bool(citations_of(span, before["citations"]))
                if mode == "mark":
                    right = (sentence + " [unsupported]" in reply["text"]) != cited
                else:
                    right = (sentence in reply["text"]) == cited
                if not right:
                    wrong.append(f"{item['id']}: {sentence}")
        print(f"\n{mode}: {len(wrong)} sentences not as their citations say", *wrong, sep="\n  ")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--strata", required=True)
    parser.add_argument("--half", choices=["development", "held-out", "both"], required=True)
    parser.add_argument("--data", help="a data folder that is kept: filled by the first run, used again by the next")
    parser.add_argument("--save", help="write what strata answered")
    parser.add_argument("--list", action="store_true", help="show each sentence that is not right by pass 1")
    parser.add_argument("--marks", action="store_true", help="also ask with kb.answer.unsupported = mark and drop")
    args = parser.parse_args()
    places = Places(read_documents())
    items = [{**item, "writer": writer} for writer in ("generated", "extract") for item in read_lines(writer + ".jsonl")]
    items = [item for item in items if args.half in ("both", item["half"])]
    passes = {name: {row["sentence"]: row for row in read_lines(name.replace(" ", "") + ".jsonl")} for name in ("pass 1", "pass 2")}
    agreed = {key for key in passes["pass 1"] if same_support(passes["pass 1"][key], passes["pass 2"][key], places)}
    print(f"annotated sentences: {len(agreed)} of {len(passes['pass 1'])} the same in both passes; differing:",
          *sorted(set(passes["pass 1"]) - agreed))
    replies = {reply["id"]: reply for reply in ask_all(args, items)}
    if args.save:
        with open(args.save, "w", encoding="utf-8") as f:
            f.writelines(json.dumps(reply, ensure_ascii=False) + "\n" for reply in replies.values())
    listing = []
    report(items, replies, passes, agreed, places, listing)
    if args.list:
        for key, problems, sentence, cited, support in listing:
            print(f"\n{key} {', '.join(problems)}: {sentence}")
            print("   cited:", *cited, sep="\n      ")
            print("   annotated:", *([(p["document"], p["text"]) for p in parts] for parts in support), sep="\n      ")
    if args.marks:
        check_marks(args, items, replies)


if __name__ == "__main__":
    main()
