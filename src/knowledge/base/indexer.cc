#include "knowledge/base/indexer.h"

#include <algorithm>

#include "base/account_words.h"
#include "base/caught.h"
#include "base/encoding.h"
#include "base/utf8.h"
#include "knowledge/base/kb_json.h"
#include "knowledge/chunk/parts_in.h"
#include "knowledge/document_format.h"
#include "knowledge/parse/charset.h"
#include "text/offsets.h"

namespace strata::knowledge {
namespace {

constexpr std::size_t kEmbedBatch = 64;

bool IsPlain(const std::string& media_type) {
  return media_type.empty() || media_type == "text/plain" || media_type.starts_with("text/plain;");
}

// Formats whose files do not say which encoding they have.
bool IsPlainKind(std::string_view media_type) {
  return media_type.empty() || media_type.starts_with("text/plain") ||
         media_type.starts_with("text/markdown") || media_type.starts_with("text/csv") ||
         media_type.starts_with("text/tab-separated-values");
}

void AddParagraph(domain::ParsedDocument& document, std::size_t start, std::size_t end) {
  const std::string_view text = document.text;
  while (start < end && (text[start] == '\n' || text[start] == '\r')) ++start;
  while (end > start && (text[end - 1] == '\n' || text[end - 1] == '\r' || text[end - 1] == ' ')) {
    --end;
  }
  if (start == end) return;
  domain::DocumentPart part;
  part.text = document.text.substr(start, end - start);
  part.start = start;
  part.end = end;
  document.parts.push_back(std::move(part));
}

// Errors of a document that stay while its bytes do: not those of time, rights or the disk.
bool IsAboutBytes(const Error& error) {
  return error.code() == Code::kInvalidArgument || error.code() == Code::kUnsupported ||
         error.code() == Code::kTooLarge;
}

// Where the next blank line begins at or after `at`.
std::size_t BlankLine(std::string_view text, std::size_t at) {
  for (auto newline = text.find('\n', at); newline != std::string_view::npos;
       newline = text.find('\n', newline + 1)) {
    auto next = newline + 1;
    while (next < text.size() && (text[next] == ' ' || text[next] == '\t' || text[next] == '\r')) {
      ++next;
    }
    if (next < text.size() && text[next] == '\n') return newline;
  }
  return text.size();
}

constexpr std::string_view kMark = "\uFEFF";

}  // namespace

std::vector<domain::DocumentPart::Line> LinesIn(const domain::ParsedDocument& document,
                                                std::size_t start, std::size_t end) {
  std::vector<domain::DocumentPart::Line> lines;
  for (const auto& part : PartsIn(document, start, end)) {
    for (auto line : part.lines) {
      if (line.end <= start || line.start >= end) continue;
      line.start = std::max(line.start, start) - start;
      line.end = std::min(line.end, end) - start;
      lines.push_back(line);
    }
  }
  return lines;
}

Result<domain::ParsedDocument> PlainDocument(std::string_view bytes, std::string title) {
  STRATA_TRY(auto text, DecodeText(bytes, "", SIZE_MAX));
  // A character of the text that was given: spans count it, no passage begins with it.
  if (bytes.starts_with(kMark)) text.insert(0, kMark);
  return DocumentOf(std::move(text), std::move(title));
}

domain::ParsedDocument DocumentOf(std::string text, std::string title) {
  domain::ParsedDocument document;
  document.title = std::move(title);
  document.text = std::move(text);
  std::size_t at = document.text.starts_with(kMark) ? kMark.size() : 0;
  while (at < document.text.size()) {
    const auto end = BlankLine(document.text, at);
    AddParagraph(document, at, end);
    at = end;
    while (at < document.text.size() && (document.text[at] == '\n' || document.text[at] == '\r')) {
      ++at;
    }
  }
  return document;
}

std::string VersionOf(const DocumentInput& input) {
  std::string all;
  for (const std::string_view part :
       {std::string_view(input.title), std::string_view(input.media_type),
        std::string_view(input.content), std::string_view(input.metadata.text)}) {
    all += std::to_string(part.size());
    all += ':';
    all += part;
  }
  all += WriteAccess(input.access) + WriteStrings(input.labels.names());
  return Sha256Hex(all);
}

bool IsDocumentsFault(const Error& error) {
  if (IsAboutOurAccount(error) || error.field() == "model") return false;
  switch (error.code()) {
    case Code::kInvalidArgument:
    case Code::kUnsupported:
    case Code::kTooLarge:
    case Code::kDeadlineExceeded:
    case Code::kPermissionDenied:
    case Code::kNotFound:
    case Code::kBlocked:
      return true;
    default:
      return false;
  }
}

std::string Indexer::Mark(const ChunkRecipe& recipe) const {
  return recipe.Version() + "/" + embedder_->Info().id;
}

std::string Indexer::RefusalMark(const ChunkRecipe& recipe) const {
  return "refused/" + parser_.Version() + "/" + Mark(recipe);
}

Task<Result<domain::ParsedDocument>> Indexer::Parse(const DocumentRow& document,
                                                    const std::string& content,
                                                    RequestContext& ctx) const {
  if (IsPlain(document.media_type)) {
    auto read = [&] { return PlainDocument(content, document.title); };
    co_return co_await RunBlocking(pool_, std::move(read), ctx.urgency);
  }
  ParseInput input{.name = document.uri, .media_type = document.media_type, .bytes = content};
  STRATA_CO_TRY(auto parsed, co_await parser_.Parse(std::move(input), ctx));
  if (!document.title.empty()) parsed.title = document.title;
  co_return parsed;
}

Result<std::vector<NewChunk>> Indexer::Cut(const domain::ParsedDocument& parsed,
                                           const DocumentRow& document, ChunkRecipe recipe) const {
  // Two of the pieces that the embedder sees are its own.
  recipe.tokens_max = std::min(recipe.tokens_max, embedder_->tokens_max() - 2);
  recipe.tokens_target = std::min(recipe.tokens_target, recipe.tokens_max);
  const auto& embedder = *embedder_;
  STRATA_TRY(auto chunker, MakeChunker(recipe, [&embedder](std::string_view text) {
               return embedder.CountTokens(text);
             }));
  STRATA_TRY(auto chunks, chunker->Split(parsed, {.document_id = document.document_id,
                                                  .source_uri = document.uri}));
  const text::CodePointOffsets offsets(parsed.text);
  std::vector<NewChunk> out;
  for (auto& chunk : chunks) {
    NewChunk entry;
    entry.start = static_cast<std::int64_t>(offsets.FromByte(chunk.start));
    entry.end = static_cast<std::int64_t>(offsets.FromByte(chunk.end));
    if (parsed.page_count > 0) entry.lines = LinesIn(parsed, chunk.start, chunk.end);
    entry.chunk = std::move(chunk);
    out.push_back(std::move(entry));
  }
  return out;
}

Task<Result<>> Indexer::Embed(IndexedDocument& indexed, RequestContext& ctx) const {
  indexed.dimensions = embedder_->Info().dimensions;
  for (std::size_t at = 0; at < indexed.chunks.size(); at += kEmbedBatch) {
    STRATA_CO_CHECK_OK(ctx.CheckAlive());
    const auto end = std::min(indexed.chunks.size(), at + kEmbedBatch);
    std::vector<std::string> texts;
    for (auto i = at; i < end; ++i) texts.push_back(EmbeddedText(indexed.chunks[i].chunk));
    STRATA_CO_TRY(auto rows, co_await embedder_->Embed(std::move(texts),
                                                       provider::EmbedPurpose::kDocument, ctx));
    if (rows.dimensions != indexed.dimensions || rows.count() != end - at) {
      co_return Fail(Code::kUnavailable, "embedding model " + embedder_->Info().id +
                                             " answered vectors of another number or size");
    }
    indexed.vectors.insert(indexed.vectors.end(), rows.values.begin(), rows.values.end());
    if (progress_) {
      progress_(indexed.document.bytes,
                static_cast<double>(end) / static_cast<double>(indexed.chunks.size()));
    }
  }
  co_return Result<>();
}

// Metadata, parts and chunks; without vectors.
Task<Result<IndexedDocument>> Indexer::Read(const DocumentRow& document, const std::string& content,
                                            ChunkRecipe recipe, RequestContext& ctx) const {
  // Metadata that no filter can read would let the document through filters that exclude it.
  STRATA_CO_CHECK_OK(ParseMetadata(document.metadata));
  STRATA_CO_TRY(auto parsed, co_await Parse(document, content, ctx));
  IndexedDocument indexed;
  auto cut = [&] { return Cut(parsed, document, recipe); };
  STRATA_CO_TRY(indexed.chunks, co_await RunBlocking(pool_, std::move(cut), ctx.urgency));
  indexed.document = document;
  indexed.document.title = parsed.title;
  indexed.document.page_count = parsed.page_count;
  indexed.document.reason =
      IsPlainKind(document.media_type) ? EncodingNote(content) : PagesNote(parsed);
  co_return indexed;
}

namespace {

// For a document's labels, which are not those of the documents after it, and without a span: a
// sync would fill its trace. The numbers of its calls go on from those of the caller's, which goes
// on from them: the ledger keeps one row of a number.
class DocumentContext {
 public:
  DocumentContext(RequestContext& caller, const LabelSet& labels) : caller_(caller) {
    static_cast<RequestFacts&>(own_) = caller;
    own_.labels.AddAll(labels);
  }
  ~DocumentContext() {
    caller_.calls = own_.calls;
    caller_.spent_picousd = own_.spent_picousd;
    caller_.unpriced_calls = own_.unpriced_calls;
  }
  DocumentContext(const DocumentContext&) = delete;
  DocumentContext& operator=(const DocumentContext&) = delete;

