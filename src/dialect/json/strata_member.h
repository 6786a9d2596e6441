#pragma once
// The member "strata" that answers carry in every dialect.

#include <vector>

#include "dialect/json/json_writer.h"
#include "dialect/meta.h"
#include "domain/conversation.h"

namespace strata::dialect {

// "strata":{"trace_id","trace_url","demo_note","cost_usd"}; nothing when none of them is known.
//
// `placed`: citations that show pages, or which of several bases they are of. They become
// "citations":[{"document_index","source","title","knowledge_base",
// "pages":[{"page","boxes":[[x1,y1,x2,y2]]}]}], for dialects whose own citations have no place for
// base, address and region of a page. At most 100, and 32 pages of each.
void WriteStrataMember(JsonWriter& out, const AnswerMeta& meta,
                       const std::vector<domain::Citation>& placed = {});
bool HasStrataMember(const AnswerMeta& meta);

// A citation for `placed` above.
bool ShowsPlace(const domain::Citation& citation);
std::vector<domain::Citation> PlacedCitations(const std::vector<domain::ContentBlock>& content);

}  // namespace strata::dialect
