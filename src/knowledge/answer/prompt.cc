#include "knowledge/answer/prompt.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "domain/refusal.h"
#include "text/language.h"

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

constexpr std::string_view kResultsVariable = "$search_results$";

std::size_t CountOf(std::string_view text, std::string_view name) {
  std::size_t count = 0;
  for (auto at = text.find(name); at != std::string_view::npos;
       at = text.find(name, at + name.size())) {
    ++count;
  }
  return count;
}

// The whole prompt by a caller's template. Passages get what everything else leaves of `bytes`.
std::string TemplatePrompt(const AnswerInput& input, const std::string& history, std::int64_t bytes,
                           WallTime now, std::size_t& passages) {
  const auto time = FormatIso8601(now);
  std::array<TemplateVariable, 5> variables = {{{"$query$", input.question},
                                                {"$conversation_history$", history},
                                                {"$current_time$", time},
                                                {"$output_format_instructions$", ""},
                                                {kResultsVariable, ""}}};
  const auto& text = input.generation.prompt_template;
  const auto left = bytes - static_cast<std::int64_t>(FillTemplate(text, variables).size());
  const auto places = static_cast<std::int64_t>(CountOf(text, kResultsVariable));
  const auto results = SearchResults(input.passages, left / places, passages);
  variables.back().value = results;
  return FillTemplate(text, variables);
}

}  // namespace

std::string FillTemplate(std::string_view text, std::span<const TemplateVariable> variables) {
  std::string out;
  while (!text.empty()) {
    const auto at = std::min(text.find('$'), text.size());
    out += text.substr(0, at);
    text.remove_prefix(at);
    const auto found = std::ranges::find_if(variables, [&](const TemplateVariable& variable) {
      return text.starts_with(variable.name);
    });
    if (found != variables.end()) {
      out += found->value;
      text.remove_prefix(found->name.size());
    } else if (!text.empty()) {
      out += text.front();
      text.remove_prefix(1);
    }
  }
  return out;
}

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
  if (!prompt_template.empty() && prompt_template.find(kResultsVariable) == std::string::npos) {
    return Fail(InvalidArgument("promptTemplate.textPromptTemplate",
                                "must hold the variable $search_results$"));
  }
  const auto history = HistoryText(input.history);
  const auto bytes = tokens_max * kBytesPerToken;
  PackedPrompt packed;
  TakeOptions(input.generation, packed.request);
  if (!prompt_template.empty()) {
    packed.request.messages.push_back(
        UserMessage(TemplatePrompt(input, history, bytes, now, packed.passages)));
    return packed;
  }
  const auto refusal = domain::RefusalIn(text::GuessLanguage(input.question));
  const auto fixed = input.question.size() + history.size() + kSystem.size() + refusal.size();
  const auto results =
      SearchResults(input.passages, bytes - static_cast<std::int64_t>(fixed), packed.passages);
  domain::TextBlock system;
  system.text = std::string(kSystem) + std::string(refusal);
  packed.request.system.emplace_back(std::move(system));
  packed.request.messages.push_back(
      UserMessage("Search results:\n\n" + results + history + "Question: " + input.question));
  return packed;
}

}  // namespace strata::knowledge
