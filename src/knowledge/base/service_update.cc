// Changes of knowledge bases and data sources that exist.

#include "knowledge/base/base_embedder.h"
#include "knowledge/base/service.h"

namespace strata::knowledge {
namespace {

// What its vectors and segments were made with stays.
Error Fixed(std::string field, std::string_view what) {
  return InvalidArgument(std::move(field),
                         std::string(what) + " cannot be changed; create another one");
}

}  // namespace

Task<Result<KnowledgeBase>> KnowledgeBases::Update(std::string id, CreateKnowledgeBaseInput input,
                                                   RequestContext& ctx) {
  STRATA_CO_TRY(auto base, impl_->Base(id, ctx));
  STRATA_CO_TRY(auto wanted, impl_->NewBase(std::move(input), ctx));
  if (wanted.embedding_model != base.embedding_model) {
    co_return Fail(Fixed("knowledgeBaseConfiguration", "the embedding model of a knowledge base"));
  }
  STRATA_CO_TRY(const auto before, DimensionsAsked(base.extra));
  STRATA_CO_TRY(const auto asked, DimensionsAsked(wanted.extra));
  if (asked != before && asked != base.dimensions) {
    co_return Fail(Fixed("dimensions", "the size of the vectors of a knowledge base"));
  }
  if (!wanted.storage_type.empty() && wanted.storage_type != base.storage_type) {
    co_return Fail(Fixed("storageConfiguration", "the storage of a knowledge base"));
  }
  base.name = std::move(wanted.name);
  base.description = std::move(wanted.description);
  base.extra = std::move(wanted.extra);
  base.updated = wanted.updated;
  STRATA_CO_CHECK_OK(co_await impl_->catalog_->UpdateBase(base));
  co_return base;
}

Task<Result<>> KnowledgeBases::SetSearch(std::string id, SearchMode mode,
                                         std::optional<double> dense_weight, RequestContext& ctx) {
  STRATA_CO_CHECK_OK(impl_->Base(id, ctx));
  if (mode == SearchMode::kDefault) {
    co_return Fail(InvalidArgument("mode", "expected lexical, dense or hybrid"));
  }
  if (dense_weight && !(*dense_weight >= 0 && *dense_weight <= 1)) {
    co_return Fail(InvalidArgument("dense_weight", "expected 0 to 1"));
  }
  co_return co_await impl_->catalog_->SetSearch(std::move(id), mode, dense_weight);
}

Task<Result<DataSource>> KnowledgeBases::UpdateSource(std::string kb_id, std::string source_id,
                                                      CreateDataSourceInput input,
                                                      RequestContext& ctx) {
  STRATA_CO_CHECK_OK(impl_->Base(kb_id, ctx));
  STRATA_CO_TRY(auto source, impl_->catalog_->Source(kb_id, source_id));
  const bool recipe_given = input.recipe.has_value();
  STRATA_CO_TRY(auto wanted, co_await impl_->NewSource(kb_id, std::move(input), ctx));
  if (wanted.kind != source.kind) {
    co_return Fail(Fixed("dataSourceConfiguration.type", "the type of a data source"));
  }
  if (recipe_given && wanted.recipe.Version() != source.recipe.Version()) {
    co_return Fail(Fixed("vectorIngestionConfiguration", "how a data source is cut"));
  }
  wanted.id = source.id;
  wanted.recipe = source.recipe;
  wanted.created = source.created;
  STRATA_CO_CHECK_OK(co_await impl_->catalog_->UpdateSource(wanted));
  co_return wanted;
}

}  // namespace strata::knowledge
