#pragma once
// Whether somebody waits for a piece of work, or it may stand back for what somebody waits for.

#include <cstdint>

namespace strata {

enum class Urgency : std::uint8_t { kInteractive, kBackground };

}  // namespace strata
