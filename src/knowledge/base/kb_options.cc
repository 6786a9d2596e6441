#include "knowledge/base/kb_options.h"

#include <algorithm>

#include "knowledge/knowledge_base.h"
#include "store/open_files.h"

namespace strata::knowledge {
namespace {

constexpr Option kOptions[] = {
    {"kb.embedding_model", OptionKind::kText, "", "builtin/all-minilm-l6-v2", "",
     "Embedding model of knowledge bases that name none; existing ones keep theirs."},
    {"kb.search.mode", OptionKind::kText, "", "hybrid", "lexical|dense|hybrid",
     "How knowledge bases search that were made without a mode."},
    {"kb.search.dense_weight", OptionKind::kReal, "", "0.5", "0..1",
     "Share of the vector score in hybrid search; the rest is BM25's."},
    {"kb.search.dense_weight_foreign", OptionKind::kReal, "", "0.2", "0..1",
     "The same for questions in a language that the embedding model was not made for: the built-in "
     "ones know English. A base that was tuned, and a request that says its own, keep theirs."},
    {"kb.search.context", OptionKind::kReal, "", "0.5", "0..1",
     "Share of a passage's scores that is of it together with the passages around it in its "
     "document."},
    {"kb.search.candidates", OptionKind::kInteger, "chunks", "100", "10..1000",
     "Best chunks of each kind of search that are blended; more finds a little more and costs "
     "time."},
    {"kb.search.spelling", OptionKind::kFlag, "", "true", "",
     "Words of a question that no document has are corrected when one word of the documents is "
     "clearly near to them; code, numbers and abbreviations never are."},
    {"kb.search.join", OptionKind::kInteger, "chunks", "0", "0..5",
     "Passages of the same section that are joined to each result on either side, of searches that "
     "do not say."},
    {"kb.rerank.model", OptionKind::kText, "", "", "",
     "Reranker of hybrid searches that name none; empty: none. It is not asked where names lead."},
    {"kb.rerank.candidates", OptionKind::kInteger, "chunks", "20", "2..200",
     "Best passages that kb.rerank.model puts in order; each costs it a reading."},
    {"kb.rerank.weight", OptionKind::kReal, "", "0.5", "0.01..0.99",
     "Share of its scores in the order; the rest is that of the search."},
    {"kb.vectors.exact_below", OptionKind::kInteger, "chunks", "200000", "0..1000000000",
     "Bases with fewer chunks are searched by comparing every vector, which is exact; larger ones "
     "by a scan of one-bit codes, whose best are compared: it finds nearly all."},
    {"kb.vectors.code_candidates", OptionKind::kInteger, "chunks", "1000", "100..100000",
     "Vectors that are compared after a scan of the codes; more finds more and takes longer."},
    {"kb.vectors.code_share", OptionKind::kReal, "", "0.3", "0.01..1",
     "Share of the codes that a search without a filter reads, the nearest first; more finds more "
     "and takes longer."},
    {"kb.vectors.graph_from", OptionKind::kInteger, "chunks", "4000000", "0..1000000000",
     "Bases with as many chunks get a graph, whose search takes hardly longer the more there are, "
     "but finds less than the codes and takes long to build."},
    {"kb.vectors.links", OptionKind::kInteger, "", "16", "4..64",
     "Links of a vector in the graph; more finds more and takes more memory, about 9 bytes a chunk "
     "each. A change builds the graphs anew."},
    {"kb.vectors.build_effort", OptionKind::kInteger, "chunks", "100", "10..2000",
     "Candidates looked at when a vector is linked; more finds more and takes longer once."},
    {"kb.vectors.search_effort", OptionKind::kInteger, "chunks", "400", "10..10000",
     "Nearest vectors that a search of the graph collects before the best are chosen; more finds "
     "more and takes longer each time."},
    {"kb.vectors.memory_max", OptionKind::kInteger, "MiB", "0", "0..100000000",
     "Of the vectors, codes and graph of one base; a graph that would not fit is not built, and "
     "without room for codes every vector is compared. 0: no limit."},
    {"kb.open_max", OptionKind::kInteger, "bases", "256", "1..1000000",
     "Bases that stay open, at 8 files each as many as half of the files suffice for that the "
     "process may open (ulimit -Hn). Of more, those that nobody has used for longest are closed; "
     "their next "
     "use reads their vectors and names again. An open one costs three threads and its memory."},
    {"kb.storage_map", OptionKind::kTextList, "", "", "",
     "Storage types of Bedrock's API that mean the embedded store, each as TYPE=embedded; "
     "S3_VECTORS always does, any other that is not listed is refused."},
};

// The other half of the files is for connections and all else.
std::size_t BasesWithinFiles() {
  constexpr std::uint64_t kFilesOfBase = 8;
  return std::max<std::size_t>(1, store::OpenFilesMax() / 2 / kFilesOfBase);
}

}  // namespace

OptionTable KnowledgeBaseOptionTable() { return kOptions; }

KbSettings KbSettings::From(const Options& options) {
  KbSettings settings;
  settings.embedding_model = options.Text("kb.embedding_model");
  settings.mode = ParseSearchMode(options.Text("kb.search.mode")).value_or(SearchMode::kHybrid);
  settings.retriever.dense_weight = options.Real("kb.search.dense_weight");
  settings.retriever.dense_weight_foreign = options.Real("kb.search.dense_weight_foreign");
  settings.retriever.context_share = options.Real("kb.search.context");
  settings.retriever.candidates = static_cast<int>(options.Integer("kb.search.candidates"));
  settings.retriever.spelling = options.Flag("kb.search.spelling");
  settings.retriever.join = static_cast<int>(options.Integer("kb.search.join"));
  auto& rerank = settings.retriever.rerank;
  rerank.model = options.Text("kb.rerank.model");
  rerank.candidates = static_cast<int>(options.Integer("kb.rerank.candidates"));
  rerank.weight = options.Real("kb.rerank.weight");
  auto number = [&](const char* name) { return static_cast<std::size_t>(options.Integer(name)); };
  settings.vectors.tier.exact_below = number("kb.vectors.exact_below");
  settings.vectors.tier.graph_from = number("kb.vectors.graph_from");
  settings.vectors.code_candidates = number("kb.vectors.code_candidates");
  settings.vectors.code_share = options.Real("kb.vectors.code_share");
  settings.vectors.tier.memory_bytes_max = std::uint64_t{number("kb.vectors.memory_max")} << 20;
  settings.vectors.links = number("kb.vectors.links");
  settings.vectors.build_effort = number("kb.vectors.build_effort");
  settings.vectors.search_effort = number("kb.vectors.search_effort");
  settings.open_max = std::min(number("kb.open_max"), BasesWithinFiles());
  settings.storage_map = options.TextList("kb.storage_map");
  settings.recipe = ChunkRecipeFrom(options);
  return settings;
}

Result<> KbSettings::CheckStorage(const std::string& type) const {
  if (type.empty() || type == "S3_VECTORS") return {};
  const std::string entry = type + "=embedded";
  if (std::ranges::find(storage_map, entry) != storage_map.end()) return {};
  return Fail(Error(Code::kUnsupported, "storage type " + type +
                                            " is not mapped; to keep such knowledge bases in the "
                                            "embedded store add to the configuration: "
                                            "kb.storage_map: \"" +
                                            entry + "\"")
                  .AtField("storageConfiguration.type"));
}

}  // namespace strata::knowledge
