#pragma once
// From our span fields to OpenTelemetry's GenAI attributes: one constant table.
//
// Source: open-telemetry/semantic-conventions-genai (status Development). Fields without a row are
// exported as `strata.NAME`.

#include <span>
#include <string_view>

namespace strata::observe {

inline constexpr std::string_view kGenAiScope = "strata";
inline constexpr std::string_view kGenAiSchemaUrl = "https://opentelemetry.io/schemas/1.38.0";

struct GenAiAttribute {
  std::string_view field;      // of our spans
  std::string_view attribute;  // of the convention
};
std::span<const GenAiAttribute> GenAiAttributes();

// Our span name → gen_ai.operation.name; "" for spans that are none.
std::string_view GenAiOperation(std::string_view span_name);

// Our provider name → gen_ai.provider.name ("bedrock" → "aws.bedrock").
std::string_view GenAiProvider(std::string_view provider);

}  // namespace strata::observe
