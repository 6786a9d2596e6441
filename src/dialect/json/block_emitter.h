#pragma once
// Opens and closes blocks of a decoded stream so that they come one after the other, numbered from
// 0, as domain/stream.h demands, whatever the provider's own numbering is.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/utf8.h"
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
  // Adds to the open text block.
  void Text(Events& out, std::string text) {
    text_length_ += static_cast<std::int64_t>(CodePointCount(text));
    out.emplace_back(domain::TextDelta{.index = index(), .text = std::move(text)});
  }
  // Cites for the whole of the open text block, whose length is known when it closes.
  void Cite(domain::Citation citation) { citations_.push_back(std::move(citation)); }
  void Close(Events& out) {
    if (!kind_) return;
    for (auto& citation : std::exchange(citations_, {})) {
      citation.answer_start = 0;
      citation.answer_end = text_length_;
      out.emplace_back(domain::CitationDelta{.index = index(), .citation = std::move(citation)});
    }
    out.emplace_back(domain::BlockStop{.index = index()});
    kind_.reset();
    text_length_ = 0;
  }

 private:
  std::optional<domain::BlockKind> kind_;
  int next_ = 0;
  std::int64_t text_length_ = 0;             // code points given to Text
  std::vector<domain::Citation> citations_;  // for when it closes
};

}  // namespace strata::dialect
