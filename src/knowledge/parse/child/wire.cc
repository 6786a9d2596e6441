#include "knowledge/parse/child/wire.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cmath>

#include "base/utf8.h"
#include "knowledge/parse/child/bytes.h"
#include "knowledge/parse/document_check.h"

namespace strata::knowledge::child {
namespace {

constexpr std::uint32_t kRequestMagic = 0x31515053;  // "SPQ1"
constexpr std::uint32_t kAnswerMagic = 0x31415053;   // "SPA1"
constexpr std::uint8_t kParse = 1, kRender = 2;
constexpr std::uint8_t kErrorAnswer = 0, kDocumentAnswer = 1, kPageAnswer = 2;
constexpr std::size_t kMarksMax = 10'000;
constexpr std::size_t kMessageBytesMax = 1000;
constexpr int kLevelMax = 10'000;
constexpr std::size_t kLineBytes = 8 + 8 + 4 + 16;
constexpr std::size_t kRegionBytes = 4 + 8;
constexpr std::size_t kPartBytes = 1 + 4 + 8 + 8 + 8 + 8;

std::unexpected<Error> Corrupt(std::string_view what) {
  return Fail(Code::kCorruption, fmt::format("the parser's answer is broken: {}", what));
}

void WriteBox(ByteWriter& out, const domain::Box& box) {
  out.F32(box.x1);
  out.F32(box.y1);
  out.F32(box.x2);
  out.F32(box.y2);
}

domain::Box ReadBox(ByteReader& in) {
  domain::Box box;
  box.x1 = in.F32();
  box.y1 = in.F32();
  box.x2 = in.F32();
  box.y2 = in.F32();
  return box;
}

void WriteLimits(ByteWriter& out, const ParseLimits& limits) {
  out.U64(limits.input_bytes_max);
  out.U64(limits.text_bytes_max);
  out.U64(limits.parts_max);
  out.U32(static_cast<std::uint32_t>(limits.pages_max));
  out.U32(static_cast<std::uint32_t>(limits.nesting_max));
}

ParseLimits ReadLimits(ByteReader& in) {
  ParseLimits limits;
  limits.input_bytes_max = in.U64();
  limits.text_bytes_max = in.U64();
  limits.parts_max = in.U64();
  limits.pages_max = static_cast<int>(in.U32());
  limits.nesting_max = static_cast<int>(in.U32());
  return limits;
}

// ---- documents

void WritePart(ByteWriter& out, const domain::DocumentPart& part) {
  out.U8(static_cast<std::uint8_t>(part.type));
  out.U32(static_cast<std::uint32_t>(part.level));
  out.U64(part.start);
  out.U64(part.end);
  out.U64(part.lines.size());
  for (const auto& line : part.lines) {
    out.U64(line.start);
    out.U64(line.end);
    out.U32(static_cast<std::uint32_t>(line.page));
    WriteBox(out, line.box);
  }
  out.U64(part.pages.size());
  for (const auto& region : part.pages) {
    out.U32(static_cast<std::uint32_t>(region.page));
    out.U64(region.boxes.size());
    for (const auto& box : region.boxes) WriteBox(out, box);
  }
}

Result<domain::DocumentPart> ReadPart(ByteReader& in, std::string_view text) {
  domain::DocumentPart part;
  const std::uint8_t type = in.U8();
  if (type > static_cast<std::uint8_t>(domain::BlockType::kPageFooter))
    return Corrupt("block type");
  part.type = static_cast<domain::BlockType>(type);
  part.level = static_cast<int>(in.U32());
  if (part.level < 0 || part.level > kLevelMax) return Corrupt("block level");
  part.start = in.U64();
  part.end = in.U64();
  if (part.start > part.end || part.end > text.size()) return Corrupt("block offsets");
  part.text = text.substr(part.start, part.end - part.start);
  part.lines.resize(in.Count(kLineBytes));
  for (auto& line : part.lines) {
    line.start = in.U64();
    line.end = in.U64();
    line.page = static_cast<int>(in.U32());
    line.box = ReadBox(in);
  }
  part.pages.resize(in.Count(kRegionBytes));
  for (auto& region : part.pages) {
    region.page = static_cast<int>(in.U32());
    region.boxes.resize(in.Count(16));
    for (auto& box : region.boxes) box = ReadBox(in);
  }
  if (!in.ok()) return Corrupt("it ends early");
  return part;
}

// A flat JSON object of strings, written anew; "" for none.
Result<std::string> CheckMetadata(std::string_view text) {
  if (text.empty()) return std::string();
  boost::system::error_code error;
  boost::json::parse_options options;
  options.max_depth = 4;
  const auto value =
      boost::json::parse(boost::json::string_view(text.data(), text.size()), error, {}, options);
  if (error || !value.is_object()) return Corrupt("metadata");
  for (const auto& member : value.get_object()) {
    if (!member.value().is_string()) return Corrupt("metadata");
  }
  return boost::json::serialize(value);
}

Result<domain::ParsedDocument> ReadDocument(ByteReader& in, const ParseLimits& limits) {
  domain::ParsedDocument document;
  document.title = in.Text();
  document.language = in.Text();
  if (document.language.size() > 8) return Corrupt("language");
  STRATA_TRY(document.metadata.text, CheckMetadata(in.Text()));
  document.page_count = static_cast<int>(in.U32());
  if (document.page_count < 0 || document.page_count > limits.pages_max) return Corrupt("pages");
  const std::string_view text = in.Text();
  if (text.size() > limits.text_bytes_max) return Corrupt("too much text");
  document.text = text;
  const std::size_t parts = in.Count(kPartBytes);
  if (parts > limits.parts_max) return Corrupt("too many blocks");
  document.parts.reserve(parts);
  for (std::size_t i = 0; i < parts; ++i) {
    STRATA_TRY(auto part, ReadPart(in, document.text));
    document.parts.push_back(std::move(part));
  }
  if (!in.AtEnd()) return Corrupt("its length is wrong");
  if (auto checked = CheckDocument(document); !checked) return Corrupt(checked.error().message());
  return document;
}

Error ReadError(ByteReader& in) {
  const std::uint8_t code = in.U8();
  const std::string field = ReplaceInvalidUtf8(Utf8Prefix(in.Text(), 100));
  const std::string message = ReplaceInvalidUtf8(Utf8Prefix(in.Text(), kMessageBytesMax));
  if (!in.AtEnd() || code > static_cast<std::uint8_t>(Code::kInternal)) {
    return Error(Code::kCorruption, "the parser's answer is broken: error");
  }
  return Error(static_cast<Code>(code), message).AtField(field);
}

// Leaves the reader behind the header when the answer is of the kind; the child's error otherwise.
Result<ByteReader> OpenAnswer(std::string_view bytes, std::uint8_t kind) {
  ByteReader in(bytes);
  if (in.U32() != kAnswerMagic) return Corrupt("header");
  const std::uint8_t got = in.U8();
  if (got == kErrorAnswer && in.ok()) return std::unexpected(ReadError(in));
  if (got != kind) return Corrupt("kind");
  return in;
}

}  // namespace

Result<> CheckRender(const RenderInput& input) {
  if (input.page < 1) return std::unexpected(InvalidArgument("page", "pages count from 1"));
  if (!(input.dpi >= 18 && input.dpi <= 300)) {
    return std::unexpected(InvalidArgument("dpi", "must be from 18 to 300"));
  }
  if (input.marks.size() > kMarksMax) {
    return std::unexpected(InvalidArgument("marks", fmt::format("more than {} boxes", kMarksMax)));
  }
  for (const auto& box : input.marks) {
    if (!std::isfinite(box.x1 + box.y1 + box.x2 + box.y2)) {
      return std::unexpected(InvalidArgument("marks", "a box is not a number"));
    }
  }
  return {};
}

std::string EncodeRequest(const Request& request) {
  ByteWriter out;
  out.U32(kRequestMagic);
  if (const auto* parse = std::get_if<ParseRequest>(&request)) {
    out.U8(kParse);
    WriteLimits(out, parse->limits);
    out.Text(parse->name);
    out.Text(parse->media_type);
    out.Text(parse->bytes);
    return out.Take();
  }
  const auto& render = std::get<RenderRequest>(request);
  out.U8(kRender);
  WriteLimits(out, render.limits);
  out.Text(render.input.name);
  out.U32(static_cast<std::uint32_t>(render.input.page));
  out.U64(std::bit_cast<std::uint64_t>(render.input.dpi));
  out.U64(render.input.marks.size());
  for (const auto& box : render.input.marks) WriteBox(out, box);
  out.Text(render.input.bytes);
  return out.Take();
}

Result<Request> DecodeRequest(std::string_view bytes) {
  ByteReader in(bytes);
  const std::uint32_t magic = in.U32();
  const std::uint8_t task = in.U8();
  if (magic != kRequestMagic || (task != kParse && task != kRender)) {
    return Fail(Code::kInvalidArgument, "not a request of this version");
  }
  const ParseLimits limits = ReadLimits(in);
  if (task == kParse) {
    ParseRequest parse;
    parse.limits = limits;
    parse.name = in.Text();
    parse.media_type = in.Text();
    parse.bytes = in.Text();
    if (!in.AtEnd()) return Fail(Code::kInvalidArgument, "the request's length is wrong");
    return parse;
  }
  RenderRequest render;
  render.limits = limits;
  render.input.name = in.Text();
  render.input.page = static_cast<int>(in.U32());
  render.input.dpi = std::bit_cast<double>(in.U64());
  render.input.marks.resize(in.Count(16));
  for (auto& box : render.input.marks) box = ReadBox(in);
  render.input.bytes = in.Text();
  if (!in.AtEnd()) return Fail(Code::kInvalidArgument, "the request's length is wrong");
  return render;
}

std::string EncodeError(const Error& error) {
  ByteWriter out;
  out.U32(kAnswerMagic);
  out.U8(kErrorAnswer);
  out.U8(static_cast<std::uint8_t>(error.code()));
  out.Text(error.field());
  out.Text(error.message());
  return out.Take();
}

std::string EncodeDocument(const domain::ParsedDocument& document) {
  ByteWriter out;
  out.U32(kAnswerMagic);
  out.U8(kDocumentAnswer);
  out.Text(document.title);
  out.Text(document.language);
  out.Text(document.metadata.text);
  out.U32(static_cast<std::uint32_t>(document.page_count));
  out.Text(document.text);
  out.U64(document.parts.size());
  for (const auto& part : document.parts) WritePart(out, part);
  return out.Take();
}

std::string EncodePage(const RenderedPage& page) {
  ByteWriter out;
  out.U32(kAnswerMagic);
  out.U8(kPageAnswer);
  out.U32(static_cast<std::uint32_t>(page.width));
  out.U32(static_cast<std::uint32_t>(page.height));
  out.U32(static_cast<std::uint32_t>(page.page_count));
  out.Text(page.png);
  return out.Take();
}

Result<domain::ParsedDocument> DecodeDocument(std::string_view bytes, const ParseLimits& limits) {
  STRATA_TRY(ByteReader in, OpenAnswer(bytes, kDocumentAnswer));
  return ReadDocument(in, limits);
}

Result<RenderedPage> DecodePage(std::string_view bytes) {
  STRATA_TRY(ByteReader in, OpenAnswer(bytes, kPageAnswer));
  RenderedPage page;
  page.width = static_cast<int>(in.U32());
  page.height = static_cast<int>(in.U32());
  page.page_count = static_cast<int>(in.U32());
  page.png = in.Text();
  const bool sane = page.width > 0 && page.height > 0 && page.width < 100'000 &&
                    page.height < 100'000 && page.page_count > 0;
  if (!in.AtEnd() || !sane || !page.png.starts_with("\x89PNG\r\n\x1A\n")) return Corrupt("page");
  return page;
}

}  // namespace strata::knowledge::child
