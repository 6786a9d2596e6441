"""Guardrails beside chat: embeddings, rerank, moderations, RetrieveAndGenerate; what the ledger says of blocked answers."""
import json
import sqlite3
import time
import unittest

import boto3
import openai
from botocore.config import Config
from botocore.exceptions import ClientError

from harness import ACCESS_KEY, BEARER, SECRET_KEY, FakeUpstream, Server

CONFIG = """
guardrails:
  - {{name: words, words: [kestrel]}}
  - {{name: people, words: ["Alma Strom"], action: mask, mask: "[keeper]", on: [output]}}
  - {{name: radio, words: [channel], on: [output]}}
  - {{name: visitors, words: ["Olof Berg"], action: mask, mask: "[visitor]", on: [input]}}
providers:
  - {{name: up, kind: openai, base_url: "{url}/v1", secret: "env:FAKE_KEY"}}
  - {{name: aws, kind: bedrock, base_url: "{url}", region: eu-central-1}}
"""
SECRETS = {"FAKE_KEY": "sk-fake-openai", "AWS_ACCESS_KEY_ID": "AKIAFAKEFAKEFAKEFAKE", "AWS_SECRET_ACCESS_KEY": "fake-secret-access-key"}
KEEPER = "Who was the keeper of the lighthouse of Sörby?"
RADIO = "How must boats longer than twelve metres report to the harbour master?"


