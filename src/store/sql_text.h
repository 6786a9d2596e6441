#pragma once
// What can be told of a statement of SQL from its words alone, as SQLite divides them. Bounded time
// for any bytes.

#include <cstddef>
#include <string_view>

namespace strata::store {

// How many words the statement comes to when every common table expression is written out where its
// name stands, as SQLite does before it plans: some hundred bytes can come to billions, and nothing
// stops it at that. Counts to `most` + 1 at most. Never less than it is: a name counts wherever it
// stands.
std::size_t WordsWrittenOut(std::string_view sql, std::size_t most);

// Whether the rows of the statement come in an order that it asks for: ORDER BY outside of all
// brackets.
bool OrdersRows(std::string_view sql);

}  // namespace strata::store
