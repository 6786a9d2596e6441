#include "knowledge/answer/attached.h"

#include <fmt/format.h>

#include "knowledge/document_format.h"

namespace strata::knowledge {
namespace {

std::string NameOf(const domain::DocumentBlock& block) {
  return block.name.empty() ? "document" : block.name;
}

std::string MediaType(const std::string& format) {
  return format.empty() ? std::string() : DetectMediaType("document." + format, "");
}

}  // namespace

Task<Result<domain::ParsedDocument>> ReadAttached(Parser& parser,
                                                  const domain::DocumentBlock& block,
                                                  RequestContext& ctx) {
  ParseInput input{
      .name = NameOf(block), .media_type = MediaType(block.format), .bytes = block.bytes};
  STRATA_CO_TRY(auto parsed, co_await parser.Parse(std::move(input), ctx));
  if (!parsed.parts.empty()) co_return parsed;
  const auto note = PagesNote(parsed);
  co_return Fail(Unreadable(block, note.empty() ? "holds no text" : "holds no text; " + note));
}

Error Unreadable(const domain::DocumentBlock& block, std::string_view why) {
  return {Code::kInvalidArgument, fmt::format("document {}: {}", NameOf(block), why)};
}

std::string PlaceOf(std::size_t message, std::size_t block) {
  return fmt::format("messages[{}].content[{}]", message, block);
}

}  // namespace strata::knowledge
