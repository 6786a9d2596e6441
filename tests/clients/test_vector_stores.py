"""Files, vector stores and file_search with the unmodified openai SDK."""
import io
import json
import unittest

import openai
from openai import OpenAI

from harness import BEARER, Server, server, server_with_upstream

TIDES = "Tide tables of Sörby. High water at Sörby is at 14:20 on Mondays. The harbour master sounds a horn before it. 🗼\n"
QUAYS = "Quay rules. The south quay takes boats of up to nine metres. Its crane lifts four tonnes.\n"
QUESTION = "When is high water at Sörby on Mondays?"


def status_of(call, *args, **kwargs):
    """(status, code's param) of a call that is refused."""
    try:
        call(*args, **kwargs)
    except openai.APIStatusError as error:
        return error.status_code, error.param
    return 200, None


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = server()
        cls.client = OpenAI(base_url=cls.server.url + "/v1", api_key=BEARER, max_retries=0)

    def upload(self, name, text, client=None):
        return (client or self.client).files.create(file=(name, text.encode()), purpose="assistants")

    def store(self, name, *texts, client=None, **more):
        """A vector store whose files, one a text, are indexed; (store, files)."""
        client = client or self.client
        files = [self.upload(f"{i}.txt", text, client) for i, text in enumerate(texts)]
        store = client.vector_stores.create(name=name, **more)
        self.addCleanup(client.vector_stores.delete, store.id)
        if files:
            batch = client.vector_stores.file_batches.create_and_poll(
                store.id, file_ids=[file.id for file in files], poll_interval_ms=50)
            self.assertEqual((batch.status, batch.file_counts.completed), ("completed", len(texts)))
        return store, files


class Files(Base):
    def test_a_file_comes_back_as_it_went(self):
        content = bytes(range(256)) * 100 + b"\r\n--boundary\r\n"
        file = self.client.files.create(file=("bytes.bin", content), purpose="user_data",
                                        expires_after={"anchor": "created_at", "seconds": 3600})
        self.assertEqual((file.object, file.bytes, file.filename, file.purpose), ("file", len(content), "bytes.bin", "user_data"))
        self.assertEqual(file.expires_at, file.created_at + 3600)
        self.assertEqual(self.client.files.retrieve(file.id), file)
        self.assertEqual(self.client.files.content(file.id).read(), content)
        self.assertTrue(self.client.files.delete(file.id).deleted)
        self.assertEqual(status_of(self.client.files.retrieve, file.id), (404, "file_id"))
        self.assertEqual(status_of(self.client.files.content, file.id), (404, "file_id"))

    def test_lists_go_on_page_by_page(self):
        made = [self.upload(f"page{i}.txt", "x").id for i in range(5)]
        self.addCleanup(lambda: [self.client.files.delete(id) for id in made])
        self.assertEqual([f.id for f in self.client.files.list(limit=2)][:5], made[::-1])
        oldest_first = [f.id for f in self.client.files.list(order="asc")]
        self.assertEqual(oldest_first[-5:], made)
        self.assertTrue(all(f.purpose == "assistants" for f in self.client.files.list(purpose="assistants")))

    def test_faults_name_their_part(self):
        create = self.client.files.create
        self.assertEqual(status_of(create, file=("a.txt", b"x"), purpose="fine-tune"), (400, "purpose"))
        self.assertEqual(status_of(create, file=("a.txt", b""), purpose="assistants"), (400, "file"))
        self.assertEqual(status_of(create, file=("a.txt", b"x"), purpose="assistants", extra_body={"colour": "red"}), (400, "colour"))
        self.assertEqual(status_of(create, file=("a.txt", b"x"), purpose="assistants",
                                   expires_after={"anchor": "created_at", "seconds": 5}), (400, "expires_after.seconds"))
        self.assertEqual(status_of(self.client.files.list, limit=0), (400, "limit"))
        status, _, body = self.server.get("/v1/files", {"authorization": "Bearer " + BEARER, "content-type": "text/plain"}, "POST")
        self.assertEqual(status, 400)
        self.assertIn("multipart/form-data", json.loads(body)["error"]["message"])

    def test_anthropics_files_are_refused_in_its_form(self):
        status, _, body = self.server.get("/v1/files", {"x-api-key": BEARER, "anthropic-version": "2023-06-01"})
        self.assertEqual(status, 400)
        self.assertEqual(json.loads(body)["type"], "error")


    def test_a_request_names_an_uploaded_file(self):
        file = self.client.files.create(file=("tides.txt", TIDES.encode()), purpose="user_data")
        ask = [{"role": "user", "content": [{"type": "input_file", "file_id": file.id}, {"type": "input_text", "text": QUESTION}]}]
        first = self.client.responses.create(model="builtin/extract", input=ask)
        self.assertIn("14:20", first.output_text)
        # The file is read anew for each answer of a chain, and must be there.
        more = {"model": "builtin/extract", "input": "Who sounds a horn?", "previous_response_id": first.id}
        self.assertIn("harbour master", self.client.responses.create(**more).output_text)
        self.client.files.delete(file.id)
        self.assertEqual(status_of(self.client.responses.create, **more), (404, "file_id"))


