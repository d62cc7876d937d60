// SPDX-License-Identifier: Apache-2.0
#include "collector/retention_keeper.hpp"

#include <algorithm>
#include <chrono>

#include "evidence/log.hpp"
#include "evidence/named_key.hpp"

namespace spoor::collector {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kHourNs = 3600 * kSecondNs;

/// What is kept for a month needs no look every minute.
std::chrono::nanoseconds IntervalOf(const RetentionPolicy& policy) {
  if (!policy.keep_ns) return std::chrono::nanoseconds(kHourNs);
  return std::chrono::nanoseconds(std::clamp(*policy.keep_ns / 24, kSecondNs, kHourNs));
}

}  // namespace

std::unique_ptr<RetentionKeeper> RetentionKeeper::Start(Options options, Intake& intake) {
  std::unique_ptr<RetentionKeeper> keeper(new RetentionKeeper(std::move(options), intake));
  keeper->thread_ = std::thread([bare = keeper.get()] { bare->Run(); });
  return keeper;
}

RetentionKeeper::~RetentionKeeper() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void RetentionKeeper::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    if (const Result<> applied = Apply(); !applied) {
      options_.narrate("retention: " + applied.error().message);
    }
    lock.lock();
    changed_.wait_for(lock, IntervalOf(options_.policy), [this] { return stopping_; });
  }
}

Result<> RetentionKeeper::Apply() {
  ASSIGN_OR_RETURN(const std::string key, evidence::ReadPublicKey(options_.store));
  ASSIGN_OR_RETURN(const std::unique_ptr<evidence::LogReader> log,
                   evidence::LogReader::Open(options_.store.evidence(), key));
  ASSIGN_OR_RETURN(const RetentionPlan plan, PlanRetention(*log, options_.policy, options_.by, {}));
  if (plan.remove_until <= plan.removed_until) return {};
  ASSIGN_OR_RETURN(const std::uint64_t removed_bytes, intake_.Retain(plan));
  options_.narrate(fmt::format("retention: removed entries {} to {}, {} bytes ({})",
                               plan.removed_until, plan.remove_until - 1, removed_bytes,
                               options_.policy.text));
  return {};
}

}  // namespace spoor::collector
