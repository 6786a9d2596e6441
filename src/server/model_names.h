#pragma once
// Whether the models that a configuration names exist: as targets of aliases, as deployments and
// fallbacks, as the embedding model; and whether they lead back to where they are named.

#include <string>

#include "server/config.h"
#include "server/findings.h"

namespace strata::server {

// What can never resolve is a problem; what only the running server can know (a knowledge base, a
// model of a provider that lists its models itself, one that will be imported) is a warning where
// it is doubtful. Reads DATA/providers.yaml and DATA/models.
void CheckModelNames(const Config& config, const std::string& data_folder, Findings& findings);

}  // namespace strata::server
