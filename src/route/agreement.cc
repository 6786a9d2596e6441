#include "route/agreement.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "dialect/json_value.h"
#include "route/cascade.h"
#include "route/signals.h"
#include "vector/kernels.h"

namespace strata::route {
namespace {

using dialect::JsonValue;

constexpr std::size_t kFinalBytesMax = 48;
constexpr std::size_t kTextBytesMax = 16 * 1024;

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  auto from = text.find_first_not_of(kSpace);
  if (from == text.npos) return {};
  return text.substr(from, text.find_last_not_of(kSpace) + 1 - from);
}

// Members by name, numbers in one spelling.
void AppendCanonical(const JsonValue& value, std::string& out) {
  if (const auto* object = value.object()) {
    std::vector<const dialect::JsonMember*> members;
    for (const auto& member : *object) members.push_back(&member);
    std::ranges::sort(members, {}, [](const auto* m) -> const std::string& { return m->key; });
    out += '{';
    for (const auto* member : members) {
      out += member->key + ':';
      AppendCanonical(member->value, out);
      out += ',';
    }
    out += '}';
  } else if (const auto* array = value.array()) {
    out += '[';
    for (const auto& item : *array) {
      AppendCanonical(item, out);
      out += ',';
    }
    out += ']';
  } else if (const auto* number = std::get_if<JsonValue::Number>(&value.data)) {
    double parsed = 0;
    auto end = number->text.data() + number->text.size();
    auto read = std::from_chars(number->text.data(), end, parsed);
    out +=
        read.ec == std::errc() && read.ptr == end ? fmt::format("{:.12g}", parsed) : number->text;
  } else {
    value.AppendTo(out);
  }
}

std::optional<std::string> CanonicalJson(std::string_view text) {
  text = Trim(text);
  // Models like to fence what they were asked to give bare.
  if (text.starts_with("```")) {
    auto line = text.find('\n');
    auto end = text.rfind("```");
    if (line != text.npos && end > line) text = Trim(text.substr(line, end - line));
  }
  if (text.empty() || (text.front() != '{' && text.front() != '[')) return std::nullopt;
  auto parsed = dialect::ParseJson(text);
  if (!parsed.has_value()) return std::nullopt;
  std::string out;
  AppendCanonical(*parsed, out);
  return out;
}

// What an answer marks as its result: \boxed{…}, or what follows the last "answer is" or "answer:".
std::string_view MarkedResult(std::string_view text) {
  constexpr std::string_view kBoxed = "\\boxed{";
  if (auto at = text.rfind(kBoxed); at != text.npos) {
    auto from = at + kBoxed.size();
    int depth = 1;
    for (auto i = from; i < text.size(); ++i) {
      depth += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
      if (depth == 0) return text.substr(from, i - from);
    }
  }
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  std::size_t best = 0;
  for (std::string_view cue : {"answer is", "answer:", "####"}) {
    if (auto at = lower.rfind(cue); at != lower.npos) best = std::max(best, at + cue.size());
  }
  if (best == 0) return {};
  auto rest = Trim(text.substr(best));
  if (rest.starts_with(':')) rest = Trim(rest.substr(1));
  return Trim(rest.substr(0, rest.find('\n')));
}

std::string Final(std::string_view text) {
  // "(B)", "B)" and "B." are B.
  auto bare = Trim(text);
  while (!bare.empty() && std::string_view("([").contains(bare.front())) bare.remove_prefix(1);
  while (!bare.empty() && std::string_view(")].").contains(bare.back())) bare.remove_suffix(1);
  return NormalizeAnswer(bare.size() == 1 ? bare : Trim(text));
}

// The numbers of a text in order, and how often it negates: what vectors are blind to.
std::string Anchors(std::string_view text) {
  std::string out;
  std::string number;
  for (char c : text) {
    if (c >= '0' && c <= '9') {
      number += c;
    } else if (!(c == '.' || c == ',') || number.empty()) {
      if (!number.empty()) out += NormalizeAnswer(number) + ' ';
      number.clear();
    } else {
      number += c;
    }
  }
  if (!number.empty()) out += NormalizeAnswer(number) + ' ';
  auto words = WordsOf(text);
  int negations = 0;
  for (std::string_view word : {" not ", " no ", " never ", " none ", " cannot ", " t "}) {
    for (auto at = words.find(word); at != words.npos; at = words.find(word, at + 1)) ++negations;
  }
  return out + fmt::format("/{}", negations);
}

bool SameText(std::string_view a, std::string_view b, const vector::StaticEmbedder& embedder) {
  a = a.substr(0, kTextBytesMax);
  b = b.substr(0, kTextBytesMax);
  if (Anchors(a) != Anchors(b)) return false;
  const auto dimensions = static_cast<std::size_t>(embedder.dimensions());
  std::vector<float> left(dimensions), right(dimensions);
  if (embedder.Embed(a, left) == 0 || embedder.Embed(b, right) == 0) return false;
  return static_cast<double>(vector::Dot(left, right)) >= kSameText;
}

std::string CallsOf(const domain::ChatResponse& answer) {
  std::string out;
  for (const auto& block : answer.content) {
    const auto* call = std::get_if<domain::ToolUseBlock>(&block);
    if (call == nullptr) continue;
    auto input = CanonicalJson(call->input.text);
    out += call->name + '(' + input.value_or(call->input.text) + ")\n";
  }
  return out;
}

}  // namespace

Comparable ComparableOf(const domain::ChatResponse& answer) {
  using domain::StopReason;
  bool whole = answer.stop_reason == StopReason::kEndTurn ||
               answer.stop_reason == StopReason::kToolUse ||
               answer.stop_reason == StopReason::kStopSequence;
  if (!whole) return {};
  if (auto calls = CallsOf(answer); !calls.empty()) return {AnswerForm::kCalls, std::move(calls)};
  auto said = domain::TextOf(answer.content);
  auto text = Trim(said);
  if (text.empty()) return {};
  if (auto json = CanonicalJson(text)) return {AnswerForm::kJson, std::move(*json)};
  auto marked = MarkedResult(text);
  if (marked.empty() && text.size() <= kFinalBytesMax && !text.contains('\n')) marked = text;
  if (!marked.empty() && marked.size() <= kFinalBytesMax) {
    if (auto value = Final(marked); !value.empty()) return {AnswerForm::kFinal, std::move(value)};
  }
  return {AnswerForm::kText, std::string(text)};
}

bool Agree(const Comparable& a, const Comparable& b, const vector::StaticEmbedder* embedder) {
  if (a.form != b.form || a.form == AnswerForm::kNone) return false;
  if (a.value == b.value) return true;
  return a.form == AnswerForm::kText && embedder != nullptr &&
         SameText(a.value, b.value, *embedder);
}

}  // namespace strata::route
