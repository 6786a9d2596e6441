#pragma once
// Citations ⇄ annotations of an output_text part. Offsets count code points of the part's text.
//
// What has a web address is a url_citation; everything else (a document of a knowledge base, a
// file) is a file_citation, with the span, the page and the quote as members of ours.

#include <optional>
#include <vector>

#include "dialect/json/json_writer.h"
#include "dialect/json_value.h"
#include "domain/citation.h"

namespace strata::dialect::responses {

// `text_length`: of the part so far, which a citation without a span covers.
void WriteAnnotation(JsonWriter& out, const domain::Citation& citation, std::int64_t text_length);

// nullopt: of a tool that we do not serve.
Result<std::optional<domain::Citation>> DecodeAnnotation(const JsonField& annotation);
// Of a message that is played back. Annotations of tools that we do not serve are skipped.
Result<std::vector<domain::Citation>> DecodeAnnotations(const JsonField& annotations);

}  // namespace strata::dialect::responses
