#!/usr/bin/env python3
"""Scores what LlamaIndex and Haystack find by default, with strata's own embedder, for a table beside `strata kb eval`.

    python3 -m venv V && V/bin/pip install llama-index-core==0.14.25 haystack-ai==3.4.1
    V/bin/python peers.py SET [BASE_URL] [EMBEDDING_MODEL]      # STRATA_KEY: a key of the server at BASE_URL

SET holds corpus.jsonl[.gz], queries.jsonl and qrels.tsv. Vectors come from /v1/embeddings of a running strata, so that all three have
the same model; nothing is downloaded. What is compared:

  LlamaIndex   Document per text (title in its metadata), VectorStoreIndex with its default splitter (1,024 tokens), retriever top 50
  Haystack     DocumentCleaner and DocumentSplitter by default (200 words), InMemoryDocumentStore, BM25 and embedding retrievers, top 50
               each, DocumentJoiner by reciprocal rank fusion; and each retriever alone

Documents are ranked by their best piece, as in `strata kb eval`; nDCG@10 with gains 2^grade - 1, recall@5.
"""
import gzip
import json
import math
import os
import pathlib
import sys
import urllib.error
import urllib.request

DEPTH = 50


def lines(folder, name):
    path = folder / name
    opened = path.open("rt", encoding="utf-8") if path.exists() else gzip.open(f"{path}.gz", "rt", encoding="utf-8")
    with opened as file:
        return [json.loads(line) for line in file if line.strip()]


class Vectors:
    """The embedder of both."""

    def __init__(self, url, model):
        self.url, self.model, self.known = url, model, {}

    def of(self, texts):
        missing = list(dict.fromkeys(text for text in texts if text not in self.known))
        for start in range(0, len(missing), 64):
            part = missing[start:start + 64]
            try:
                rows = self.ask([text or " " for text in part])
            except urllib.error.HTTPError as error:
                if error.code != 400:
                    raise
                rows = [self.cut(text or " ") for text in part]
            self.known.update(zip(part, rows))
        return [self.known[text] for text in texts]

    def cut(self, text):
        """The vector of as much of it as the model sees: longer texts are refused, as OpenAI does."""
        words = text.split(" ")
        while True:
            try:
                return self.ask([" ".join(words)])[0]
            except urllib.error.HTTPError as error:
                if error.code != 400 or len(words) < 2:
                    raise
                words = words[:len(words) * 15 // 16]

    def ask(self, texts):
        body = json.dumps({"model": self.model, "input": texts}).encode()
        request = urllib.request.Request(self.url + "/v1/embeddings", body, {
            "content-type": "application/json", "authorization": "Bearer " + os.environ["STRATA_KEY"]})
        with urllib.request.urlopen(request) as reply:
            return [row["embedding"] for row in json.load(reply)["data"]]


def llama_index(corpus, queries, vectors):
    from llama_index.core import Document, VectorStoreIndex
    from llama_index.core.embeddings import BaseEmbedding

    class Embedder(BaseEmbedding):
        def _get_text_embedding(self, text):
            return vectors.of([text])[0]

        def _get_text_embeddings(self, texts):
            return vectors.of(texts)

        def _get_query_embedding(self, query):
            return vectors.of([query])[0]

        async def _aget_query_embedding(self, query):
            return vectors.of([query])[0]

    documents = [Document(text=row["text"], id_=row["_id"], metadata={"title": row["title"]} if row.get("title") else {}) for row in corpus]
    index = VectorStoreIndex.from_documents(documents, embed_model=Embedder(embed_batch_size=64))
    retriever = index.as_retriever(similarity_top_k=DEPTH)
    return {"LlamaIndex": {query["_id"]: [hit.node.ref_doc_id for hit in retriever.retrieve(query["text"])] for query in queries}}


def haystack(corpus, queries, vectors):
    from haystack import Document
    from haystack.components.joiners import DocumentJoiner
    from haystack.components.preprocessors import DocumentCleaner, DocumentSplitter
    from haystack.components.retrievers.in_memory import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    documents = [Document(content="\n".join(filter(None, (row.get("title"), row["text"]))), meta={"of": row["_id"]}) for row in corpus]
    splitter = DocumentSplitter()
    splitter.warm_up()
    pieces = splitter.run(documents=DocumentCleaner().run(documents=documents)["documents"])["documents"]
    pieces = [Document(content=piece.content, meta=piece.meta, embedding=vector)
              for piece, vector in zip(pieces, vectors.of([piece.content for piece in pieces]))]
    store = InMemoryDocumentStore()
    store.write_documents(pieces)
    words, near = InMemoryBM25Retriever(store, top_k=DEPTH), InMemoryEmbeddingRetriever(store, top_k=DEPTH)
    joiner = DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=DEPTH)
    runs = {"Haystack BM25": {}, "Haystack embedding": {}, "Haystack hybrid": {}}
    for query in queries:
        by_words = words.run(query=query["text"])["documents"]
        by_vector = near.run(query_embedding=vectors.of([query["text"]])[0])["documents"]
        both = joiner.run(documents=[by_words, by_vector])["documents"]
        for name, found in zip(runs, (by_words, by_vector, both)):
            runs[name][query["_id"]] = [document.meta["of"] for document in found]
    return runs


def judge(run, judged):
    ndcg = recall = 0.0
    for query, grades in judged.items():
        ranking = list(dict.fromkeys(run[query]))
        gains = [grades.get(document, 0) for document in ranking[:10]]
        best = sorted(grades.values(), reverse=True)[:10]
        total = lambda values: sum(value / math.log2(rank + 2) for rank, value in enumerate(values))
        ndcg += total(gains) / total(best)
        relevant = {document for document, grade in grades.items() if grade > 0}
        recall += len(relevant & set(ranking[:5])) / len(relevant)
    return ndcg / len(judged), recall / len(judged)


def main():
    folder = pathlib.Path(sys.argv[1])
    url = sys.argv[2] if len(sys.argv) > 2 else "http://127.0.0.1:8080"
    vectors = Vectors(url, sys.argv[3] if len(sys.argv) > 3 else "builtin/all-minilm-l6-v2")
    judged = {}
    for line in (folder / "qrels.tsv").read_text().splitlines()[1:]:
        query, document, grade = line.split("\t")
        judged.setdefault(query, {})[document] = int(grade)
    queries = [query for query in lines(folder, "queries.jsonl") if max(judged.get(query["_id"], {0: 0}).values()) > 0]
    judged = {query["_id"]: judged[query["_id"]] for query in queries}
    corpus = lines(folder, "corpus.jsonl")
    print(f"{'':20} nDCG@10  R@5     {len(queries)} questions over {len(corpus)} documents", flush=True)
    for make in (llama_index, haystack):
        for name, run in make(corpus, queries, vectors).items():
            print("{:20} {:.4f}   {:.4f}".format(name, *judge(run, judged)), flush=True)


main()
