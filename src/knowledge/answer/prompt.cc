#include "knowledge/answer/prompt.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "domain/refusal.h"
#include "knowledge/answer/passages.h"
#include "text/language.h"

namespace strata::knowledge {
namespace {

constexpr std::int64_t kBytesPerToken = 3;
constexpr std::size_t kHistoryTurns = 4;
constexpr std::int64_t kHistoryShare = 4;  // of the prompt one part is theirs at most
constexpr std::string_view kSystem =
    "Answer the question with the search results below and nothing else. Write short, complete "
    "sentences and keep names and numbers as the search results have them. If the search results "
    "do not answer the question, write exactly: ";

std::string PassageText(std::size_t number, const RetrievedChunk& chunk) {
  std::string out = "[" + std::to_string(number) + "]";
  if (!chunk.title.empty()) out += " " + chunk.title;
  return out + "\n" + chunk.text + "\n\n";
}

std::string TurnText(std::string_view question, std::string_view answer) {
  std::string out = "Question: ";
  out.append(question).append("\nAnswer: ").append(answer).append("\n");
  return out;
}

// What of a turn fits; "" when hardly anything does.
std::string CutTurn(const Turn& turn, std::size_t bytes_max) {
  constexpr std::size_t kSaysSomething = 40;
  const auto frame = TurnText({}, {}).size();
  if (bytes_max < frame + kSaysSomething) return {};
  const auto room = bytes_max - frame;
  const auto question = Utf8Prefix(turn.question, room - std::min(room / 2, turn.answer.size()));
  return TurnText(question, Utf8Prefix(turn.answer, room - question.size()));
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
                           WallTime now, std::vector<RetrievedChunk>& passages) {
  const auto time = FormatIso8601(now);
  std::array<TemplateVariable, 5> variables = {{{"$query$", input.question},
                                                {"$conversation_history$", history},
                                                {"$current_time$", time},
                                                {"$output_format_instructions$", ""},
                                                {kResultsVariable, ""}}};
  const auto& text = input.generation.prompt_template;
  const auto left = bytes - static_cast<std::int64_t>(FillTemplate(text, variables).size());
  const auto places = static_cast<std::int64_t>(CountOf(text, kResultsVariable));
  auto taken = TakePassages(input.passages, left / places, PassageText);
  passages = std::move(taken.passages);
  variables.back().value = taken.text;
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

std::string HistoryText(const std::vector<Turn>& history, std::size_t bytes_max) {
  std::string out;
  const std::size_t from = history.size() > kHistoryTurns ? history.size() - kHistoryTurns : 0;
  for (auto i = history.size(); i > from; --i) {
    const auto& turn = history[i - 1];
    auto text = TurnText(turn.question, turn.answer);
    if (out.size() + text.size() > bytes_max) {
      if (out.empty()) out = CutTurn(turn, bytes_max);
      break;
    }
    out.insert(0, text);
  }
  return out;
}

Result<PackedPrompt> PackPrompt(const AnswerInput& input, std::int64_t tokens_max, WallTime now) {
  const auto& prompt_template = input.generation.prompt_template;
  if (!prompt_template.empty() && prompt_template.find(kResultsVariable) == std::string::npos) {
    return Fail(InvalidArgument("promptTemplate.textPromptTemplate",
                                "must hold the variable $search_results$"));
  }
  const auto bytes = tokens_max * kBytesPerToken;
  const auto history = HistoryText(input.history, static_cast<std::size_t>(bytes / kHistoryShare));
  PackedPrompt packed;
  TakeOptions(input.generation, packed.request);
  std::string text;
  if (prompt_template.empty()) {
    const auto refusal = domain::RefusalIn(text::GuessLanguage(input.question));
    constexpr std::string_view kResults = "Search results:\n\n";
    const auto question = history + "Question: " + input.question;
    const auto fixed = kSystem.size() + refusal.size() + kResults.size() + question.size();
    auto taken =
        TakePassages(input.passages, bytes - static_cast<std::int64_t>(fixed), PassageText);
    packed.passages = std::move(taken.passages);
    domain::TextBlock system;
    system.text = std::string(kSystem) + std::string(refusal);
    packed.request.system.emplace_back(std::move(system));
    text = std::string(kResults) + taken.text + question;
  } else {
    text = TemplatePrompt(input, history, bytes, now, packed.passages);
  }
  if (packed.passages.empty() && !input.passages.empty()) {
    return Fail(Code::kTooLarge,
                fmt::format("the question leaves no room for a search result in a prompt of {} "
                            "tokens (kb.answer.prompt_tokens_max, "
                            "kb.answer.local_prompt_tokens_max); ask it in fewer words",
                            tokens_max));
  }
  packed.request.messages.push_back(UserMessage(std::move(text)));
  return packed;
}

}  // namespace strata::knowledge
