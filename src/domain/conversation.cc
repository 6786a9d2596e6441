#include "domain/conversation.h"

#include <ranges>

namespace strata::domain {

std::string TextOf(const std::vector<ContentBlock>& content) {
  std::string out;
  for (const auto& block : content) {
    if (auto* text = std::get_if<TextBlock>(&block)) out += text->text;
  }
  return out;
}

std::string LastUserText(const ChatRequest& request) {
  for (const auto& message : std::views::reverse(request.messages)) {
    if (message.role == Role::kUser) return TextOf(message.content);
  }
  return {};
}

}  // namespace strata::domain
