#include "knowledge/kb_types.h"

#include <algorithm>

namespace strata::knowledge {

std::string_view StatusName(KnowledgeBaseStatus status) {
  switch (status) {
    case KnowledgeBaseStatus::kActive:
      return "ACTIVE";
    case KnowledgeBaseStatus::kDeleting:
      return "DELETING";
    case KnowledgeBaseStatus::kFailed:
      return "FAILED";
  }
  return "FAILED";
}

std::string_view StatusName(JobStatus status) {
  switch (status) {
    case JobStatus::kStarting:
      return "STARTING";
    case JobStatus::kInProgress:
      return "IN_PROGRESS";
    case JobStatus::kComplete:
      return "COMPLETE";
    case JobStatus::kFailed:
      return "FAILED";
    case JobStatus::kStopping:
      return "STOPPING";
    case JobStatus::kStopped:
      return "STOPPED";
  }
  return "FAILED";
}

bool IsFinal(JobStatus status) {
  return status == JobStatus::kComplete || status == JobStatus::kFailed ||
         status == JobStatus::kStopped;
}

std::string_view StatusName(DocumentStatus status) {
  switch (status) {
    case DocumentStatus::kPending:
      return "PENDING";
    case DocumentStatus::kInProgress:
      return "IN_PROGRESS";
    case DocumentStatus::kIndexed:
      return "INDEXED";
    case DocumentStatus::kFailed:
      return "FAILED";
    case DocumentStatus::kIgnored:
      return "IGNORED";
    case DocumentStatus::kNotFound:
      return "NOT_FOUND";
    case DocumentStatus::kDeleting:
      return "DELETING";
  }
  return "FAILED";
}

AccessList Nobody() {
  // Whoever holds the one principal that is allowed is denied by it.
  return {.allow = {"nobody"}, .deny = {"nobody"}};
}

bool MayRead(const AccessList& list, const std::vector<std::string>& principals) {
  if (list.allow.empty() && list.deny.empty()) return true;
  if (principals.empty()) return false;
  const auto has = [&](const std::vector<std::string>& names) {
    return std::ranges::any_of(principals, [&](const std::string& principal) {
      return std::ranges::find(names, principal) != names.end();
    });
  };
  if (has(list.deny)) return false;
  return list.allow.empty() || has(list.allow);
}

}  // namespace strata::knowledge
