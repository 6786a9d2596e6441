#pragma once
// Pages of PDF documents as pictures, with the cited region marked. Runs in the same kind of child
// process as parsing (parser.h).

#include <memory>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/pool.h"
#include "base/result.h"
#include "base/task.h"
#include "domain/citation.h"
#include "knowledge/parser.h"

namespace strata::knowledge {

struct RenderInput {
  std::string name;  // for messages
  std::string bytes;
  int page = 1;                    // from 1
  double dpi = 110;                // 18..300
  std::vector<domain::Box> marks;  // PDF points, origin at the bottom left; at most 10,000
};

struct RenderedPage {
  std::string png;
  int width = 0;   // pixels
  int height = 0;  // pixels
  int page_count = 0;
};

// Thread-safe. `pool` bounds how many children live at once and outlives the renderer.
class PageRenderer {
 public:
  PageRenderer(Pool& pool, ChildParserOptions options);

  // Errors, each naming the document: kInvalidArgument (not a PDF, broken, encrypted; field "page",
  // "dpi" or "marks" when that is to blame), kTooLarge, kDeadlineExceeded, kCancelled,
  // kUnavailable. `ctx` must outlive the task.
  Task<Result<RenderedPage>> Render(RenderInput input, RequestContext& ctx);

 private:
  Pool& pool_;
  ChildParserOptions options_;
};

}  // namespace strata::knowledge
