#include "dialect/json_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <cctype>
#include <numeric>
#include <utility>

#include "base/format_message.h"
#include "base/json_text.h"
#include "base/utf8.h"

namespace strata::dialect {

namespace bj = boost::json;

JsonValue::JsonValue() : data(nullptr) {}
JsonValue::JsonValue(Data value) : data(std::move(value)) {}
JsonValue::JsonValue(const JsonValue&) = default;
JsonValue::JsonValue(JsonValue&&) noexcept = default;
JsonValue& JsonValue::operator=(const JsonValue&) = default;
JsonValue& JsonValue::operator=(JsonValue&&) noexcept = default;
JsonValue::~JsonValue() = default;

const JsonValue::Array* JsonValue::array() const { return std::get_if<Array>(&data); }
const JsonValue::Object* JsonValue::object() const { return std::get_if<Object>(&data); }

const JsonValue* JsonValue::Find(std::string_view key) const {
  const auto* members = object();
  if (members == nullptr) return nullptr;
  auto at = std::ranges::find(*members, key, &JsonMember::key);
  return at == members->end() ? nullptr : &at->value;
}

void JsonValue::AppendTo(std::string& out) const {
  if (const auto* boolean = std::get_if<bool>(&data)) {
    out += *boolean ? "true" : "false";
  } else if (const auto* number = std::get_if<Number>(&data)) {
    out += number->text;
  } else if (const auto* text = string()) {
    AppendJsonString(out, *text);
  } else if (const auto* items = array()) {
    out += '[';
    for (std::size_t i = 0; i < items->size(); ++i) {
      if (i > 0) out += ',';
      (*items)[i].AppendTo(out);
    }
    out += ']';
  } else if (const auto* members = object()) {
    out += '{';
    for (std::size_t i = 0; i < members->size(); ++i) {
      if (i > 0) out += ',';
      AppendJsonString(out, (*members)[i].key);
      out += ':';
      (*members)[i].value.AppendTo(out);
    }
    out += '}';
  } else {
    out += "null";
  }
}

std::string JsonValue::Dump() const {
  std::string out;
  AppendTo(out);
  return out;
}

namespace {

bool AnyTwice(const JsonValue::Object& members) {
  for (std::size_t i = 1; i < members.size(); ++i) {
    const std::string_view key = members[i].key;
    for (std::size_t j = 0; j < i; ++j) {
      if (key == std::string_view(members[j].key)) return true;
    }
  }
  return false;
}

// Of members with the same key keeps the last value, at the place of the first. O(n log n), as
// hostile objects can be large.
void DropDuplicates(JsonValue::Object& members) {
  constexpr std::size_t kFew = 16;  // up to here comparing all is cheaper than sorting
  if (members.size() <= kFew && !AnyTwice(members)) return;
  std::vector<std::size_t> order(members.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    auto by_key = members[a].key.compare(members[b].key);
    return by_key != 0 ? by_key < 0 : a < b;
  });
  std::vector<bool> drop(members.size());
  bool any = false;
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && members[order[end]].key == members[order[begin]].key) ++end;
    if (end - begin > 1) {
      any = true;
      members[order[begin]].value = std::move(members[order[end - 1]].value);
      for (std::size_t i = begin + 1; i < end; ++i) drop[order[i]] = true;
    }
    begin = end;
  }
  if (!any) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (drop[i]) continue;
    if (kept != i) members[kept] = std::move(members[i]);
    ++kept;
  }
  members.erase(members.begin() + static_cast<std::ptrdiff_t>(kept), members.end());
}

// Builds the tree from the parser's events. The names of the members are boost.json's.
struct TreeHandler {
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  std::size_t values_max = 0;
  std::size_t values = 0;
  bool too_many = false;
  JsonValue root;
  // Arrays and objects that are being read, each in its place in the one before, which takes
  // nothing more until this one is closed.
  std::vector<JsonValue*> open;
  bool named = false;  // the name of the innermost object's next member was read
  std::string part;    // of the key, string or number that is being read

