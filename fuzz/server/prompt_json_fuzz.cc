// Stored prompts as callers send them, then as they are asked: decoding any bytes ends in an error
// or in content that renders or says why not.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/prompts/prompt_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view body(reinterpret_cast<const char*>(data), size);
  [[maybe_unused]] auto version = strata::server::DecodePromptVersion(body);
  [[maybe_unused]] auto name = strata::server::ParsePromptName(body);
  auto content = strata::server::DecodePromptContent(body);
  if (!content.has_value()) return 0;
  strata::server::Prompt prompt;
  prompt.id = "AAAAAAAAAA";
  prompt.content = std::move(*content);
  [[maybe_unused]] auto text = strata::server::EncodePrompt(prompt);
  [[maybe_unused]] auto asked =
      strata::server::RenderPrompt(prompt, {{"name", "{{name}}"}, {"greeting", "hi"}});
  return 0;
}