  RequestContext& ctx() { return own_; }

 private:
  RequestContext& caller_;
  RequestContext own_;
};

}  // namespace

Task<Result<IndexedDocument>> Indexer::Build(DocumentRow document, std::string content,
                                             ChunkRecipe recipe, RequestContext& ctx,
                                             bool* refused) const {
  DocumentContext own(ctx, document.labels);
  auto read = co_await Caught("kb.read_document", Read(document, content, recipe, own.ctx()));
  if (!read.has_value()) {
    if (refused) *refused = IsAboutBytes(read.error());
    // A bug that this document meets is its own fault, else those behind it would wait for ever. It
    // is not refused: the next sync tries again.
    if (read.error().code() == Code::kInternal) {
      co_return Fail(Code::kUnsupported, read.error().message());
    }
    co_return std::unexpected(std::move(read.error()));
  }
  auto indexed = std::move(*read);
  STRATA_CO_CHECK_OK(co_await Embed(indexed, own.ctx()));
  auto& row = indexed.document;
  row.recipe = Mark(recipe);
  row.status = DocumentStatus::kIndexed;
  row.bytes = static_cast<std::int64_t>(content.size());
  row.updated = ctx.clock->Wall();
  if (row.page_count > 0 && row.location == LocationKind::kCustom) {
    indexed.original = std::move(content);
  }
  co_return indexed;
}

Task<bool> Indexer::Answers(RequestContext& ctx) const {
  std::vector<std::string> texts = {"text"};
  const auto made =
      co_await embedder_->Embed(std::move(texts), provider::EmbedPurpose::kDocument, ctx);
  co_return made.has_value();
}

}  // namespace strata::knowledge