  // Where the next value goes: a null to be replaced. nullptr: there are too many.
  JsonValue* Place(bj::error_code& ec) {
    if (++values > values_max) {
      too_many = true;
      ec = bj::error::array_too_large;
      return nullptr;
    }
    if (open.empty()) return &root;
    auto& around = open.back()->data;
    if (auto* items = std::get_if<JsonValue::Array>(&around)) return &items->emplace_back();
    return &std::get<JsonValue::Object>(around).back().value;
  }
  template <class T, class... Args>
  bool Add(bj::error_code& ec, Args&&... args) {
    auto* value = Place(ec);
    if (value == nullptr) return false;
    value->data.template emplace<T>(std::forward<Args>(args)...);
    named = false;
    return true;
  }
  template <class Container>
  bool Begin(bj::error_code& ec) {
    auto* value = Place(ec);
    if (value == nullptr) return false;
    value->data.template emplace<Container>();
    open.push_back(value);
    named = false;
    return true;
  }
  bool End() {
    open.pop_back();
    named = false;
    return true;
  }
  std::string TakePart(bj::string_view last) {
    if (part.empty()) return {last.data(), last.size()};  // it came in one piece
    part.append(last.data(), last.size());
    return std::exchange(part, {});
  }
  bool on_document_begin(bj::error_code&) { return true; }
  bool on_document_end(bj::error_code&) { return true; }
  bool on_object_begin(bj::error_code& ec) { return Begin<JsonValue::Object>(ec); }
  bool on_object_end(std::size_t, bj::error_code&) {
    DropDuplicates(std::get<JsonValue::Object>(open.back()->data));
    return End();
  }
  bool on_array_begin(bj::error_code& ec) { return Begin<JsonValue::Array>(ec); }
  bool on_array_end(std::size_t, bj::error_code&) { return End(); }
  bool on_key_part(bj::string_view text, std::size_t, bj::error_code&) {
    part.append(text.data(), text.size());
    return true;
  }
  bool on_key(bj::string_view text, std::size_t, bj::error_code&) {
    // Room for the usual object, where there are not so many that a hostile text could use it.
    constexpr std::size_t kUsualMembers = 8;
    constexpr std::size_t kValuesOfSmallText = 1000;
    auto& members = std::get<JsonValue::Object>(open.back()->data);
    if (members.empty() && values < kValuesOfSmallText) members.reserve(kUsualMembers);
    members.emplace_back().key = TakePart(text);
    named = true;
    return true;
  }
  bool on_string_part(bj::string_view text, std::size_t, bj::error_code&) {
    part.append(text.data(), text.size());
    return true;
  }
  bool on_string(bj::string_view text, std::size_t, bj::error_code& ec) {
    return Add<std::string>(ec, TakePart(text));
  }
  bool on_number_part(bj::string_view text, bj::error_code&) {
    part.append(text.data(), text.size());
    return true;
  }
  bool OnNumber(bj::string_view text, bj::error_code& ec) {
    return Add<JsonValue::Number>(ec, TakePart(text));
  }
  bool on_int64(std::int64_t, bj::string_view text, bj::error_code& ec) {
    return OnNumber(text, ec);
  }
  bool on_uint64(std::uint64_t, bj::string_view text, bj::error_code& ec) {
    return OnNumber(text, ec);
  }
  bool on_double(double, bj::string_view text, bj::error_code& ec) { return OnNumber(text, ec); }
  bool on_bool(bool value, bj::error_code& ec) { return Add<bool>(ec, value); }
  bool on_null(bj::error_code& ec) { return Add<std::nullptr_t>(ec, nullptr); }
  bool on_comment_part(bj::string_view, bj::error_code&) { return true; }
  bool on_comment(bj::string_view, bj::error_code&) { return true; }
};

// Where the parser stood, as JsonField::Path names it: "messages[0].content", "" at the top.
std::string PathOf(const TreeHandler& handler) {
  constexpr std::size_t kPathBytes = 200;
  constexpr std::size_t kNameBytes = 80;
  std::string path;
  for (std::size_t i = 0; i < handler.open.size(); ++i) {
    if (path.size() > kPathBytes) return path + "…";
    // What holds another one has that as its last part already.
    const bool innermost = i + 1 == handler.open.size();
    if (const auto* items = handler.open[i]->array()) {
      path += fmt::format("[{}]", items->size() - (innermost ? 0 : 1));
    } else if (!innermost || handler.named) {
      if (!path.empty()) path += '.';
      path += Utf8Prefix(handler.open[i]->object()->back().key, kNameBytes);
    }
  }
  return path;
}

