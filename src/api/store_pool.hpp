// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "store/store.hpp"

namespace spoor::api {

class Snapshot;

/// Open stores that requests borrow: a store answers one question at a time. All are of the newest
/// catalog that was looked at; those of an older one go when they are given back. What is asked of
/// a borrowed store ends in time, and when it is cancelled. Safe from any thread.
class StorePool {
 public:
  struct Options {
    std::string folder;
    std::size_t stores_max = 4;
    std::uint64_t memory_bytes_max = std::uint64_t{2} << 30;  ///< of all together
    std::chrono::milliseconds wait_max{10'000};  ///< for a store; what is asked has as long, too
  };
  struct Opened {
    std::unique_ptr<store::Store> store;
    std::shared_ptr<Snapshot> snapshot;
    bool prepared = false;  ///< by Refresh
  };

  /// A borrowed store; gives it back.
  class Lease {
   public:
    Lease(StorePool& pool, Opened opened, std::uint64_t number)
        : pool_(&pool), opened_(std::move(opened)), number_(number) {}
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)),
          opened_(std::move(other.opened_)),
          number_(other.number_) {}
    Lease& operator=(Lease&&) = delete;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease();
    store::Store& operator*() const { return *opened_.store; }
    store::Store* operator->() const { return opened_.store.get(); }
    Snapshot& snapshot() const { return *opened_.snapshot; }

   private:
    StorePool* pool_;
    Opened opened_;
    std::uint64_t number_;
  };

  explicit StorePool(Options options);
  StorePool(const StorePool&) = delete;
  StorePool& operator=(const StorePool&) = delete;
  ~StorePool();

  /// Waits for the end of the first Refresh, `time_max` at most, and for a free one. Until
  /// `time_max` from then what is asked of it ends with kUnavailable. `ask_id` (may be empty): see
  /// Cancel. Fails: kUnavailable (all are taken), kCorrupt, kIo.
  Result<Lease> Take(std::chrono::milliseconds time_max, const std::string& ask_id = {});
  /// Ends what was asked under this id; nothing where it has ended.
  void Cancel(const std::string& ask_id);
  /// Looks whether there is a newer catalog; true: there is, or this is the first look. It is
  /// opened, and `prepare` is called with it, before anybody is lent it: until then all are
  /// answered out of the one before. What fails meanwhile is told to who asks next. `ask_id`: see
  /// Take.
  bool Refresh(const std::function<void(store::Store&, Snapshot&)>& prepare,
               const std::string& ask_id);
  /// Of the newest catalog that is lent.
  std::shared_ptr<Snapshot> snapshot();
  /// Waits until what is lent is of this catalog or a later one, no longer than for a store.
  void Await(std::uint64_t generation);
  /// There will be no newer one: nobody waits for one any more.
  void EndAwaiting();
  /// Waits for as long as that, or until somebody waits in Await, or until it is to stop.
  void AwaitWanted(const std::stop_token& stop, std::chrono::steady_clock::duration time);
  const std::string& folder() const { return options_.folder; }

 private:
  struct Running {
    store::Store* store = nullptr;
    std::chrono::steady_clock::time_point deadline;
    std::string ask_id;
    bool cancelled = false;
  };
  Result<Opened> Open(const std::shared_ptr<Snapshot>& snapshot) const;
  void GiveBack(Opened opened, std::uint64_t number);
  void EndLate(const std::stop_token& stop);

  const Options options_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::size_t waiting_for_newer_ = 0;
  bool no_newer_ = false;
  bool refreshed_ = false;  ///< of the one thread that refreshes
  bool looked_ = false;     ///< the first Refresh has ended
  std::shared_ptr<Snapshot> current_;
  std::vector<Opened> free_;
  std::size_t open_count_ = 0;  ///< free and borrowed
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, Running> running_;
  std::jthread thread_;  // the last, so that it ends first
};

}  // namespace spoor::api
