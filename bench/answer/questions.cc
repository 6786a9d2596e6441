#include "bench/answer/questions.h"

#include <zlib.h>

#include <boost/json.hpp>
#include <set>
#include <sstream>

#include "knowledge/corpus.h"

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

}  // namespace

Result<QuestionSet> LoadChunking(const std::string& folder) {
  QuestionSet set;
  STRATA_TRY(auto objects, ReadObjects(folder + "/questions.jsonl"));
  std::set<std::string> names;
  for (const auto& object : objects) {
    Question question{.base = TextOf(object, "corpus"),
                      .text = TextOf(object, "text"),
                      .spans = {},
                      .answer = {}};
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
    set.bases.emplace_back(name, std::vector<knowledge::DocumentInput>{std::move(document)});
  }
  return set;
}

Result<QuestionSet> LoadMultihop(const std::string& folder) {
  QuestionSet set;
  STRATA_TRY(auto objects, ReadObjects(folder + "/queries.jsonl"));
  for (const auto& object : objects) {
    set.questions.push_back({.base = "multihop",
                             .text = TextOf(object, "text"),
                             .spans = {},
                             .answer = TextOf(object, "answer")});
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
