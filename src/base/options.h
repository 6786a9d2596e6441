#pragma once
// Options: each module declares its own once, as a table; the configuration file, docs/config.md,
// `strata check` and the error messages are all made from the tables.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata {

enum class OptionKind : std::uint8_t { kInteger, kReal, kText, kFlag, kTextList };

struct Option {
  std::string_view name;  // dotted, "kb.chunk.words_max"
  OptionKind kind;
  std::string_view unit;           // "ms", "bytes", "tokens", "" when it has none
  std::string_view default_value;  // as written in YAML; lists: comma separated
  std::string_view range;  // "1..4096" for numbers; "a|b|c" for texts of a closed set; "" for any
  std::string_view text;   // one sentence: what it does, and what happens at the limit
};

using OptionTable = std::span<const Option>;

// The values in force. Immutable after Build; safe to share between threads.
class Options {
 public:
  // `given`: name → text from the file, with its place for messages ("strata.yaml:12"). All
  // problems are reported at once, one a line: unknown names with the nearest known one, wrong
  // types, values out of range.
  struct Given {
    std::string value;
    std::string place;
  };
  static Result<Options> Build(std::span<const OptionTable> tables,
                               const std::map<std::string, Given>& given);

  // A name that no table declares is a bug and aborts.
  std::int64_t Integer(std::string_view name) const;
  double Real(std::string_view name) const;
  const std::string& Text(std::string_view name) const;
  bool Flag(std::string_view name) const;
  std::vector<std::string> TextList(std::string_view name) const;

 private:
  const std::string& Raw(std::string_view name) const;
  std::map<std::string, std::string, std::less<>> values_;
};

// The known name with the smallest edit distance, "" when none is near (distance > 1/3 of the
// length).
std::string_view NearestName(std::string_view name, std::span<const std::string_view> known);

}  // namespace strata
