#pragma once
// Opens and closes blocks of a decoded stream so that they come one after the other, numbered from
// 0, as domain/stream.h demands, whatever the provider's own numbering is.

#include <optional>
#include <string>
#include <vector>

#include "domain/stream.h"

namespace strata::dialect {

class BlockEmitter {
 public:
  using Events = std::vector<domain::StreamEvent>;

  bool open() const { return kind_.has_value(); }
  bool open(domain::BlockKind kind) const { return kind_ == kind; }
  int index() const { return next_ - 1; }  // of the open block

  // Closes what is open and begins a block.
  void Begin(Events& out, domain::BlockKind kind, std::string id = {}, std::string name = {}) {
    Close(out);
    kind_ = kind;
    out.emplace_back(domain::BlockStart{.index = next_++,
                                        .kind = kind,
                                        .tool_use_id = std::move(id),
                                        .tool_name = std::move(name)});
  }
  // Begins a block unless one of that kind is open already.
  void Need(Events& out, domain::BlockKind kind) {
    if (!open(kind)) Begin(out, kind);
  }
  void Close(Events& out) {
    if (!kind_) return;
    out.emplace_back(domain::BlockStop{.index = index()});
    kind_.reset();
  }

 private:
  std::optional<domain::BlockKind> kind_;
  int next_ = 0;
};

}  // namespace strata::dialect
