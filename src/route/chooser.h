#pragma once
// One decision under way: what PolicyRouter::Choose does, step by step.

#include "route/policy_router.h"

namespace strata::route {

// Used once.
class Chooser {
 public:
  Chooser(const PolicyRouter& router, const provider::RegistrySnapshot& models,
          const Signals& signals, const SessionMemory* session, const Capacity* capacity);

  Result<Plan> Run();

 private:
  struct Wanted {
    std::size_t candidate = 0;
    std::string decided_by;
    std::string reason;
  };

  void FindModels();
  void FindModel(const std::string& name);  // the next candidate's
  // The first reason stands. `code`: what the request fails with when nobody is left.
  void LeaveOut(std::size_t candidate, Code code, std::string why);
  void Predict();
  void EstimateCosts();
  void ApplyLimits();
  // Quality less what the definition says that a dollar and a second are worth; predicted ones
  // only.
  double Worth(std::size_t candidate) const;
  void PriceQuotas();
  // The first rule that fixes a model, with the exclusions before it applied.
  std::optional<Wanted> ApplyRules();
  Wanted Decide();
  // Decide, beside what it would be if quotas cost nothing.
  Wanted DecideWithPrices();
  // What a request gains from each candidate whose quota is known, for the prices to come.
  void LearnPrices(const Wanted& wanted) const;
  // Of a choice by predictions or price: what a candidate is worth without its quota's price.
  std::optional<double> ValueOf(std::size_t candidate) const;
  std::optional<Wanted> ByPrediction() const;
  Wanted Fallback(std::string why) const;
  std::optional<Wanted> ByPrice() const;
  std::optional<std::size_t> Cheapest(std::span<const double> prices) const;
  bool GoodEnough(std::size_t candidate) const;
  std::optional<Wanted> StayInSession(const Wanted& wanted) const;
  void PlanCascade(const Wanted& wanted, Plan& plan) const;
  void NoteComparison();
  Error NoneCanServe() const;
  Code FailureCode() const;
  std::string NearestThatCould() const;

  bool TakesPart(std::size_t candidate) const { return views()[candidate].left_out.empty(); }
  std::optional<std::size_t> Find(std::string_view model) const;
  // Of models that serve the first whose quota is not used up; where all are, the first.
  std::optional<std::size_t> FirstThatServes(const std::vector<std::string>& models) const;
  bool UsedUp(std::size_t candidate) const;
  std::optional<std::size_t> OfLearned(std::uint32_t number) const;
  bool Familiar() const;
  const std::vector<CandidateView>& views() const { return decision_->candidates; }

  const PolicyRouter& router_;
  const RouterDefinition& definition_;
  const provider::RegistrySnapshot& models_;
  const Signals& signals_;
  const SessionMemory* session_;
  const Capacity* capacity_;
  std::shared_ptr<Decision> decision_;
  std::vector<std::shared_ptr<provider::ChatModel>> found_;  // null: not there
  std::vector<Code> left_out_as_;                            // of those that take no part
  std::vector<double> prices_;  // of quotas for this request, one a candidate
  std::optional<Prediction> prediction_;
  std::optional<std::size_t> preferred_;
  std::string preferred_by_;
};

// Why a model cannot serve a request by what it can do; "" when it can.
std::string LacksFor(const domain::ModelInfo& model, const Signals& signals);

}  // namespace strata::route
