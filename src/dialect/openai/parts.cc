#include "dialect/openai/parts.h"

#include <fmt/format.h>

#include "dialect/json/media.h"

namespace strata::dialect::openai {

Result<> ReadImageAddress(const JsonField& url, domain::ImageBlock& image) {
  STRATA_TRY(auto address, url.String());
  if (address.starts_with("https://")) {
    image.url = std::move(address);
    return {};
  }
  if (!address.starts_with("data:")) {
    return Fail(url.Wrong("expected an https: address, or data:image/TYPE;base64,BYTES"));
  }
  STRATA_TRY(auto data, DecodeDataUrl(url));
  auto format = ImageFormat(data.media_type);
  if (!format) return Fail(url.Wrong("expected an image of type png, jpeg, gif or webp"));
  image.format = std::move(*format);
  image.bytes = std::move(data.bytes);
  return {};
}

Result<> ReadFileData(const JsonField& field, domain::DocumentBlock& document) {
  STRATA_TRY(auto data, DecodeDataUrl(field));
  auto format = DocumentFormat(data.media_type);
  if (!format) {
    return Fail(field.Wrong(
        fmt::format("files of type {} are not supported", data.media_type.substr(0, 100))));
  }
  document.format = std::move(*format);
  return SetDocumentBytes(document, std::move(data.bytes), field);
}

}  // namespace strata::dialect::openai
