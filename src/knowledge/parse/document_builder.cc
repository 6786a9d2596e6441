#include "knowledge/parse/document_builder.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_text.h"
#include "base/utf8.h"

namespace strata::knowledge {
namespace {

constexpr std::size_t kTitleBytesMax = 500;
constexpr std::size_t kMetadataBytesMax = 64 << 10;

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f'; }

}  // namespace

std::string CleanText(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '\r') {
      if (i + 1 >= text.size() || text[i + 1] != '\n') out += '\n';
      ++i;
    } else if (c < 0x20 || c == 0x7F) {
      out += c == '\n' || c == '\t' ? static_cast<char>(c) : ' ';
      ++i;
    } else if (c < 0x80) {
      out += static_cast<char>(c);
      ++i;
    } else if (const std::size_t size = Utf8SequenceSize(text, i); size > 0) {
      out.append(text, i, size);
      i += size;
    } else {
      AppendUtf8(out, 0xFFFD);
      ++i;
    }
  }
  return out;
}

std::string CollapseSpace(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool pending = false;
  for (const char c : text) {
    if (IsSpace(c)) {
      pending = !out.empty();
      continue;
    }
    if (pending) out += ' ';
    pending = false;
    out += c;
  }
  return out;
}

std::string_view TrimSpace(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

void DocumentBuilder::Fail(Error error) {
  if (!error_) error_ = std::move(error);
}

bool DocumentBuilder::Reserve(std::size_t bytes) {
  if (full()) return false;
  if (document_.text.size() + bytes + 2 > limits_.text_bytes_max) {
    Fail(Error(Code::kTooLarge, fmt::format("more than {} bytes of text (kb.parse.text_bytes_max)",
                                            limits_.text_bytes_max)));
  } else if (document_.parts.size() >= limits_.parts_max) {
    Fail(Error(Code::kTooLarge,
               fmt::format("more than {} blocks (kb.parse.blocks_max)", limits_.parts_max)));
  }
  return !full();
}

void DocumentBuilder::Add(domain::BlockType type, int level, std::string_view text) {
  const std::string clean = CleanText(text);
  std::string_view trimmed = TrimSpace(clean);
  if (type == domain::BlockType::kCode) {  // the first line's indentation belongs to the code
    trimmed = clean;
    while (!trimmed.empty() && IsSpace(trimmed.back())) trimmed.remove_suffix(1);
    while (!trimmed.empty() && trimmed.front() == '\n') trimmed.remove_prefix(1);
  }
  if (trimmed.empty()) return;
  domain::DocumentPart part;
  part.type = type;
  part.level = level;
  part.text = trimmed;
  AddLaidOut(std::move(part));
}

void DocumentBuilder::AddLaidOut(domain::DocumentPart part) {
  if (part.text.empty() || !Reserve(part.text.size())) return;
  if (!document_.parts.empty()) document_.text += "\n\n";
  part.start = document_.text.size();
  document_.text += part.text;
  part.end = document_.text.size();
  for (auto& line : part.lines) {
    line.start += part.start;
    line.end += part.start;
  }
  document_.parts.push_back(std::move(part));
}

void DocumentBuilder::SetTitle(std::string_view title) {
  const std::string clean = CollapseSpace(CleanText(title));
  document_.title = Utf8Prefix(clean, kTitleBytesMax);
}

void DocumentBuilder::SetLanguage(std::string_view tag) {
  std::string primary(tag.substr(0, tag.find_first_of("-_")));
  for (char& c : primary) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  const bool letters =
      std::all_of(primary.begin(), primary.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  if (primary.size() == 2 && letters) document_.language = primary;
}

void DocumentBuilder::AddMetadata(std::string_view key, std::string_view value) {
  const std::string clean_value = CollapseSpace(CleanText(value));
  if (key.empty() || clean_value.empty() ||
      metadata_.size() + key.size() + clean_value.size() > kMetadataBytesMax) {
    return;
  }
  const std::string quoted = JsonString(CleanText(key)) + ':';
  if (metadata_.find(quoted) != std::string::npos) return;  // the first of a repeated key counts
  if (!metadata_.empty()) metadata_ += ',';
  metadata_ += quoted;
  AppendJsonString(metadata_, clean_value);
}

Result<domain::ParsedDocument> DocumentBuilder::Finish() && {
  if (error_) return std::unexpected(std::move(*error_));
  if (!metadata_.empty()) document_.metadata.text = '{' + metadata_ + '}';
  // On pages, what looks like a heading may be the source of a picture: pdf::TitleOf is stricter.
  if (document_.title.empty() && document_.page_count == 0) {
    for (const auto& part : document_.parts) {
      if (part.type != domain::BlockType::kHeading) continue;
      SetTitle(part.text);
      break;
    }
  }
  return std::move(document_);
}

}  // namespace strata::knowledge
