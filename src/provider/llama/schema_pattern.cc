#include "provider/llama/schema_pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "base/format_message.h"
#include "base/utf8.h"
#include "provider/llama/json_grammar.h"

namespace strata::provider::llama {
namespace {

// Code points, ends inclusive.
using Ranges = std::vector<std::pair<char32_t, char32_t>>;

constexpr char32_t kLast = 0x10FFFF;
constexpr int kGroupsMax = 32;  // nested

// What JSON strings hold only as an escape, and surrogates.
const Ranges kUnwritable = {
    {0, 0x1F}, {U'"', U'"'}, {U'\\', U'\\'}, {0x7F, 0x7F}, {0xD800, 0xDFFF}};
const Ranges kDigits = {{U'0', U'9'}};
const Ranges kWordCharacters = {{U'0', U'9'}, {U'A', U'Z'}, {U'_', U'_'}, {U'a', U'z'}};
// Of all that ECMAScript calls white space, what stands in JSON strings as itself and on one line.
const Ranges kSpaces = {{U' ', U' '}, {0xA0, 0xA0}};

Ranges Complement(Ranges ranges) {
  std::ranges::sort(ranges);
  Ranges out;
  char32_t next = 0;
  for (const auto& [from, to] : ranges) {
    if (from > next) out.emplace_back(next, from - 1);
    next = std::max(next, static_cast<char32_t>(to + 1));
  }
  if (next <= kLast) out.emplace_back(next, kLast);
  return out;
}

// `ranges` without what JSON cannot hold as itself.
Ranges Writable(const Ranges& ranges) {
  auto outside = Complement(ranges);
  outside.insert(outside.end(), kUnwritable.begin(), kUnwritable.end());
  return Complement(std::move(outside));
}

std::string ClassOf(const Ranges& ranges) {
  auto out = std::string("[");
  auto add = [&](char32_t c) {
    fmt::format_to(std::back_inserter(out), "\\U{:08X}", static_cast<std::uint32_t>(c));
  };
  for (const auto& [from, to] : ranges) {
    add(from);
    if (to == from) continue;
    out += '-';
    add(to);
  }
  return out + "]";
}

class PatternReader {
 public:
  explicit PatternReader(std::string_view pattern) : rest_(pattern) {}

  Result<std::string> Read() {
    if (!rest_.starts_with('^'))
      return Wrong("must begin with ^, as only whole strings are followed");
    rest_.remove_prefix(1);
    std::string out = "^";
    std::int64_t repeat = 1;
    STRATA_CHECK_OK(ReadAlternatives(out, repeat, 0));
    if (rest_ != "$") {
      if (rest_.empty()) return Wrong("must end with $, as only whole strings are followed");
      if (rest_[0] == ')') return Wrong("has a ) too many");
      return Wrong("has a $ inside");
    }
    return out + "$";
  }

 private:
  static std::unexpected<Error> Wrong(Message what) {
    return Fail(Code::kInvalidArgument, std::move(what));
  }

  // Up to a closing parenthesis, the end, or $. `repeat`: how often its costliest part is repeated.
  Result<> ReadAlternatives(std::string& out, std::int64_t& repeat, int depth) {
    if (depth > kGroupsMax) return Wrong("nests too many groups");
    while (!rest_.empty() && rest_[0] != ')' && rest_[0] != '$') {
      if (rest_[0] == '|') {
        out += '|';
        rest_.remove_prefix(1);
        continue;
      }
      std::int64_t inside = 1;
      if (rest_[0] == '(') {
        STRATA_CHECK_OK(ReadGroup(out, inside, depth));
      } else {
        STRATA_TRY(auto ranges, ReadAtom());
        if (ranges.empty()) return Wrong("asks for characters that JSON writes with a backslash");
        out += ClassOf(ranges);
      }
      STRATA_CHECK_OK(ReadRepetition(out, inside));
      repeat = std::max(repeat, inside);
    }
    return {};
  }

  Result<> ReadGroup(std::string& out, std::int64_t& repeat, int depth) {
    rest_.remove_prefix(1);
    if (rest_.starts_with("?:")) {
      rest_.remove_prefix(2);
    } else if (rest_.starts_with('?')) {
      return Wrong("has a (?…) group, which cannot be followed");
    }
    out += '(';
    STRATA_CHECK_OK(ReadAlternatives(out, repeat, depth + 1));
    if (!rest_.starts_with(')')) return Wrong("has a ( too many");
    rest_.remove_prefix(1);
    out += ')';
    return {};
  }

  std::optional<std::int64_t> ReadNumber() {
    std::size_t digits = 0;
    std::int64_t number = 0;
    for (; digits < std::min<std::size_t>(rest_.size(), 6); ++digits) {
      if (rest_[digits] < '0' || rest_[digits] > '9') break;
      number = number * 10 + (rest_[digits] - '0');
    }
    rest_.remove_prefix(digits);
    return digits > 0 ? std::optional(number) : std::nullopt;
  }

