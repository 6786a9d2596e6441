#pragma once
// The `guardrails:` list of the configuration file: policies that judge every chat request and its
// answer.
//
//   guardrails:
//     - name: code-names
//       words: [Project Falcon, Kestrel]
//       action: mask          # block, which is the default, or mask
//       mask: "[name]"
//       on: [output]          # input, output; both unless it is given

#include <vector>

#include "guard/guardrails.h"
#include "guard/word_policy.h"
#include "server/model_config.h"

namespace strata::server {

// Every entry that can be read; problems name the member, unknown ones the nearest known.
std::vector<guard::WordPolicySpec> ReadGuardrails(const YAML::Node& node,
                                                  const ConfigProblem& problem);

// kInvalidArgument names the guardrail and the member.
Result<std::shared_ptr<const guard::Guardrails>> MakeGuardrails(
    const std::vector<guard::WordPolicySpec>& specs);

}  // namespace strata::server
