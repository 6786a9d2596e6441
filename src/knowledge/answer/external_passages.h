#pragma once
// Documents that come with a question, cut into passages as if they had been retrieved.

#include <string>
#include <vector>

#include "knowledge/parser.h"
#include "knowledge/retrieve_and_generate.h"

namespace strata::knowledge {

// The passages of one document, in its order. `id` and `uri`: of the document; a passage's title is
// the document's own, else `uri`.
Result<std::vector<RetrievedChunk>> CutDocument(const domain::ParsedDocument& document,
                                                const std::string& id, const std::string& uri);

// The passages of all sources that fit the question best, at most `limit`, best first. Errors:
// those of the parser, with field "sources.N".
Task<Result<std::vector<RetrievedChunk>>> ExternalPassages(Parser& parser,
                                                           std::vector<ExternalSource> sources,
                                                           std::string question, int limit,
                                                           RequestContext& ctx);

}  // namespace strata::knowledge
