// SPDX-License-Identifier: Apache-2.0
#include "analysis/open_store.hpp"
#include "packets/flow_builder.hpp"

#include <fmt/format.h>

#include "importers/kinds.hpp"
#include "queries/library.hpp"

namespace spoor::analysis {
namespace {

/// What arrived a moment ago is in the tables by then, unless there is much of it.
constexpr std::chrono::seconds kResidentTimeMax{5};

Result<> DefineLibrary(store::Store& store) {
  ASSIGN_OR_RETURN(const queries::Library library, queries::Library::LoadFromEnvironment());
  return library.Define(store);
}

}  // namespace

packets::FlowPolicy FlowPolicyOf(const ingest::ImportDescription& description) {
  packets::FlowPolicy policy;
  if (!description.flow_timeouts) return policy;
  const ingest::FlowTimeouts& timeouts = *description.flow_timeouts;
  policy.established_idle_ns = std::max(timeouts.established_idle_ns, std::int64_t{0});
  policy.other_idle_ns = std::max(timeouts.other_idle_ns, std::int64_t{0});
  policy.active_ns = std::max(timeouts.active_ns, std::int64_t{0});
  return policy;
}

Result<std::unique_ptr<event::EventSource>> MakeImporter(
    const ingest::ImportDescription& description) {
  if (const importers::ImporterKind* const kind = importers::FindImporterKind(description.kind)) {
    return importers::MakeImporter(
        *kind,
        {.host = description.host,
         .time = {.year = description.year,
                  .utc_offset_ns = description.utc_offset_ns,
                  .day_wall_ns = importers::ParseIsoTime(description.date + "T00:00:00", {})},
         .sha256 = description.sha256,
         .file = description.file,
         .flows = FlowPolicyOf(description),
         .fingerprint_database = description.fingerprint_database});
  }
  return Fail(ErrorCode::kUnsupported, "this build has no importer for files of kind '{}'",
              description.kind);
}

Result<> IngestNewEvidence(const StoreLayout& layout, const Narration& narration,
                           bool wait_for_rebuild) {
  ASSIGN_OR_RETURN(
      const ingest::CatchUpSummary summary,
      ingest::CatchUp(layout, {.importers = MakeImporter, .wait_for_rebuild = wait_for_rebuild},
                      narration.progress));
  if (summary.earlier_schema_version && narration.tell) {
    narration.tell(
        fmt::format("{}: the tables were of schema {} and were made again from the evidence",
                    layout.root.string(), *summary.earlier_schema_version));
  }
  for (const std::string& why : summary.not_continued) {
    if (!narration.tell) break;
    narration.tell(fmt::format("{}; its recording was read again from its first entry", why));
  }
  return {};
}

Result<std::unique_ptr<store::Store>> OpenIngestedStore(const std::string& folder) {
  ASSIGN_OR_RETURN(std::unique_ptr<store::Store> store, store::OpenStore(folder));
  RETURN_IF_ERROR(DefineLibrary(*store));
  return store;
}

Result<std::unique_ptr<store::Store>> OpenIngestedOrEmptyStore(
    const std::string& folder, const store::OpenStoreOptions& options) {
  Result<std::unique_ptr<store::Store>> store = store::OpenStore(folder, options);
  if (!store && store.error().code == ErrorCode::kNotFound) store = store::OpenEmptyStore();
  if (store) RETURN_IF_ERROR(DefineLibrary(**store));
  return store;
}

Result<CataloguedStore> OpenWithCatalog(const std::string& folder) {
  const StoreLayout layout{folder};
  ASSIGN_OR_RETURN(store::HeldCatalog held, store::HoldCatalog(layout));
  CataloguedStore opened{.catalog = held.catalog, .store = {}};
  ASSIGN_OR_RETURN(opened.store, store::OpenStoreBy(layout, std::move(held)));
  RETURN_IF_ERROR(DefineLibrary(*opened.store));
  return opened;
}

namespace {

// Whoever is resident has its state at hand already, and holds the lock while it writes.
Result<> BringUpToDate(const StoreLayout& layout, const Narration& narration) {
  if (ingest::HasResident(layout)) {
    const Result<> shown = ingest::AwaitResident(layout, kResidentTimeMax);
    if (shown || ingest::HasResident(layout)) return shown;
  }
  return IngestNewEvidence(layout, narration, /*wait_for_rebuild=*/false);
}

}  // namespace

ExitCode ReadableStore::Judge(ExitCode code) const {
  const bool answers = code == ExitCode::kDone || code == ExitCode::kNone;
  return !not_shown_.empty() && answers ? ExitCode::kIncomplete : code;
}

Result<ReadableStore> OpenStoreForReading(const std::string& folder, const Narration& narration) {
  const StoreLayout layout{folder};
  const auto ingested = BringUpToDate(layout, narration);
  const bool must_end = !ingested && (ingested.error().code == ErrorCode::kNotFound ||
                                      ingested.error().code == ErrorCode::kUnverified);
  if (must_end) return tl::unexpected<Error>(ingested.error());
  if (ingested) {
    ASSIGN_OR_RETURN(std::unique_ptr<store::Store> store, OpenIngestedStore(folder));
    return ReadableStore(std::move(store), "");
  }
  const auto left = ingest::NotIngested(layout);
  auto store = OpenIngestedOrEmptyStore(folder);
  if (!store) return tl::unexpected<Error>(store.error());
  const bool all_shown = left && left->begin == left->end;
  if (all_shown) return ReadableStore(*std::move(store), "");
  const std::string entries =
      left ? fmt::format("entries {} to {} of the evidence are", left->begin, left->end - 1)
           : std::string("what is new in the evidence is");
  const std::string not_shown = fmt::format("{} not shown, for they could not be ingested: {}",
                                            entries, ingested.error().message);
  if (narration.tell) narration.tell(not_shown);
  return ReadableStore(*std::move(store), not_shown);
}

}  // namespace spoor::analysis
