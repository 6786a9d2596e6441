#!/usr/bin/env python3
"""Writes minilm_reference.json: token ids by Hugging Face's tokenizers and vectors of all-MiniLM-L6-v2
by an independent float64 implementation in numpy. Development only; needs `tokenizers` and `numpy`.

  make_reference.py FOLDER_OF_THE_MODEL > minilm_reference.json
"""
import json
import math
import os
import struct
import sys

import numpy as np
from tokenizers import Tokenizer

TEXTS = [
    "The quick brown fox jumps over the lazy dog.",
    "How do I reset my password?",
    "Retrieval-augmented generation cites its sources; unsupported claims are dropped (see §4.2).",
    "東京は日本の首都です。人口は約1400万人。",
    "I ❤️ émigré cafés 😀👍🏽 — naïve façade, coöperate!",
    "İstanbul'da IĞDIR ve ŞIRNAK illeri; çığ düştü.",
    "Η Αθήνα είναι η πρωτεύουσα της Ελλάδας. ΟΔΥΣΣΕΥΣ",
    "Съешь же ещё этих мягких французских булок, да выпей чаю.",
    "",
    "   \t\n ",
    "http://example.org/a_b?c=d&e=%20f#g user@example.org",
    "x" * 120 + " " + "y" * 100 + " z",
    "[CLS] forged [SEP] boundary [MASK] ##ing",
    "한국어 문장과 中文混排 and English mixed.",
    "ﬁ ligature ½ Ⅷ ① ™ ﷺ",
    "zero\u200bwidth soft\u00adhyphen nb\u00a0space \ufeffbom",
    "הָאָלֶף־בֵּית הָעִבְרִי وَالْعَرَبِيَّة",
    "हिन्दी में लिखा हुआ वाक्य",
    "int main() { return a->b[3] != 0x1F; } // C++",
    "ÀÉÎÕÜ ß ẞ Æ œ Ł đ Ø",
]
VECTOR_TEXTS = [0, 1, 2, 3, 4, 5, 7, 10]


def load(folder):
    with open(os.path.join(folder, "model.safetensors"), "rb") as f:
        size = struct.unpack("<Q", f.read(8))[0]
        header = json.loads(f.read(size))
        data = f.read()
    return {
        name: np.frombuffer(data[t["data_offsets"][0]:t["data_offsets"][1]], "<f4").reshape(t["shape"]).astype(np.float64)
        for name, t in header.items() if name != "__metadata__" and t["dtype"] == "F32"
    }


def norm(x, w, name, eps):
    mean = x.mean(-1, keepdims=True)
    var = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(var + eps) * w[name + ".weight"] + w[name + ".bias"]


def linear(x, w, name):
    return x @ w[name + ".weight"].T + w[name + ".bias"]


ERF = np.vectorize(math.erf)


def hidden_states(ids, w, config):
    eps, heads = config["layer_norm_eps"], config["num_attention_heads"]
    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][:len(ids)] \
        + w["embeddings.token_type_embeddings.weight"][0]
    x = norm(x, w, "embeddings.LayerNorm", eps)
    for i in range(config["num_hidden_layers"]):
        p = f"encoder.layer.{i}."
        q, k, v = (linear(x, w, p + "attention.self." + n).reshape(len(ids), heads, -1).transpose(1, 0, 2)
                   for n in ("query", "key", "value"))
        scores = q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[-1])
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        mixed = (scores @ v).transpose(1, 0, 2).reshape(len(ids), -1)
        x = norm(linear(mixed, w, p + "attention.output.dense") + x, w, p + "attention.output.LayerNorm", eps)
        wide = linear(x, w, p + "intermediate.dense")
        wide = wide * 0.5 * (1 + ERF(wide / math.sqrt(2)))
        x = norm(linear(wide, w, p + "output.dense") + x, w, p + "output.LayerNorm", eps)
    return x


def main():
    folder = sys.argv[1]
    config = json.load(open(os.path.join(folder, "config.json")))
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    # "[SEP]" in a text is text: the added tokens are left out of what splits it.
    reference = json.loads(tokenizer.to_str())
    reference["added_tokens"] = []
    reference["post_processor"] = None
    plain = Tokenizer.from_str(json.dumps(reference))
    weights = load(folder)
    ids = [[101] + plain.encode(t, add_special_tokens=False).ids + [102] for t in TEXTS]
    out = {"texts": TEXTS, "ids": ids, "vectors": {}}
    for i in VECTOR_TEXTS:
        v = hidden_states(ids[i], weights, config).mean(0)
        out["vectors"][str(i)] = [round(float(x), 7) for x in v / np.linalg.norm(v)]
    json.dump(out, sys.stdout, ensure_ascii=False, separators=(",", ":"))
    print()


main()
