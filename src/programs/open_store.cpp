// SPDX-License-Identifier: Apache-2.0
#include "programs/open_store.hpp"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include "base/time.hpp"
#include "importers/events_reader.hpp"
#include "programs/print.hpp"
#include "queries/library.hpp"

namespace spoor::programs {
namespace {

std::atomic<bool> interrupted = false;

void NoteInterrupt(int) {
  interrupted = true;
}

constexpr std::int64_t kNsPerMs = 1'000'000;

Result<> DefineLibrary(store::Store& store) {
  ASSIGN_OR_RETURN(const queries::Library library, queries::Library::LoadFromEnvironment());
  return library.Define(store);
}

/// For a store of which nothing could be ingested yet.
Result<std::unique_ptr<store::Store>> OpenStoreWithoutRows() {
  ASSIGN_OR_RETURN(std::unique_ptr<store::Store> store, store::OpenEmptyStore());
  RETURN_IF_ERROR(DefineLibrary(*store));
  return store;
}

/// For a function that does not look for interrupts while it computes.
constexpr std::chrono::seconds kLateMax{20};

void EndLate(store::Store& store, std::chrono::nanoseconds time_max,
             std::chrono::nanoseconds taken) {
  const std::string reason = fmt::format("took longer than the limit of {:.3g} s (--time-max)",
                                         std::chrono::duration<double>(time_max).count());
  store.Interrupt(reason);
  if (taken < time_max + kLateMax) return;
  PrintError("spoor: the question {}, and did not end when it was interrupted\n", reason);
  ::_exit(static_cast<int>(ExitCode::kCannotRun));
}

}  // namespace

struct QueryWatch::Impl {
  struct sigaction before {};
  std::jthread thread;
};

QueryWatch::QueryWatch(store::Store& store, std::chrono::nanoseconds time_max)
    : impl_(std::make_unique<Impl>()) {
  interrupted = false;
  struct sigaction action {};
  action.sa_handler = NoteInterrupt;
  sigaction(SIGINT, &action, &impl_->before);
  impl_->thread = std::jthread([&store, time_max](const std::stop_token& stop) {
    const auto begin = std::chrono::steady_clock::now();
    const bool shows = ErrorIsTerminal();
    bool shown = false;
    for (int tenths = 0; !stop.stop_requested(); ++tenths) {
      std::this_thread::sleep_for(std::chrono::milliseconds(tenths < 10 ? 10 : 100));
      if (interrupted) store.Interrupt();
      const auto taken = std::chrono::steady_clock::now() - begin;
      if (time_max.count() != 0 && taken > time_max) EndLate(store, time_max, taken);
      const double progress = shows && tenths > 20 ? store.Progress() : -1;
      if (progress < 0) continue;
      ShowProgress(fmt::format("{:3.0f} %", progress * 100));
      shown = true;
    }
    if (shown) ShowProgress("");
  });
}

QueryWatch::~QueryWatch() {
  impl_->thread.request_stop();
  impl_->thread.join();
  sigaction(SIGINT, &impl_->before, nullptr);
}

std::shared_ptr<void> WatchQueries(store::Store& store) {
  return std::make_shared<QueryWatch>(store);
}

std::function<void(std::uint64_t, std::uint64_t)> ProgressOnTerminal(std::string name) {
  if (!ErrorIsTerminal()) return {};
  return [name = std::move(name), last_ns = std::uint64_t{0}](std::uint64_t done,
                                                              std::uint64_t to_do) mutable {
    const std::uint64_t now_ns = BootNow();
    if (now_ns - last_ns < 100 * kNsPerMs) return;
    last_ns = now_ns;
    ShowProgress(fmt::format("{}: {} of {}", name, done, to_do));
  };
}

Result<std::unique_ptr<event::EventSource>> MakeImporter(
    const ingest::ImportDescription& description) {
  if (description.kind == "events") return importers::MakeEventsReader(description.host);
  return Fail(ErrorCode::kUnsupported, "this build has no importer for files of kind '{}'",
              description.kind);
}

Result<> IngestNewEvidence(const StoreLayout& layout, bool wait_for_rebuild) {
  ASSIGN_OR_RETURN(
      const ingest::CatchUpSummary summary,
      ingest::CatchUp(layout, {.importers = MakeImporter, .wait_for_rebuild = wait_for_rebuild},
                      ProgressOnTerminal("ingesting evidence")));
  if (summary.earlier_schema_version) {
    PrintError("spoor: {}: the tables were of schema {} and were made again from the evidence\n",
               layout.root.string(), *summary.earlier_schema_version);
  }
  return {};
}

Result<std::unique_ptr<store::Store>> OpenIngestedStore(const std::string& folder) {
  ASSIGN_OR_RETURN(std::unique_ptr<store::Store> store, store::OpenStore(folder));
  RETURN_IF_ERROR(DefineLibrary(*store));
  return store;
}

ExitCode ReadableStore::Judge(ExitCode code) const {
  const bool answers = code == ExitCode::kDone || code == ExitCode::kNone;
  return incomplete_ && answers ? ExitCode::kIncomplete : code;
}

Result<ReadableStore> OpenStoreForReading(const std::string& folder) {
  const StoreLayout layout{folder};
  const auto ingested = IngestNewEvidence(layout, /*wait_for_rebuild=*/false);
  const bool must_end = !ingested && (ingested.error().code == ErrorCode::kNotFound ||
                                      ingested.error().code == ErrorCode::kUnverified);
  if (must_end) return tl::unexpected<Error>(ingested.error());
  if (ingested) {
    ASSIGN_OR_RETURN(std::unique_ptr<store::Store> store, OpenIngestedStore(folder));
    return ReadableStore(std::move(store), false);
  }
  const auto left = ingest::NotIngested(layout);
  auto store = OpenIngestedStore(folder);
  if (!store && store.error().code == ErrorCode::kNotFound) store = OpenStoreWithoutRows();
  if (!store) return tl::unexpected<Error>(store.error());
  const bool all_shown = left && left->begin == left->end;
  if (all_shown) return ReadableStore(*std::move(store), false);
  const std::string entries =
      left ? fmt::format("entries {} to {} of the evidence are", left->begin, left->end - 1)
           : std::string("what is new in the evidence is");
  PrintError("spoor: {} not shown, for they could not be ingested: {}\n", entries,
             ingested.error().message);
  return ReadableStore(*std::move(store), true);
}

}  // namespace spoor::programs
