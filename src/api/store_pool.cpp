// SPDX-License-Identifier: Apache-2.0
#include "api/store_pool.hpp"

#include <algorithm>
#include <stop_token>

#include "analysis/open_store.hpp"
#include "api/snapshot.hpp"
#include "store/catalog.hpp"

namespace spoor::api {
namespace {

// How late an end may come. DuckDB forgets an interrupt that comes between two queries: each time
// round it is said again.
constexpr std::chrono::milliseconds kLookInterval{50};
constexpr std::chrono::minutes kPrepareTimeMax{10};
// How long one that is prepared is waited for before another one is opened, in which all takes
// longer.
constexpr std::chrono::milliseconds kFreeWaitMax{500};

std::uint64_t GenerationOf(const std::string& folder) {
  const Result<store::Catalog> catalog = store::LoadCatalog(StoreLayout{folder});
  return catalog ? catalog->generation : 0;
}

}  // namespace

StorePool::StorePool(Options options)
    : options_(std::move(options)),
      current_(std::make_shared<Snapshot>(GenerationOf(options_.folder))),
      thread_([this](const std::stop_token& stop) { EndLate(stop); }) {}

StorePool::~StorePool() {
  thread_.request_stop();
  thread_.join();
}

StorePool::Lease::~Lease() {
  if (pool_ != nullptr) pool_->GiveBack(std::move(opened_), number_);
}

Result<StorePool::Opened> StorePool::Open(const std::shared_ptr<Snapshot>& snapshot) const {
  Opened opened{.store = nullptr, .snapshot = snapshot};
  ASSIGN_OR_RETURN(
      opened.store,
      analysis::OpenIngestedOrEmptyStore(
          options_.folder, {.memory_bytes_max = options_.memory_bytes_max / options_.stores_max}));
  return opened;
}

Result<StorePool::Lease> StorePool::Take(std::chrono::milliseconds time_max,
                                         const std::string& ask_id) {
  std::unique_lock lock(mutex_);
  // What the first one prepares takes far longer where it is not.
  changed_.wait_for(lock, time_max, [this] { return looked_ || no_newer_; });
  const auto is_free = [this] { return !free_.empty(); };
  if (open_count_ > 0) {
    changed_.wait_for(lock, std::min(kFreeWaitMax, options_.wait_max), is_free);
  }
  const auto available = [this] { return !free_.empty() || open_count_ < options_.stores_max; };
  if (!changed_.wait_for(lock, options_.wait_max, available)) {
    return Fail(ErrorCode::kUnavailable, "too many questions are being answered: try again");
  }
  Opened opened;
  if (!free_.empty()) {
    const auto best = std::ranges::find(free_, true, &Opened::prepared);
    const auto taken = best == free_.end() ? std::prev(best) : best;
    opened = std::move(*taken);
    free_.erase(taken);
  } else {
    ++open_count_;
    const std::shared_ptr<Snapshot> snapshot = current_;
    lock.unlock();
    Result<Opened> made = Open(snapshot);
    lock.lock();
    if (!made) {
      --open_count_;
      changed_.notify_all();
      return tl::unexpected<Error>(std::move(made).error());
    }
    opened = *std::move(made);
  }
  const std::uint64_t number = ++last_number_;
  running_[number] = {
      .store = opened.store.get(),
      .deadline = std::chrono::steady_clock::now() + std::max(time_max, options_.wait_max),
      .ask_id = ask_id};
  return Lease(*this, std::move(opened), number);
}

void StorePool::GiveBack(Opened opened, std::uint64_t number) {
  Opened ended;  // closed without the lock
  {
    const std::scoped_lock lock(mutex_);
    running_.erase(number);
    if (opened.snapshot == current_) {
      free_.push_back(std::move(opened));
    } else {
      --open_count_;
      ended = std::move(opened);
    }
  }
  changed_.notify_all();
}

void StorePool::Cancel(const std::string& ask_id) {
  const std::scoped_lock lock(mutex_);
  for (auto& [number, running] : running_) {
    if (ask_id.empty() || running.ask_id != ask_id) continue;
    running.cancelled = true;
    running.store->Interrupt("cancelled");
  }
}

bool StorePool::Refresh(const std::function<void(store::Store&, Snapshot&)>& prepare,
                        const std::string& ask_id) {
  const std::uint64_t generation = GenerationOf(options_.folder);
  const bool first = !std::exchange(refreshed_, true);
  if (!first && generation == snapshot()->generation()) return false;
  const auto next = std::make_shared<Snapshot>(generation);
  Result<Opened> opened = Open(next);
  if (opened) {
    std::unique_lock lock(mutex_);
    const std::uint64_t number = ++last_number_;
    running_[number] = {.store = opened->store.get(),
                        .deadline = std::chrono::steady_clock::now() + kPrepareTimeMax,
                        .ask_id = ask_id};
    lock.unlock();
    prepare(*opened->store, *next);
    opened->prepared = true;
    lock.lock();
    running_.erase(number);
  }
  std::vector<Opened> ended;  // closed without the lock
  {
    const std::scoped_lock lock(mutex_);
    current_ = next;
    looked_ = true;
    open_count_ -= free_.size();
    ended.swap(free_);
    if (opened && open_count_ < options_.stores_max) {
      free_.push_back(*std::move(opened));
      ++open_count_;
    }
  }
  changed_.notify_all();
  return true;
}

std::shared_ptr<Snapshot> StorePool::snapshot() {
  const std::scoped_lock lock(mutex_);
  return current_;
}

void StorePool::Await(std::uint64_t generation) {
  std::unique_lock lock(mutex_);
  const auto there = [&] { return no_newer_ || current_->generation() >= generation; };
  if (there()) return;
  ++waiting_for_newer_;
  changed_.notify_all();
  changed_.wait_for(lock, options_.wait_max, there);
  --waiting_for_newer_;
}

void StorePool::EndAwaiting() {
  {
    const std::scoped_lock lock(mutex_);
    no_newer_ = true;
  }
  changed_.notify_all();
}

void StorePool::AwaitWanted(const std::stop_token& stop, std::chrono::steady_clock::duration time) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, time, [this] { return waiting_for_newer_ > 0; });
}

void StorePool::EndLate(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::this_thread::sleep_for(kLookInterval);
    const auto now = std::chrono::steady_clock::now();
    const std::scoped_lock lock(mutex_);
    for (auto& [number, running] : running_) {
      if (running.cancelled) {
        running.store->Interrupt("cancelled");
      } else if (now > running.deadline) {
        running.store->Interrupt("took longer than it may");
      }
    }
  }
}

}  // namespace spoor::api
