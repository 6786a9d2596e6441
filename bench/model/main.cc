// bench_model: what strata adds to llama.cpp's own cost, in one run, as a ratio of CPU times.
//
// Question: do embedding and generation through our interfaces cost at most 1.15 times the library
// driven by a bare loop? And how many texts of 128 word pieces a second does the static embedder
// make on one core? CPU time of the process, not wall time, so that a busy machine disturbs less;
// each pair is measured in turns and the medians of the ratios are printed.
//
// Prompts enter in pieces of at most 32 tokens (`prefill_tokens`), so that an answer in progress
// and a cancellation wait for one piece only. The bare loop that the limit compares with does the
// same; what the small pieces themselves cost is the row beside it, against a loop in batches of
// 512.
#include <fmt/format.h>
#include <llama.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "provider/llama/backend.h"
#include "provider/llama/chat_model.h"
#include "provider/llama/embedders.h"
#include "provider/llama/embedding_engine.h"
#include "provider/llama/shipped.h"
#include "vector/static_embedder.h"

namespace {

using namespace strata;            // NOLINT: a benchmark's main file
using namespace strata::provider;  // NOLINT

constexpr double kLimit = 1.15;
constexpr int kLargeBatch = 512;

template <class T>
T Must(Result<T> result) {
  if (!result.has_value()) {
    fmt::print(stderr, "bench_model: {}\n", result.error().message());
    std::exit(1);
  }
  return std::move(*result);
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](timeval t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double CpuOf(const std::function<void()>& work) {
  double before = CpuSeconds();
  work();
  return CpuSeconds() - before;
}

struct Pair {
  double ours = 0, bare = 0;  // CPU seconds, medians
  double ratio = 0;           // median of the turns' ratios
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Pair Compare(int turns, const std::function<void()>& ours, const std::function<void()>& bare) {
  std::vector<double> a;
  std::vector<double> b;
  std::vector<double> ratios;
  for (int i = 0; i < turns; ++i) {
    b.push_back(CpuOf(bare));
    a.push_back(CpuOf(ours));
    ratios.push_back(a.back() / b.back());
  }
  return {.ours = Median(a), .bare = Median(b), .ratio = Median(ratios)};
}

void PrintPair(std::string_view what, double units, const char* unit, const Pair& pair,
               std::string_view verdict) {
  fmt::print("{:<42} {:8.3f} ms CPU a {} (bare {:8.3f})  ratio {:.3f}  {}\n", what,
             1e3 * pair.ours / units, unit, 1e3 * pair.bare / units, pair.ratio, verdict);
}

bool Print(std::string_view what, double units, const char* unit, const Pair& pair) {
  bool good = pair.ratio <= kLimit;
  PrintPair(what, units, unit, pair,
            fmt::format("limit {:.2f}  {}", kLimit, good ? "ok" : "MISSED"));
  return good;
}

// Runs coroutines side by side to their end.
void RunAll(std::vector<std::function<Task<void>()>> tasks) {
  boost::asio::io_context io;
  for (auto& task : tasks) boost::asio::co_spawn(io, task, boost::asio::detached);
  io.run();
}

// About `pieces` word pieces of plain English, different for each `salt`.
std::string SomeText(int pieces, int salt) {
  static const char* const kWords[] = {"river", "engine",  "policy", "garden", "market", "signal",
                                       "paper", "history", "winter", "model",  "silver", "answer"};
  std::string text;
  for (int i = 0; i < pieces; ++i) {
    if (i > 0) text += ' ';
    text += kWords[static_cast<std::size_t>((i * 7 + salt * 5 + i * i * (salt + 1)) % 12)];
  }
  return text;
}

llama::ContextPtr MakeContext(llama_model& model, std::uint32_t tokens, std::uint32_t sequences,
                              bool embeddings) {
  auto params = llama_context_default_params();
  params.n_ctx = tokens;
  params.n_batch = params.n_ubatch = embeddings ? tokens : std::min<std::uint32_t>(512, tokens);
  params.n_seq_max = sequences;
  params.kv_unified = true;
  params.n_threads = params.n_threads_batch = 1;
  params.embeddings = embeddings;
  params.no_perf = true;
  return llama::ContextPtr(llama_init_from_model(&model, params));
}

bool BenchEmbedding(const std::string& path, int turns) {
  constexpr int kTexts = 24;
  auto embedder = llama::MakeTransformerEmbedder(Must(llama::EmbeddingEngine::Load({.path = path})),
                                                 domain::ModelInfo(), {});
  auto model = Must(llama::LoadModel({.path = path}));
  auto context = MakeContext(*model, 256, 1, true);
  const auto& vocab = *llama_model_get_vocab(model.get());
  bool good = true;
  for (int pieces : {16, 126}) {
    std::vector<std::string> texts;
    for (int i = 0; i < kTexts; ++i) texts.push_back(SomeText(pieces, i));
    auto ours = [&] {
      RunAll({[&]() -> Task<void> {
        RequestContext ctx;
        Must(co_await embedder->Embed(texts, EmbedPurpose::kDocument, ctx));
      }});
    };
    auto bare = [&] {
      for (const auto& text : texts) {
        auto ids =
            llama::TokenizeText(vocab, text, llama::AddSpecial::kYes, llama::ParseSpecial::kNo);
        auto batch = llama_batch_get_one(ids.data(), static_cast<std::int32_t>(ids.size()));
        if (llama_decode(context.get(), batch) != 0) std::abort();
        if (llama_get_embeddings_seq(context.get(), 0) == nullptr) std::abort();
      }
    };
    auto name = fmt::format("embedding, {} word pieces", pieces + 2);
    good &= Print(name.c_str(), kTexts, "text", Compare(turns, ours, bare));
  }
  return good;
}

// Greedy generation of `answers` side by side with llama.cpp alone: prompts in batches of `piece`,
// then one token of each answer a step. End-of-turn tokens do not end it, as in ours (see Request).
void BareGenerate(llama_context& context, const std::vector<std::vector<std::int32_t>>& prompts,
                  int tokens, int piece) {
  llama_memory_clear(llama_get_memory(&context), false);
  auto batch = llama_batch_init(kLargeBatch, 0, 1);
  auto add = [&](std::int32_t token, std::size_t position, std::size_t sequence, bool logits) {
    int i = batch.n_tokens++;
    batch.token[i] = token;
    batch.pos[i] = static_cast<llama_pos>(position);
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = static_cast<llama_seq_id>(sequence);
    batch.logits[i] = logits ? 1 : 0;
  };
  auto* greedy = llama_sampler_init_greedy();
  std::vector<std::int32_t> last(prompts.size());
  for (std::size_t s = 0; s < prompts.size(); ++s) {
    for (std::size_t at = 0; at < prompts[s].size();) {
      batch.n_tokens = 0;
      for (; at < prompts[s].size() && batch.n_tokens < piece; ++at) {
        add(prompts[s][at], at, s, at + 1 == prompts[s].size());
      }
      if (llama_decode(&context, batch) != 0) std::abort();
    }
    last[s] = llama_sampler_sample(greedy, &context, -1);
  }
  for (int step = 1; step < tokens; ++step) {
    batch.n_tokens = 0;
    for (std::size_t s = 0; s < prompts.size(); ++s) {
      add(last[s], prompts[s].size() + static_cast<std::size_t>(step) - 1, s, true);
    }
    if (llama_decode(&context, batch) != 0) std::abort();
    for (std::size_t s = 0; s < prompts.size(); ++s) {
      last[s] = llama_sampler_sample(greedy, &context, static_cast<std::int32_t>(s));
    }
  }
  llama_sampler_free(greedy);
  llama_batch_free(batch);
}

// A grammar of letters would cost time of its own; a prompt that begs for a long list does not end.
domain::ChatRequest Request(int prompt_words, int answer_tokens, int salt) {
  domain::ChatRequest request;
  domain::Message message;
  message.content.emplace_back(domain::TextBlock{
      .text = SomeText(prompt_words, salt) + ". Write a very long story with these words.",
      .citations = {}});
  request.messages.push_back(std::move(message));
  request.max_tokens = answer_tokens;
  request.temperature = 0;
  return request;
}

struct Shape {
  const char* name;
  int answers, prompt_words, answer_tokens;
};

bool BenchGeneration(const std::string& path, int turns) {
  llama::ChatModelSpec spec;
  spec.path = path;
  spec.generation.context_tokens = 4096;
  auto chat = Must(llama::LoadChatModel(spec, domain::ModelInfo()));
  auto model = Must(llama::LoadModel({.path = path}));
  auto context = MakeContext(*model, 4096, 8, false);
  auto prompts = Must(llama::ChatPrompts::Make(*model, ""));
  bool good = true;
  int salt = 0;
  for (const auto& shape : {Shape{"generation, prompt 300, answer 8", 1, 280, 8},
                            Shape{"generation, prompt 60, answer 64", 1, 40, 64},
                            Shape{"generation, 8 at once, 60 + 48", 8, 40, 48}}) {
    std::int64_t made = 0;
    int piece = spec.generation.prefill_tokens;
    std::vector<domain::ChatRequest> requests;
    std::vector<std::vector<std::int32_t>> tokens;
    // Fresh prompts each turn: nothing comes from the prefix cache but the template's beginning.
    auto prepare = [&] {
      requests.clear();
      tokens.clear();
      for (int i = 0; i < shape.answers; ++i) {
        requests.push_back(Request(shape.prompt_words, shape.answer_tokens, ++salt));
        tokens.push_back(Must(prompts->Prepare(requests.back())).tokens);
      }
    };
    auto ours = [&] {
      made = 0;
      std::vector<std::function<Task<void>()>> tasks;
      for (auto& request : requests) {
        tasks.push_back([&]() -> Task<void> {
          RequestContext ctx;
          auto stream = Must(co_await chat->Start(domain::ChatRequest(request), ctx));
          while (true) {
            auto event = Must(co_await stream->Next());
            if (std::holds_alternative<domain::StreamEnd>(event)) break;
          }
          made += stream->UsageSoFar().output_tokens;
        });
      }
      RunAll(std::move(tasks));
    };
    auto bare = [&] {
      prepare();
      BareGenerate(*context, tokens, shape.answer_tokens, piece);
    };
    auto pair = Compare(turns, ours, bare);
    good &= Print(shape.name, shape.answers, "answer", pair);
    piece = kLargeBatch;
    PrintPair("  beside a loop in batches of 512", shape.answers, "answer",
              Compare(turns, ours, bare), "(what small pieces cost)");
    if (made != static_cast<std::int64_t>(shape.answers) * shape.answer_tokens) {
      fmt::print("  (an answer ended early: {} tokens; the ratio flatters us)\n", made);
    }
  }
  return good;
}

bool BenchStatic(const std::string& path, int turns) {
  auto model = Must(vector::StaticEmbedder::Open(path));
  constexpr int kTexts = 4000;
  std::vector<std::string> texts;
  for (int i = 0; i < kTexts; ++i) texts.push_back(SomeText(128, i));
  std::vector<double> seconds;
  for (int i = 0; i < turns; ++i) seconds.push_back(CpuOf([&] { model->EmbedAll(texts); }));
  double rate = kTexts / Median(seconds);
  bool good = rate >= 5000;
  fmt::print("{:<42} {:8.0f} texts of 128 word pieces a second a core  limit 5000  {}\n",
             "static embedder", rate, good ? "ok" : "MISSED");
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  bool quick = argc > 1 && std::string_view(argv[1]) == "--quick";
  auto started = llama::StartBackends(llama::DefaultBackendFolder());
  if (!started.has_value()) {
    fmt::print(stderr, "bench_model: {}\n", started.error().message());
    return 1;
  }
  std::filesystem::path folder = llama::DefaultModelsFolder();
  int turns = quick ? 1 : 5;
  bool good = BenchStatic((folder / llama::kStaticFile).string(), turns);
  good &= BenchEmbedding((folder / llama::kEmbedderFile).string(), turns);
  good &= BenchGeneration((folder / llama::kChatFile).string(), turns);
  return good ? 0 : 1;
}
