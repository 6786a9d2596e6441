// Uploaded files as documents of a conversation.

#include <utility>

#include "base/format_message.h"
#include "base/utf8.h"
#include "dialect/json/media.h"
#include "dialect/responses.h"

namespace strata::dialect::responses {
namespace {

using domain::DocumentBlock;

bool IsNamed(const DocumentBlock& document) {
  return !document.source_uri.empty() && document.text.empty() && document.bytes.empty() &&
         document.url.empty() && document.chunks.empty();
}

template <class Blocks>
void AddNamed(Blocks& blocks, std::vector<DocumentBlock*>& out) {
  for (auto& block : blocks) {
    auto* document = std::get_if<DocumentBlock>(&block);
    if (document != nullptr && IsNamed(*document)) out.push_back(document);
  }
}

}  // namespace

std::vector<DocumentBlock*> NamedFiles(domain::ChatRequest& chat) {
  std::vector<DocumentBlock*> out;
  for (auto& message : chat.messages) {
    AddNamed(message.content, out);
    for (auto& block : message.content) {
      auto* result = std::get_if<domain::ToolResultBlock>(&block);
      if (result != nullptr) AddNamed(result->content, out);
    }
  }
  return out;
}

Result<> PutFile(DocumentBlock& document, std::string filename, std::string_view media_type,
                 std::string bytes) {
  auto format = DocumentFormat(media_type);
  if (!format) {
    return Fail(
        Error(Code::kUnsupported, FormatMessage("file {} is of type {}, which no document has",
                                                document.source_uri, media_type))
            .AtField("file_id"));
  }
  document.format = std::move(*format);
  if (document.name.empty()) document.name = std::move(filename);
  if (!IsTextFormat(document.format)) {
    document.bytes = std::move(bytes);
    return {};
  }
  if (!IsValidUtf8(bytes)) {
    return Fail(InvalidArgument(
        "file_id", FormatMessage("file {} is text, and not UTF-8", document.source_uri)));
  }
  document.text = std::move(bytes);
  return {};
}

}  // namespace strata::dialect::responses
