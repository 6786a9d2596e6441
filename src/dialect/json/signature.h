#pragma once
// Signatures of reasoning on their way through a client of another family: they come back marked
// with their owner, so that only its models are shown them again.

#include <initializer_list>
#include <string>
#include <string_view>

#include "domain/conversation.h"

namespace strata::dialect {

// The signature as the client of a dialect whose own family is `native` sees it: its own bare,
// others as "strata.SIGNER.SIGNATURE".
std::string MarkSignature(std::string_view signature, std::string_view signer,
                          std::string_view native);

// The other way: sets signature and signer of `block`.
void ReadSignature(std::string_view text, std::string_view native, domain::ReasoningBlock& block);

// Whether a member of one of these names, anywhere in a JSON text, has a value that begins with the
// mark, as it is or in base64. May say yes wrongly: where the value is no signature.
bool HoldsMark(std::string_view json, std::initializer_list<std::string_view> names);

// The same for redacted reasoning.
std::string MarkRedacted(std::string_view redacted, std::string_view signer,
                         std::string_view native);
void ReadRedacted(std::string_view text, std::string_view native, domain::ReasoningBlock& block);

}  // namespace strata::dialect
