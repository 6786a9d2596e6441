#pragma once
// The imported models: each is NAME.gguf with NAME.json beside it, which says what it is. The .json
// is written last, so that a model is listed whole or not at all.

#include <string>
#include <vector>

#include "provider/model_import.h"

namespace strata::provider::llama {

// Of a models folder, by name; files that are not in order are logged and left out. "" lists none.
std::vector<ImportedModel> ListImported(const std::string& models_folder);

// Reads what ValidateGgufMain printed, or a NAME.json: `kind` and `architecture`.
Result<ImportedModel> ParseModelCard(std::string_view json);

// Writes NAME.json. kUnavailable.
Result<> WriteModelCard(const std::string& models_folder, const std::string& name,
                        const ImportedModel& model);

}  // namespace strata::provider::llama
