#pragma once
// A Chunker cuts a parsed document into the pieces that are embedded, indexed and cited.
//
// Promises of every strategy: a chunk's text is exactly document.text[start, end); every byte of
// the body that is not white space lies in at least one chunk (running page headers and footers do
// not); what is embedded (EmbeddedText) never exceeds `tokens_max` pieces; the same document,
// recipe and counter give the same chunks with the same ids, in document order.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "base/result.h"
#include "domain/document.h"

namespace strata::knowledge {

// Word pieces of the embedder that will see the text, without its special tokens. Thread-safe.
// Chunkers count at least one token for 16 bytes, whatever it says: words without end are cut too.
using TokenCounter = std::function<std::int64_t(std::string_view text)>;

enum class ChunkStrategy : std::uint8_t {
  kStructure,  // our default: by headings, paragraphs, sentences, table rows
  kFixedSize,  // Bedrock's FIXED_SIZE: runs of about tokens_target pieces, with overlap
  kNone,       // Bedrock's NONE: the document is one chunk; refused when it does not fit
};

struct ChunkRecipe {
  ChunkStrategy strategy = ChunkStrategy::kStructure;
  std::int64_t tokens_target = 200;  // a chunk is closed when the next sentence would pass it
  // Never exceeded by EmbeddedText. 254: MiniLM sees 256 pieces, two of them its own.
  std::int64_t tokens_max = 254;
  int overlap_percent = 0;  // of tokens_target, whole sentences repeated from the previous chunk

  // Names everything that decides about the result, and the algorithm's version; part of every id.
  std::string Version() const;
};

// From Bedrock's chunkingConfiguration: `strategy` is "", "STRUCTURE", "FIXED_SIZE" or "NONE".
// For FIXED_SIZE `max_tokens` (1..tokens_max of the embedder, larger values are cut down to it) and
// `overlap_percentage` (1..99) are required. kUnsupported for HIERARCHICAL and SEMANTIC, naming
// what is supported; kInvalidArgument with the field for bad numbers.
Result<ChunkRecipe> RecipeFromBedrock(std::string_view strategy, std::int64_t max_tokens,
                                      std::int64_t overlap_percentage,
                                      std::int64_t embedder_tokens_max);

// Whose chunks they are; part of every id.
struct ChunkOwner {
  std::string document_id;
  std::string source_uri;
};

// Thread-safe.
class Chunker {
 public:
  virtual ~Chunker() = default;

  // Errors: kTooLarge (NONE and the document does not fit), kInvalidArgument (offsets of the
  // document are not right).
  virtual Result<std::vector<domain::Chunk>> Split(const domain::ParsedDocument& document,
                                                   const ChunkOwner& owner) const = 0;

  virtual const ChunkRecipe& recipe() const = 0;
};

// kInvalidArgument with the field for recipes out of range.
Result<std::unique_ptr<Chunker>> MakeChunker(ChunkRecipe recipe, TokenCounter count);

// What the embedder and the lexical index see of a chunk: `chunk.context` (heading path, header row
// of a table that was split), a newline, and its text.
std::string EmbeddedText(const domain::Chunk& chunk);

// The header row in a chunk's context, "" when the chunk does not begin inside a table.
std::string TableHeaderOf(std::string_view context);

// Options named kb.chunk.*.
OptionTable ChunkOptionTable();
ChunkRecipe ChunkRecipeFrom(const Options& options);

}  // namespace strata::knowledge
