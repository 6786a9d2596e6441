#!/usr/bin/env python3
"""FAISS beside bench_vector, on the rows and queries that it made: `python faiss_peer.py CACHE_DIR ROWS EFFORT…`.

One thread, CPU time, one query at a time, HNSW over floats with the same links and build effort. Needs numpy and faiss-cpu.
"""
import sys
import time

import faiss
import numpy as np

DIMENSIONS, TOP, LINKS, BUILD_EFFORT = 384, 10, 16, 100


def main():
    folder, rows, efforts = sys.argv[1], int(sys.argv[2]), [int(effort) for effort in sys.argv[3:]]
    faiss.omp_set_num_threads(1)
    base = np.fromfile(f"{folder}/rows.f32", np.float32, rows * DIMENSIONS).reshape(rows, DIMENSIONS)
    queries = np.fromfile(f"{folder}/queries.f32", np.float32).reshape(-1, DIMENSIONS)
    exact = faiss.IndexFlatIP(DIMENSIONS)
    exact.add(base)
    truth = exact.search(queries, TOP)[1]
    index = faiss.IndexHNSWFlat(DIMENSIONS, LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = BUILD_EFFORT
    start = time.process_time()
    index.add(base)
    print(f"FAISS {faiss.__version__}, HNSW over floats, {rows} rows: built in {time.process_time() - start:.1f} s CPU")
    for effort in efforts:
        index.hnsw.efSearch = effort
        times, right = [], 0
        for query, expected in zip(queries, truth):
            start = time.process_time()
            found = index.search(query[None], TOP)[1][0]
            times.append((time.process_time() - start) * 1e3)
            right += len(set(found) & set(expected))
        times.sort()
        print(f"  effort {effort:<27} recall@10 {right / truth.size:.4f}  p50 {times[len(times) // 2]:7.3f} ms  "
              f"p95 {times[len(times) * 95 // 100]:7.3f} ms")


main()
