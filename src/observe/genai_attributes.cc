#include "observe/genai_attributes.h"

#include <array>
#include <utility>

namespace strata::observe {
namespace {

constexpr GenAiAttribute kAttributes[] = {
    {"provider", "gen_ai.provider.name"},
    {"model", "gen_ai.request.model"},
    {"model_asked", "gen_ai.request.model"},
    {"model_answered", "gen_ai.response.model"},
    {"response_id", "gen_ai.response.id"},
    {"finish_reason", "gen_ai.response.finish_reasons"},
    {"stop_reason", "gen_ai.response.finish_reasons"},
    {"stream", "gen_ai.request.stream"},
    {"max_tokens", "gen_ai.request.max_tokens"},
    {"temperature", "gen_ai.request.temperature"},
    {"top_p", "gen_ai.request.top_p"},
    {"top_k", "gen_ai.request.top_k"},
    {"seed", "gen_ai.request.seed"},
    {"ttft_s", "gen_ai.response.time_to_first_chunk"},
    {"tokens_in", "gen_ai.usage.input_tokens"},
    {"tokens_out", "gen_ai.usage.output_tokens"},
    {"tokens_cache_read", "gen_ai.usage.cache_read.input_tokens"},
    {"tokens_cache_write", "gen_ai.usage.cache_creation.input_tokens"},
    {"tokens_reasoning", "gen_ai.usage.reasoning.output_tokens"},
    {"kb", "gen_ai.data_source.id"},
    {"query", "gen_ai.retrieval.query.text"},
    {"retrieved", "gen_ai.retrieval.documents"},
    {"dimensions", "gen_ai.embeddings.dimension.count"},
    {"tool", "gen_ai.tool.name"},
    {"tool_call_id", "gen_ai.tool.call.id"},
    {"prompt", "gen_ai.prompt.name"},
    {"output_type", "gen_ai.output.type"},
};

struct NamePair {
  std::string_view ours;
  std::string_view theirs;
};

constexpr NamePair kOperations[] = {
    {"provider.chat", "chat"},           {"provider.generate", "chat"},
    {"provider.embed", "embeddings"},    {"provider.rerank", "rerank"},
    {"knowledge.retrieve", "retrieval"}, {"knowledge.answer", "generate_content"},
    {"flow.run", "invoke_workflow"},     {"flow.agent", "invoke_agent"},
    {"flow.tool", "execute_tool"},
};

constexpr NamePair kProviders[] = {
    {"bedrock", "aws.bedrock"},  {"azure", "azure.ai.openai"}, {"gemini", "gcp.gemini"},
    {"vertex", "gcp.vertex_ai"}, {"mistral", "mistral_ai"},    {"xai", "x_ai"},
};

template <std::size_t N>
std::string_view Lookup(const NamePair (&table)[N], std::string_view name,
                        std::string_view otherwise) {
  for (const auto& pair : table) {
    if (pair.ours == name) return pair.theirs;
  }
  return otherwise;
}

}  // namespace

std::span<const GenAiAttribute> GenAiAttributes() { return kAttributes; }

std::string_view GenAiOperation(std::string_view span_name) {
  return Lookup(kOperations, span_name, {});
}

std::string_view GenAiProvider(std::string_view provider) {
  return Lookup(kProviders, provider, provider);
}

}  // namespace strata::observe
