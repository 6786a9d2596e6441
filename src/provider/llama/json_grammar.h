#pragma once
// JSON Schema to a grammar that the sampler follows, with limits: a schema comes from a caller, and
// a grammar's size and ambiguity are CPU time on the thread that all answers share.

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::provider::llama {

inline constexpr std::size_t kSchemaBytesMax = 64 << 10;
inline constexpr std::size_t kSchemaDepthMax = 24;
inline constexpr std::size_t kSchemaNodesMax = 2000;
inline constexpr std::int64_t kSchemaRepeatMax = 1000;  // minItems, maxLength, …
inline constexpr std::size_t kGrammarBytesMax = 256 << 10;

// GBNF text whose root is `schema`; "" means any JSON object. kInvalidArgument at `field`: not
// JSON, over a limit (named), or a constraint that cannot be enforced (schema_rules.h).
Result<std::string> GrammarOfSchema(std::string_view schema, std::string_view field);

// Checks the limits only, for schemas that llama.cpp turns into a grammar itself (tools).
Result<> CheckSchema(std::string_view schema, std::string_view field);

}  // namespace strata::provider::llama
