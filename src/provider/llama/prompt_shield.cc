#include "provider/llama/prompt_shield.h"

#include <llama.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/utf8.h"
#include "provider/llama/backend.h"

namespace strata::provider::llama {
namespace {

// A marker is OPEN, a number, CLOSE: private-use characters (U+F8F0, U+F8F1), masked themselves
// when a text holds them.
constexpr std::string_view kOpen = "\uF8F0";
constexpr std::string_view kClose = "\uF8F1";

}  // namespace

std::vector<std::string> ControlTexts(const llama_vocab& vocab) {
  std::set<std::string> texts;
  for (std::int32_t id = 0; id < llama_vocab_n_tokens(&vocab); ++id) {
    auto attributes = llama_vocab_get_attr(&vocab, id);
    std::string text = llama_vocab_get_text(&vocab, id);
    // User-defined tokens are also runs of blanks and the like, which change nothing.
    bool tag = text.starts_with('<') || text.starts_with('[');
    bool control = (attributes & LLAMA_TOKEN_ATTR_CONTROL) != 0 ||
                   (tag && (attributes & LLAMA_TOKEN_ATTR_USER_DEFINED) != 0);
    // Shorter ones are plain characters that a vocabulary happens to list.
    if (control && text.size() >= 3) texts.insert(std::move(text));
  }
  std::vector<std::string> sorted(texts.begin(), texts.end());
  std::sort(sorted.begin(), sorted.end(),
            [](auto& a, auto& b) { return a.size() != b.size() ? a.size() > b.size() : a < b; });
  return sorted;
}

std::string PromptShield::Mask(std::string_view text) {
  bool first_bytes[256] = {};
  for (const auto& control : control_texts_) {
    first_bytes[static_cast<unsigned char>(control.front())] = true;
  }
  std::string out;
  out.reserve(text.size());
  auto mask = [&](std::string_view original) {
    out += kOpen;
    out += std::to_string(masked_.size());
    out += kClose;
    masked_.emplace_back(original);
  };
  for (std::size_t at = 0; at < text.size();) {
    auto rest = text.substr(at);
    std::string_view found;
    if (rest.starts_with(kOpen) || rest.starts_with(kClose)) found = rest.substr(0, kOpen.size());
    if (first_bytes[static_cast<unsigned char>(text[at])]) {
      auto control = std::find_if(control_texts_.begin(), control_texts_.end(),
                                  [&](const auto& c) { return rest.starts_with(c); });
      if (control != control_texts_.end()) found = *control;
    }
    if (found.empty()) {
      out += text[at++];
    } else {
      mask(found);
      at += found.size();
    }
  }
  return out;
}

std::vector<PromptShield::Piece> PromptShield::Split(std::string_view prompt) const {
  std::vector<Piece> pieces;
  while (!prompt.empty()) {
    auto open = prompt.find(kOpen);
    auto close = open == prompt.npos ? prompt.npos : prompt.find(kClose, open);
    if (close == prompt.npos) break;
    auto number = prompt.substr(open + kOpen.size(), close - open - kOpen.size());
    std::size_t index = masked_.size();
    std::from_chars(number.data(), number.data() + number.size(), index);
    if (open > 0) pieces.push_back({.text = std::string(prompt.substr(0, open))});
    if (index < masked_.size()) pieces.push_back({.text = masked_[index], .literal = true});
    prompt.remove_prefix(close + kClose.size());
  }
  if (!prompt.empty()) pieces.push_back({.text = std::string(prompt)});
  return pieces;
}

std::vector<std::int32_t> PromptShield::Tokenize(const llama_vocab& vocab,
                                                 std::string_view prompt) const {
  if (masked_.empty()) return TokenizeText(vocab, prompt, AddSpecial::kYes, ParseSpecial::kYes);
  std::vector<std::int32_t> tokens;
  auto add = AddSpecial::kYes;
  for (const auto& piece : Split(prompt)) {
    auto parse = piece.literal ? ParseSpecial::kNo : ParseSpecial::kYes;
    // User-defined tokens are matched even without parsing: such a text goes in cut in two.
    auto half = piece.literal ? std::max<std::size_t>(1, Utf8SequenceSize(piece.text, 0))
                              : piece.text.size();
    for (auto part : {piece.text.substr(0, half), piece.text.substr(half)}) {
      if (part.empty()) continue;
      auto more = TokenizeText(vocab, part, add, parse);
      tokens.insert(tokens.end(), more.begin(), more.end());
      add = AddSpecial::kNo;
    }
  }
  return tokens;
}

}  // namespace strata::provider::llama
