"""What late interaction over MiniLM (builtin/late-interaction-minilm) costs on a search's candidates, and what it does to their order.

    rerank.py STRATA SET [--queries N] [--candidates N] [--embedding-model M]

STRATA is the binary, SET a folder with corpus.jsonl.gz, queries.jsonl and qrels.tsv. Each judged query is searched for in a base of the
set without a reranker, and its candidates are given to /v2/rerank, one request at a time. Printed: time on the clock and CPU time of the server a
query, p50 and p95; word pieces a query as the reranker counts them; nDCG@10 in the order of the search and in that of the reranker.
"""
import argparse
import json
import os
import time
import urllib.request

from several import BEARER, Server, documents_of, figures, queries_of

MODEL = "builtin/late-interaction-minilm"


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), method="POST",
                                     headers={"authorization": "Bearer " + BEARER, "content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as reply:
        return json.load(reply)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def share(values, part):
    return sorted(values)[int(len(values) * part)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("strata")
    parser.add_argument("set")
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--candidates", type=int, default=50)
    parser.add_argument("--embedding-model", default="builtin/static-minilm-256")
    args = parser.parse_args()
    server = Server(args.strata)
    try:
        server.base("set", documents_of(args.set), args.embedding_model)
        clock, cpu, pieces, before, after = [], [], [], [], []
        queries = queries_of(args.set, args.queries)
        for text, grades in queries[:1] + queries:  # the first one also loads the model, and is left out
            found = post(f"{server.url}/strata/v1/kbs/set/search", {"query": text, "results": args.candidates})["retrievalResults"]
            body = {"model": MODEL, "query": text, "documents": [r["content"]["text"] for r in found], "top_n": len(found)}
            started, used = time.monotonic(), cpu_seconds(server.process.pid)
            reranked = post(f"{server.url}/v2/rerank", body)
            clock.append(1000 * (time.monotonic() - started))
            cpu.append(1000 * (cpu_seconds(server.process.pid) - used))
            pieces.append(reranked.get("meta", {}).get("tokens", {}).get("input_tokens", 0))
            ids = [r["metadata"]["x-amz-bedrock-kb-source-uri"] for r in found]
            before.append(figures(list(dict.fromkeys(ids)), grades)[0])
            after.append(figures(list(dict.fromkeys(ids[r["index"]] for r in reranked["results"])), grades)[0])
        print(f"{len(queries)} queries of {args.set}, {args.candidates} candidates each")
        for name, values in (("clock", clock[1:]), ("CPU", cpu[1:])):
            print(f"{name:6} p50 {share(values, .5):8.1f} ms  p95 {share(values, .95):8.1f} ms")
        print(f"word pieces a query {sum(pieces[1:]) / len(queries):.0f}")
        print(f"nDCG@10 in the order of the search {sum(before[1:]) / len(queries):.4f}, of the reranker {sum(after[1:]) / len(queries):.4f}")
    finally:
        server.stop()


if __name__ == "__main__":
    main()
