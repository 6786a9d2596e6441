#pragma once
// The Indexer makes of a document's bytes what is stored: parse, cut, embed. It writes nothing.

#include <functional>
#include <memory>
#include <string>

#include "base/context.h"
#include "base/pool.h"
#include "base/task.h"
#include "knowledge/base/kb_file.h"
#include "knowledge/chunker.h"
#include "knowledge/parser.h"
#include "provider/embedder.h"

namespace strata::knowledge {

// A text file as it stands: one part a paragraph, offsets those of the text itself, so that spans
// of a plain text refer to its own characters. Encodings and errors are those of parse/charset.h.
Result<domain::ParsedDocument> PlainDocument(std::string_view bytes, std::string title);
// The same of a text that is UTF-8 already.
domain::ParsedDocument DocumentOf(std::string text, std::string title);

// The lines of page formats that bytes [start, end) touch, counted from `start`.
std::vector<domain::DocumentPart::Line> LinesIn(const domain::ParsedDocument& document,
                                                std::size_t start, std::size_t end);

// What tells one version of an inline document from another: a hash of all that is indexed of it.
std::string VersionOf(const DocumentInput& input);

// Errors that say something of this document, not of the moment or of the embedding model: it is
// marked FAILED and the job goes on.
bool IsDocumentsFault(const Error& error);

// Thread-safe once it is set up. Parts outlive it.
class Indexer {
 public:
  Indexer(Parser& parser, Pool& pool, std::shared_ptr<provider::Embedder> embedder)
      : parser_(parser), pool_(pool), embedder_(std::move(embedder)) {}

  // Called after each batch of chunks with the document's size and the share that is embedded.
  using Progress = std::function<void(std::int64_t bytes, double share)>;
  void TellProgress(Progress progress) { progress_ = std::move(progress); }

  // What the documents of a recipe are marked with; another mark means: index again.
  std::string Mark(const ChunkRecipe& recipe) const;

  // What documents are marked with that were refused for what they hold: they are refused again as
  // long as bytes and mark are the same.
  std::string RefusalMark(const ChunkRecipe& recipe) const;

  // `document` brings identity, title (kept unless ""), media type, metadata, access and labels.
  // The embedder's call is checked against those labels. An error of reading and cutting says with
  // `refused` whether it will come again for the same bytes.
  Task<Result<IndexedDocument>> Build(DocumentRow document, std::string content, ChunkRecipe recipe,
                                      RequestContext& ctx, bool* refused = nullptr) const;

  // Whether the embedding model answers at all, for a text of one word. Its call counts as any.
  Task<bool> Answers(RequestContext& ctx) const;

 private:
  Task<Result<IndexedDocument>> Read(const DocumentRow& document, const std::string& content,
                                     ChunkRecipe recipe, RequestContext& ctx) const;
  Task<Result<domain::ParsedDocument>> Parse(const DocumentRow& document,
                                             const std::string& content, RequestContext& ctx) const;
  Task<Result<>> Embed(IndexedDocument& indexed, RequestContext& ctx) const;
  Result<std::vector<NewChunk>> Cut(const domain::ParsedDocument& parsed,
                                    const DocumentRow& document, ChunkRecipe recipe) const;

  Parser& parser_;
  Pool& pool_;
  std::shared_ptr<provider::Embedder> embedder_;
  Progress progress_;
};

}  // namespace strata::knowledge