// What should stand at `at`, from what stands before it.
std::string_view ExpectedAt(std::string_view text, std::size_t at, const TreeHandler& handler) {
  constexpr std::string_view kValue =
      "expected a value: a string, a number, an object, a list, true, false or null";
  auto before = text.substr(0, at).find_last_not_of(" \t\r\n");
  const char last = before == text.npos ? '\0' : text[before];
  if (handler.open.empty() || last == ':') return kValue;
  const bool list = handler.open.back()->array() != nullptr;
  if (last == '[') return "expected a value or ']'";
  if (last == ',') return list ? kValue : "expected the name of a member in double quotes";
  if (last == '{') return "expected the name of a member in double quotes, or '}'";
  if (before + 1 == at && std::isalnum(static_cast<unsigned char>(last)) != 0) return kValue;
  if (list) return "expected ',' or ']'";
  return handler.named ? "expected ':'" : "expected ',' or '}'";
}

// Whether the first half of a surrogate pair ends at `at`, of which the parser makes no error of
// its own: "\ud83d".
bool AfterFirstHalf(std::string_view text, std::size_t at) {
  constexpr std::size_t kEscape = 6;
  if (at < kEscape) return false;
  const auto escape = text.substr(at - kEscape, kEscape);
  return escape.starts_with("\\u") && (escape[2] == 'd' || escape[2] == 'D') &&
         std::string_view("89abAB").find(escape[3]) != std::string_view::npos;
}

// Says what is wrong at byte `at` and what should stand there, without quoting the text.
Message Explain(bj::error_code error, std::string_view text, std::size_t at,
                const TreeHandler& handler) {
  if (error == bj::error::extra_data) return "expected nothing more after the JSON value";
  if (error == bj::error::illegal_leading_surrogate ||
      error == bj::error::illegal_trailing_surrogate || error == bj::error::expected_utf16_escape ||
      AfterFirstHalf(text, at)) {
    return R"(an escape of \ud800 to \udfff is half of a character; expected its other half beside )"
           R"(it, as in "\ud83d\ude00")";
  }
  if (error == bj::error::expected_hex_digit) return R"(expected four hex digits after \u)";
  if (at >= text.size()) return "the text ends before the JSON value does";
  const auto found = static_cast<unsigned char>(text[at]);
  const auto expected = ExpectedAt(text, at, handler);
  if (found > 0x20 && found < 0x7F) {
    return FormatMessage("{}, found '{}'", Own(expected), text.substr(at, 1));
  }
  return FormatMessage("{}, found byte 0x{:02X}; in a string it is written as an escape",
                       Own(expected), found);
}

// kInvalidArgument with byte, line, member and what was expected.
Error Invalid(bj::error_code error, std::string_view text, std::size_t at,
              const TreeHandler& handler) {
  const auto line = std::ranges::count(text.substr(0, at), '\n') + 1;
  auto path = PathOf(handler);
  Message what;
  if (text.starts_with("\xEF\xBB\xBF")) {
    what = "a byte order mark stands before the JSON value; leave it out";
  } else if (!IsValidUtf8(text)) {
    what = "the text is not UTF-8";
  } else {
    what = Explain(error, text, at, handler);
  }
  auto message = FormatMessage("not valid JSON at byte {} (line {}){}{}: {}", at, line,
                               Own(path.empty() ? "" : ", in "), path, what);
  // The body's own names, whatever they are.
  std::string own(path.empty() ? std::string_view() : kQuotePlace);
  return Error(Code::kInvalidArgument, std::move(message))
      .AtField(FieldPath(std::move(path), std::move(own)));
}

}  // namespace

Result<JsonValue> ParseJson(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes_max) {
    return Fail(Code::kTooLarge, FormatMessage("the JSON text has {} bytes, the limit is {}",
                                               text.size(), limits.bytes_max));
  }
  bj::parse_options options;
  options.max_depth = limits.depth_max;
  bj::basic_parser<TreeHandler> parser(options);
  parser.handler().values_max = limits.values_max;
  bj::error_code ec;
  auto read = parser.write_some(false, text.data(), text.size(), ec);
  if (parser.handler().too_many) {
    return Fail(Code::kTooLarge,
                FormatMessage("the JSON text has more than {} values", limits.values_max));
  }
  if (ec == bj::error::too_deep) {
    return Fail(Code::kInvalidArgument,
                FormatMessage("the JSON text is nested deeper than {} levels", limits.depth_max));
  }
  if (!ec && read < text.size()) ec = bj::error::extra_data;
  if (ec) return Fail(Invalid(ec, text, read, parser.handler()));
  return std::move(parser.handler().root);
}

}  // namespace strata::dialect
