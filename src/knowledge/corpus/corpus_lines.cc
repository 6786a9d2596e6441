// Lines of corpora and of query files.

#include <algorithm>
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

// Takes a string member out of the object; null is as good as none.
Result<std::string> TakeString(json::object& object, std::string_view name, bool required) {
  const auto* member = object.if_contains(name);
  if (!member || (member->is_null() && !required)) {
    if (required) return Fail(InvalidArgument(std::string(name), "missing"));
    object.erase(name);
    return std::string();
  }
  if (!member->is_string()) return Fail(InvalidArgument(std::string(name), "expected a string"));
  std::string text(member->get_string());
  object.erase(name);
  return text;
}

// Takes `_id`, a text or a whole number. It becomes a column of runs, so it holds no tab and no end
// of a line.
Result<std::string> TakeId(json::object& object) {
  const auto* member = object.if_contains("_id");
  if (!member) return Fail(InvalidArgument("_id", "missing"));
  std::string id;
  if (member->is_int64() || member->is_uint64()) {
    id = json::serialize(*member);
  } else if (member->is_string()) {
    id = std::string(member->get_string());
  } else {
    return Fail(InvalidArgument("_id", "expected a string or a whole number"));
  }
  if (id.empty()) return Fail(InvalidArgument("_id", "must not be empty"));
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(id, is_control)) {
    return Fail(InvalidArgument("_id", "holds a tab, a line end or another control character"));
  }
  object.erase("_id");
  return id;
}

// A string of JSON is text whatever it holds: control characters, by which bytes are known to be
// none, become spaces, which changes no place in it.
std::string WithoutControls(std::string_view utf8) {
  std::string out;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto c = static_cast<unsigned char>(utf8[i]);
    const bool space = c >= '\t' && c <= '\r';
    // U+0080 to U+009F in two bytes.
    const bool high = c == 0xC2 && (static_cast<unsigned char>(utf8[i + 1]) & 0xE0) == 0x80;
    const bool control = (c < 0x20 && !space) || c == 0x7F || high;
    out += control ? ' ' : utf8[i];
    i += high ? 1 : 0;
  }
  return out;
}

}  // namespace

Result<DocumentInput> ParseCorpusLine(std::string_view line) {
  STRATA_TRY(auto object, ParseObject(line));
  DocumentInput input;
  STRATA_TRY(input.id, TakeId(object));
  STRATA_TRY(input.title, TakeString(object, "title", false));
  STRATA_TRY(input.content, TakeString(object, "text", true));
  input.content = WithoutControls(input.content);
  // Of a document that is nothing but its title, that is what can be found.
  if (input.content.find_first_not_of(" \t\r\n") == std::string::npos) input.content = input.title;
  input.media_type = "text/plain";
  if (!object.empty()) input.metadata.text = json::serialize(object);
  return input;
}

Result<CorpusQuery> ParseQueryLine(std::string_view line) {
  STRATA_TRY(auto object, ParseObject(line));
  CorpusQuery query;
  STRATA_TRY(query.id, TakeId(object));
  STRATA_TRY(query.text, TakeString(object, "text", true));
  return query;
}

}  // namespace strata::knowledge
