#pragma once
// Models of this process that load when they are first used, for servers that mostly forward: an
// idle one then holds no weights.

#include <functional>
#include <memory>

#include "base/pool.h"
#include "provider/chat_model.h"
#include "provider/embedder.h"

namespace strata::provider {

// `load` blocks, may run more than once at the same time, and gives the same object each time once
// it has succeeded; a failure is tried again with the next call. `pool` outlives the model and runs
// it.
std::shared_ptr<ChatModel> LazyChatModel(domain::ModelInfo info, Pool& pool,
                                         std::function<Result<std::shared_ptr<ChatModel>>()> load);

// `info` says dimensions and context length. CountTokens loads on the calling thread; when that
// fails it counts four bytes a token.
std::shared_ptr<Embedder> LazyEmbedder(domain::ModelInfo info, Pool& pool,
                                       std::function<Result<std::shared_ptr<Embedder>>()> load);

}  // namespace strata::provider
