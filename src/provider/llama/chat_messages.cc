#include "provider/llama/chat_messages.h"

#include <fmt/format.h>

#include "base/format_message.h"

namespace strata::provider::llama {
namespace {

std::unexpected<Error> Refuse(std::string field, Message what) {
  return Fail(InvalidArgument(std::move(field), std::move(what)));
}

void Append(std::string& text, std::string_view more) {
  if (!text.empty() && !more.empty()) text += "\n\n";
  text += more;
}

Result<std::string> DocumentText(const domain::DocumentBlock& document, const std::string& field) {
  if (document.text.empty() && document.chunks.empty()) {
    return Refuse(field, FormatMessage("this model reads documents as text only; '{}' has none",
                                       document.name.substr(0, 100)));
  }
  std::string out = document.name.empty() ? "Document:" : "Document " + document.name + ":";
  if (!document.context.empty()) out += "\n" + document.context;
  if (!document.text.empty()) out += "\n" + document.text;
  for (const auto& chunk : document.chunks) out += "\n" + chunk;
  return out;
}

Result<std::string> ToolResultText(const domain::ToolResultBlock& result,
                                   const std::string& field) {
  std::string out;
  for (const auto& part : result.content) {
    if (const auto* text = std::get_if<domain::TextBlock>(&part)) {
      Append(out, text->text);
    } else if (const auto* json = std::get_if<JsonText>(&part)) {
      Append(out, json->text);
    } else if (const auto* document = std::get_if<domain::DocumentBlock>(&part)) {
      STRATA_TRY(auto text, DocumentText(*document, field));
      Append(out, text);
    } else {
      return Refuse(field, "this model takes no images");
    }
  }
  return out;
}

// Adds what one message of the conversation becomes: its tool results, then itself.
class MessageMaker {
 public:
  MessageMaker(std::vector<common_chat_msg>& out, PromptShield& shield)
      : out_(out), shield_(shield) {}

  Result<> Make(const domain::Message& message, const std::string& field) {
    made_ = common_chat_msg();
    made_.role = message.role == domain::Role::kUser ? "user" : "assistant";
    for (std::size_t i = 0; i < message.content.size(); ++i) {
      field_ = fmt::format("{}.content[{}]", field, i);
      STRATA_CHECK_OK(std::visit(*this, message.content[i]));
    }
    bool only_results = made_.content.empty() && made_.tool_calls.empty() && results_ > 0;
    results_ = 0;
    if (!only_results) out_.push_back(std::move(made_));
    return {};
  }

  Result<> operator()(const domain::TextBlock& block) {
    made_.content += shield_.Mask(block.text);
    return {};
  }
  Result<> operator()(const domain::DocumentBlock& block) {
    STRATA_TRY(auto text, DocumentText(block, field_));
    Append(made_.content, shield_.Mask(text));
    made_.content += "\n\n";
    return {};
  }
  Result<> operator()(const domain::ImageBlock&) {
    return Refuse(field_, "this model takes no images");
  }
  Result<> operator()(const domain::ToolUseBlock& block) {
    common_chat_tool_call call;
    call.name = block.name;
    call.arguments = block.input.text.empty() ? "{}" : shield_.Mask(block.input.text);
    call.id = block.id;
    made_.tool_calls.push_back(std::move(call));
    return {};
  }
  Result<> operator()(const domain::ToolResultBlock& block) {
    STRATA_TRY(auto text, ToolResultText(block, field_));
    common_chat_msg result;
    result.role = "tool";
    result.content = shield_.Mask(text);
    result.tool_call_id = block.tool_use_id;
    out_.push_back(std::move(result));
    ++results_;
    return {};
  }
  // Thinking is not played back, and our prefix cache needs no marks.
  Result<> operator()(const domain::ReasoningBlock&) { return {}; }
  Result<> operator()(const domain::CachePoint&) { return {}; }

 private:
  std::vector<common_chat_msg>& out_;
  PromptShield& shield_;
  common_chat_msg made_;
  std::string field_;
  int results_ = 0;
};

}  // namespace

Result<std::vector<common_chat_msg>> ToChatMessages(const domain::ChatRequest& request,
                                                    PromptShield& shield) {
  if (request.messages.empty()) return Refuse("messages", "at least one message is needed");
  std::vector<common_chat_msg> out;
  std::string system;
  for (std::size_t i = 0; i < request.system.size(); ++i) {
    if (const auto* text = std::get_if<domain::TextBlock>(&request.system[i])) {
      Append(system, text->text);
    } else if (!std::holds_alternative<domain::CachePoint>(request.system[i])) {
      return Refuse(fmt::format("system[{}]", i), "system blocks are text");
    }
  }
  if (!system.empty()) {
    common_chat_msg message;
    message.role = "system";
    message.content = shield.Mask(system);
    out.push_back(std::move(message));
  }
  MessageMaker maker(out, shield);
  for (std::size_t i = 0; i < request.messages.size(); ++i) {
    STRATA_CHECK_OK(maker.Make(request.messages[i], fmt::format("messages[{}]", i)));
  }
  return out;
}

}  // namespace strata::provider::llama
