#pragma once
// Cohere's API v2 as a provider: chat with tools, documents and citations, embed. Rerank is in
// rerank.h, as others share its form.
//
// Shapes: the cohere Python SDK's types (cohere 7.x). Citations' offsets count code points of the
// answer's text. Log-probabilities come for pieces of text, which may be several tokens: each piece
// is one TokenLogprob with the sum. Pure functions; errors as in openai.h.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dialect/embedding.h"
#include "dialect/stream.h"
#include "domain/conversation.h"
#include "domain/stream.h"

namespace strata::dialect::cohere {

// Errors: kInvalidArgument when the conversation holds what this dialect cannot say (a document
// that is not text, a member of another dialect's `extra`), named.
Result<std::string> EncodeChatRequest(const domain::ChatRequest& request);
// Errors: kUnavailable when the answer is not what the dialect promises, or broke off.
Result<domain::ChatResponse> DecodeChatResponse(std::string_view body);
std::unique_ptr<StreamDecoder> MakeStreamDecoder();

std::string EncodeEmbedRequest(const EmbedRequest& request);
Result<EmbeddingRows> DecodeEmbedResponse(std::string_view body, std::size_t count);

// Names of GET /v1/models.
Result<std::vector<std::string>> DecodeModelList(std::string_view body);

}  // namespace strata::dialect::cohere
