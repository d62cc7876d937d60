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

}  // namespace

struct QueryWatch::Impl {
  struct sigaction before {};
  std::jthread thread;
};

QueryWatch::QueryWatch(store::Store& store) : impl_(std::make_unique<Impl>()) {
  interrupted = false;
  struct sigaction action {};
  action.sa_handler = NoteInterrupt;
  sigaction(SIGINT, &action, &impl_->before);
  impl_->thread = std::jthread([&store](const std::stop_token& stop) {
    const bool shows = ErrorIsTerminal();
    bool shown = false;
    for (int tenths = 0; !stop.stop_requested(); ++tenths) {
      std::this_thread::sleep_for(std::chrono::milliseconds(tenths < 10 ? 10 : 100));
      if (interrupted) store.Interrupt();
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
      [[maybe_unused]] const ingest::CatchUpSummary summary,
      ingest::CatchUp(layout, {.importers = MakeImporter, .wait_for_rebuild = wait_for_rebuild},
                      ProgressOnTerminal("ingesting evidence")));
  return {};
}

Result<std::unique_ptr<store::Store>> OpenIngestedStore(const std::string& folder) {
  ASSIGN_OR_RETURN(const queries::Library library, queries::Library::LoadFromEnvironment());
  ASSIGN_OR_RETURN(std::unique_ptr<store::Store> store, store::OpenStore(folder));
  RETURN_IF_ERROR(library.Define(*store));
  return store;
}

Result<std::unique_ptr<store::Store>> OpenStoreForReading(const std::string& folder) {
  const auto ingested = IngestNewEvidence(StoreLayout{folder}, /*wait_for_rebuild=*/false);
  const bool only_not_written = !ingested && (ingested.error().code == ErrorCode::kIo ||
                                              ingested.error().code == ErrorCode::kUnavailable);
  if (!ingested && !only_not_written) return tl::unexpected<Error>(ingested.error());
  auto store = OpenIngestedStore(folder);
  if (only_not_written) {
    if (!store) return tl::unexpected<Error>(ingested.error());
    PrintError("spoor: what is new in the evidence is not shown: {}\n", ingested.error().message);
  }
  return store;
}

}  // namespace spoor::programs
