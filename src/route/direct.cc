#include "route/direct.h"

#include <fmt/format.h>

namespace strata::route {

Result<Plan> ChooseDirect(const provider::RegistrySnapshot& models,
                          const domain::ChatRequest& request) {
  if (request.model.empty()) return Fail(InvalidArgument("model", "expected the id of a model"));
  STRATA_TRY(auto model, models.Chat(request.model));
  const auto& id = model->Info().id;
  auto reason = id == request.model ? std::string("named by the caller")
                                    : fmt::format("'{}' stands for {}", request.model, id);
  Plan plan;
  plan.model = std::move(model);
  plan.reason = std::move(reason);
  return plan;
}

}  // namespace strata::route
