#pragma once
// Headers of the standard library and of packages that half of the files include: parsed once and not by every one of
// them (pch.cmake). Nothing of ours belongs here: a change of it would compile everything anew. Files still
// include what they use; the dev and fuzz presets, which have no precompiled header, show where one forgot.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <expected>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>
