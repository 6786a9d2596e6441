#pragma once
// Media types, formats and data: addresses, as all dialects need them for images and documents.

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dialect/json_value.h"
#include "domain/conversation.h"

namespace strata::dialect {

// "png" ⇄ "image/png"; nullopt for what domain::ImageBlock does not know.
std::optional<std::string> ImageFormat(std::string_view media_type);
std::string ImageMediaType(std::string_view format);

// "pdf" ⇄ "application/pdf"; nullopt for what domain::DocumentBlock does not know.
std::optional<std::string> DocumentFormat(std::string_view media_type);
std::string DocumentMediaType(std::string_view format);
// txt, md, csv, html: held as text.
bool IsTextFormat(std::string_view format);

struct DataUrl {
  std::string media_type;  // lower case, without parameters
  std::string bytes;
};
// "data:MEDIA/TYPE;base64,…"; errors name the field.
Result<DataUrl> DecodeDataUrl(const JsonField& field);
std::string EncodeDataUrl(std::string_view media_type, std::string_view bytes);

// All text of a document: its text, or its pieces joined by blank lines. kInvalidArgument when it
// has only bytes or an address.
Result<std::string> DocumentText(const domain::DocumentBlock& document);

// Puts bytes where the format demands: text formats into `text` (must be UTF-8), others into
// `bytes`.
Result<> SetDocumentBytes(domain::DocumentBlock& document, std::string bytes,
                          const JsonField& field);

}  // namespace strata::dialect
