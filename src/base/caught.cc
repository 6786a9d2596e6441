#include "base/caught.h"

#include <string>

#include "base/format_message.h"
#include "base/log.h"

namespace strata {

std::string WhatThrown(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "unknown exception";
  }
}

Error ThrownError(std::string_view work, const std::exception_ptr& thrown) {
  Log(Level::kError, "base.work_failed", {{"work", work}, {"what", WhatThrown(thrown)}});
  return Internal(
      FormatMessage("{} ended by an internal error of this server; its log has the "
                    "details",
                    Own(work)));
}

}  // namespace strata
