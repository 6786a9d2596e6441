#include "route/signals.h"

#include <algorithm>
#include <bit>
#include <initializer_list>
#include <iterator>

#include "base/encoding.h"
#include "text/language.h"

namespace strata::route {
namespace {

constexpr std::int64_t kFlatBytes = 4000;  // of an image or a file
constexpr std::size_t kLookedAtBytes = 4096;

constexpr std::string_view kKinds[] = {"code",     "math",       "choice",         "translation",
                                       "summary",  "extraction", "classification", "writing",
                                       "question", "other"};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

void Count(const domain::ContentBlock& block, Needs& needs, std::int64_t& bytes) {
  if (const auto* text = std::get_if<domain::TextBlock>(&block)) {
    bytes += static_cast<std::int64_t>(text->text.size());
  } else if (std::holds_alternative<domain::ImageBlock>(block)) {
    needs.image = true;
    bytes += kFlatBytes;
  } else if (const auto* document = std::get_if<domain::DocumentBlock>(&block)) {
    needs.document = true;
    bytes += document->bytes.empty() ? static_cast<std::int64_t>(document->text.size()) + 100
                                     : kFlatBytes;
    for (const auto& chunk : document->chunks) bytes += static_cast<std::int64_t>(chunk.size());
  } else if (const auto* call = std::get_if<domain::ToolUseBlock>(&block)) {
    needs.tools = true;
    bytes += static_cast<std::int64_t>(call->input.text.size());
  } else if (const auto* result = std::get_if<domain::ToolResultBlock>(&block)) {
    needs.tools = true;
    for (const auto& piece : result->content) {
      if (const auto* text = std::get_if<domain::TextBlock>(&piece)) {
        bytes += static_cast<std::int64_t>(text->text.size());
      } else if (const auto* json = std::get_if<JsonText>(&piece)) {
        bytes += static_cast<std::int64_t>(json->text.size());
      } else {
        needs.image = needs.image || std::holds_alternative<domain::ImageBlock>(piece);
        bytes += kFlatBytes;
      }
    }
  }
}

// User turns from the last backwards, in their order.
std::string DecidingText(const domain::ChatRequest& request) {
  std::string text;
  for (auto at = request.messages.rbegin(); at != request.messages.rend(); ++at) {
    if (at->role != domain::Role::kUser) continue;
    auto said = domain::TextOf(at->content);
    if (said.empty()) continue;
    if (!text.empty()) {
      said += "\n\n";
      said += text;
    }
    text = std::move(said);
    if (text.size() >= kDecidingBytes) break;
  }
  return text;
}

using Phrases = std::initializer_list<std::string_view>;

bool HasAny(std::string_view text, Phrases phrases) {
  return std::ranges::any_of(phrases, [&](auto p) { return text.contains(p); });
}
bool SaysAny(const Signals& signals, Phrases phrases) {
  return std::ranges::any_of(phrases, [&](auto p) { return signals.Says(p); });
}

bool LooksLikeCode(std::string_view text, const Signals& signals) {
  if (HasAny(text, {"```", "#include", "def ", "();", "function(", "=> {", "SELECT ", "class "})) {
    return true;
  }
  return SaysAny(signals, {" python ", " javascript ", " typescript ", " sql query ", " regex ",
                           " stack trace ", " unit test ", " compile error ", " source code "});
}

bool LooksLikeMath(std::string_view text, const Signals& signals) {
  if (HasAny(text, {"\\frac", "\\(", "$$", "\\sum", "^2"})) return true;
  auto digits = std::ranges::count_if(text.substr(0, kLookedAtBytes), IsDigit);
  return digits > 0 &&
         SaysAny(signals, {" how many ", " how much ", " calculate ", " compute ", " solve ",
                           " equation ", " what is the sum ", " percent "});
}

// Lines or words that begin with A to D and a bracket or full stop.
bool HasOptions(std::string_view text) {
  auto has = [&](char letter) {
    for (char mark : {')', '.'}) {
      const char form[] = {letter, mark};
      auto at = text.find(std::string_view(form, 2));
      if (at != text.npos &&
          (at == 0 || text[at - 1] == '\n' || text[at - 1] == ' ' || text[at - 1] == '(')) {
        return true;
      }
    }
    return false;
  };
  return has('A') && has('B') && has('C');
}

std::string_view KindOf(std::string_view text, const Signals& signals) {
  if (LooksLikeCode(text, signals)) return "code";
  if (SaysAny(signals, {" translate ", " translation of ", " traduis ", " übersetze "})) {
    return "translation";
  }
  if (SaysAny(signals, {" summarize ", " summarise ", " summary ", " tl dr ", " key points "})) {
    return "summary";
  }
  if (SaysAny(signals, {" extract ", " list all ", " find all ", " pull out ", " parse "})) {
    return "extraction";
  }
  if (SaysAny(signals, {" classify ", " categorize ", " which category ", " sentiment ", " label ",
                        " spam or ", " positive or negative "})) {
    return "classification";
  }
  if (HasOptions(text)) return "choice";
  if (LooksLikeMath(text, signals)) return "math";
  if (SaysAny(signals, {" write a ", " write an ", " draft ", " compose ", " rewrite ", " essay ",
                        " poem ", " story "})) {
    return "writing";
  }
  return text.contains('?') ? "question" : "other";
}

}  // namespace

Signals::Signals(const domain::ChatRequest& request, const RequestContext& ctx,
                 const observe::Spending* spending, std::string router)
    : request_(request),
      ctx_(ctx),
      text_(DecidingText(request)),
      spending_(spending),
      router_(std::move(router)) {
  auto bytes = static_cast<std::int64_t>(domain::TextOf(request.system).size());
  for (const auto& message : request.messages) {
    conversation_ = conversation_ || message.role == domain::Role::kAssistant;
    for (const auto& block : message.content) Count(block, needs_, bytes);
  }
  needs_.tools = needs_.tools || !request.tools.empty();
  for (const auto& tool : request.tools) {
    bytes += static_cast<std::int64_t>(tool.description.size() + tool.input_schema.text.size());
  }
  needs_.schema = request.json_output && !request.json_output->schema.text.empty();
  needs_.reasoning = request.reasoning && request.reasoning->enabled;
  prompt_tokens_ = bytes / 4 + 1;
}

const std::string& Signals::words() const {
  if (!words_) words_ = WordsOf(std::string_view(text_).substr(0, kLookedAtBytes));
  return *words_;
}

bool Signals::Says(std::string_view phrase) const {
  auto hash_of = [](std::string_view word) { return Hash64(word) | 1; };
  const auto& all = words();
  if (firsts_.empty()) {
    // At most half full: a word takes at least two bytes of text.
    firsts_.assign(std::bit_ceil(std::max<std::size_t>(all.size(), 8)), 0);
    for (std::size_t at = 1; at < all.size();) {
      auto end = std::min(all.find(' ', at), all.size());
      auto hash = hash_of(std::string_view(all).substr(at, end - at));
      auto slot = hash >> 1 & (firsts_.size() - 1);
      while (firsts_[slot] != 0 && firsts_[slot] != hash) slot = (slot + 1) & (firsts_.size() - 1);
      firsts_[slot] = hash;
      at = end + 1;
    }
  }
  auto end = phrase.find(' ', 1);
  if (phrase.size() < 3 || phrase.front() != ' ' || end == phrase.npos) {
    return all.contains(phrase);
  }
  auto hash = hash_of(phrase.substr(1, end - 1));
  auto slot = hash >> 1 & (firsts_.size() - 1);
  while (firsts_[slot] != 0 && firsts_[slot] != hash) slot = (slot + 1) & (firsts_.size() - 1);
  return firsts_[slot] == hash && (end + 1 == phrase.size() || all.contains(phrase));
}

const std::string& Signals::language() const {
  if (!language_) {
    language_ = text::GuessLanguage(std::string_view(text_).substr(0, kLookedAtBytes));
  }
  return *language_;
}

double Signals::Spent(observe::Payer payer, observe::Period period) const {
  using observe::Payer;
  if (spending_ == nullptr) return 0;
  const bool key = payer == Payer::kKey;
  double usd = spending_->Usd(payer, period, ctx_.workspace, key ? ctx_.key.value : router_);
  std::string name = key ? "key" : payer == Payer::kRouter ? "router" : "workspace";
  spent_[name + (period == observe::Period::kDay ? " today" : " this month")] = usd;
  return usd;
}

std::string_view Signals::kind() const {
  if (!kind_) kind_ = KindOf(std::string_view(text_).substr(0, kLookedAtBytes), *this);
  return *kind_;
}

std::span<const std::string_view> TaskKinds() { return kKinds; }

std::string WordsOf(std::string_view text) {
  std::string out = " ";
  out.reserve(text.size() + 2);
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    bool letter = (c >= 'a' && c <= 'z') || IsDigit(c) || byte >= 0x80;
    if (c >= 'A' && c <= 'Z') {
      out += static_cast<char>(c - 'A' + 'a');
    } else if (letter) {
      out += c;
    } else if (out.back() != ' ') {
      out += ' ';
    }
  }
  if (out.back() != ' ') out += ' ';
  return out;
}

std::uint64_t ConversationKey(const domain::ChatRequest& request, const RequestContext& ctx) {
  auto hash = Hash64(ctx.key.value, Hash64(ctx.workspace.value));
  if (!ctx.session.empty()) return Hash64(ctx.session, hash);
  hash = Hash64(domain::TextOf(request.system), hash);
  for (const auto& message : request.messages) {
    hash = Hash64(domain::TextOf(message.content), hash);
    if (message.role == domain::Role::kUser) break;
  }
  return hash;
}

}  // namespace strata::route
