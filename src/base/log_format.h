#pragma once
// How log lines look, and lines whose fields are put together at run time. Apart from log.h, which
// nearly every file includes.

#include <cstdint>
#include <span>

#include "base/log.h"

namespace strata {

// JSON by default; kText is for people: time, level, event, then key=value.
enum class LogFormat : std::uint8_t { kJson, kText };
void SetLogFormat(LogFormat format);

void LogFields(Level level, std::string_view event, std::span<const LogField> fields);

}  // namespace strata
