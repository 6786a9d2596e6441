#include "server/prompts/prompt_target.h"

#include <fmt/format.h>

#include "base/format_message.h"
#include "server/prompts/prompt_json.h"
#include "server/prompts/prompt_model.h"

namespace strata::server {
namespace {

Error Misfit(const Prompt& prompt, std::string what) {
  return InvalidArgument("variables", FormatMessage("prompt {}: {}", prompt.id, what));
}

// The row's values of the prompt's variables. Others of the row are for other prompts.
Result<std::map<std::string, std::string>> Fill(const Prompt& prompt, const job::EvalRow& row,
                                                domain::ChatRequest& request) {
  STRATA_TRY(auto names, VariablesOfPrompt(prompt));
  std::map<std::string, std::string> out;
  std::vector<std::string> open;
  for (auto& name : names) {
    auto at = row.variables.find(name);
    if (at == row.variables.end()) {
      open.push_back(std::move(name));
    } else {
      out.insert(*at);
    }
  }
  if (open.empty()) return out;
  if (open.size() > 1) {
    std::string list;
    for (const auto& name : open) list += fmt::format("{}'{}'", list.empty() ? "" : ", ", name);
    return Fail(Misfit(prompt, fmt::format("the row gives no value for {}; one of them may be left "
                                           "to its question",
                                           list)));
  }
  if (request.messages.size() != 1) {
    return Fail(Misfit(
        prompt,
        fmt::format("the row is a conversation, which cannot be the value of '{}'", open.front())));
  }
  out[open.front()] = QuestionOf(row);
  request.messages.clear();
  return out;
}

}  // namespace

std::function<Result<>(domain::ChatRequest&, const job::EvalRow&, const WorkspaceId&)>
MakePromptFiller(const PromptStore& prompts, const provider::Registry& registry) {
  return [&prompts, &registry](domain::ChatRequest& request, const job::EvalRow& row,
                               const WorkspaceId& workspace) -> Result<> {
    auto model = registry.Chat(request.model);
    if (!model.has_value()) return {};  // whoever asks it says why
    const auto& info = (*model)->Info();
    if (info.provider != "prompt") return {};
    auto name = ParsePromptName(std::string_view(info.id).substr(info.provider.size() + 1));
    STRATA_TRY(auto prompt, prompts.Find(name.id, name.version, workspace));
    STRATA_TRY(auto variables, Fill(prompt, row, request));
    SetPromptVariables(request, variables);
    return {};
  };
}

}  // namespace strata::server
