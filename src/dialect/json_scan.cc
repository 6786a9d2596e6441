#include "dialect/json_scan.h"

#include <algorithm>
#include <charconv>

#include "base/json_plain.h"
#include "base/utf8.h"

namespace strata::dialect {
namespace {

// A number of more digits in its exponent is left to the parser.
constexpr int kExponentDigitsMax = 3;
// Bodies have about ten members; comparing each name with all others stays cheap up to here.
constexpr std::size_t kMembersCompared = 64;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

class Scanner {
 public:
  Scanner(std::string_view text, const JsonLimits& limits)
      : text_(text), limits_(limits), at_(text.data()), end_(at_ + text.size()) {}

  bool Run(std::vector<ScannedMember>& members) {
    if (text_.size() > limits_.bytes_max) return false;
    SkipSpace();
    if (!Next('{') || !Object(1, &members)) return false;
    SkipSpace();
    return at_ == end_;
  }

 private:
  bool Next(char c) const { return at_ != end_ && *at_ == c; }
  bool Take(char c) {
    if (!Next(c)) return false;
    ++at_;
    return true;
  }
  void SkipSpace() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }

  bool Value(std::size_t depth);
  bool Object(std::size_t depth, std::vector<ScannedMember>* members);
  bool Array(std::size_t depth);
  bool String();
  bool Escape();
  bool Hex4(std::uint32_t& out);
  bool Number();
  bool Digits(int digits_max);
  bool Word(std::string_view word) {
    if (!std::string_view(at_, end_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  std::size_t Offset() const { return static_cast<std::size_t>(at_ - text_.data()); }

  std::string_view text_;
  const JsonLimits& limits_;
  const char* at_;
  const char* end_;
  std::size_t values_ = 1;  // the outermost one
};

bool Scanner::Value(std::size_t depth) {
  if (at_ == end_ || ++values_ > limits_.values_max) return false;
  switch (*at_) {
    case '{':
      return Object(depth + 1, nullptr);
    case '[':
      return Array(depth + 1);
    case '"':
      return String();
    case 't':
      return Word("true");
    case 'f':
      return Word("false");
    case 'n':
      return Word("null");
    default:
      return Number();
  }
}

bool Scanner::Object(std::size_t depth, std::vector<ScannedMember>* members) {
  if (depth > limits_.depth_max) return false;
  ++at_;
  SkipSpace();
  if (Take('}')) return true;
  while (true) {
    SkipSpace();
    const auto key_start = Offset() + 1;
    if (!Next('"') || !String()) return false;
    auto key = text_.substr(key_start, Offset() - 1 - key_start);
    SkipSpace();
    if (!Take(':')) return false;
    SkipSpace();
    const auto start = Offset();
    if (!Value(depth)) return false;
    if (members != nullptr) members->push_back({key, {start, Offset()}});
    SkipSpace();
    if (Take('}')) return true;
    if (!Take(',')) return false;
  }
}

bool Scanner::Array(std::size_t depth) {
  if (depth > limits_.depth_max) return false;
  ++at_;
  SkipSpace();
  if (Take(']')) return true;
  while (true) {
    SkipSpace();
    if (!Value(depth)) return false;
    SkipSpace();
    if (Take(']')) return true;
    if (!Take(',')) return false;
  }
}

bool Scanner::String() {
  ++at_;
  while (true) {
    at_ += JsonPlainPrefix(std::string_view(at_, end_));
    if (at_ == end_) return false;
    const auto c = static_cast<unsigned char>(*at_);
    if (c == '"') {
      ++at_;
      return true;
    }
    if (c < 0x20) return false;
    if (c == '\\') {
      if (!Escape()) return false;
    } else if (c < 0x80) {
      ++at_;
    } else {
      auto size = Utf8SequenceSize(text_, Offset());
      if (size == 0) return false;
      at_ += size;
    }
  }
}

bool Scanner::Hex4(std::uint32_t& out) {
  if (end_ - at_ < 4) return false;
  auto [stop, ec] = std::from_chars(at_, at_ + 4, out, 16);
  if (ec != std::errc() || stop != at_ + 4) return false;
  at_ += 4;
  return true;
}

bool Scanner::Escape() {
  ++at_;
  if (at_ == end_) return false;
  const char c = *at_++;
  if (c != 'u') return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
  std::uint32_t unit = 0;
  if (!Hex4(unit)) return false;
  if (unit < 0xD800 || unit > 0xDFFF) return true;
  std::uint32_t second = 0;
  return unit <= 0xDBFF && Word("\\u") && Hex4(second) && second >= 0xDC00 && second <= 0xDFFF;
}

// At least one digit.
bool Scanner::Digits(int digits_max) {
  int digits = 0;
  while (at_ != end_ && IsDigit(*at_)) {
    ++at_;
    if (++digits > digits_max) return false;
  }
  return digits > 0;
}

bool Scanner::Number() {
  constexpr int kNoLimit = 1 << 30;
  Take('-');
  if (Take('0')) {
    if (at_ != end_ && IsDigit(*at_)) return false;
  } else if (!Digits(kNoLimit)) {
    return false;
  }
  if (Take('.') && !Digits(kNoLimit)) return false;
  if (!Take('e') && !Take('E')) return true;
  if (!Take('+')) Take('-');
  return Digits(kExponentDigitsMax);
}

bool Unambiguous(const std::vector<ScannedMember>& members) {
  if (members.size() > kMembersCompared) return false;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (members[i].key.find('\\') != std::string_view::npos) return false;
    for (std::size_t j = 0; j < i; ++j) {
      if (members[i].key == members[j].key) return false;
    }
  }
  return true;
}

}  // namespace

const ScannedMember* ScannedObject::Find(std::string_view key) const {
  auto at = std::ranges::find(members_, key, &ScannedMember::key);
  return at == members_.end() || TextOf(*at) == "null" ? nullptr : &*at;
}

std::string_view ScannedObject::TextAt(std::string_view key) const {
  const auto* member = Find(key);
  return member == nullptr ? std::string_view() : TextOf(*member);
}

std::optional<ScannedObject> ScanObject(std::string_view text, const JsonLimits& limits) {
  std::vector<ScannedMember> members;
  members.reserve(16);
  if (!Scanner(text, limits).Run(members) || !Unambiguous(members)) return std::nullopt;
  return ScannedObject(text, std::move(members));
}

std::optional<std::string> ScannedString(std::string_view json) {
  if (json.size() < 2 || json.front() != '"') return std::nullopt;
  auto inner = json.substr(1, json.size() - 2);
  if (inner.find('\\') == inner.npos) return std::string(inner);
  auto parsed = ParseJson(json);
  if (!parsed || parsed->string() == nullptr) return std::nullopt;
  return *parsed->string();
}

std::optional<std::int64_t> ScannedInteger(std::string_view json) {
  std::int64_t out = 0;
  auto [end, ec] = std::from_chars(json.data(), json.data() + json.size(), out);
  if (ec != std::errc() || end != json.data() + json.size()) return std::nullopt;
  return out;
}

std::optional<bool> ScannedBool(std::string_view json) {
  if (json == "true") return true;
  if (json == "false") return false;
  return std::nullopt;
}

bool ScanText(const ScannedObject& object, std::string_view key, std::string& out) {
  auto json = object.TextAt(key);
  if (json.empty()) return true;
  auto text = ScannedString(json);
  if (text) out = std::move(*text);
  return text.has_value();
}

bool ScanLimit(const ScannedObject& object, std::string_view key,
               std::optional<std::int64_t>& out) {
  constexpr std::int64_t kTokensMax = 1LL << 31;
  auto json = object.TextAt(key);
  if (json.empty()) return true;
  auto limit = ScannedInteger(json);
  if (!limit || *limit < 1 || *limit > kTokensMax || (out && *out != *limit)) return false;
  out = limit;
  return true;
}

bool ScanTags(const ScannedObject& object, std::string_view key,
              std::map<std::string, std::string>& out) {
  auto json = object.TextAt(key);
  if (json.empty()) return true;
  auto tags = ScanObject(json);
  if (!tags) return false;
  for (const auto& member : tags->members()) {
    auto value = ScannedString(tags->TextOf(member));
    if (!value) return false;
    out.emplace(member.key, std::move(*value));
  }
  return true;
}

bool HasObjects(const ScannedObject& object, std::string_view key) {
  auto json = object.TextAt(key);
  return json.starts_with('[') && json.find('{') != json.npos;
}

}  // namespace strata::dialect