class VectorStores(Base):
    def test_a_store_and_its_files(self):
        file = self.upload("tides.txt", TIDES)
        store = self.client.vector_stores.create(
            name="Tide tables", file_ids=[file.id], metadata={"team": "blue"},
            expires_after={"anchor": "last_active_at", "days": 7})
        self.addCleanup(self.client.vector_stores.delete, store.id)
        self.assertEqual((store.object, store.name, store.metadata), ("vector_store", "Tide tables", {"team": "blue"}))
        self.assertEqual(store.expires_at, store.last_active_at + 7 * 86400)
        polled = self.client.vector_stores.files.poll(file.id, vector_store_id=store.id, poll_interval_ms=50)
        self.assertEqual((polled.status, polled.last_error), ("completed", None))
        store = self.client.vector_stores.retrieve(store.id)
        self.assertEqual((store.status, store.file_counts.completed, store.usage_bytes), ("completed", 1, len(TIDES.encode())))
        content = self.client.vector_stores.files.content(file.id, vector_store_id=store.id)
        self.assertIn("14:20", "".join(part.text for part in content))

        changed = self.client.vector_stores.update(store.id, name="Tides", expires_after=None)
        self.assertEqual((changed.name, changed.expires_after, changed.metadata), ("Tides", None, {"team": "blue"}))
        # It is a knowledge base, a model and a vector store at once.
        self.assertIn("Tide-tables", self.server.cli("kb", "list"))
        answer = self.client.chat.completions.create(model="kb/Tide-tables", messages=[{"role": "user", "content": QUESTION}])
        self.assertIn("14:20", answer.choices[0].message.content)

        self.assertTrue(self.client.vector_stores.files.delete(file.id, vector_store_id=store.id).deleted)
        self.assertEqual(self.client.vector_stores.search(store.id, query=QUESTION).data, [])
        self.assertEqual(status_of(self.client.vector_stores.files.retrieve, file.id, vector_store_id=store.id), (404, "file_id"))
        self.assertEqual(self.client.files.retrieve(file.id).id, file.id)

    def test_lists_go_on_in_both_directions(self):
        made = [self.store(f"list{i}")[0].id for i in range(3)]
        listed = [s.id for s in self.client.vector_stores.list(limit=2)]
        self.assertEqual(listed[:3], made[::-1])
        page = self.client.vector_stores.list(limit=1, before=made[0])
        self.assertEqual([s.id for s in page.data], [made[1]])
        self.assertEqual(status_of(self.client.vector_stores.list, after="vs_nobody"), (400, "after"))

    def test_search_filters_by_attributes(self):
        store, (tides, quays) = self.store("filters", TIDES, QUAYS)
        files = self.client.vector_stores.files
        files.update(tides.id, vector_store_id=store.id, attributes={"year": 2024, "region": "north"})
        updated = files.update(quays.id, vector_store_id=store.id, attributes={"year": 2023, "region": "south", "draft": True})
        self.assertEqual(updated.attributes, {"year": 2023, "region": "south", "draft": True})

        def found(**more):
            return {r.file_id for r in self.client.vector_stores.search(store.id, query="Sörby harbour quay", **more)}
        self.assertEqual(found(), {tides.id, quays.id})
        self.assertEqual(found(filters={"type": "gte", "key": "year", "value": 2024}), {tides.id})
        self.assertEqual(found(filters={"type": "in", "key": "region", "value": ["south", "west"]}), {quays.id})
        self.assertEqual(found(filters={"type": "and", "filters": [
            {"type": "eq", "key": "draft", "value": True}, {"type": "eq", "key": "year", "value": 2024}]}), set())
        self.assertEqual(len(found(max_num_results=1)), 1)
        best = self.client.vector_stores.search(store.id, query=QUESTION, rewrite_query=True).data[0]
        self.assertEqual((best.file_id, best.filename, best.attributes), (tides.id, "0.txt", {"year": 2024, "region": "north"}))
        self.assertIn("14:20", best.content[0].text)
        self.assertTrue(all(r.score >= 0.9 for r in self.client.vector_stores.search(
            store.id, query=QUESTION, ranking_options={"score_threshold": 0.9})))
        several = self.client.vector_stores.search(store.id, query=["high water", "crane"])
        self.assertEqual({r.file_id for r in several}, {tides.id, quays.id})
        self.assertEqual(status_of(self.client.vector_stores.search, store.id, query="x", filters={"type": "like"}), (400, "filters.type"))
        self.assertEqual(status_of(self.client.vector_stores.search, store.id, query=""), (400, "query"))

    def test_files_that_cannot_be_read_fail_with_the_reason(self):
        store, _ = self.store("failures", TIDES)
        image = self.upload("a.png", "\x89PNG\r\n\x1a\n")
        failed = self.client.vector_stores.files.create_and_poll(image.id, vector_store_id=store.id, poll_interval_ms=50)
        self.assertEqual((failed.status, failed.last_error.code), ("failed", "unsupported_file"))
        files = self.client.vector_stores.files
        self.assertEqual([f.id for f in files.list(store.id, filter="failed")], [image.id])
        self.assertEqual(len(files.list(store.id, filter="completed").data), 1)
        self.assertEqual(files.list(store.id, filter="in_progress").data, [])
        self.assertEqual(status_of(files.list, store.id, filter="done"), (400, "filter"))

    def test_batches_and_chunking(self):
        store, _ = self.store("batches")
        text = "".join(f"Sentence number {i} speaks of the tide in Sörby. " for i in range(60))
        files = [self.upload(f"b{i}.txt", text) for i in range(2)]
        batch = self.client.vector_stores.file_batches.create(store.id, files=[
            {"file_id": files[0].id, "attributes": {"n": 0}},
            {"file_id": files[1].id, "chunking_strategy": {
                "type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 50}}}])
        batch = self.client.vector_stores.file_batches.poll(batch.id, vector_store_id=store.id, poll_interval_ms=50)
        self.assertEqual((batch.status, batch.file_counts.completed, batch.file_counts.total), ("completed", 2, 2))
        listed = {f.id: f for f in self.client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id)}
        self.assertEqual(set(listed), {f.id for f in files})
        self.assertEqual(listed[files[0].id].attributes, {"n": 0})
        self.assertEqual(listed[files[1].id].chunking_strategy.static.max_chunk_size_tokens, 100)
        pieces = [len(self.client.vector_stores.files.content(f.id, vector_store_id=store.id).data) for f in files]
        self.assertGreater(pieces[1], pieces[0])
        ended = self.client.vector_stores.file_batches.cancel(batch.id, vector_store_id=store.id)
        self.assertEqual((ended.status, ended.file_counts.completed), ("completed", 2))
        self.assertEqual(status_of(self.client.vector_stores.file_batches.create, store.id, file_ids=[files[0].id, "file-none"]),
                         (404, "file_ids[1]"))
        self.assertEqual(status_of(self.client.vector_stores.file_batches.retrieve, "vsfb_none", vector_store_id=store.id),
                         (404, "batch_id"))

    def test_knowledge_bases_are_vector_stores(self):
        for name in ("harbour", "kb/harbour"):
            store = self.client.vector_stores.retrieve(name)
            self.assertEqual(store.file_counts.completed, 3)
        best = self.client.vector_stores.search("harbour", query="When was the lighthouse built?").data[0]
        self.assertIn("1871", best.content[0].text)
        file = self.client.vector_stores.files.retrieve(best.file_id, vector_store_id="harbour")
        self.assertEqual(file.status, "completed")
        # What a folder holds is changed in the folder.
        self.assertEqual(status_of(self.client.vector_stores.files.delete, file.id, vector_store_id="harbour"), (400, "file_id"))

    def test_a_key_that_may_not_use_the_base_does_not_see_it(self):
        store, (file,) = self.store("Not for all", TIDES)
        bearer = "sk-strata-vector-stores-0123456789abcdef"
        self.server.cli("key", "create", "--name", "stores", "--role", "invoke", "--role", "kb.read", "--role", "kb.write",
                        "--model", "kb/mine*", "--model", "builtin/extract", "--bearer", bearer)
        other = OpenAI(base_url=self.server.url + "/v1", api_key=bearer, max_retries=0)
        self.assertNotIn(store.id, [s.id for s in other.vector_stores.list()])
        gone = (404, "vector_store_id")
        for name in (store.id, "kb/Not-for-all", "harbour"):
            self.assertEqual(status_of(other.vector_stores.retrieve, name), gone)
            self.assertEqual(status_of(other.vector_stores.search, name, query="tide"), gone)
            self.assertEqual(status_of(other.vector_stores.update, name, name="x"), gone)
            self.assertEqual(status_of(other.vector_stores.delete, name), gone)
            self.assertEqual(status_of(other.vector_stores.files.list, name), gone)
            self.assertEqual(status_of(other.vector_stores.files.content, file.id, vector_store_id=name), gone)
            self.assertEqual(status_of(other.responses.create, model="builtin/extract", input=QUESTION,
                                       tools=[{"type": "file_search", "vector_store_ids": [name]}]), gone)
        self.assertEqual(status_of(other.vector_stores.create, name="theirs")[0], 403)
        # Nor another key's files, which it cannot put into its own store either.
        self.assertEqual(status_of(other.files.retrieve, file.id), (404, "file_id"))
        self.assertEqual(status_of(other.files.delete, file.id), (404, "file_id"))
        self.assertNotIn(file.id, [f.id for f in other.files.list()])
        mine, _ = self.store("mine", client=other)
        self.assertEqual(status_of(other.vector_stores.files.create, mine.id, file_id=file.id), (404, "file_id"))
        self.assertEqual(len(self.client.vector_stores.search(store.id, query="tide").data), 1)


class FileSearch(Base):
    def setUp(self):
        self.created, (self.tides, self.quays) = self.store("search", TIDES, QUAYS)
        self.tool = {"type": "file_search", "vector_store_ids": [self.created.id]}

    def test_builtin_extract_answers_with_citations(self):
        reply = self.client.responses.create(model="builtin/extract", input=QUESTION, tools=[self.tool],
                                             include=["file_search_call.results"])
        call, message = reply.output
        self.assertEqual((call.type, call.status, call.queries), ("file_search_call", "completed", [QUESTION]))
        self.assertEqual(call.results[0].file_id, self.tides.id)
        self.assertIn("14:20", call.results[0].text)
        self.assertIn("14:20", reply.output_text)
        note = message.content[0].annotations[0]
        self.assertEqual((note.type, note.file_id, note.filename), ("file_citation", self.tides.id, "0.txt"))
        self.assertLessEqual(note.index, len(reply.output_text))
        # What was found is shown only to those who ask for it.
        again = self.client.responses.create(model="builtin/extract", input=QUESTION, tools=[self.tool])
        self.assertIsNone(again.output[0].results)

    def test_builtin_extract_reads_a_misspelt_question_as_the_search_does(self):
        reply = self.client.responses.create(model="builtin/extract", input="What does the crnae lift?", tools=[self.tool])
        self.assertIn("four tonnes", reply.output_text)
        self.assertEqual(reply.output[0].queries, ["What does the crnae lift?"])

    def test_the_stream_tells_of_the_search_first(self):
        types, final = [], None
        for event in self.client.responses.create(model="builtin/extract", input=QUESTION, tools=[self.tool], stream=True):
            types.append(event.type.removeprefix("response."))
            final = event
        self.assertEqual(types[:7], ["created", "in_progress", "output_item.added", "file_search_call.in_progress",
                                     "file_search_call.searching", "file_search_call.completed", "output_item.done"])
        self.assertIn("output_text.annotation.added", types)
        self.assertEqual([item.type for item in final.response.output], ["file_search_call", "message"])

    def test_a_chain_goes_on_with_its_searches(self):
        first = self.client.responses.create(model="builtin/extract", input=QUESTION, tools=[self.tool])
        second = self.client.responses.create(model="builtin/extract", input="How much does the crane lift?", tools=[self.tool],
                                              previous_response_id=first.id)
        self.assertIn("four tonnes", second.output_text)
        played = self.client.responses.create(
            model="builtin/extract", tools=[self.tool],
            input=[{"role": "user", "content": QUESTION}, *[item.model_dump() for item in first.output],
                   {"role": "user", "content": "How much does the crane lift?"}])
        self.assertIn("four tonnes", played.output_text)

    def test_filters_and_choices_reach_the_search(self):
        self.client.vector_stores.files.update(self.tides.id, vector_store_id=self.created.id, attributes={"year": 2024})
        found = self.client.responses.create(
            model="builtin/extract", input=QUESTION, include=["file_search_call.results"],
            tools=[dict(self.tool, filters={"type": "ne", "key": "year", "value": 2024}, max_num_results=1)]).output[0]
        self.assertEqual([r.file_id for r in found.results], [self.quays.id])
        without = self.client.responses.create(model="builtin/extract", input=QUESTION, tools=[self.tool], tool_choice="none")
        self.assertEqual([item.type for item in without.output], ["message"])

    def test_faults_name_their_member(self):
        def refused(**more):
            return status_of(self.client.responses.create, **dict({"model": "builtin/extract", "input": QUESTION}, **more))
        self.assertEqual(refused(tools=[{"type": "file_search", "vector_store_ids": []}]), (400, "tools[0].vector_store_ids"))
        self.assertEqual(refused(tools=[{"type": "file_search", "vector_store_ids": ["vs_none"]}]), (404, "vector_store_id"))
        self.assertEqual(refused(tools=[dict(self.tool, filters={"type": "eq", "key": "k"})]), (400, "tools[0].filters.value"))
        self.assertEqual(refused(tools=[dict(self.tool, max_num_results=51)]), (400, "tools[0].max_num_results"))
        self.assertEqual(refused(model="kb/harbour", tools=[self.tool]), (400, "model"))


class FileSearchWithProviders(unittest.TestCase):
    """The same search in front of models of every provider."""

    def setUp(self):
        self.server, self.fake = server_with_upstream()
        self.client = OpenAI(base_url=self.server.url + "/v1", api_key=BEARER, max_retries=0)
        self.file = self.client.files.create(file=("tides.txt", io.BytesIO(TIDES.encode())), purpose="assistants")
        self.store = self.client.vector_stores.create(name="tides")
        self.addCleanup(self.client.vector_stores.delete, self.store.id)
        self.client.vector_stores.files.create_and_poll(self.file.id, vector_store_id=self.store.id, poll_interval_ms=50)
        self.tool = {"type": "file_search", "vector_store_ids": [self.store.id]}

    def test_every_provider_gets_the_passages_and_is_cited(self):
        for model in ("up-openai/gpt-4o", "up-anthropic/claude-sonnet-4-5", "up-bedrock/anthropic.claude-3-haiku-20240307-v1:0",
                      "up-gemini/gemini-2.5-flash"):
            for stream in (False, True):
                with self.subTest(model=model, stream=stream):
                    self.fake.script({"chunks": ["I looked. High water at Sörby ", "is at 14:20 on Mondays", "."], "times": 0})
                    reply = self.client.responses.create(model=model, input=QUESTION, tools=[self.tool], stream=stream)
                    if stream:
                        reply = [event for event in reply][-1].response
                    self.assertEqual(reply.output_text, "I looked. High water at Sörby is at 14:20 on Mondays.")
                    self.assertEqual([item.type for item in reply.output], ["file_search_call", "message"])
                    (note,) = reply.output[1].content[0].annotations
                    self.assertEqual((note.file_id, note.filename, note.index),
                                     (self.file.id, "tides.txt", len(reply.output_text)))
                    sent = self.fake.requests()[-1]["body"]
                    self.assertIn("14:20 on Mondays", sent)
                    self.assertNotIn("file_search", sent)

    def test_function_tools_stand_beside_the_search(self):
        self.fake.script({"tool_calls": [{"id": "call_1", "name": "tide_now", "input": {}}]}, {"text": "High water."})
        tools = [self.tool, {"type": "function", "name": "tide_now", "parameters": {"type": "object", "properties": {}}}]
        first = self.client.responses.create(model="up-openai/gpt-4o", input=QUESTION, tools=tools)
        self.assertEqual([item.type for item in first.output], ["file_search_call", "function_call"])
        second = self.client.responses.create(model="up-openai/gpt-4o", tools=tools, previous_response_id=first.id, input=[
            {"type": "function_call_output", "call_id": "call_1", "output": "rising"}])
        self.assertEqual(second.output[0].queries, [QUESTION])
        self.assertEqual(second.output_text, "High water.")


class AfterAKill(unittest.TestCase):
    """What was answered is there after kill -9, and what was under way is finished."""

    def test_files_and_stores_survive(self):
        strata = Server(documents=False)
        self.addCleanup(strata.stop)
        client = OpenAI(base_url=strata.url + "/v1", api_key=BEARER, max_retries=0)
        store = client.vector_stores.create(name="durable", metadata={"team": "blue"})
        files = [client.files.create(file=(f"{i}.txt", (TIDES + f"Number {i}.").encode()), purpose="assistants") for i in range(20)]
        batch = client.vector_stores.file_batches.create(store.id, file_ids=[f.id for f in files])
        strata.process.kill()
        strata.process.wait()
        strata.process.stdout.close()
        strata.process = strata.start()
        strata.wait_until_ready()
        client = OpenAI(base_url=strata.url + "/v1", api_key=BEARER, max_retries=0)
        batch = client.vector_stores.file_batches.poll(batch.id, vector_store_id=store.id, poll_interval_ms=50)
        self.assertEqual((batch.status, batch.file_counts.completed), ("completed", 20))
        self.assertEqual(client.vector_stores.retrieve(store.id).metadata, {"team": "blue"})
        self.assertEqual(client.files.content(files[7].id).read().decode(), TIDES + "Number 7.")
        self.assertEqual(len({r.file_id for r in client.vector_stores.search(store.id, query=QUESTION, max_num_results=50)}), 20)


if __name__ == "__main__":
    unittest.main()
