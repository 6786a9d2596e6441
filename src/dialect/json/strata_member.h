#pragma once
// The member "strata" that answers carry in every dialect.

#include "dialect/json/json_writer.h"
#include "dialect/meta.h"

namespace strata::dialect {

// "strata":{"trace_id","trace_url","demo_note","cost_usd"}; nothing when none of them is known.
void WriteStrataMember(JsonWriter& out, const AnswerMeta& meta);
bool HasStrataMember(const AnswerMeta& meta);

}  // namespace strata::dialect
