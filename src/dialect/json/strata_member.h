#pragma once
// The member "strata" that answers carry in every dialect.

#include <vector>

#include "dialect/json/json_writer.h"
#include "dialect/meta.h"
#include "domain/conversation.h"

namespace strata::dialect {

// "strata":{"trace_id","trace_url","demo_note","cost_usd"}; nothing when none of them is known.
//
// `paged`: citations that show pages. They become "citations":[{"document_index","source","title",
// "pages":[{"page","boxes":[[x1,y1,x2,y2]]}]}], for dialects whose own citations have no place for
// address and region of a page. At most 100, and 32 pages of each.
void WriteStrataMember(JsonWriter& out, const AnswerMeta& meta,
                       const std::vector<domain::Citation>& paged = {});
bool HasStrataMember(const AnswerMeta& meta);

// A citation for `paged` above: of a knowledge base, with pages.
bool ShowsPages(const domain::Citation& citation);
std::vector<domain::Citation> PagedCitations(const std::vector<domain::ContentBlock>& content);

}  // namespace strata::dialect
