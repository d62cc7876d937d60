// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/exit_code.hpp"
#include "base/store_layout.hpp"
#include "ingest/catch_up.hpp"
#include "store/catalog.hpp"
#include "store/store.hpp"

namespace spoor::packets {
struct FlowPolicy;
}

/// A store that questions are asked of: up to date, with the query library defined.
namespace spoor::analysis {

/// Called now and then with what is done and what is to do; may be empty.
using Progress = ingest::CatchUpProgress;

/// Who hears of what is done before an answer; all may be empty.
struct Narration {
  Progress progress{};                             ///< entries of evidence
  std::function<void(const std::string&)> tell{};  ///< one sentence
};

/// An open store, and whether all evidence is in its tables.
class ReadableStore {
 public:
  /// `not_shown`: see below.
  ReadableStore(std::unique_ptr<store::Store> store, std::string not_shown)
      : store_(std::move(store)), not_shown_(std::move(not_shown)) {}
  store::Store& operator*() const { return *store_; }
  store::Store* operator->() const { return store_.get(); }
  /// A sentence: which evidence the tables do not show, and why. Empty: they show all.
  const std::string& not_shown() const { return not_shown_; }
  /// The exit code of an answer: whatever it says, it is kIncomplete where there is evidence that
  /// the tables do not show.
  ExitCode Judge(ExitCode code) const;

 private:
  std::unique_ptr<store::Store> store_;
  std::string not_shown_;
};

/// Ingests what the evidence has and the tables have not, or waits a moment for the `spoor serve`
/// that is resident to do so (ResidentIngest), opens the store and defines the query library. Where
/// that cannot be (no permission, full disk, a rebuild, an entry that this build cannot read) the
/// store is opened as far as it was ingested, without a byte written into it, and not_shown() says
/// so, which is also told. Fails: kNotFound, kUnverified (evidence), kCorrupt (a segment).
Result<ReadableStore> OpenStoreForReading(const std::string& folder, const Narration& narration);

/// The store as far as it was ingested, without looking for more. Fails: kNotFound (nothing was),
/// kCorrupt.
Result<std::unique_ptr<store::Store>> OpenIngestedStore(const std::string& folder);

/// The same, of which nothing may have been ingested yet: then its tables are empty. Fails:
/// kCorrupt.
Result<std::unique_ptr<store::Store>> OpenIngestedOrEmptyStore(
    const std::string& folder, const store::OpenStoreOptions& options = {});

/// A store, and the catalog by which it was opened.
struct CataloguedStore {
  store::Catalog catalog;
  std::unique_ptr<store::Store> store;
};
/// As OpenIngestedStore.
Result<CataloguedStore> OpenWithCatalog(const std::string& folder);

/// Ingests what is new. Unless it waits for a rebuild of the same store in another process:
/// kUnavailable (CatchUpOptions::wait_for_rebuild).
Result<> IngestNewEvidence(const StoreLayout& layout, const Narration& narration,
                           bool wait_for_rebuild = true);

/// How the packets of an import become flows.
packets::FlowPolicy FlowPolicyOf(const ingest::ImportDescription& description);

/// The readers of imported files, by kind.
Result<std::unique_ptr<event::EventSource>> MakeImporter(
    const ingest::ImportDescription& description);

}  // namespace spoor::analysis
