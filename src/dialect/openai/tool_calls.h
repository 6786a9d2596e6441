#pragma once
// Puts together the tool calls of a stream. The first call streams through, its block stays open;
// later ones are held until the end, because the dialect allows their fragments to interleave and
// the domain does not.

#include <string>
#include <vector>

#include "base/result.h"
#include "dialect/json/block_emitter.h"
#include "dialect/json_value.h"

namespace strata::dialect::openai {

class ToolCallAssembler {
 public:
  // `calls`: delta.tool_calls. Nobody else may open or close a block once one of tool use is open,
  // until Flush. kTooLarge when more is held than a limit.
  Result<> Add(const JsonField& calls, BlockEmitter& blocks, BlockEmitter::Events& out);
  // Gives out what is held.
  void Flush(BlockEmitter& blocks, BlockEmitter::Events& out);

 private:
  struct Call {
    std::int64_t index;
    std::string id;
    std::string name;
    std::string held;  // arguments not given out yet
    bool live = false;
    bool custom = false;  // its input is free text: an object's only member here
  };
  Call& Find(std::int64_t index, const std::string& id);
  Result<> AddOne(const JsonField& call, std::size_t place, BlockEmitter& blocks,
                  BlockEmitter::Events& out);

  std::vector<Call> calls_;
  std::size_t held_bytes_ = 0;
};

}  // namespace strata::dialect::openai
