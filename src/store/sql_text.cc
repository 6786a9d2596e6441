#include "store/sql_text.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace strata::store {
namespace {

enum class Kind : std::uint8_t { kWord, kOpen, kClose, kOther };

struct Token {
  Kind kind = Kind::kOther;
  std::string text;  // of a word: in lower case, without its quotes
};

bool IsWordChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

class Tokens {
 public:
  explicit Tokens(std::string_view sql) : rest_(sql) {
    while (!rest_.empty()) Take();
  }
  std::vector<Token> out;

 private:
  void Take() {
    const char c = rest_.front();
    if (rest_.starts_with("--")) return Drop(rest_.find('\n'));
    if (rest_.starts_with("/*")) {
      const auto end = rest_.find("*/", 2);
      return Drop(end == rest_.npos ? end : end + 2);
    }
    // SQLite takes a quoted text for a name where it expects one.
    if (c == '\'' || c == '"' || c == '`') return Quoted(c);
    if (c == '[') return Quoted(']');
    if (IsWordChar(c)) return Word();
    if (c == '(') out.push_back({Kind::kOpen, {}});
    if (c == ')') out.push_back({Kind::kClose, {}});
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
    if (c != '(' && c != ')' && !space) out.push_back({Kind::kOther, {}});
    Drop(1);
  }
  void Drop(std::size_t count) { rest_.remove_prefix(std::min(count, rest_.size())); }

  // Twice the mark stands for the mark, but not in brackets.
  void Quoted(char mark) {
    std::string text;
    Drop(1);
    while (!rest_.empty()) {
      const char c = rest_.front();
      Drop(1);
      if (c == mark) {
        if (mark == ']' || rest_.empty() || rest_.front() != mark) break;
        Drop(1);
      }
      text += Lower(c);
    }
    out.push_back({Kind::kWord, std::move(text)});
  }
  void Word() {
    std::string text;
    while (!rest_.empty() && IsWordChar(rest_.front())) {
      text += Lower(rest_.front());
      Drop(1);
    }
    out.push_back({Kind::kWord, std::move(text)});
  }

  std::string_view rest_;
};

class Expansion {
 public:
  Expansion(std::vector<Token> tokens, std::size_t most)
      : tokens_(std::move(tokens)), most_(most), partner_(tokens_.size(), tokens_.size()) {
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (tokens_[i].kind == Kind::kOpen) open.push_back(i);
      if (tokens_[i].kind != Kind::kClose || open.empty()) continue;
      partner_[i] = open.back();
      partner_[open.back()] = i;
      open.pop_back();
    }
    for (std::size_t i = 1; i < tokens_.size(); ++i) FindDefinition(i);
  }

  std::size_t Count() { return CountRange(0, tokens_.size()); }

 private:
  struct Name {
    std::vector<std::pair<std::size_t, std::size_t>> bodies;  // all that are called so
    std::size_t words = 0;                                    // 0: not counted yet
    bool counting = false;                                    // it speaks of itself
  };

  bool IsWord(std::size_t at, std::string_view text) const {
    return at < tokens_.size() && tokens_[at].kind == Kind::kWord && tokens_[at].text == text;
  }

  // NAME [(columns)] AS [[NOT] MATERIALIZED] (body)
  void FindDefinition(std::size_t as) {
    if (!IsWord(as, "as")) return;
    auto body = as + 1;
    if (IsWord(body, "not")) ++body;
    if (IsWord(body, "materialized")) ++body;
    if (body >= tokens_.size() || tokens_[body].kind != Kind::kOpen) return;
    auto name = as - 1;
    if (tokens_[name].kind == Kind::kClose) {
      name = partner_[name];
      if (name == 0 || name >= tokens_.size()) return;
      --name;
    }
    if (tokens_[name].kind != Kind::kWord) return;
    names_[tokens_[name].text].bodies.emplace_back(body + 1, partner_[body]);
  }

  std::size_t CountRange(std::size_t begin, std::size_t end) {
    std::size_t words = 0;
    for (auto i = begin; i < end && words <= most_; ++i) {
      if (tokens_[i].kind != Kind::kWord) continue;
      const auto name = names_.find(tokens_[i].text);
      words += name == names_.end() ? 1 : CountName(name->second);
    }
    return std::min(words, most_ + 1);
  }

  std::size_t CountName(Name& name) {
    if (name.counting) return 1;
    if (name.words > 0) return name.words;
    name.counting = true;
    std::size_t words = 1;
    for (const auto& [begin, end] : name.bodies) words += CountRange(begin, end);
    name.counting = false;
    return name.words = std::min(words, most_ + 1);
  }

  const std::vector<Token> tokens_;
  const std::size_t most_;
  std::vector<std::size_t> partner_;  // of each bracket; the size where there is none
  std::unordered_map<std::string, Name> names_;
};

}  // namespace

std::size_t WordsWrittenOut(std::string_view sql, std::size_t most) {
  return Expansion(Tokens(sql).out, most).Count();
}

bool OrdersRows(std::string_view sql) {
  const auto tokens = Tokens(sql).out;
  int depth = 0;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    depth += tokens[i].kind == Kind::kOpen ? 1 : tokens[i].kind == Kind::kClose ? -1 : 0;
    if (depth == 0 && tokens[i].kind == Kind::kWord && tokens[i].text == "order" &&
        tokens[i + 1].kind == Kind::kWord && tokens[i + 1].text == "by") {
      return true;
    }
  }
  return false;
}

}  // namespace strata::store
