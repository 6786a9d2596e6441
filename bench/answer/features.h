#pragma once
// The rows that fit.py learns the weights of builtin/extract from.

#include <string>

#include "base/result.h"
#include "bench/answer/bases.h"
#include "bench/answer/questions.h"

namespace strata::bench {

// Asks every question of the set against each base of it, and writes tab-separated rows to `path`:
//
//   sentence with|words CORPUS QUESTION LABEL CHARS GOLD value…   label 1: most of it is a gold
//   span pool     with|words CORPUS QUESTION LABEL CHARS GOLD value…   label 1: passages hold gold
//   near     with|words CORPUS QUESTION 0     CHARS 0    value…   the same corpus without its gold
//
// with: after the embedder; words: without. CORPUS is the question's own. CHARS: code points of the
// sentence, for a pool those of the whole gold; GOLD: those that lie in gold spans, for a pool
// those of the passages. Sentences are of the question's own corpus; a pool's label is -1 when the
// corpus is the right one and the passages hold no gold. Lines with "#" name the values.
Result<> WriteFeatures(Bases& bases, const QuestionSet& set, const std::string& path);

}  // namespace strata::bench
