#include "bench/answer/questions.h"

#include <zlib.h>

#include <boost/json.hpp>
#include <map>
#include <set>
#include <sstream>

#include "knowledge/corpus.h"
#include "text/offsets.h"

namespace strata::bench {
namespace {

namespace json = boost::json;

Result<std::string> ReadWhole(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  if (!file) return Fail(NotFound("file", path));
  std::string text;
  char buffer[1 << 16];
  for (int got = 0; (got = gzread(file, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  gzclose(file);
  return text;
}

Result<std::vector<json::object>> ReadObjects(const std::string& path) {
  STRATA_TRY(auto text, ReadWhole(path));
  std::vector<json::object> objects;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    boost::system::error_code error;
    auto value = json::parse(line, error);
    if (error || !value.is_object()) return Fail(InvalidArgument(path, "a line is not an object"));
    objects.push_back(std::move(value.get_object()));
  }
  return objects;
}

std::string TextOf(const json::object& object, std::string_view name) {
  const auto* member = object.if_contains(name);
  return member && member->is_string() ? std::string(member->get_string()) : std::string();
}

// Ids of the documents that are graded above 0, for each query.
Result<std::map<std::string, std::vector<std::string>>> ReadGold(const std::string& path) {
  STRATA_TRY(auto text, ReadWhole(path));
  std::map<std::string, std::vector<std::string>> gold;
  std::istringstream in(text);
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    std::string query, document;
    int grade = 0;
    if (!(fields >> query >> document >> grade)) return Fail(InvalidArgument(path, line));
    if (grade > 0) gold[query].push_back(document);
  }
  return gold;
}

// What stands in the gold spans of one corpus.
void AddGoldText(const std::string& base, const std::string& text,
                 std::vector<Question>& questions) {
  const text::CodePointOffsets offsets(text);
  for (auto& question : questions) {
    if (question.base != base) continue;
    for (const auto& [begin, end] : question.spans) {
      const auto from = offsets.ToByte(static_cast<std::size_t>(begin));
      const auto to = offsets.ToByte(static_cast<std::size_t>(end));
      question.gold_text += text.substr(from, to - from) + "\n";
    }
  }
}

}  // namespace

Result<QuestionSet> LoadChunking(const std::string& folder) {
  QuestionSet set;
  STRATA_TRY(auto objects, ReadObjects(folder + "/questions.jsonl"));
  std::set<std::string> names;
  for (const auto& object : objects) {
    Question question{.base = TextOf(object, "corpus"),
                      .text = TextOf(object, "text"),
                      .spans = {},
                      .gold_text = {},
                      .answer = {},
                      .documents = {}};
    const auto* spans = object.if_contains("spans");
    if (!spans || !spans->is_array()) return Fail(InvalidArgument("spans", "expected a list"));
    for (const auto& span : spans->get_array()) {
      const auto& pair = span.as_array();
      question.spans.emplace_back(pair.at(0).to_number<std::int64_t>(),
                                  pair.at(1).to_number<std::int64_t>());
    }
    names.insert(question.base);
    set.questions.push_back(std::move(question));
  }
  for (const auto& name : names) {
    knowledge::DocumentInput document;
    document.id = name;
    // As plain text, so that citations count the characters that the spans count.
    document.media_type = "text/plain";
    STRATA_TRY(document.content, ReadWhole(folder + "/corpora/" + name + ".md.gz"));
    AddGoldText(name, document.content, set.questions);
    set.bases.emplace_back(name, std::vector<knowledge::DocumentInput>{std::move(document)});
  }
  return set;
}

Result<QuestionSet> LoadMultihop(const std::string& folder) {
  QuestionSet set;
  STRATA_TRY(auto objects, ReadObjects(folder + "/queries.jsonl"));
  STRATA_TRY(auto gold, ReadGold(folder + "/qrels.tsv"));
  for (const auto& object : objects) {
    set.questions.push_back({.base = "multihop",
                             .text = TextOf(object, "text"),
                             .spans = {},
                             .gold_text = {},
                             .answer = TextOf(object, "answer"),
                             .documents = gold[TextOf(object, "_id")]});
  }
  STRATA_TRY(auto text, ReadWhole(folder + "/corpus.jsonl.gz"));
  std::vector<knowledge::DocumentInput> documents;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    STRATA_TRY(auto document, knowledge::ParseCorpusLine(line));
    documents.push_back(std::move(document));
  }
  set.bases.emplace_back("multihop", std::move(documents));
  return set;
}

}  // namespace strata::bench
