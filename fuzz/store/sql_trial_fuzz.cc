// Statements of a model on a small database: any bytes, in bounded time, and nothing is changed.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "store/sql_text.h"
#include "store/sql_trial.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace strata::store;
  const std::string_view sql(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t kMost = 1000;
  if (WordsWrittenOut(sql, kMost) > kMost + 1) std::abort();
  static const auto trial =
      SqlTrial::Make("CREATE TABLE t(i INTEGER, s TEXT)", "INSERT INTO t VALUES (1, 'a'), (2, 'b')")
          .value();
  (void)trial->Run(sql);
  auto count = trial->Run("SELECT count(*), sum(i) FROM t");
  if (!count.has_value() || count->front() != "2,3,") std::abort();
  return 0;
}
