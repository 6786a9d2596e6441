#pragma once
// Keys of ours in the GGUF files that we write.

namespace strata::provider::llama {

// Most tokens of one text the model was trained to see, special ones included (u32).
inline constexpr const char* kKeyTokensMax = "strata.tokens_max";
// Put in front of a query, of a document, before it is embedded (string).
inline constexpr const char* kKeyQueryPrefix = "strata.query_prefix";
inline constexpr const char* kKeyDocumentPrefix = "strata.document_prefix";

}  // namespace strata::provider::llama
