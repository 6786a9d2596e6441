#pragma once
// Small lists as JSON text in columns of kb-ID.db. What we wrote ourselves is read back; anything
// else is kCorruption.

#include <string>
#include <string_view>
#include <vector>

#include "base/labels.h"
#include "base/result.h"
#include "domain/citation.h"
#include "domain/document.h"
#include "knowledge/kb_types.h"

namespace strata::knowledge {

std::string WriteStrings(const std::vector<std::string>& list);
Result<std::vector<std::string>> ReadStrings(std::string_view json);

// {"allow": […], "deny": […]}, "" for everybody.
std::string WriteAccess(const AccessList& access);
Result<AccessList> ReadAccess(std::string_view json);

// [[page, x1, y1, x2, y2, …], …]
std::string WritePages(const std::vector<domain::PageRegion>& pages);
Result<std::vector<domain::PageRegion>> ReadPages(std::string_view json);

// [[start, end, page, x1, y1, x2, y2], …]
std::string WriteLines(const std::vector<domain::DocumentPart::Line>& lines);
Result<std::vector<domain::DocumentPart::Line>> ReadLines(std::string_view json);

LabelSet LabelsOf(const std::vector<std::string>& names);

}  // namespace strata::knowledge
