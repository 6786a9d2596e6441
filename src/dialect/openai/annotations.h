#pragma once
// Citations of an answer ⇄ annotations[].url_citation. Offsets there count code points of the whole
// message content, here of one text block.

#include <cstdint>
#include <string_view>
#include <vector>

#include "dialect/json/json_writer.h"
#include "dialect/json_value.h"
#include "domain/citation.h"
#include "domain/conversation.h"

namespace strata::dialect::openai {

// One annotation object. `base`: code points of the content before the block; `block_length`: of
// the block, which a citation without a span covers.
void WriteAnnotation(JsonWriter& out, const domain::Citation& citation, std::int64_t base,
                     std::int64_t block_length);

// Whether it is one of these; others may be newer than this code, and are skipped.
bool IsCitation(const JsonField& annotation);
Result<domain::Citation> DecodeAnnotation(const JsonField& annotation);

// Attaches the annotations of a message to the text block of `content` that they point into.
Result<> DecodeAnnotations(const JsonField& annotations,
                           std::vector<domain::ContentBlock>& content);

}  // namespace strata::dialect::openai