  // {2}, {2,}, {2,3}; sets `most`.
  Result<std::string> ReadBraces(std::int64_t& most) {
    rest_.remove_prefix(1);
    const auto least = ReadNumber();
    auto until = least;
    const bool open = rest_.starts_with(',');
    if (open) {
      rest_.remove_prefix(1);
      until = ReadNumber();
    }
    if (!least || !rest_.starts_with('}')) return Wrong("has a { that begins no repetition");
    rest_.remove_prefix(1);
    if (until && *until < *least) return Wrong("has a repetition whose bounds are out of order");
    most = std::max<std::int64_t>(until.value_or(*least), 1);
    if (!open) return fmt::format("{{{}}}", *least);
    return until ? fmt::format("{{{},{}}}", *least, *until) : fmt::format("{{{},}}", *least);
  }

  // `inside`: repetitions of what is repeated; becomes their product.
  Result<> ReadRepetition(std::string& out, std::int64_t& inside) {
    if (rest_.empty()) return {};
    std::int64_t most = 1;
    if (rest_[0] == '*' || rest_[0] == '+' || rest_[0] == '?') {
      out += rest_[0];
      rest_.remove_prefix(1);
    } else if (rest_[0] == '{') {
      STRATA_TRY(const auto braces, ReadBraces(most));
      out += braces;
    } else {
      return {};
    }
    if (rest_.starts_with('?')) rest_.remove_prefix(1);  // as few as possible: the same strings
    inside *= most;
    if (inside > kSchemaRepeatMax) {
      return Wrong(FormatMessage("repeats more than {} times", kSchemaRepeatMax));
    }
    return {};
  }

  // One character of the expression. Malformed UTF-8 cannot come out of a JSON parser.
  char32_t TakeCodePoint() {
    const auto size = std::max<std::size_t>(Utf8SequenceSize(rest_, 0), 1);
    auto c = static_cast<char32_t>(static_cast<unsigned char>(rest_[0]));
    if (size > 1) c &= 0x7FU >> size;
    for (std::size_t i = 1; i < size; ++i) {
      c = (c << 6) | (static_cast<unsigned char>(rest_[i]) & 0x3FU);
    }
    rest_.remove_prefix(size);
    return c;
  }

  Result<Ranges> ReadAtom() {
    if (rest_[0] == '[') return ReadClass();
    if (rest_[0] == '\\') {
      STRATA_TRY(auto ranges, ReadEscape());
      return Writable(ranges);
    }
    if (std::string_view("*+?{").find(rest_[0]) != std::string_view::npos) {
      return Wrong("has nothing to repeat before *, +, ? or {");
    }
    if (rest_[0] == '^') return Wrong("has a ^ inside");
    const char32_t c = TakeCodePoint();
    return Writable(c == U'.' ? Complement({}) : Ranges{{c, c}});
  }

  Result<char32_t> ReadHex(std::size_t digits) {
    char32_t c = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      const char digit = i < rest_.size() ? rest_[i] : ' ';
      const auto at = std::string_view("0123456789abcdefABCDEF").find(digit);
      if (at == std::string_view::npos) return Wrong("has a \\x or \\u without its digits");
      c = c * 16 + static_cast<char32_t>(at < 16 ? at : at - 6);
    }
    rest_.remove_prefix(digits);
    return c;
  }

  Result<Ranges> ReadEscape() {
    rest_.remove_prefix(1);
    if (rest_.empty()) return Wrong("ends with a backslash");
    const char32_t c = TakeCodePoint();
    switch (c) {
      case U'd':
        return kDigits;
      case U'D':
        return Complement(kDigits);
      case U'w':
        return kWordCharacters;
      case U'W':
        return Complement(kWordCharacters);
      case U's':
        return kSpaces;
      case U'S':
        return Complement(kSpaces);
      case U'x':
      case U'u': {
        STRATA_TRY(const auto code, ReadHex(c == U'x' ? 2 : 4));
        return Ranges{{code, code}};
      }
      default:
        break;
    }
    const bool letter = (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z');
    if (letter || (c >= U'0' && c <= U'9')) {
      return Wrong(FormatMessage("has \\{}, which cannot be followed",
                                 std::string(1, static_cast<char>(c))));
    }
    return Ranges{{c, c}};
  }

  // One end of a range, or a set; no set may end a range.
  Result<Ranges> ReadClassItem() {
    if (rest_[0] == '\\') return ReadEscape();
    const char32_t c = TakeCodePoint();
    return Ranges{{c, c}};
  }

  Result<Ranges> ReadClass() {
    rest_.remove_prefix(1);
    const bool negated = rest_.starts_with('^');
    if (negated) rest_.remove_prefix(1);
    Ranges all;
    while (!rest_.empty() && rest_[0] != ']') {
      STRATA_TRY(auto item, ReadClassItem());
      if (rest_.size() > 1 && rest_[0] == '-' && rest_[1] != ']') {
        rest_.remove_prefix(1);
        STRATA_TRY(const auto end, ReadClassItem());
        const bool characters = item.size() == 1 && item[0].first == item[0].second &&
                                end.size() == 1 && end[0].first == end[0].second;
        if (!characters || end[0].first < item[0].first) return Wrong("has a range without order");
        item[0].second = end[0].first;
      }
      all.insert(all.end(), item.begin(), item.end());
    }
    if (rest_.empty()) return Wrong("has a [ without ]");
    rest_.remove_prefix(1);
    return Writable(negated ? Complement(std::move(all)) : std::move(all));
  }

  std::string_view rest_;
};

}  // namespace

Result<std::string> PlainPattern(std::string_view pattern) { return PatternReader(pattern).Read(); }

}  // namespace strata::provider::llama
