// SPDX-License-Identifier: Apache-2.0
#include "programs/open_store.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "base/time.hpp"
#include "programs/print.hpp"

namespace spoor::programs {
namespace {

std::atomic<bool> interrupted = false;

void NoteInterrupt(int) {
  interrupted = true;
}

constexpr std::int64_t kNsPerMs = 1'000'000;

analysis::QueryWatchOptions WatchOnTerminal(std::chrono::nanoseconds time_max) {
  analysis::QueryWatchOptions options{
      .time_max = time_max,
      .limit_name = " (--time-max)",
      .cancelled = [] { return interrupted.load(); },
      .did_not_end =
          [](const std::string& reason) {
            PrintError("spoor: the question {}, and did not end when it was interrupted\n", reason);
            ::_exit(static_cast<int>(ExitCode::kCannotRun));
          }};
  if (!ErrorIsTerminal()) return options;
  options.progress = [](double progress) {
    ShowProgress(fmt::format("{:3.0f} %", progress * 100));
  };
  options.progress_over = [] { ShowProgress(""); };
  return options;
}

}  // namespace

struct QueryWatch::Impl {
  struct sigaction before {};
  std::unique_ptr<analysis::QueryWatch> watch;
};

QueryWatch::QueryWatch(store::Store& store, std::chrono::nanoseconds time_max)
    : impl_(std::make_unique<Impl>()) {
  interrupted = false;
  struct sigaction action {};
  action.sa_handler = NoteInterrupt;
  sigaction(SIGINT, &action, &impl_->before);
  impl_->watch = std::make_unique<analysis::QueryWatch>(store, WatchOnTerminal(time_max));
}

QueryWatch::~QueryWatch() {
  impl_->watch.reset();
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

analysis::Narration NarrationOnTerminal() {
  return {.progress = ProgressOnTerminal("ingesting evidence"),
          .tell = [](const std::string& sentence) { PrintError("spoor: {}\n", sentence); }};
}

Result<> IngestNewEvidence(const StoreLayout& layout) {
  return analysis::IngestNewEvidence(layout, NarrationOnTerminal());
}

Result<analysis::ReadableStore> OpenStoreForReading(const std::string& folder) {
  return analysis::OpenStoreForReading(folder, NarrationOnTerminal());
}

}  // namespace spoor::programs
