"""Answers over documents: limits in every dialect, documents that cannot be read, what trace and ledger keep of them."""
import base64
import json
import os
import sqlite3
import time
import unittest

import anthropic
import boto3
import botocore
import openai

from harness import ACCESS_KEY, BEARER, SAMPLES, SECRET_KEY, server

QUESTION = "Who was the keeper of the lighthouse of Sörby?"
PAGE_QUESTION = "Who must be called when a glass plate breaks?"


class Answers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = server()
        cls.openai = openai.OpenAI(base_url=cls.server.url + "/v1", api_key=BEARER, max_retries=0)
        cls.anthropic = anthropic.Anthropic(base_url=cls.server.url, api_key=BEARER, max_retries=0)
        keys = dict(endpoint_url=cls.server.url, region_name="us-east-1", aws_access_key_id=ACCESS_KEY,
                    aws_secret_access_key=SECRET_KEY)
        cls.runtime = boto3.client("bedrock-runtime", **keys)
        cls.agent = boto3.client("bedrock-agent", **keys)
        cls.agent_runtime = boto3.client("bedrock-agent-runtime", **keys)

    def ask(self, **more):
        return self.openai.chat.completions.create(
            model="kb/harbour", messages=[{"role": "user", "content": QUESTION}], **more)

    def test_openai_answers_stop_behind_a_whole_sentence(self):
        whole = self.ask()
        text = whole.choices[0].message.content
        self.assertEqual(whole.choices[0].finish_reason, "stop")
        self.assertIn("🗼", text)
        ends = [a.url_citation.end_index for a in whole.choices[0].message.annotations]
        self.assertGreater(len(ends), 1)
        for limit in range(1, whole.usage.completion_tokens):
            cut = self.ask(max_tokens=limit)
            self.assertEqual(cut.choices[0].finish_reason, "length")
            self.assertLessEqual(cut.usage.completion_tokens, limit)
            part = cut.choices[0].message.content
            self.assertTrue(text.startswith(part))
            citation = cut.choices[0].message.annotations[-1].url_citation
            self.assertEqual(citation.end_index, len(part))
            if len(part) not in ends:  # not even the first sentence fits: what is left of it is cited, and no more
                self.assertLess(len(part), ends[0])
                self.assertEqual(citation.quote, part)
                self.assertEqual(cut.usage.completion_tokens, limit)
        self.assertEqual(part, text[:ends[0]])
        streamed = list(self.ask(max_tokens=4, stream=True, stream_options={"include_usage": True}))
        self.assertEqual("".join(c.choices[0].delta.content or "" for c in streamed if c.choices),
                         self.ask(max_tokens=4).choices[0].message.content)
        self.assertEqual([c.choices[0].finish_reason for c in streamed if c.choices and c.choices[0].finish_reason], ["length"])
        self.assertEqual(streamed[-1].usage.completion_tokens, 4)

    def test_anthropic_answers_stop_at_the_limit(self):
        messages = [{"role": "user", "content": QUESTION}]
        whole = self.anthropic.messages.create(model="kb/harbour", max_tokens=300, messages=messages)
        for limit in (3, whole.usage.output_tokens - 1):
            cut = self.anthropic.messages.create(model="kb/harbour", max_tokens=limit, messages=messages)
            self.assertEqual(cut.stop_reason, "max_tokens")
            self.assertLessEqual(cut.usage.output_tokens, limit)
            with self.anthropic.messages.stream(model="kb/harbour", max_tokens=limit, messages=messages) as stream:
                streamed = stream.get_final_message()
            self.assertEqual((streamed.stop_reason, streamed.usage.output_tokens), ("max_tokens", cut.usage.output_tokens))
            self.assertEqual("".join(b.text for b in streamed.content), "".join(b.text for b in cut.content))
        self.assertEqual("".join(b.text for b in cut.content), whole.content[0].text)

    def test_converse_answers_stop_at_the_limit_and_at_stop_sequences(self):
        messages = [{"role": "user", "content": [{"text": QUESTION}]}]
        cut = self.runtime.converse(modelId="kb/harbour", messages=messages, inferenceConfig={"maxTokens": 3})
        self.assertEqual((cut["stopReason"], cut["usage"]["outputTokens"]), ("max_tokens", 3))
        stopped = self.runtime.converse(modelId="kb/harbour", messages=messages, inferenceConfig={"stopSequences": ["Alma"]})
        self.assertEqual(stopped["stopReason"], "stop_sequence")
        events = list(self.runtime.converse_stream(modelId="kb/harbour", messages=messages,
                                                   inferenceConfig={"maxTokens": 3})["stream"])
        self.assertEqual([e["messageStop"]["stopReason"] for e in events if "messageStop" in e], ["max_tokens"])

    def test_pages_are_cited_in_every_dialect(self):
        with open(os.path.join(SAMPLES, "storage-manual.pdf"), "rb") as f:
            pdf = f.read()
        anthropic_messages = [{"role": "user", "content": PAGE_QUESTION}]
        converse_messages = [{"role": "user", "content": [{"text": PAGE_QUESTION}]}]
        page = self.openai.chat.completions.create(model="kb/harbour", messages=anthropic_messages
                                                   ).choices[0].message.annotations[0].url_citation.page
        self.assertGreaterEqual(page, 1)

        answer = self.anthropic.messages.create(model="kb/harbour", max_tokens=300, messages=anthropic_messages)
        self.check_page(next(c for b in answer.content for c in b.citations or []), page)
        self.check_strata(answer.strata["citations"][0], page)
        with self.anthropic.messages.stream(model="kb/harbour", max_tokens=300, messages=anthropic_messages) as stream:
            events = list(stream)
        delta = next(e for e in events if e.type == "message_delta")
        self.check_strata(delta.strata["citations"][0], page)
        self.check_page(next(c for b in stream.get_final_message().content for c in b.citations or []), page)

        answer = self.runtime.converse(modelId="kb/harbour", messages=converse_messages)
        cited = next(b["citationsContent"] for b in answer["output"]["message"]["content"] if "citationsContent" in b)
        self.check_location(cited["citations"][0], page)
        self.check_strata(answer["additionalModelResponseFields"]["strata"]["citations"][0], page)
        events = list(self.runtime.converse_stream(modelId="kb/harbour", messages=converse_messages)["stream"])
        deltas = [e["contentBlockDelta"]["delta"] for e in events if "contentBlockDelta" in e]
        self.check_location(next(d["citation"] for d in deltas if "citation" in d), page)
        stop = next(e["messageStop"] for e in events if "messageStop" in e)
        self.check_strata(stop["additionalModelResponseFields"]["strata"]["citations"][0], page)

        # The same file in the request is answered from in the same way.
        attached = self.anthropic.messages.create(model="builtin/extract", max_tokens=300, messages=[
            {"role": "user", "content": [
                {"type": "document", "title": "manual", "source": {
                    "type": "base64", "media_type": "application/pdf", "data": base64.b64encode(pdf).decode()}},
                {"type": "text", "text": PAGE_QUESTION}]}])
        base = self.anthropic.messages.create(model="kb/harbour", max_tokens=300, messages=anthropic_messages)
        self.assertEqual([b.text for b in attached.content], [b.text for b in base.content])
        self.check_page(next(c for b in attached.content for c in b.citations or []), page)

    def test_the_language_model_of_this_process_reads_an_attached_pdf(self):
        with open(os.path.join(SAMPLES, "storage-manual.pdf"), "rb") as f:
            pdf = f.read()
        manual = {"type": "document", "title": "manual", "source": {
            "type": "base64", "media_type": "application/pdf", "data": base64.b64encode(pdf).decode()}}
        model = "builtin/smollm2-135m-instruct"
        messages = [{"role": "user", "content": [manual, {"type": "text", "text": PAGE_QUESTION}]}]
        answer = self.anthropic.messages.create(model=model, max_tokens=4, messages=messages)
        counted = self.anthropic.messages.count_tokens(model=model, messages=messages).input_tokens
        alone = self.anthropic.messages.count_tokens(
            model=model, messages=[{"role": "user", "content": PAGE_QUESTION}]).input_tokens
        self.assertEqual(counted, answer.usage.input_tokens)
        self.assertGreater(counted, alone + 200, "the manual's words are in the prompt")
        converse = self.runtime.converse(modelId=model, inferenceConfig={"maxTokens": 4}, messages=[{"role": "user", "content": [
            {"document": {"format": "pdf", "name": "manual", "source": {"bytes": pdf}}}, {"text": PAGE_QUESTION}]}])
        usage = converse["usage"]
        self.assertEqual(usage["inputTokens"] + usage.get("cacheReadInputTokens", 0), counted)
        with self.assertRaises(anthropic.BadRequestError) as refused:
            self.anthropic.messages.create(model=model, max_tokens=4, messages=[
                {"role": "user", "content": [manual] * 20 + [{"type": "text", "text": PAGE_QUESTION}]}])
        self.assertRegex(str(refused.exception), r"the prompt has \d+ tokens; .* takes \d+ for prompt and answer")

    def check_page(self, citation, page):
        self.assertEqual(citation.type, "page_location")
        self.assertEqual((citation.start_page_number, citation.end_page_number), (page, page + 1))
        self.assertTrue(citation.cited_text)

    def check_location(self, citation, page):
        place = citation["location"]["documentPage"]
        self.assertEqual((place["start"], place["end"]), (page, page + 1))
        self.assertTrue(citation["source"].endswith("storage-manual.pdf"))

    def check_strata(self, cited, page):
        self.assertTrue(cited["source"].endswith("storage-manual.pdf"))
        self.assertEqual(cited["pages"][0]["page"], page)
        self.assertEqual(len(cited["pages"][0]["boxes"][0]), 4)

    def test_documents_that_cannot_be_read_are_named(self):
        def converse(form, data):
            document = {"format": form, "name": "contract", "source": {"bytes": data}}
            self.runtime.converse(modelId="builtin/extract", messages=[
                {"role": "user", "content": [{"text": QUESTION}, {"document": document}]}])
        for form, data in [("docx", b"PK\x03\x04 cut"), ("docx", b"no Word file at all"), ("xls", b"1;2"),
                           ("pdf", b"%PDF-1.7 cut")]:
            with self.assertRaises(botocore.exceptions.ClientError, msg=form) as raised:
                converse(form, data)
            message = raised.exception.response["Error"]["Message"]
            self.assertEqual(raised.exception.response["Error"]["Code"], "ValidationException")
            self.assertIn("content.1", message)
            self.assertIn("document contract", message)
        with self.assertRaises(anthropic.BadRequestError) as raised:
            self.anthropic.messages.create(model="builtin/extract", max_tokens=50, messages=[{"role": "user", "content": [
                {"type": "document", "title": "contract",
                 "source": {"type": "base64", "media_type": "application/pdf", "data": "bm90aGluZw=="}},
                {"type": "text", "text": QUESTION}]}])
        self.assertIn("messages.0.content.0: document contract", str(raised.exception))

    def ledger(self, trace_id):
        """The rows of one request, as soon as they are drained from the journal."""
        deadline = time.monotonic() + 10
        while True:
            db = sqlite3.connect(f"file:{os.path.join(self.server.data, 'ledger.db')}?mode=ro", uri=True)
            db.row_factory = sqlite3.Row
            rows = db.execute("SELECT * FROM calls WHERE trace_id = ? ORDER BY call_number", (trace_id,)).fetchall()
            db.close()
            if any(r["operation"] == "chat" for r in rows) or time.monotonic() > deadline:
                return rows
            time.sleep(0.1)

    def test_every_row_of_an_answer_names_the_versions_that_decided(self):
        bases = self.agent.list_knowledge_bases()["knowledgeBaseSummaries"]
        kb = next(b["knowledgeBaseId"] for b in bases if b["name"] == "harbour")
        reply = self.agent_runtime.retrieve_and_generate(
            input={"text": QUESTION},
            retrieveAndGenerateConfiguration={"type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": {
                "knowledgeBaseId": kb, "modelArn": "builtin/extract"}})
        trace = reply["ResponseMetadata"]["HTTPHeaders"]["x-strata-trace-id"]
        rows = self.ledger(trace)
        self.assertTrue(rows)
        for row in rows:
            self.assertEqual(row["router_version"], "direct/1")
            self.assertTrue(row["catalog_version"])
        answer = next(r for r in rows if r["operation"] == "chat")
        self.assertEqual(answer["prompt_version"], "builtin/extract")
        self.assertIn(kb, answer["index_version"])

    def test_the_trace_shows_the_passages_of_the_prompt_and_where_sentences_were_embedded(self):
        raw = self.openai.chat.completions.with_raw_response.create(
            model="kb/harbour", messages=[{"role": "user", "content": QUESTION}])
        roots = json.loads(self.server.cli("trace", raw.headers["x-strata-trace-id"], "--json"))["roots"]

        def walk(span, parent=None):
            yield span, parent
            for child in span["children"]:
                yield from walk(child, span)

        spans = [pair for root in roots for pair in walk(root)]
        prompts = [s["fields"]["prompt_text"] for s, _ in spans
                   if s["name"] == "provider.chat" and s["fields"].get("model") == "builtin/extract"]
        self.assertEqual(len(prompts), 1)
        self.assertIn("Alma Ström 🗼", prompts[0])
        self.assertIn(QUESTION, prompts[0])
        self.assertEqual({p["name"] for s, p in spans if s["name"] == "provider.embed"},
                         {"knowledge.retrieve", "knowledge.extract"})

    def test_a_query_longer_than_the_embedding_model_sees_is_answered_and_the_trace_says_so(self):
        # One question: what people say beside one is not searched for.
        question = QUESTION.rstrip("?") + ", by everything that was ever written down about the lamp and the coast" * 30 + "?"
        raw = self.openai.chat.completions.with_raw_response.create(
            model="kb/harbour", messages=[{"role": "user", "content": question}])
        self.assertTrue(raw.parse().choices[0].message.content)
        shown = self.server.cli("trace", raw.headers["x-strata-trace-id"])
        self.assertIn("the query is longer than the embedding model sees: vectors are searched by its first 256 tokens", shown)


if __name__ == "__main__":
    unittest.main()
