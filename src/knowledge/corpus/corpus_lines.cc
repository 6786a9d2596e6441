// Lines of corpora and of query files.

#include <boost/json.hpp>

#include "base/utf8.h"
#include "knowledge/corpus.h"

namespace strata::knowledge {
namespace {

namespace json = boost::json;

Result<json::object> ParseObject(std::string_view line) {
  if (!IsValidUtf8(line)) return Fail(InvalidArgument("", "not valid UTF-8"));
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 32;
  try {
    auto value = json::parse(line, error, json::storage_ptr(), options);
    if (error) return Fail(InvalidArgument("", "not JSON: " + error.message()));
    if (!value.is_object()) return Fail(InvalidArgument("", "expected a JSON object"));
    return std::move(value.get_object());
  } catch (const std::exception& e) {
    return Fail(InvalidArgument("", e.what()));
  }
}

// Takes a string member out of the object.
Result<std::string> TakeString(json::object& object, std::string_view name, bool required) {
  const auto* member = object.if_contains(name);
  if (!member) {
    if (!required) return std::string();
    return Fail(InvalidArgument(std::string(name), "missing"));
  }
  if (!member->is_string()) return Fail(InvalidArgument(std::string(name), "expected a string"));
  std::string text(member->get_string());
  object.erase(name);
  return text;
}

}  // namespace

Result<DocumentInput> ParseCorpusLine(std::string_view line) {
  STRATA_TRY(auto object, ParseObject(line));
  DocumentInput input;
  STRATA_TRY(input.id, TakeString(object, "_id", true));
  if (input.id.empty()) return Fail(InvalidArgument("_id", "must not be empty"));
  STRATA_TRY(input.title, TakeString(object, "title", false));
  STRATA_TRY(input.content, TakeString(object, "text", true));
  input.media_type = "text/plain";
  if (!object.empty()) input.metadata.text = json::serialize(object);
  return input;
}

Result<CorpusQuery> ParseQueryLine(std::string_view line) {
  STRATA_TRY(auto object, ParseObject(line));
  CorpusQuery query;
  STRATA_TRY(query.id, TakeString(object, "_id", true));
  STRATA_TRY(query.text, TakeString(object, "text", true));
  return query;
}

}  // namespace strata::knowledge
