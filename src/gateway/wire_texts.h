#pragma once
// All text in the bytes of an answer that is forwarded, also what no decoder of ours knows.

#include <string>
#include <string_view>
#include <vector>

namespace strata::gateway {

// Every string of JSON in `bytes`, names of members and escapes resolved included, and every line
// that holds none (comments and names of server-sent events). `bytes`: a JSON body, server-sent
// events, or messages of an AWS event stream, whole ones. What does not look like any of these is
// taken line by line. Pure, O(bytes).
std::vector<std::string> WireTexts(std::string_view bytes);

}  // namespace strata::gateway
