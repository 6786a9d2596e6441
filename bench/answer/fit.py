#!/usr/bin/env python3
"""Learns the weights of builtin/extract from the rows that `bench_answer --features FILE` writes.

  fit.py FILE[,FILE…] [CORPUS,CORPUS…]

Several files, of different embedders say, are learned from together, and what comes out is tested on
each alone. Prints held-out figures, then the models as they stand in src/knowledge/answer/extract_weights.h.
Without corpora, held out by corpus: trained on all corpora but one, tested on that one, averaged
over questions; the models printed are trained on all. With corpora: trained on these, tested on
each of the others, and these are the models printed. The pool model reads features of the sentence
model's ranking, so a change of features needs two rounds: fit, put the sentence models into the
header, write the rows again, fit.

L2-regularised logistic regression by Newton's method; groups of rows weigh the same in total, so
that the number of other corpora that a question is asked against does not matter: for the pool, those
with gold count as much as the other two together, passages of other corpora and those of the same
without its gold ("near").
"""
import math
import sys
from collections import defaultdict

PENALTY = 3.0  # of the squared weights, beside a log-likelihood summed over rows; not of the bias
WRONG_REFUSALS = 0.03  # share of the answerable questions that the threshold refuses in training
NEAR_SHARE = 0.5  # of the weight of the unanswerable rows
MARGINS = (0.5, 1.0, 1.5)  # of log-odds below the best sentence; select_sentences.cc has one
SENTENCES_MAX = 4


QUESTIONS_MAX = 100_000  # of one file; those of the next are numbered from there


class Row:
    def __init__(self, fields, source):
        self.near = fields[0] == "near"
        self.source = source
        self.corpus, self.question = fields[2], int(fields[3]) + source * QUESTIONS_MAX
        self.label, self.chars, self.gold = int(fields[4]), int(fields[5]), int(fields[6])
        self.values = [float(v) for v in fields[7:]]


def read(paths):
    names, rows = {}, defaultdict(list)
    for source, path in enumerate(paths):
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                fields = line.rstrip("\n").split("\t")
                if line.startswith("# "):
                    names[fields[0][2:]] = fields[1:]
                else:
                    rows[fields[0], fields[1]].append(Row(fields, source))
    return names, rows


def solve(a, b):
    """x of a·x = b; a is symmetric and positive definite."""
    n = len(b)
    m = [row[:] + [b[i]] for i, row in enumerate(a)]
    for i in range(n):
        for j in range(i + 1, n):
            f = m[j][i] / m[i][i]
            if f:
                m[j] = [x - f * y for x, y in zip(m[j], m[i])]
    x = [0.0] * n
    for i in reversed(range(n)):
        x[i] = (m[i][n] - sum(m[i][j] * x[j] for j in range(i + 1, n))) / m[i][i]
    return x


def log_odds(model, values):
    return model[0] + sum(w * v for w, v in zip(model[1:], values))


def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x > -30 else math.exp(x)


def fit(rows):
    """[bias, weight…]."""
    rows = [r for r in rows if r.label >= 0]
    group = lambda r: 2 if r.near else r.label
    total = {g: sum(group(r) == g for r in rows) for g in (0, 1, 2)}
    near = NEAR_SHARE if total[2] else 0
    share = {0: (1 - near) / 2, 1: 0.5, 2: near / 2}
    d = len(rows[0].values)
    used = [j for j in range(d) if any(r.values[j] for r in rows)]
    weight = {g: len(rows) * share[g] / max(1, total[g]) for g in total}
    data = [([1.0] + [r.values[j] for j in used], r.label, weight[group(r)]) for r in rows]
    n = len(used) + 1
    model = [0.0] * n
    for _ in range(12):
        gradient = [0.0] + [-PENALTY * w for w in model[1:]]
        hessian = [[(PENALTY if i == j and i else 1e-9 if i == j else 0.0) for j in range(n)]
                   for i in range(n)]
        for x, y, c in data:
            p = sigmoid(sum(w * v for w, v in zip(model, x)))
            g, h = c * (y - p), c * p * (1 - p)
            for i, v in enumerate(x):
                if v:
                    gradient[i] += g * v
                    hv, row = h * v, hessian[i]
                    for j in range(i + 1):
                        row[j] += hv * x[j]
        for i in range(n):
            for j in range(i):
                hessian[j][i] = hessian[i][j]
        step = solve(hessian, gradient)
        model = [w + s for w, s in zip(model, step)]
        if max(map(abs, step)) < 1e-4:
            break
    full = [model[0]] + [0.0] * d
    for j, w in zip(used, model[1:]):
        full[j + 1] = w
    return full


def area(scored):
    """Of the ROC curve, for (score, label) pairs."""
    ranked = sorted(scored)
    positives = sum(y for _, y in ranked)
    negatives = len(ranked) - positives
    below = wins = 0
    for _, y in ranked:
        wins += below if y else 0
        below += not y
    return wins / max(1, positives * negatives)


DEVELOPMENT = []  # corpora; see above


