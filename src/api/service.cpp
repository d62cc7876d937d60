// SPDX-License-Identifier: Apache-2.0
// Beside the threads that answer there are three. One tells streams what just came (Arrivals). One
// keeps up: it opens each new catalog, works out what all who ask will need, and tells what is
// found only by that. One verifies the log as it grows. Who ingests is analysis::ResidentIngest, or
// a command.
#include "api/service.hpp"

#include <sys/sysinfo.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "api/access.hpp"
#include "api/arrivals.hpp"
#include "api/audit_trail.hpp"
#include "api/event_hub.hpp"
#include "api/evidence_state.hpp"
#include "api/pins.hpp"
#include "api/server.hpp"
#include "api/store_pool.hpp"
#include "base/file.hpp"
#include "http/server.hpp"
#include "report/text.hpp"

namespace spoor::api {
namespace {

using Clock = std::chrono::steady_clock;

// A page opens some six connections, and a stream holds one for as long as it is open.
constexpr http::Server::Kind kGuests{.places = {.of_all = 512, .of_one = 256},
                                     .threads = 256,
                                     .limits = {.idle = std::chrono::seconds(60),
                                                .request = std::chrono::seconds(20),
                                                .answer = std::chrono::seconds(60),
                                                .bytes_per_second_min = 1 << 10}};
constexpr std::uint64_t kMemoryBytesMin = std::uint64_t{2} << 30;
constexpr std::chrono::milliseconds kLookInterval{250};
constexpr std::chrono::milliseconds kArrivalInterval{50};
/// What the thread that keeps up asks goes by; what analysts ask has a slash in its name.
const std::string kKeeper = "keeper";
/// The log is verified anew when it grew, and rests this many times as long as that took.
constexpr int kVerifyRest = 20;
constexpr std::chrono::seconds kVerifyRestMin{10};

/// Half of the machine's.
std::uint64_t MemoryForQuestions() {
  struct sysinfo system {};
  if (::sysinfo(&system) != 0) return kMemoryBytesMin;
  return std::max<std::uint64_t>(kMemoryBytesMin, system.totalram * system.mem_unit / 2);
}

class StoreService final : public Service {
 public:
  explicit StoreService(Options options)
      : options_(std::move(options)),
        layout_{options_.store},
        stores_({.folder = options_.store,
                 .memory_bytes_max = MemoryForQuestions(),
                 .wait_max = options_.time_max}),
        evidence_(layout_),
        arrivals_(layout_) {}
  ~StoreService() override { StopKeeping(); }

  Result<> Open();
  int port() const override { return server_->port(); }
  std::string set_up_token() const override { return access_->set_up_token(); }
  void Stop() override {
    StopKeeping();
    server_->Stop();
  }

 private:
  void StopKeeping() {
    for (std::jthread* const thread : {&keeper_, &teller_, &verifier_}) thread->request_stop();
    stores_.Cancel(kKeeper);
    stores_.EndAwaiting();
    for (std::jthread* const thread : {&keeper_, &teller_, &verifier_}) {
      if (thread->joinable()) thread->join();
    }
  }
  void Tell(const std::string& sentence) const {
    if (options_.tell) options_.tell(sentence);
  }
  void TellOnce(const std::string& sentence) {
    {
      const std::scoped_lock lock(told_mutex_);
      if (std::exchange(told_, sentence) == sentence) return;
    }
    Tell(sentence);
  }
  Result<> OpenState();
  void KeepUp(const std::stop_token& stop);
  void TellArrivals(const std::stop_token& stop);
  void VerifyAsItGrows(const std::stop_token& stop);
  void Compare();
  void ReadReplays();
  void Verify();

