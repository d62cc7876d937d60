// SPDX-License-Identifier: Apache-2.0
#include "analysis/query_watch.hpp"

#include <fmt/format.h>

namespace spoor::analysis {
namespace {

/// For a function that does not look for interrupts while it computes.
constexpr std::chrono::seconds kLateMax{20};

}  // namespace

QueryWatch::QueryWatch(store::Store& store, QueryWatchOptions options)
    : store_(store),
      options_(std::move(options)),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

QueryWatch::~QueryWatch() {
  thread_.request_stop();
  thread_.join();
}

void QueryWatch::Run(const std::stop_token& stop) {
  const auto begin = std::chrono::steady_clock::now();
  bool shown = false;
  for (int tenths = 0; !stop.stop_requested(); ++tenths) {
    std::this_thread::sleep_for(std::chrono::milliseconds(tenths < 10 ? 10 : 100));
    if (options_.cancelled && options_.cancelled()) store_.Interrupt();
    const auto taken = std::chrono::steady_clock::now() - begin;
    if (options_.time_max.count() != 0 && taken > options_.time_max) EndLate(taken);
    const double progress = options_.progress && tenths > 20 ? store_.Progress() : -1;
    if (progress < 0) continue;
    options_.progress(progress);
    shown = true;
  }
  if (shown && options_.progress_over) options_.progress_over();
}

void QueryWatch::EndLate(std::chrono::nanoseconds taken) {
  const std::string reason =
      fmt::format("took longer than the limit of {:.3g} s{}",
                  std::chrono::duration<double>(options_.time_max).count(), options_.limit_name);
  store_.Interrupt(reason);
  if (taken >= options_.time_max + kLateMax && options_.did_not_end) options_.did_not_end(reason);
}

}  // namespace spoor::analysis