class Guardrails(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.upstream = FakeUpstream()
        cls.server = Server(CONFIG.format(url=cls.upstream.url), SECRETS)
        keys = dict(endpoint_url=cls.server.url, region_name="us-east-1", aws_access_key_id=ACCESS_KEY,
                    aws_secret_access_key=SECRET_KEY, config=Config(retries={"total_max_attempts": 1}))
        cls.runtime = boto3.client("bedrock-agent-runtime", **keys)
        cls.models = boto3.client("bedrock-runtime", **keys)
        agent = boto3.client("bedrock-agent", **keys)
        cls.base = agent.list_knowledge_bases()["knowledgeBaseSummaries"][0]["knowledgeBaseId"]
        cls.openai = openai.OpenAI(base_url=cls.server.url + "/v1", api_key=BEARER, max_retries=0)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def rag(self, text, **more):
        return dict(input={"text": text}, retrieveAndGenerateConfiguration={
            "type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": {
                "knowledgeBaseId": self.base, "modelArn": "arn:aws:bedrock:us-east-1::foundation-model/builtin/extract", **more}})

    def assertBlocked(self, call, **kwargs):
        with self.assertRaises(ClientError) as raised:
            call(**kwargs)
        self.assertEqual(raised.exception.response["Error"]["Code"], "ValidationException")
        self.assertIn("guardrail", str(raised.exception))

    def status_of_last_call(self, route_like):
        """Of the newest row of the ledger, once it is there."""
        for _ in range(100):
            with sqlite3.connect(f"file:{self.server.data}/ledger.db?mode=ro", uri=True) as db:
                rows = db.execute("SELECT status FROM calls WHERE model LIKE ? AND operation='chat' ORDER BY sequence DESC LIMIT 1",
                                  (route_like,)).fetchall()
            if rows:
                return rows[0][0]
            time.sleep(0.1)
        return None

    def test_a_call_may_name_a_guardrail_and_is_told_whether_one_acted(self):
        named = {"guardrailConfiguration": {"guardrailId": "people", "guardrailVersion": "DRAFT"}}
        masked = self.runtime.retrieve_and_generate(**self.rag(KEEPER, generationConfiguration=named))
        self.assertIn("[keeper]", masked["output"]["text"])
        self.assertEqual(masked["guardrailAction"], "INTERVENED")
        stream = self.runtime.retrieve_and_generate_stream(**self.rag(KEEPER, generationConfiguration=named))["stream"]
        self.assertEqual([e["guardrail"]["action"] for e in stream if "guardrail" in e], ["INTERVENED"])
        plain = self.runtime.retrieve_and_generate(**self.rag("Who is called when a glass plate breaks?"))
        self.assertEqual(plain["guardrailAction"], "NONE")
        query = dict(knowledgeBaseId=self.base, retrievalQuery={"text": "berth"})
        self.assertEqual(self.runtime.retrieve(**query, **named)["ResponseMetadata"]["HTTPStatusCode"], 200)
        for call, arguments in ((self.runtime.retrieve, {**query, "guardrailConfiguration": {"guardrailId": "none", "guardrailVersion": "1"}}),
                                (self.runtime.retrieve_and_generate, self.rag(KEEPER, generationConfiguration={
                                    "guardrailConfiguration": {"guardrailId": "none", "guardrailVersion": "1"}}))):
            with self.assertRaises(ClientError) as raised:
                call(**arguments)
            self.assertEqual(raised.exception.response["Error"]["Code"], "ValidationException")
            self.assertIn("configured: words,people,radio,visitors", str(raised.exception))

    def test_texts_that_are_embedded_or_ranked_are_judged(self):
        self.assertEqual(len(self.openai.embeddings.create(model="up/text-embedding-3-small", input="a sparrow", encoding_format="float").data), 1)
        with self.assertRaises(openai.BadRequestError) as raised:
            self.openai.embeddings.create(model="up/text-embedding-3-small", input=["a sparrow", "a Késtrel"], encoding_format="float")
        self.assertEqual(raised.exception.code, "content_filter")
        self.assertNotIn("strel", json.dumps(self.upstream.requests()))
        ask = lambda query, text: self.openai.post(  # noqa: E731
            "/rerank", cast_to=object, body={"query": query, "documents": [text]})
        self.assertEqual(len(ask("birds", "a sparrow")["results"]), 1)
        for query, text in (("a kestrel", "a sparrow"), ("birds", "a kestrel")):
            with self.assertRaises(openai.BadRequestError):
                ask(query, text)

    def test_texts_that_are_moderated_are_judged(self):
        with self.assertRaises(openai.BadRequestError):
            self.openai.moderations.create(model="up/omni-moderation-latest", input="a kestrel")

    def test_a_question_to_a_knowledge_base_is_judged(self):
        self.assertBlocked(self.runtime.retrieve_and_generate, **self.rag("Does a kestrel live at the lighthouse?"))
        self.assertBlocked(self.runtime.retrieve_and_generate_stream, **self.rag("Does a kestrel live at the lighthouse?"))

    def test_its_answer_and_the_passages_that_it_shows_are_masked(self):
        answer = self.runtime.retrieve_and_generate(**self.rag(KEEPER))
        self.assertIn("[keeper]", answer["output"]["text"])
        self.assertNotIn("Alma", json.dumps(answer["citations"], ensure_ascii=False))
        events = list(self.runtime.retrieve_and_generate_stream(**self.rag(KEEPER))["stream"])
        self.assertIn("[keeper]", "".join(e["output"]["text"] for e in events if "output" in e))
        self.assertNotIn("Alma", json.dumps(events, ensure_ascii=False))

    def test_citations_point_at_their_text_behind_masks(self):
        answer = self.runtime.retrieve_and_generate(**self.rag(KEEPER))
        text = answer["output"]["text"]
        self.assertTrue(answer["citations"])
        for citation in answer["citations"]:
            part = citation["generatedResponsePart"]["textResponsePart"]
            self.assertEqual(text[part["span"]["start"]:part["span"]["end"] + 1], part["text"])
        for stream in (False, True):
            text, notes = self.annotated(stream)
            self.assertIn("[keeper]", text)
            self.assertNotIn("Alma", json.dumps(notes, ensure_ascii=False))
            for note in notes:
                cited = text[note["start_index"]:note["end_index"]]
                self.assertEqual(cited, cited.strip())
                self.assertIn(cited[-1], ".!?", cited)

    def annotated(self, stream):
        """(text, url citations) of a chat answer that must be masked."""
        asked = self.openai.chat.completions.create(model="kb/harbour", stream=stream, messages=[{"role": "user", "content": KEEPER}])
        if not stream:
            message = asked.choices[0].message
            return message.content, [a.url_citation.model_dump() for a in message.annotations]
        deltas = [c.choices[0].delta for c in asked if c.choices]
        return ("".join(d.content or "" for d in deltas),
                [a["url_citation"] for d in deltas for a in (d.model_extra or {}).get("annotations") or []])

    def retrieve(self, query, **more):
        return self.runtime.retrieve(knowledgeBaseId=self.base, retrievalQuery={"text": query}, **more)

    def test_what_is_retrieved_is_judged(self):
        self.assertBlocked(self.retrieve, query="Does a kestrel live at the lighthouse?")
        found = self.retrieve(KEEPER)
        self.assertEqual(found["guardrailAction"], "INTERVENED")
        self.assertIn("[keeper]", json.dumps(found["retrievalResults"], default=str))
        self.assertNotIn("Alma", json.dumps(found["retrievalResults"], default=str, ensure_ascii=False))
        # A passage that would be blocked is left out; the others are not.
        found = self.retrieve(RADIO)
        self.assertEqual(found["guardrailAction"], "INTERVENED")
        self.assertTrue(found["retrievalResults"])
        self.assertNotIn("channel", json.dumps(found["retrievalResults"], default=str).lower())
        self.assertEqual(self.retrieve("crane", retrievalConfiguration={"vectorSearchConfiguration": {"numberOfResults": 1}})["guardrailAction"], "NONE")

    def test_searches_in_vector_stores_are_judged(self):
        search = lambda query: self.openai.vector_stores.search("kb/harbour", query=query)  # noqa: E731
        with self.assertRaises(openai.BadRequestError):
            search("a kestrel")
        found = search(KEEPER).model_dump_json()
        self.assertIn("[keeper]", found)
        self.assertNotIn("Alma", found)
        self.assertNotIn("Alma", self.server.cli("kb", "search", "harbour", KEEPER))

    def test_the_trace_keeps_the_question_as_it_was_let_pass(self):
        question = "Did Olof Berg ever see the keeper of the lighthouse of Sörby?"
        asks = (lambda: self.runtime.retrieve_and_generate(**self.rag(question)),
                lambda: self.stream_of(self.runtime.retrieve_and_generate_stream(**self.rag(question))))
        for ask in asks:
            trace = ask()["ResponseMetadata"]["HTTPHeaders"]["x-strata-trace-id"]
            for _ in range(100):
                shown = self.server.cli("trace", trace, "--json")
                if "[visitor]" in shown:
                    break
                time.sleep(0.1)
            self.assertIn("[visitor]", shown)
            self.assertNotIn("Olof", shown)

    @staticmethod
    def stream_of(answer):
        list(answer["stream"])
        return answer

    def test_a_blocked_answer_is_blocked_in_the_ledger(self):
        self.assertBlocked(self.runtime.retrieve_and_generate, **self.rag(RADIO))
        self.assertEqual(self.status_of_last_call("builtin/extract"), "blocked")
        with self.assertRaises(openai.BadRequestError):
            self.openai.chat.completions.create(model="kb/harbour", messages=[{"role": "user", "content": RADIO}])
        self.upstream.script({"text": "On channel 14.", "times": 0})
        with self.assertRaises(openai.BadRequestError):
            self.openai.chat.completions.create(model="up/gpt-4o", messages=[{"role": "user", "content": "hi"}])
        self.assertEqual(self.status_of_last_call("up/gpt-4o"), "blocked")
        with sqlite3.connect(f"file:{self.server.data}/ledger.db?mode=ro", uri=True) as db:
            self.assertEqual(db.execute("SELECT count(*) FROM calls WHERE status='interrupted'").fetchone()[0], 0)

    def converse(self, text, guardrail="words", model="aws/anthropic.claude-3-haiku", stream=False, **config):
        """The whole answer; of a stream, its events put together."""
        config = {"guardrailIdentifier": guardrail, "guardrailVersion": "DRAFT", **config}
        ask = dict(modelId=model, messages=[{"role": "user", "content": [{"text": text}]}], guardrailConfig=config)
        if not stream:
            answer = self.models.converse(**ask)
            return {**answer, "text": "".join(b.get("text", "") for b in answer["output"]["message"]["content"])}
        out = {"text": ""}
        for event in self.models.converse_stream(**ask)["stream"]:
            out["text"] += event.get("contentBlockDelta", {}).get("delta", {}).get("text", "")
            out.update(event.get("messageStop", {}))
            out.update(event.get("metadata", {}))
        return out

    def test_a_converse_call_that_names_a_guardrail_is_answered_when_it_blocks(self):
        for stream in (False, True):
            for name in ("words", "arn:aws:bedrock:us-east-1:123456789012:guardrail/words"):
                self.upstream.script()
                got = self.converse("What does a Késtrel eat?", name, stream=stream, trace="enabled")
                self.assertEqual(got["stopReason"], "guardrail_intervened")
                self.assertIn("guardrail", got["text"])
                word = got["trace"]["guardrail"]["inputAssessment"]["words"]["wordPolicy"]["customWords"][0]
                self.assertEqual((word["match"], word["action"]), ("Késtrel", "BLOCKED"))
                self.assertIn("words", got["trace"]["guardrail"]["actionReason"])
                self.assertEqual(self.upstream.requests(), [])
            self.upstream.script({"text": "Report on channel 14.", "times": 0})
            got = self.converse("hello", stream=stream, trace="enabled_full")
            self.assertEqual(got["stopReason"], "guardrail_intervened")
            self.assertNotIn("channel", got["text"])
            found = got["trace"]["guardrail"]["outputAssessments"]["radio"][0]["wordPolicy"]["customWords"]
            self.assertEqual([(w["match"], w["action"]) for w in found], [("channel", "BLOCKED")])

    def test_a_converse_call_that_names_a_guardrail_is_told_what_was_masked(self):
        for stream in (False, True):
            self.upstream.script({"text": "Alma Strom kept it.", "times": 0})
            got = self.converse("Olof Berg asks who kept it", "people", stream=stream, trace="enabled")
            self.assertEqual((got["stopReason"], got["text"]), ("end_turn", "[keeper] kept it."))
            trace = got["trace"]["guardrail"]
            self.assertEqual(trace["inputAssessment"]["people"], {})
            mask = trace["inputAssessment"]["visitors"]["sensitiveInformationPolicy"]["regexes"][0]
            self.assertEqual((mask["match"], mask["action"]), ("Olof Berg", "ANONYMIZED"))
            self.assertEqual(trace["outputAssessments"]["people"][0]["sensitiveInformationPolicy"]["regexes"][0]["match"], "Alma Strom")
            asked = json.dumps(self.upstream.requests())
            self.assertIn("[visitor]", asked)
            self.assertNotIn("guardrailConfig", asked)  # the provider's guardrails are not these
            self.assertNotIn("trace", self.converse("hello", "people", stream=stream))
        self.upstream.script({"text": "A sparrow.", "times": 0})
        got = self.converse("hello", stream=True, trace="enabled", streamProcessingMode="async")
        self.assertEqual((got["stopReason"], got["text"], got["trace"]["guardrail"]), ("end_turn", "A sparrow.", {"inputAssessment": {"words": {}}}))

    def test_a_guardrail_that_is_not_configured_is_refused_by_name(self):
        for arguments, field in ((dict(guardrail="none"), "guardrailConfig.guardrailIdentifier"), (dict(guardrailVersion="2"), "guardrailConfig.guardrailVersion")):
            with self.assertRaises(ClientError) as raised:
                self.converse("hello", **arguments)
            self.assertEqual(raised.exception.response["Error"]["Code"], "ValidationException")
            self.assertIn(field, str(raised.exception))
        with self.assertRaises(ClientError) as raised:
            self.invoke("hello", guardrailIdentifier="none")
        self.assertIn("configured: words,people,radio,visitors", str(raised.exception))

    def invoke(self, text, **more):
        body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 50, "messages": [{"role": "user", "content": text}]}
        answer = self.models.invoke_model(modelId="aws/anthropic.claude-3-haiku", body=json.dumps(body), **{"guardrailVersion": "1", **more})
        return json.loads(answer["body"].read())

    def test_an_invoked_model_is_told_what_a_named_guardrail_did(self):
        self.upstream.script({"text": "Alma Strom kept it.", "times": 0})
        got = self.invoke("who?", guardrailIdentifier="people", trace="ENABLED")
        self.assertEqual((got["content"][0]["text"], got["amazon-bedrock-guardrailAction"]), ("[keeper] kept it.", "INTERVENED"))
        self.assertIn("people", got["amazon-bedrock-trace"]["guardrail"]["outputs"][0])
        self.assertNotIn("uardrail", json.dumps(self.upstream.requests()))
        got = self.invoke("a kestrel", guardrailIdentifier="words")
        self.assertIn("guardrail", got["content"][0]["text"])
        self.assertEqual(got["amazon-bedrock-guardrailAction"], "INTERVENED")
        self.assertNotIn("amazon-bedrock-trace", got)
        self.upstream.script({"text": "A sparrow.", "times": 0})
        self.assertEqual(self.invoke("hello", guardrailIdentifier="words")["amazon-bedrock-guardrailAction"], "NONE")
        body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 50, "messages": [{"role": "user", "content": "a kestrel"}]}
        stream = self.models.invoke_model_with_response_stream(modelId="aws/anthropic.claude-3-haiku", body=json.dumps(body),
                                                               guardrailIdentifier="words", guardrailVersion="DRAFT", trace="ENABLED")
        events = [json.loads(e["chunk"]["bytes"]) for e in stream["body"]]
        self.assertEqual(events[0]["type"], "message_start")
        self.assertEqual(events[-1]["amazon-bedrock-guardrailAction"], "INTERVENED")
        self.assertIn("words", events[-1]["amazon-bedrock-trace"]["guardrail"]["input"])

    def test_a_guardrail_is_applied_without_a_model(self):
        def apply(name, source, *texts, version="DRAFT"):
            return self.models.apply_guardrail(guardrailIdentifier=name, guardrailVersion=version, source=source,
                                               content=[{"text": {"text": t}} for t in texts])
        got = apply("words", "INPUT", "a sparrow", "a kestrel")
        self.assertEqual((got["action"], len(got["outputs"])), ("GUARDRAIL_INTERVENED", 1))
        self.assertEqual(got["assessments"][0]["wordPolicy"]["customWords"][0]["match"], "kestrel")
        self.assertEqual(got["usage"]["wordPolicyUnits"], 1)
        got = apply("people", "OUTPUT", "Alma Strom", "and others")
        self.assertEqual([o["text"] for o in got["outputs"]], ["[keeper]", "and others"])
        # The one that is named, on the sides that it judges, and no other.
        for name, source in (("people", "INPUT"), ("radio", "OUTPUT")):
            self.assertEqual((apply(name, source, "Alma Strom, a kestrel")["action"]), "NONE")
        for name, version in (("none", "1"), ("words", "7")):
            with self.assertRaises(ClientError) as raised:
                apply(name, "INPUT", "x", version=version)
            self.assertEqual(raised.exception.response["Error"]["Code"], "ResourceNotFoundException")


if __name__ == "__main__":
    unittest.main()
