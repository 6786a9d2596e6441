#include "bench/gen/beir.h"

#include <zlib.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>

namespace strata::bench {
namespace {

namespace json = boost::json;

// Calls `take` with each line of a plain or gzip file.
Result<void> ForEachLine(const std::string& path,
                         const std::function<Result<void>(std::string_view)>& take) {
  gzFile file = gzopen(path.c_str(), "rb");  // reads plain files as they are
  if (file == nullptr) return Fail(NotFound("file", path));
  std::string text;
  std::vector<char> buffer(1 << 20);
  int read = 0;
  while ((read = gzread(file, buffer.data(), static_cast<unsigned>(buffer.size()))) > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(read));
  }
  gzclose(file);
  if (read < 0) return Fail(Code::kCorruption, path + " is damaged");
  std::string_view rest = text;
  while (!rest.empty()) {
    std::size_t end = std::min(rest.find('\n'), rest.size());
    if (end > 0) STRATA_CHECK_OK(take(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

std::string Member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

Result<void> ForEachObject(const std::string& path,
                           const std::function<void(const json::object&)>& take) {
  return ForEachLine(path, [&](std::string_view line) -> Result<void> {
    boost::system::error_code error;
    json::value value = json::parse(line, error);
    if (error || !value.is_object()) {
      return Fail(Code::kInvalidArgument, path + " has a line that is no JSON object");
    }
    take(value.as_object());
    return {};
  });
}

Result<void> ReadJudgements(const std::string& path, BeirCollection& collection) {
  return ForEachLine(path, [&](std::string_view line) -> Result<void> {
    std::size_t first = line.find('\t');
    std::size_t second = line.find('\t', first == line.npos ? first : first + 1);
    if (first == line.npos || second == line.npos) {
      return Fail(Code::kInvalidArgument, path + " has a line without three columns");
    }
    int grade = std::atoi(std::string(line.substr(second + 1)).c_str());
    std::string query(line.substr(0, first));
    if (query == "query-id") return {};
    collection.judgements[query][std::string(line.substr(first + 1, second - first - 1))] = grade;
    return {};
  });
}

}  // namespace

Result<BeirCollection> LoadBeir(const std::string& folder) {
  namespace fs = std::filesystem;
  BeirCollection collection;
  std::string corpus = folder + "/corpus.jsonl";
  if (!fs::exists(corpus)) corpus += ".gz";
  STRATA_CHECK_OK(ForEachObject(corpus, [&](const json::object& object) {
    collection.documents.push_back(
        {Member(object, "_id"), Member(object, "title"), Member(object, "text")});
  }));
  if (fs::exists(folder + "/queries.jsonl")) {
    STRATA_CHECK_OK(ForEachObject(folder + "/queries.jsonl", [&](const json::object& object) {
      collection.queries.push_back({Member(object, "_id"), Member(object, "text")});
    }));
  }
  if (fs::exists(folder + "/qrels.tsv")) {
    STRATA_CHECK_OK(ReadJudgements(folder + "/qrels.tsv", collection));
  }
  return collection;
}

}  // namespace strata::bench
