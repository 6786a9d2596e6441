"""The unmodified boto3 clients of all four Bedrock services against strata: signed, and with a bearer key over TLS."""
import json
import os
import pathlib
import tempfile
import time
import unittest
from unittest import mock

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from harness import ACCESS_KEY, BEARER, SECRET_KEY, server

QUESTION = "What is the fee for a berth in summer?"
ONE_TRY = Config(retries={"total_max_attempts": 1})


class BedrockClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = server()
        cls.runtime = cls.make("bedrock-runtime")
        cls.agent = cls.make("bedrock-agent")
        cls.agent_runtime = cls.make("bedrock-agent-runtime")
        cls.models = cls.make("bedrock")
        bases = cls.agent.list_knowledge_bases()["knowledgeBaseSummaries"]
        cls.kb = next(b["knowledgeBaseId"] for b in bases if b["name"] == "harbour")

    @classmethod
    def make(cls, service, secret=SECRET_KEY, access=ACCESS_KEY):
        return boto3.client(service, endpoint_url=cls.server.url, region_name="eu-central-1", aws_access_key_id=access,
                            aws_secret_access_key=secret, config=ONE_TRY)

    def converse(self, client=None, model="kb/harbour"):
        return (client or self.runtime).converse(
            modelId=model, messages=[{"role": "user", "content": [{"text": QUESTION}]}])

    # ---- runtime ----

    def test_converse_answers_with_citations(self):
        answer = self.converse()
        blocks = answer["output"]["message"]["content"]
        cited = [b["citationsContent"] for b in blocks if "citationsContent" in b]
        self.assertTrue(cited)
        self.assertIn("25 euros", "".join(part["text"] for c in cited for part in c["content"]))
        self.assertIn("25 euros", cited[0]["citations"][0]["sourceContent"][0]["text"])
        self.assertEqual(answer["stopReason"], "end_turn")
        self.assertIn("x-strata-trace-id", answer["ResponseMetadata"]["HTTPHeaders"])

    def test_converse_stream_ends_with_metadata(self):
        events = list(self.runtime.converse_stream(
            modelId="kb/harbour", messages=[{"role": "user", "content": [{"text": QUESTION}]}])["stream"])
        kinds = [next(iter(e)) for e in events]
        self.assertEqual(kinds[0], "messageStart")
        self.assertEqual(kinds[-2:], ["messageStop", "metadata"])
        text = "".join(e["contentBlockDelta"]["delta"].get("text", "") for e in events if "contentBlockDelta" in e)
        self.assertIn("25 euros", text)
        self.assertTrue(any("citation" in e["contentBlockDelta"]["delta"] for e in events if "contentBlockDelta" in e))

    def test_model_ids_with_slashes_and_arns_survive_the_path(self):
        answer = self.converse(model="arn:aws:bedrock:eu-central-1::foundation-model/builtin/extract")
        self.assertTrue(answer["output"]["message"]["content"])

    def test_count_tokens(self):
        counted = self.runtime.count_tokens(
            modelId="builtin/smollm2-135m-instruct",
            input={"converse": {"messages": [{"role": "user", "content": [{"text": "one two three"}]}]}})
        self.assertGreater(counted["inputTokens"], 3)

    def test_invoke_model_speaks_the_vendor_s_body(self):
        body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 200,
                "messages": [{"role": "user", "content": QUESTION}]}
        reply = json.loads(self.runtime.invoke_model(modelId="kb/harbour", body=json.dumps(body))["body"].read())
        self.assertIn("25 euros", "".join(b["text"] for b in reply["content"]))
        chunks = [json.loads(e["chunk"]["bytes"]) for e in self.runtime.invoke_model_with_response_stream(
            modelId="kb/harbour", body=json.dumps(body))["body"]]
        self.assertEqual(chunks[0]["type"], "message_start")
        self.assertIn("amazon-bedrock-invocationMetrics", chunks[-1])

    def test_invoke_model_embeds(self):
        reply = json.loads(self.runtime.invoke_model(
            modelId="builtin/all-minilm-l6-v2", body=json.dumps({"inputText": "a berth"}))["body"].read())
        self.assertEqual(len(reply["embedding"]), 384)

    def test_bearer_key_over_tls(self):
        with mock.patch.dict(os.environ, {"AWS_BEARER_TOKEN_BEDROCK": BEARER}):
            client = boto3.client("bedrock-runtime", endpoint_url=self.server.tls_url, region_name="eu-central-1",
                                  verify=self.server.ca, config=ONE_TRY)
            self.assertEqual(self.converse(client)["stopReason"], "end_turn")

    def test_errors_are_typed(self):
        with self.assertRaises(self.runtime.exceptions.ResourceNotFoundException):
            self.converse(model="nobody")
        with self.assertRaises(ClientError) as caught:
            self.make("bedrock-runtime", secret="not-the-secret-not-the-secret-0000000000").converse(
                modelId="kb/harbour", messages=[{"role": "user", "content": [{"text": "x"}]}])
        self.assertEqual(caught.exception.response["Error"]["Code"], "AccessDeniedException")

    def test_models_are_listed(self):
        ids = {m["modelId"] for m in self.models.list_foundation_models()["modelSummaries"]}
        self.assertIn("builtin/extract", ids)
        one = self.models.get_foundation_model(modelIdentifier="builtin/all-minilm-l6-v2")["modelDetails"]
        self.assertEqual(one["outputModalities"], ["EMBEDDING"])

    # ---- knowledge bases ----

    def test_retrieve(self):
        found = self.agent_runtime.retrieve(knowledgeBaseId=self.kb, retrievalQuery={"text": "channel for long boats"},
                                            retrievalConfiguration={"vectorSearchConfiguration": {"numberOfResults": 2}})
        first = found["retrievalResults"][0]
        self.assertIn("channel 14", first["content"]["text"])
        self.assertIn("harbour.md", json.dumps(first["location"]))
        self.assertLessEqual(len(found["retrievalResults"]), 2)

    def test_retrieve_with_a_reranker(self):
        def found(**more):
            own = dict(modelConfiguration={"modelArn": "arn:aws:bedrock:eu-central-1::foundation-model/builtin/late-interaction-minilm"}, **more)
            return self.agent_runtime.retrieve(
                knowledgeBaseId=self.kb, retrievalQuery={"text": "channel for long boats"},
                retrievalConfiguration={"vectorSearchConfiguration": {"numberOfResults": 4, "rerankingConfiguration": {
                    "type": "BEDROCK_RERANKING_MODEL", "bedrockRerankingConfiguration": own}}})["retrievalResults"]
        ranked = found(metadataConfiguration={"selectionMode": "ALL"})
        self.assertIn("channel 14", ranked[0]["content"]["text"])
        scores = [r["score"] for r in ranked]
        self.assertEqual(scores, sorted(scores, reverse=True))
        self.assertEqual(len(found(numberOfRerankedResults=1)), 1)
        with self.assertRaises(self.agent_runtime.exceptions.ResourceNotFoundException):
            self.agent_runtime.retrieve(
                knowledgeBaseId=self.kb, retrievalQuery={"text": "channel"},
                retrievalConfiguration={"vectorSearchConfiguration": {"rerankingConfiguration": {
                    "type": "BEDROCK_RERANKING_MODEL",
                    "bedrockRerankingConfiguration": {"modelConfiguration": {"modelArn": "nobody"}}}}})

    def test_a_key_that_may_not_use_the_base_reads_none_of_its_passages(self):
        access, secret = "AKIAOTHERMODELS00000", "other-models-secret-0123456789-abcdefgh"
        self.server.cli("key", "create", "--model", "builtin/*", "--id", access, "--secret", secret)
        other = boto3.client("bedrock-agent-runtime", endpoint_url=self.server.url, region_name="eu-central-1",
                             aws_access_key_id=access, aws_secret_access_key=secret)
        calls = [lambda: other.retrieve(knowledgeBaseId=self.kb, retrievalQuery={"text": "channel"}),
                 lambda: other.retrieve_and_generate(**self.generate()),
                 lambda: other.retrieve_and_generate_stream(**self.generate())]
        for call in calls:
            with self.assertRaises(ClientError) as raised:
                call()
            self.assertEqual(raised.exception.response["Error"]["Code"], "AccessDeniedException")
            self.assertIn("kb/harbour", raised.exception.response["Error"]["Message"])

    def generate(self, **more):
        return dict(input={"text": QUESTION}, retrieveAndGenerateConfiguration={
            "type": "KNOWLEDGE_BASE",
            "knowledgeBaseConfiguration": {"knowledgeBaseId": self.kb, "modelArn": "builtin/extract"}}, **more)

    def check_citations(self, text, citations):
        self.assertTrue(citations)
        for citation in citations:
            part = citation["generatedResponsePart"]["textResponsePart"]
            span = part["span"]
            self.assertEqual(text[span["start"]:span["end"] + 1], part["text"])
            self.assertTrue(citation["retrievedReferences"])

    def test_retrieve_and_generate_keeps_a_session(self):
        first = self.agent_runtime.retrieve_and_generate(**self.generate())
        self.assertIn("25 euros", first["output"]["text"])
        self.check_citations(first["output"]["text"], first["citations"])
        again = self.agent_runtime.retrieve_and_generate(**self.generate(sessionId=first["sessionId"]))
        self.assertEqual(again["sessionId"], first["sessionId"])

    def test_query_decomposition_is_done_by_the_model_of_the_answer(self):
        request = self.generate()
        base = request["retrieveAndGenerateConfiguration"]["knowledgeBaseConfiguration"]
        base["orchestrationConfiguration"] = {"queryTransformationConfiguration": {"type": "QUERY_DECOMPOSITION"}}
        with self.assertRaises(self.agent_runtime.exceptions.ValidationException) as raised:
            self.agent_runtime.retrieve_and_generate(**request)
        self.assertIn("needs a language model", str(raised.exception))
        base["modelArn"] = "builtin/smollm2-135m-instruct"
        answer = self.agent_runtime.retrieve_and_generate(**request)
        self.assertTrue(answer["output"]["text"])
        trace = json.loads(self.server.cli("trace", answer["ResponseMetadata"]["HTTPHeaders"]["x-strata-trace-id"], "--json"))
        self.assertIn("knowledge.rewrite", json.dumps(trace))

    def test_retrieve_and_generate_stream(self):
        reply = self.agent_runtime.retrieve_and_generate_stream(**self.generate())
        events = list(reply["stream"])
        text = "".join(e["output"]["text"] for e in events if "output" in e)
        self.assertIn("25 euros", text)
        self.assertTrue(reply["sessionId"])
        self.check_citations(text, [e["citation"] for e in events if "citation" in e])

    def wait_for(self, read, wanted):
        deadline = time.monotonic() + 60
        while (state := read()) != wanted:
            if state in ("FAILED", "STOPPED") or time.monotonic() > deadline:
                self.fail(f"state {state}, not {wanted}")
            time.sleep(0.05)

    def test_life_of_a_knowledge_base(self):
        made = self.agent.create_knowledge_base(
            name="life", roleArn="arn:aws:iam::123456789012:role/kb",
            knowledgeBaseConfiguration={"type": "VECTOR", "vectorKnowledgeBaseConfiguration": {
                "embeddingModelArn": "arn:aws:bedrock:eu-central-1::foundation-model/builtin/all-minilm-l6-v2"}},
            storageConfiguration={"type": "S3_VECTORS"})["knowledgeBase"]
        kb = made["knowledgeBaseId"]
        self.assertEqual(made["roleArn"], "arn:aws:iam::123456789012:role/kb")
        source = self.agent.create_data_source(knowledgeBaseId=kb, name="own",
                                               dataSourceConfiguration={"type": "CUSTOM"})["dataSource"]["dataSourceId"]
        where = dict(knowledgeBaseId=kb, dataSourceId=source)
        identifier = {"dataSourceType": "CUSTOM", "custom": {"id": "doc-1"}}
        self.agent.ingest_knowledge_base_documents(**where, documents=[{
            "content": {"dataSourceType": "CUSTOM", "custom": {
                "customDocumentIdentifier": {"id": "doc-1"}, "sourceType": "IN_LINE",
                "inlineContent": {"type": "TEXT", "textContent": {"data": "The kiosk sells herring sandwiches."}}}},
            "metadata": {"type": "IN_LINE_ATTRIBUTE", "inlineAttributes": [
                {"key": "year", "value": {"type": "NUMBER", "numberValue": 2024}}]}}])
        read = lambda: self.agent.get_knowledge_base_documents(
            **where, documentIdentifiers=[identifier])["documentDetails"][0]["status"]
        self.wait_for(read, "INDEXED")

        def found(year):
            return self.agent_runtime.retrieve(
                knowledgeBaseId=kb, retrievalQuery={"text": "herring"},
                retrievalConfiguration={"vectorSearchConfiguration": {
                    "filter": {"equals": {"key": "year", "value": year}}}})["retrievalResults"]
        self.assertIn("herring", found(2024)[0]["content"]["text"])
        self.assertEqual(found(1999), [])
        self.agent.delete_knowledge_base_documents(**where, documentIdentifiers=[identifier])
        self.wait_for(read, "NOT_FOUND")
        self.assertEqual(found(2024), [])
        self.agent.delete_knowledge_base(knowledgeBaseId=kb)
        with self.assertRaises(self.agent.exceptions.ResourceNotFoundException):
            self.agent.get_knowledge_base(knowledgeBaseId=kb)

    def test_who_may_read_an_ingested_document_can_be_asked(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (("board.md", "The board sells the north pier."), ("open.md", "The pier is long.")):
                pathlib.Path(folder, name).write_text(text)
            pathlib.Path(folder, "board.md.metadata.json").write_text(
                json.dumps({"metadataAttributes": {"strata_principals": ["user:7"]}}))
            self.server.cli("kb", "create", "piers", folder)
            self.server.cli("kb", "sync", "piers")
        bases = self.agent.list_knowledge_bases()["knowledgeBaseSummaries"]
        kb = next(b["knowledgeBaseId"] for b in bases if b["name"] == "piers")
        source = self.agent.list_data_sources(knowledgeBaseId=kb)["dataSourceSummaries"][0]["dataSourceId"]
        key = {"access": "acts-for-others-key", "secret": "the-secret-of-acts-for-others"}
        self.server.cli("key", "create", "--role", "kb.read", "--role", "invoke", "--acts-for", "user:*",
                        "--id", key["access"], "--secret", key["secret"])
        runtime = self.make("bedrock-agent-runtime", **key)
        found = lambda user: runtime.retrieve(
            knowledgeBaseId=kb, retrievalQuery={"text": "north pier"}, userContext={"userId": user})["retrievalResults"]
        ids = {json.dumps(r["location"]): r["documentId"] for r in found("7")}
        board = next(i for place, i in ids.items() if "board.md" in place)
        pier = next(i for place, i in ids.items() if "open.md" in place)
        check = lambda document, user: runtime.check_ingested_document_acl(
            knowledgeBaseId=kb, dataSourceId=source, documentId=document, userContext={"userId": user})["hasAccess"]
        self.assertEqual([check(board, "7"), check(board, "8"), check(pier, "8")], [True, False, True])
        self.assertEqual([r["documentId"] for r in found("8")], [pier])
        with self.assertRaises(runtime.exceptions.ResourceNotFoundException):
            check("nothing", "7")
        # The tests' own key is an administrator's, which alone is no leave to speak for others.
        for ask in (lambda **who: self.agent_runtime.retrieve(knowledgeBaseId=kb, retrievalQuery={"text": "north pier"}, **who),
                    lambda **who: self.agent_runtime.check_ingested_document_acl(
                        knowledgeBaseId=kb, dataSourceId=source, documentId=board, **who)):
            with self.assertRaises(self.agent_runtime.exceptions.AccessDeniedException) as refused:
                ask(userContext={"userId": "7"})
            self.assertIn("--acts-for 'user:7'", str(refused.exception))
        for ask in (self.agent_runtime.retrieve_and_generate, self.agent_runtime.retrieve_and_generate_stream):
            with self.assertRaises(self.agent_runtime.exceptions.AccessDeniedException):
                ask(input={"text": "Who sells the north pier?"}, userContext={"userId": "7"}, retrieveAndGenerateConfiguration={
                    "type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": {"knowledgeBaseId": kb, "modelArn": "builtin/extract"}})

    def test_a_folder_is_shown_as_custom_and_stays_a_folder_when_that_comes_back(self):
        source = self.agent.list_data_sources(knowledgeBaseId=self.kb)["dataSourceSummaries"][0]["dataSourceId"]
        where = dict(knowledgeBaseId=self.kb, dataSourceId=source)
        seen = self.agent.get_data_source(**where)["dataSource"]
        self.assertEqual(seen["dataSourceConfiguration"], {"type": "CUSTOM"})
        changed = self.agent.update_data_source(**where, name=seen["name"], description="of the harbour",
                                                dataSourceConfiguration=seen["dataSourceConfiguration"])["dataSource"]
        self.assertEqual(changed["description"], "of the harbour")
        job = self.agent.start_ingestion_job(**where)["ingestionJob"]["ingestionJobId"]
        read = lambda: self.agent.get_ingestion_job(**where, ingestionJobId=job)["ingestionJob"]
        self.wait_for(lambda: read()["status"], "COMPLETE")
        self.assertEqual(read()["statistics"]["numberOfDocumentsScanned"], 3)

    def test_a_prompt_template_must_hold_the_results(self):
        wrong = self.generate()
        wrong["retrieveAndGenerateConfiguration"]["knowledgeBaseConfiguration"]["generationConfiguration"] = {
            "promptTemplate": {"textPromptTemplate": "Answer $query$ in one sentence."}}
        for call in (self.agent_runtime.retrieve_and_generate, self.agent_runtime.retrieve_and_generate_stream):
            with self.assertRaises(ClientError) as raised:
                call(**wrong)
            error = raised.exception.response["Error"]
            self.assertEqual(error["Code"], "ValidationException")
            self.assertIn("promptTemplate.textPromptTemplate: expected the variable $search_results$", error["Message"])

    def test_unmapped_storage_is_refused_with_the_line_to_add(self):
        with self.assertRaises(self.agent.exceptions.ValidationException) as caught:
            self.agent.create_knowledge_base(
                name="elsewhere", roleArn="arn:aws:iam::123456789012:role/kb",
                knowledgeBaseConfiguration={"type": "VECTOR", "vectorKnowledgeBaseConfiguration": {
                    "embeddingModelArn": "arn:aws:bedrock:eu-central-1::foundation-model/builtin/all-minilm-l6-v2"}},
                storageConfiguration={"type": "PINECONE", "pineconeConfiguration": {
                    "connectionString": "https://x", "credentialsSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:x",
                    "fieldMapping": {"textField": "t", "metadataField": "m"}}})
        self.assertIn("storage_map", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
