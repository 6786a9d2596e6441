#pragma once
// Language models that read text only, with the documents of a request put before them as text.

#include <memory>

#include "provider/chat_model.h"

namespace strata::knowledge {

class Parser;

// `model`, which then takes documents of every format that can be parsed: a document that comes as
// bytes reaches it as the text that `parser` finds in it, in reading order and without running page
// headers. One that cannot be read is an error that names it and its block. The parser outlives the
// model.
std::shared_ptr<provider::ChatModel> WithDocumentText(std::shared_ptr<provider::ChatModel> model,
                                                      Parser& parser);

}  // namespace strata::knowledge