  Options options_;
  const StoreLayout layout_;
  StorePool stores_;
  EventHub hub_;
  EvidenceState evidence_;
  Arrivals arrivals_;
  std::unique_ptr<Access> access_;
  std::unique_ptr<AuditTrail> audit_;
  std::unique_ptr<Pins> pins_;
  Context context_;
  std::unique_ptr<http::Server> server_;
  std::mutex told_mutex_;
  std::string told_;
  Clock::time_point next_verify_;
  std::uint64_t verified_entries_ = UINT64_MAX;
  std::jthread keeper_, teller_, verifier_;  // the last, so that they end first
};

Result<> StoreService::OpenState() {
  RETURN_IF_ERROR(CreateFolders(options_.state));
  ASSIGN_OR_RETURN(audit_, AuditTrail::Open(options_.state / "audit.jsonl"));
  return {};
}

Result<> StoreService::Open() {
  const Result<> state = OpenState();
  if (!state && !options_.everybody) return state;
  // A store on a medium that cannot be written to can still be looked at on one's own machine.
  if (!state) Tell("there is no audit trail, and nothing can be pinned: " + state.error().message);
  ASSIGN_OR_RETURN(pins_, Pins::Open(options_.state / "pins.json"));
  ASSIGN_OR_RETURN(access_,
                   Access::Open({.folder = options_.state, .everybody = options_.everybody}));
  context_ = {.stores = &stores_,
              .access = access_.get(),
              .audit = audit_.get(),
              .pins = pins_.get(),
              .hub = &hub_,
              .evidence = &evidence_,
              .store_name = options_.store,
              .store_words = report::StoreWords(options_.store),
              .version = options_.version,
              .live = options_.live,
              .secure = options_.tls != nullptr};
  http::Server::Options server{.address = options_.address, .port = options_.port};
  server.guests = kGuests;
  server.context = std::move(options_.tls);
  server.refuse = RefusalOf;
  ASSIGN_OR_RETURN(server_, http::Server::Start(std::move(server),
                                                RoutesOf(context_, {.pages = options_.pages})));
  keeper_ = std::jthread([this](const std::stop_token& stop) { KeepUp(stop); });
  teller_ = std::jthread([this](const std::stop_token& stop) { TellArrivals(stop); });
  verifier_ = std::jthread([this](const std::stop_token& stop) { VerifyAsItGrows(stop); });
  return {};
}

/// What takes a walk over everything. Who asks meanwhile is answered out of the catalog before.
void Prepare(store::Store& store, Snapshot& snapshot) {
  // What fails here fails again, and is told, when it is asked for.
  static_cast<void>(KeepViews(store));
  static_cast<void>(snapshot.alerts(store));
  static_cast<void>(snapshot.causal_index(store));
}

/// Sleeps for as long as that, or until it is to stop.
void Sleep(const std::stop_token& stop, Clock::duration time) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, stop, time, [] { return false; });
}

void StoreService::KeepUp(const std::stop_token& stop) {
  bool compared = false;
  while (!stop.stop_requested()) {
    const Clock::time_point begin = Clock::now();
    Clock::duration rest = kLookInterval;
    if (stores_.Refresh(Prepare, kKeeper)) {
      Compare();
      KeepFirstAnswers(context_);
      compared = true;
      // While evidence comes in all the time, half of it is left to who asks.
      rest = std::max(rest, Clock::now() - begin);
    }
    // While evidence comes in, whoever searches first waits.
    if (!stop.stop_requested() && std::exchange(compared, false) && !options_.live) ReadReplays();
    Sleep(stop, kArrivalInterval);
    stores_.AwaitWanted(stop, rest);
  }
}

void StoreService::TellArrivals(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    // What there was before is known when everything was looked at once.
    if (hub_.compared_generation()) {
      if (const Result<> looked = arrivals_.Look(hub_); !looked) {
        TellOnce("what is new is told later: " + looked.error().message);
      }
    }
    Sleep(stop, kArrivalInterval);
  }
}

void StoreService::VerifyAsItGrows(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    Verify();
    Sleep(stop, kLookInterval);
  }
}

void StoreService::Compare() {
  Result<StorePool::Lease> store = stores_.Take(kAskTimeMax, kKeeper);
  if (!store) return TellOnce("the store cannot be read: " + store.error().message);
  if (const Result<> compared = hub_.Compare(store->snapshot(), **store); !compared) {
    TellOnce("what is new cannot be told: " + compared.error().message);
  }
}

// Before somebody searches.
void StoreService::ReadReplays() {
  const Result<StorePool::Lease> store = stores_.Take(kAskTimeMax, kKeeper);
  if (store) static_cast<void>(store->snapshot().replays(**store));
}

void StoreService::Verify() {
  const Clock::time_point begin = Clock::now();
  if (begin < next_verify_) return;
  const Result<std::uint64_t> entries = evidence_.CountEntries();
  if (entries && *entries == verified_entries_) return;
  if (evidence_.Check()) hub_.Publish("evidence", Dump(evidence_.ToJson()));
  verified_entries_ = entries ? *entries : UINT64_MAX;
  const Clock::time_point end = Clock::now();
  next_verify_ = end + std::max<Clock::duration>(kVerifyRestMin, kVerifyRest * (end - begin));
}

}  // namespace

Result<std::unique_ptr<Service>> Service::Start(Options options) {
  auto service = std::make_unique<StoreService>(std::move(options));
  RETURN_IF_ERROR(service->Open());
  return service;
}

}  // namespace spoor::api