def held_out(rows):
    """(corpus, model, rows it was fitted on) for each corpus that is tested."""
    for corpus in sorted({r.corpus for r in rows} - set(DEVELOPMENT)):
        mine = [r for r in rows if (r.corpus in DEVELOPMENT if DEVELOPMENT else r.corpus != corpus)]
        yield corpus, fit(mine), mine


def select(model, rows, margin):
    scored = sorted(((log_odds(model, r.values), r) for r in rows), key=lambda s: -s[0])
    return [r for s, r in scored[:SENTENCES_MAX] if s >= scored[0][0] - margin]


def sentence_figures(rows, pools):
    gold = {p.question: p.chars for p in pools if p.label != 0}
    by_corpus = defaultdict(lambda: defaultdict(list))
    for r in rows:
        by_corpus[r.corpus][r.question].append(r)
    areas, first, count = [], 0, 0
    sums = {m: [0.0] * 4 for m in MARGINS}
    for corpus, model, _ in held_out(rows):
        questions = by_corpus[corpus]
        areas.append(area([(log_odds(model, r.values), r.label)
                           for q in questions.values() for r in q]))
        for number, mine in questions.items():
            count += 1
            first += select(model, mine, 0)[0].gold > 0
            for margin in MARGINS:
                taken = select(model, mine, margin)
                inside = sum(r.gold for r in taken)
                sums[margin][0] += inside > 0
                sums[margin][1] += inside / gold[number]
                sums[margin][2] += sum(r.gold > 0 for r in taken) / len(taken)
                sums[margin][3] += len(taken)
    print(f"  held out: area under ROC {sum(areas) / len(areas):.3f}, best sentence touches gold "
          f"{first / count:.3f}")
    for margin, s in sums.items():
        touched, covered, precise, taken = (x / count for x in s)
        print(f"  margin {margin}: touches gold {touched:.3f}, gold characters {covered:.3f}, "
              f"sentences in gold {precise:.3f}, sentences {taken:.2f}")


def threshold(model, rows):
    """Log-odds below which WRONG_REFUSALS of the answerable rows fall."""
    scores = sorted(log_odds(model, r.values) for r in rows if r.label == 1)
    return scores[int(WRONG_REFUSALS * len(scores))]


def mean(values):
    return sum(values) / max(1, len(values))


def pool_figures(rows, source):
    """Of the rows of one file. `near`: gold taken out."""
    print("  held out           area  area near  wrongly refused  other corpus refused  near refused")
    figures = []
    for corpus, model, trained in held_out(rows):
        at = threshold(model, trained)
        mine = [(log_odds(model, r.values), r) for r in rows
                if r.corpus == corpus and r.source == source]
        answerable = [(s, 1) for s, r in mine if r.label != 0]
        other = [(s, 0) for s, r in mine if r.label == 0 and not r.near]
        near = [(s, 0) for s, r in mine if r.near]
        figures.append((corpus, area(answerable + other), area(answerable + near),
                        *([s < at for s, _ in group] for group in (answerable, other, near))))
    figures.append(("all questions", mean([f[1] for f in figures]), mean([f[2] for f in figures]),
                    *(sum((f[i] for f in figures), []) for i in (3, 4, 5))))
    for corpus, all_area, near_area, answerable, other, near in figures:
        print(f"  {corpus:18} {all_area:.3f}  {near_area:.3f}      {mean(answerable):.3f}            "
              f"{mean(other):.3f}                 {mean(near):.3f}")


def show(name, kind, model):
    weights = ", ".join(f"{w:.2f}" for w in model[1:])
    return f"inline constexpr {kind} {name} = {{{model[0]:.2f}, {{{weights}}}}};"


def main():
    files = sys.argv[1].split(",")
    names, rows = read(files)
    DEVELOPMENT.extend(sys.argv[2].split(",") if len(sys.argv) > 2 else [])
    lines = []
    for kind in ("sentence", "pool"):
        lines.append("// " + " ".join(names[kind]))
        for vectors, suffix in (("with", ""), ("words", "WordsOnly")):
            mine = rows[kind, vectors] + (rows["near", vectors] if kind == "pool" else [])
            trained = [r for r in mine if not DEVELOPMENT or r.corpus in DEVELOPMENT]
            print(f"{kind}, {'with vectors' if vectors == 'with' else 'words only'}: "
                  f"{len(mine)} rows, {sum(r.label == 1 for r in mine)} positive")
            model = fit(trained)
            if kind == "sentence":
                sentence_figures(mine, rows["pool", vectors])
            else:
                for source, path in enumerate(files):
                    print(f"  {path}")
                    pool_figures(mine, source)
                model[0] -= threshold(model, trained)  # so that it lies at a probability of 0.5
            for name, weight in zip(names[kind], model[1:]):
                print(f"    {name:14}{weight:7.2f}")
            lines.append(show(f"k{kind.capitalize()}Model{suffix}", f"{kind.capitalize()}Model",
                              model))
    print("\n" + "\n".join(lines))


if __name__ == "__main__":
    main()
