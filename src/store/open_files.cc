#include "store/open_files.h"

#include <sys/resource.h>

namespace strata::store {

std::uint64_t OpenFilesMax() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

std::uint64_t RaiseOpenFilesMax() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);  // refused: it stays as it is
  }
  return OpenFilesMax();
}

}  // namespace strata::store
