#pragma once
// The questions of bench_answer, from folders in the forms that README.md of the data describes.

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "knowledge/kb_types.h"

namespace strata::bench {

struct Question {
  std::string base;  // the knowledge base that holds the answer
  std::string text;
  std::vector<std::pair<std::int64_t, std::int64_t>> spans;  // gold, code points; chunking only
  std::string gold_text;                                     // what stands in the spans
  std::string answer;                                        // gold; multi-hop only
  std::vector<std::string> documents;  // ids of those that hold gold; multi-hop only
};

struct QuestionSet {
  std::vector<Question> questions;
  // Documents of each base.
  std::vector<std::pair<std::string, std::vector<knowledge::DocumentInput>>> bases;
};

// `folder`: corpora/NAME.md.gz and questions.jsonl {"corpus", "text", "spans"}.
Result<QuestionSet> LoadChunking(const std::string& folder);
// `folder`: corpus.jsonl.gz, queries.jsonl {"_id", "text", "answer"} and qrels.tsv (query,
// document, grade; one header line).
Result<QuestionSet> LoadMultihop(const std::string& folder);

}  // namespace strata::bench
