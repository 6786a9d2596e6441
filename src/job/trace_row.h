#pragma once
// A row of an evaluation set from a request that was served.

#include "job/eval_row.h"
#include "observe/trace_store.h"

namespace strata::job {

// What was asked, with the labels of what was sent; expected answers and rubric are for people to
// add. kInvalidArgument when the trace does not hold the whole question: text is not kept
// (server.trace_text), was too long, or there was more than text.
Result<EvalRow> RowOfTrace(const observe::FinishedTrace& trace);

// The test of two versions of a router that the request was part of; all "" without one.
struct RouterTrial {
  std::string test, arm, unit;
};
RouterTrial TrialOfTrace(const observe::FinishedTrace& trace);

// The answer that the trace keeps, "" when it keeps none, or not all of it.
std::string AnswerOfTrace(const observe::FinishedTrace& trace);

}  // namespace strata::job
