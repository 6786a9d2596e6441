#include "net/multipart.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"
#include "net/http.h"

namespace strata::net {
namespace {

constexpr std::string_view kMediaType = "multipart/form-data";
constexpr std::string_view kDisposition = "form-data";
constexpr std::string_view kLineEnd = "\r\n";

Error Broken(std::string_view why) {
  return {Code::kInvalidArgument, fmt::format("the request body is no {}: {}", kMediaType, why)};
}

std::string_view Trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

// A quoted string's content; browsers escape only the quote, as \" or %22, and send backslashes of
// file names as they are.
std::optional<std::string> TakeQuoted(std::string_view& rest) {
  std::string out;
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return out;
    }
    if (rest[i] == '\\' && i + 1 < rest.size() && rest[i + 1] == '"') ++i;
    out += rest[i];
  }
  return std::nullopt;
}

std::optional<std::string> TakeToken(std::string_view& rest) {
  const auto end = std::min(rest.find(';'), rest.size());
  auto token = Trim(rest.substr(0, end));
  rest.remove_prefix(end);
  return std::string(token);
}

// `value; name=text; name="text"` in its pieces.
struct Parameters {
  std::string_view value;
  Headers list;
};
std::optional<Parameters> ReadParameters(std::string_view text) {
  Parameters out;
  auto at = std::min(text.find(';'), text.size());
  out.value = Trim(text.substr(0, at));
  auto rest = text.substr(at);
  while (!rest.empty()) {
    if (rest.front() != ';') return std::nullopt;
    rest = Trim(rest.substr(1));
    if (rest.empty()) break;
    const auto equals = rest.find('=');
    if (equals == rest.npos || equals == 0) return std::nullopt;
    const auto name = Trim(rest.substr(0, equals));
    rest = Trim(rest.substr(equals + 1));
    auto value = rest.starts_with('"') ? TakeQuoted(rest) : TakeToken(rest);
    if (!value) return std::nullopt;
    out.list.Add(std::string(name), std::move(*value));
    rest = Trim(rest);
  }
  return out;
}

Result<std::string> BoundaryOf(std::string_view content_type) {
  const auto type = ReadParameters(content_type);
  if (!type || !SameHeader(type->value, kMediaType)) {
    return Fail(Code::kInvalidArgument,
                fmt::format("expected a body of type {} with a boundary", kMediaType));
  }
  const auto boundary = type->list.Get("boundary");
  if (boundary.empty() || boundary.size() > kFormBoundaryMax ||
      boundary.find_first_of("\r\n") != boundary.npos) {
    return Fail(Broken("its content type names no boundary of 1 to 70 characters"));
  }
  return "--" + std::string(boundary);
}

Result<> ReadDisposition(std::string_view value, FormPart& part, bool& named) {
  const auto disposition = ReadParameters(value);
  if (!disposition || !SameHeader(disposition->value, kDisposition)) {
    return Fail(Broken("a part's content-disposition is not form-data"));
  }
  if (!disposition->list.Has("name")) return Fail(Broken("a part has no name"));
  named = true;
  part.name = disposition->list.Get("name");
  if (disposition->list.Has("filename")) part.filename = disposition->list.Get("filename");
  if (!IsValidUtf8(part.name) || (part.filename && !IsValidUtf8(*part.filename))) {
    return Fail(Broken("a part's name is not UTF-8"));
  }
  return {};
}

// Header fields of a part, without the empty line behind them.
Result<FormPart> ReadHead(std::string_view head) {
  FormPart part;
  bool named = false;
  while (!head.empty()) {
    const auto end = std::min(head.find(kLineEnd), head.size());
    const auto line = head.substr(0, end);
    head.remove_prefix(std::min(end + kLineEnd.size(), head.size()));
    const auto colon = line.find(':');
    if (colon == line.npos || colon == 0) return Fail(Broken("a part's header field is none"));
    const auto name = line.substr(0, colon);
    const auto value = Trim(line.substr(colon + 1));
    if (SameHeader(name, "content-disposition")) {
      STRATA_CHECK_OK(ReadDisposition(value, part, named));
    } else if (SameHeader(name, "content-type")) {
      part.content_type = value;
    }
  }
  if (!named) return Fail(Broken("a part has no content-disposition"));
  return part;
}

// Takes one part with the delimiter behind it from `rest`, which begins behind the delimiter before
// it.
Result<FormPart> TakePart(std::string_view& rest, std::string_view delimiter) {
  // A part without header fields has no name; its empty line would stand right here.
  const auto end = rest.substr(0, kFormHeadBytesMax).find("\r\n\r\n");
  if (end == rest.npos) {
    if (rest.size() < kFormHeadBytesMax) return Fail(Broken("a part's header fields do not end"));
    return Fail(Code::kTooLarge, fmt::format("the header fields of a part are longer than {} bytes",
                                             kFormHeadBytesMax));
  }
  STRATA_TRY(auto part, ReadHead(rest.substr(0, end)));
  // The line end in front of the delimiter belongs to it, also where the part is empty: its search
  // begins at the one that ends the header fields.
  const auto body = end + kLineEnd.size();
  const auto stop = rest.find(delimiter, body);
  if (stop == rest.npos) return Fail(Broken("a part does not end; the body was cut off"));
  const auto begin = std::min(body + kLineEnd.size(), stop);
  part.body = rest.substr(begin, stop - begin);
  rest.remove_prefix(stop + delimiter.size());
  return part;
}

}  // namespace

Result<std::vector<FormPart>> ParseMultipart(std::string_view content_type, std::string_view body) {
  STRATA_TRY(const auto first, BoundaryOf(content_type));
  const auto delimiter = std::string(kLineEnd) + first;
  auto rest = body;
  if (rest.starts_with(first)) {
    rest.remove_prefix(first.size());
  } else {
    // What stands before the first delimiter is for readers that know no MIME.
    const auto at = rest.find(delimiter);
    if (at == rest.npos) return Fail(Broken("its boundary does not stand in it"));
    rest.remove_prefix(at + delimiter.size());
  }
  std::vector<FormPart> parts;
  while (!rest.starts_with("--")) {
    const auto text = rest.find_first_not_of(" \t");
    if (text == rest.npos || !rest.substr(text).starts_with(kLineEnd)) {
      return Fail(Broken("a boundary is not followed by a line end"));
    }
    rest.remove_prefix(text + kLineEnd.size());
    if (parts.size() == kFormPartsMax) {
      return Fail(Code::kTooLarge, fmt::format("the form has more than {} parts", kFormPartsMax));
    }
    STRATA_TRY(auto part, TakePart(rest, delimiter));
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace strata::net
