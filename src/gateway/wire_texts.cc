#include "gateway/wire_texts.h"

#include <algorithm>

#include "base/encoding.h"
#include "dialect/event_stream.h"
#include "dialect/json_value.h"

namespace strata::gateway {
namespace {

using Texts = std::vector<std::string>;

void Add(std::string text, Texts& out) {
  if (!text.empty()) out.push_back(std::move(text));
}

// Where the string that begins at the quote `from` ends: the place behind its last quote, or the
// line's end.
std::size_t StringEnd(std::string_view line, std::size_t from) {
  for (std::size_t at = from + 1; at < line.size(); ++at) {
    if (line[at] == '\\') {
      ++at;
    } else if (line[at] == '"') {
      return at + 1;
    }
  }
  return line.size();
}

// `quoted`: with its quotes; as it stands where it is none.
std::string Unquoted(std::string_view quoted) {
  if (quoted.find('\\') != std::string_view::npos) {
    auto value = dialect::ParseJson(quoted);
    if (value.has_value() && value->string() != nullptr) return *value->string();
  }
  quoted.remove_prefix(1);
  if (quoted.ends_with('"')) quoted.remove_suffix(1);
  return std::string(quoted);
}

// Strings of JSON hold no line breaks: a quote that is never closed spoils one line only.
void AddLine(std::string_view line, Texts& out) {
  auto at = line.find('"');
  if (at == std::string_view::npos) return Add(std::string(line), out);
  while (at != std::string_view::npos) {
    const auto end = StringEnd(line, at);
    Add(Unquoted(line.substr(at, end - at)), out);
    at = line.find('"', end);
  }
}

void AddLines(std::string_view text, Texts& out) {
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of("\r\n"), text.size());
    AddLine(text.substr(0, end), out);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// Bedrock's InvokeModel has the model's own JSON in {"bytes": base64}.
void AddPayload(std::string_view payload, Texts& out) {
  if (auto value = dialect::ParseJson(payload); value.has_value()) {
    const auto* bytes = value->Find("bytes");
    if (bytes != nullptr && bytes->string() != nullptr) {
      if (auto inner = Base64Decode(*bytes->string())) AddLines(*inner, out);
    }
  }
  AddLines(payload, out);
}

}  // namespace

Texts WireTexts(std::string_view bytes) {
  Texts out;
  // The length of a message, under 16 MiB, begins with a zero; text has none.
  if (!bytes.starts_with('\0')) {
    AddLines(bytes, out);
    return out;
  }
  dialect::EventStreamReader reader;
  reader.Append(bytes);
  while (true) {
    auto message = reader.Next();
    const bool more = message.has_value() && *message;
    if (!more && !reader.empty()) AddLines(bytes, out);
    if (!more) return out;
    for (auto& [name, value] : (*message)->headers) {
      Add(std::move(name), out);
      Add(std::move(value), out);
    }
    AddPayload((*message)->payload, out);
  }
}

}  // namespace strata::gateway
