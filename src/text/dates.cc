#include "text/dates.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "text/normalize.h"

namespace strata::text {
namespace {

constexpr std::size_t kYearDigits = 4;
constexpr std::size_t kNameBytesMax = 16;
constexpr std::size_t kGapBytesMax = 4;  // between the parts of a date

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsWordByte(char c) { return IsDigit(c) || IsLetter(c) || c == '_'; }

struct MonthName {
  std::string_view name;  // in lower case, without accents
  int month;
};
// Without short forms that are English words ("set", "out", "ago").
constexpr auto kMonthNames = std::to_array<MonthName>({
    {"january", 1},    {"jan", 1},       {"januar", 1},    {"janner", 1},     {"janvier", 1},
    {"janv", 1},       {"enero", 1},     {"gennaio", 1},   {"janeiro", 1},    {"januari", 1},
    {"february", 2},   {"feb", 2},       {"februar", 2},   {"fevrier", 2},    {"fevr", 2},
    {"febrero", 2},    {"febbraio", 2},  {"fevereiro", 2}, {"februari", 2},   {"march", 3},
    {"mar", 3},        {"marz", 3},      {"maerz", 3},     {"mars", 3},       {"marzo", 3},
    {"marco", 3},      {"maart", 3},     {"april", 4},     {"apr", 4},        {"avril", 4},
    {"avr", 4},        {"abril", 4},     {"aprile", 4},    {"may", 5},        {"mai", 5},
    {"mayo", 5},       {"maggio", 5},    {"maio", 5},      {"mei", 5},        {"june", 6},
    {"jun", 6},        {"juni", 6},      {"juin", 6},      {"junio", 6},      {"giugno", 6},
    {"junho", 6},      {"july", 7},      {"jul", 7},       {"juli", 7},       {"juillet", 7},
    {"juil", 7},       {"julio", 7},     {"luglio", 7},    {"julho", 7},      {"august", 8},
    {"aug", 8},        {"aout", 8},      {"agosto", 8},    {"augustus", 8},   {"september", 9},
    {"sep", 9},        {"sept", 9},      {"septembre", 9}, {"septiembre", 9}, {"setiembre", 9},
    {"settembre", 9},  {"setembro", 9},  {"october", 10},  {"oct", 10},       {"oktober", 10},
    {"okt", 10},       {"octobre", 10},  {"octubre", 10},  {"ottobre", 10},   {"outubro", 10},
    {"november", 11},  {"nov", 11},      {"novembre", 11}, {"noviembre", 11}, {"novembro", 11},
    {"december", 12},  {"dec", 12},      {"dezember", 12}, {"dez", 12},       {"decembre", 12},
    {"diciembre", 12}, {"dicembre", 12}, {"dezembro", 12},
});

std::string Lower(std::string_view name) {
  std::string out;
  for (char c : name) {
    if (!IsLetter(c)) return FoldAccents(name);
    out += static_cast<char>(c | 0x20);
  }
  return out;
}

// 0: none of them.
int MonthOf(std::string_view name) {
  if (name.size() < 3) return 0;
  const auto lower = Lower(name);
  const auto* found = std::ranges::find(kMonthNames, lower, &MonthName::name);
  return found == kMonthNames.end() ? 0 : found->month;
}

int NumberOf(std::string_view digits) {
  int number = 0;
  for (char c : digits) number = number * 10 + (c - '0');
  return number;
}

bool IsDay(int year, int month, int day) {
  constexpr std::array kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12 || day < 1) return false;
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day <= kDays[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
}

// Reads a text backwards.
class Backwards {
 public:
  Backwards(std::string_view text, std::size_t at) : text_(text), at_(at) {}

  std::size_t at() const { return at_; }
  // The byte before; 0 at the beginning.
  char Last() const { return at_ == 0 ? '\0' : text_[at_ - 1]; }
  bool Take(char c) {
    if (at_ == 0 || Last() != c) return false;
    --at_;
    return true;
  }
  // Spaces and any of `marks`; a few.
  void Skip(std::string_view marks) {
    for (std::size_t i = 0; i < kGapBytesMax && at_ > 0; ++i) {
      const char c = Last();
      if (c == '\xA0' && at_ > 1 && text_[at_ - 2] == '\xC2') {  // U+00A0
        at_ -= 2;
      } else if (c == ' ' || c == '\n' || c == '\t' || marks.contains(c)) {
        --at_;
      } else {
        return;
      }
    }
  }
  // One or two; "" when there are more or none.
  std::string_view Digits() {
    std::size_t from = at_;
    while (from > 0 && at_ - from < 3 && IsDigit(text_[from - 1])) --from;
    if (at_ - from == 3) return {};
    return Read(from);
  }
  // A run of Latin letters, the end of it when it is long.
  std::string_view Letters() {
    std::size_t from = at_;
    while (from > 0 && at_ - from <= kNameBytesMax) {
      const auto c = static_cast<unsigned char>(text_[from - 1]);
      const auto before = from > 1 ? static_cast<unsigned char>(text_[from - 2]) : 0;
      if (IsLetter(text_[from - 1])) {
        --from;
      } else if (c >= 0x80 && c < 0xC0 && before >= 0xC3 && before <= 0xC5) {
        from -= 2;
      } else {
        break;
      }
    }
    return Read(from);
  }

 private:
  std::string_view Read(std::size_t from) {
    const auto read = text_.substr(from, at_ - from);
    at_ = from;
    return read;
  }

