#include "knowledge/answer/prompt.h"

#include <algorithm>

#include "base/utf8.h"

namespace strata::knowledge {
namespace {

constexpr std::int64_t kBytesPerToken = 3;
constexpr std::size_t kHistoryTurns = 4;
constexpr std::string_view kSystem =
    "Answer the question with the search results below and nothing else. Write short, complete "
    "sentences and keep names and numbers as the search results have them. If the search results "
    "do not answer the question, write exactly: ";

std::string PassageText(std::size_t number, const RetrievedChunk& chunk, std::string_view text) {
  std::string out = "[" + std::to_string(number) + "]";
  if (!chunk.title.empty()) out += " " + chunk.title;
  out += "\n";
  out += text;
  return out + "\n\n";
}

// The passages that fit into `bytes`; sets `count`.
std::string SearchResults(const std::vector<RetrievedChunk>& passages, std::int64_t bytes,
                          std::size_t& count) {
  std::string out;
  for (const auto& chunk : passages) {
    auto entry = PassageText(count + 1, chunk, chunk.text);
    const auto left = bytes - static_cast<std::int64_t>(out.size());
    if (static_cast<std::int64_t>(entry.size()) > left) {
      if (count > 0) break;
      const auto fit = static_cast<std::size_t>(std::max<std::int64_t>(left, 300));
      entry = PassageText(count + 1, chunk, Utf8Prefix(chunk.text, fit));
    }
    out += entry;
    ++count;
  }
  return out;
}

void ReplaceAll(std::string& text, std::string_view from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

domain::Message UserMessage(std::string text) {
  domain::TextBlock block;
  block.text = std::move(text);
  domain::Message message;
  message.content.emplace_back(std::move(block));
  return message;
}

void TakeOptions(const GenerationOptions& options, domain::ChatRequest& request) {
  request.model = options.model;
  request.max_tokens = options.max_tokens;
  request.temperature = options.temperature;
  request.top_p = options.top_p;
  request.stop = options.stop;
  request.extra = options.extra;
  request.stream = true;
}

// Replaces the variables of a caller's template. The passages go in last, so that a passage that
// happens to hold "$query$" stays as it is.
std::string FillTemplate(std::string text, const AnswerInput& input, const std::string& history,
                         const std::string& results, WallTime now) {
  ReplaceAll(text, "$query$", input.question);
  ReplaceAll(text, "$conversation_history$", history);
  ReplaceAll(text, "$current_time$", FormatIso8601(now));
  ReplaceAll(text, "$output_format_instructions$", "");
  ReplaceAll(text, "$search_results$", results);
  return text;
}

}  // namespace

std::string HistoryText(const std::vector<Turn>& history) {
  std::string out;
  const std::size_t from = history.size() > kHistoryTurns ? history.size() - kHistoryTurns : 0;
  for (auto i = from; i < history.size(); ++i) {
    out += "Question: " + history[i].question + "\nAnswer: " + history[i].answer + "\n";
  }
  return out;
}

Result<PackedPrompt> PackPrompt(const AnswerInput& input, std::int64_t tokens_max, WallTime now) {
  const auto& prompt_template = input.generation.prompt_template;
  if (!prompt_template.empty() && prompt_template.find("$search_results$") == std::string::npos) {
    return Fail(InvalidArgument("promptTemplate.textPromptTemplate",
                                "must hold the variable $search_results$"));
  }
  const auto history = HistoryText(input.history);
  const auto fixed = prompt_template.size() + input.question.size() + history.size() +
                     kSystem.size() + kRefusal.size();
  PackedPrompt packed;
  const auto results =
      SearchResults(input.passages, tokens_max * kBytesPerToken - static_cast<std::int64_t>(fixed),
                    packed.passages);
  TakeOptions(input.generation, packed.request);
  if (!prompt_template.empty()) {
    packed.request.messages.push_back(
        UserMessage(FillTemplate(prompt_template, input, history, results, now)));
    return packed;
  }
  domain::TextBlock system;
  system.text = std::string(kSystem) + std::string(kRefusal);
  packed.request.system.emplace_back(std::move(system));
  packed.request.messages.push_back(
      UserMessage("Search results:\n\n" + results + history + "Question: " + input.question));
  return packed;
}

}  // namespace strata::knowledge
