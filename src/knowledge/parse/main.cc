// strata-parse-worker: nothing but the child side of parsing, for the tests.

#include "knowledge/parse_worker.h"

int main(int argc, char** argv) { return strata::knowledge::ParseWorkerMain(argc, argv); }
