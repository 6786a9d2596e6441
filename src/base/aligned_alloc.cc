// Asio takes every coroutine frame and operation that its small cache does not hold from
// std::aligned_alloc, also where malloc's alignment would do. glibc serves that past its caches for
// threads: four times the instructions, and blocks that malloc cannot use again as quickly. So the
// program brings its own, which asks malloc where it may. Sanitizers keep theirs.

#include <cerrno>
#include <cstddef>
#include <cstdlib>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define STRATA_KEEP_ALIGNED_ALLOC
#endif
#endif

#ifndef STRATA_KEEP_ALIGNED_ALLOC
extern "C" __attribute__((visibility("default"))) void* aligned_alloc(std::size_t alignment,
                                                                      std::size_t size) noexcept {
  if (alignment <= alignof(std::max_align_t)) return std::malloc(size);
  void* out = nullptr;
  const int failed = ::posix_memalign(&out, alignment, size);
  if (failed != 0) errno = failed;
  return failed == 0 ? out : nullptr;
}
#endif