  std::string_view text_;
  std::size_t at_;
};

class DateReader {
 public:
  DateReader(std::string_view text, const std::function<void(const FoundDate&)>& take)
      : text_(text), take_(take) {}

  // Of the year whose digits begin at `at`.
  void Read(std::size_t at) {
    at_ = at;
    end_ = at + kYearDigits;
    year_ = NumberOf(text_.substr(at, kYearDigits));
    if (YearFirst()) return;
    if (end_ < text_.size() && IsWordByte(text_[end_])) return;
    if (!InNumbers()) WithName();
  }

 private:
  bool Give(int month, int day, std::size_t begin) const {
    if (day == 0 ? month == 0 : !IsDay(year_, month, day)) return false;
    take_({.year = year_, .month = month, .day = day, .begin = begin, .end = end_});
    return true;
  }

  char At(std::size_t at) const { return at < text_.size() ? text_[at] : '\0'; }

  // One or two digits that begin at `at`, which is moved behind them; 0: none such.
  int ShortNumber(std::size_t& at) const {
    std::size_t to = at;
    while (to - at < 3 && IsDigit(At(to))) ++to;
    if (to == at || to - at == 3) return 0;
    const auto digits = text_.substr(at, to - at);
    at = to;
    return NumberOf(digits);
  }

  bool YearFirst() {
    const char mark = At(end_);
    if (mark != '-' && mark != '/' && mark != '.') return false;
    auto at = end_ + 1;
    const int month = ShortNumber(at);
    if (month == 0 || At(at) != mark) return false;
    ++at;
    const int day = ShortNumber(at);
    const char next = At(at);
    if (day == 0 || (IsLetter(next) && next != 'T' && next != 'Z')) return false;
    if (next == mark && IsDigit(At(at + 1))) return false;
    end_ = at;
    return Give(month, day, at_);
  }

  // False: there are no two numbers before the year.
  bool InNumbers() const {
    Backwards before(text_, at_);
    const bool spaced = before.Last() == ' ';
    if (spaced) before.Skip("");
    const char mark = before.Last();
    if (mark != '.' && (spaced || (mark != '/' && mark != '-'))) return false;
    before.Take(mark);
    const auto second = before.Digits();
    if (mark == '.') before.Skip("");
    if (second.empty() || !before.Take(mark)) return false;
    const auto first = before.Digits();
    if (first.empty() || IsWordByte(before.Last()) || before.Last() == mark) return false;
    const int a = NumberOf(first);
    const int b = NumberOf(second);
    if (a == 0 || b == 0) return true;
    Give(b, a, before.at());
    if (mark != '.' && a != b) Give(a, b, before.at());
    return true;
  }

  void WithName() const {
    Backwards before(text_, at_);
    before.Skip(",.-/");
    auto name = before.Letters();
    if (IsLinkWord(name)) {
      before.Skip("");
      name = before.Letters();
    }
    if (const int month = MonthOf(name); month != 0) return WithDayBefore(before, month);
    if (!name.empty() && !IsOrdinalEnding(name)) return;
    // "May 4th, 2018"
    const int day = NumberOf(before.Digits());
    if (day == 0) return;
    before.Skip(".");
    if (const int month = MonthOf(before.Letters()); month != 0) Give(month, day, before.at());
  }

  // `before` stands before the name of the month.
  void WithDayBefore(Backwards before, int month) const {
    const auto begin = before.at();
    before.Skip(".-/");
    if (IsLetter(before.Last())) {
      auto ending = before;
      if (IsLinkWord(ending.Letters())) {
        before = ending;
        before.Skip("");
      }
    }
    if (IsLetter(before.Last()) && !IsOrdinalEnding(before.Letters())) {
      Give(month, 0, begin);
      return;
    }
    const auto digits = before.Digits();
    const bool whole = !digits.empty() && !IsWordByte(before.Last());
    if (!whole || !Give(month, NumberOf(digits), before.at())) Give(month, 0, begin);
  }

  static bool IsLinkWord(std::string_view word) {
    return word == "of" || word == "de" || word == "del";
  }
  static bool IsOrdinalEnding(std::string_view word) {
    return word == "st" || word == "nd" || word == "rd" || word == "th" || word == "er";
  }

  std::string_view text_;
  const std::function<void(const FoundDate&)>& take_;
  std::size_t at_ = 0;   // of the year
  std::size_t end_ = 0;  // of the date
  int year_ = 0;
};

}  // namespace

void ForEachDate(std::string_view text, const std::function<void(const FoundDate&)>& take) {
  DateReader reader(text, take);
  // Four digits hold every fourth byte.
  for (std::size_t at = kYearDigits - 1; at < text.size(); at += kYearDigits) {
    if (!IsDigit(text[at])) continue;
    std::size_t begin = at;
    while (begin > 0 && IsDigit(text[begin - 1])) --begin;
    while (at < text.size() && IsDigit(text[at])) ++at;
    const bool year = at - begin == kYearDigits && (text[begin] == '1' || text[begin] == '2');
    if (year) reader.Read(begin);
    --at;  // the byte at `at` is no digit, so that the next four begin behind it at the earliest
  }
}

std::string DayWord(const FoundDate& date) {
  return fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
}

std::string MonthWord(const FoundDate& date) {
  return fmt::format("{:04}-{:02}", date.year, date.month);
}

}  // namespace strata::text
