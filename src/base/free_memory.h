#pragma once
// What only a start needs, back to the system when the start is over.

namespace strata {

// Memory that the calling thread has freed is unmapped instead of being kept for its next
// allocations, and so is the program's code and constant data: what is used of that comes back page
// by page from the page cache. Takes about a millisecond. To be called once, by the thread that
// started everything.
void ReturnMemoryOfStart();

}  // namespace strata
