// SPDX-License-Identifier: Apache-2.0
#include "sensor/shipper.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "base/scratch_folder.hpp"
#include "keys/certificate.hpp"
#include "sensor/sealer.hpp"

namespace spoor::sensor {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Bytes = std::vector<std::byte>;
using std::chrono::milliseconds;

constexpr milliseconds kPatience{900'000};  // a guard against a hang

/// A collector behind the shipper's seam, which keeps to docs/formats/transport.md and can be made
/// to misbehave. Shared by the connections that lead to it.
class Collector {
 public:
  struct Request {
    CollectorClient::PostOptions options;
    std::uint64_t end_sequence = 0;
    std::size_t bytes = 0;
    std::chrono::steady_clock::time_point at;
  };

  Result<CollectorAnswer> Post(const CollectorClient::PostOptions& options,
                               std::span<const std::byte> frames) {
    const std::lock_guard lock(mutex_);
    Request request{options, options.sequence, frames.size(), std::chrono::steady_clock::now()};
    bool opens = false;
    for (; !frames.empty(); ++request.end_sequence) {
      const auto header = wire::DecodeFrameHeader(frames);
      EXPECT_TRUE(header) << "a parcel is whole frames";
      EXPECT_EQ(header->sequence, request.end_sequence) << "one after the other";
      opens = opens || header->kind == wire::FrameKind::kOpen;
      frames = frames.subspan(header->frame_bytes);
    }
    requests_.push_back(request);
    if (failures_left > 0) {
      --failures_left;
      return Fail(ErrorCode::kUnavailable, "the link is cut");
    }
    if (busy_left > 0) {
      --busy_left;
      return CollectorAnswer{503, next_, 0, "disk full"};
    }
    const CollectorAnswer now = Decide(request, opens);
    if (!options.pipelined) return now;
    const CollectorAnswer before = last_.value_or(CollectorAnswer{202, next_before_, 0, {}});
    last_ = now;
    return before;
  }
  Result<CollectorAnswer> Position() {
    const std::lock_guard lock(mutex_);
    ++position_count;
    if (failures_left > 0) {
      --failures_left;
      return Fail(ErrorCode::kUnavailable, "unreachable");
    }
    last_.reset();
    if (!knows_) return CollectorAnswer{404, std::nullopt, 0, "no such chain here"};
    return CollectorAnswer{200, next_, 0, {}};
  }
  /// Loses what it has not said to be durable, as one that is killed does.
  void ForgetTo(std::uint64_t next) {
    const std::lock_guard lock(mutex_);
    next_ = next;
    knows_ = next != 0;
  }
  std::uint64_t next() const {
    const std::lock_guard lock(mutex_);
    return next_;
  }
  std::vector<Request> Requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

  std::atomic<int> failures_left = 0, busy_left = 0, position_count = 0;
  std::set<std::uint64_t> refuses;  ///< sequences; set before shipping begins

 private:
  CollectorAnswer Decide(const Request& request, bool opens) {
    next_before_ = next_;
    if (!knows_ && !opens) return {404, std::nullopt, 0, "send its open frame"};
    knows_ = true;
    if (request.options.sequence > next_ && !request.options.after_gap) {
      return {409, next_, 0, "frames before this one have not come"};
    }
    for (std::uint64_t i = std::max(next_, request.options.sequence); i < request.end_sequence;
         ++i) {
      if (refuses.contains(i)) return {422, next_ = i, 0, "not sealed with the key of its place"};
      next_ = i + 1;
    }
    return {200, next_, 0, {}};
  }

  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  bool knows_ = false;
  std::uint64_t next_ = 0;
  std::optional<std::uint64_t> next_before_;
  std::optional<CollectorAnswer> last_;
};

class Connection final : public CollectorClient {
 public:
  explicit Connection(Collector& collector) : collector_(collector) {}
  Result<CollectorAnswer> Post(const PostOptions& options,
                               std::span<const std::byte> frames) override {
    return collector_.Post(options, frames);
  }
  Result<CollectorAnswer> Position(const wire::ChainId&) override { return collector_.Position(); }

 private:
  Collector& collector_;
};

Result<Sealer::Introduction> IntroduceNobody(const wire::Sha256& tag) {
  Sealer::Introduction introduction{.chain_id = {}, .description = "{}"};
  std::copy_n(tag.begin(), introduction.chain_id.size(), introduction.chain_id.begin());
  return introduction;
}

class ShipperTest : public ::testing::Test {
 protected:
  void SetUp() override {
    spool_ = std::move(*Spool::Open({.folder = folder_}));
    sealer_.emplace(std::move(
        *Sealer::Open(escrow_.get(), IntroduceNobody,
                      [this](std::span<const std::byte> f) { return spool_->Append(f); })));
  }

  void SealBatches(int count, std::size_t size_bytes = 1000) {
    for (int i = 0; i < count; ++i)
      ASSERT_TRUE(sealer_->Seal(wire::DigestedBytes(Bytes(size_bytes))));
  }
  std::unique_ptr<Shipper> Ship(const std::vector<Collector*>& collectors,
                                Shipper::Options options = {}) {
    options.retry_first = milliseconds(1);
    options.retry_max = std::min(options.retry_max, milliseconds(20));
    options.narrate = [this](const std::string& line) { said_.push_back(line); };
    std::vector<std::unique_ptr<CollectorClient>> clients;
    clients.reserve(collectors.size());
    for (Collector* collector : collectors) {
      clients.push_back(std::make_unique<Connection>(*collector));
    }
    return std::make_unique<Shipper>(*spool_, std::move(clients), std::move(options));
  }

  const ScratchFolder scratch_;
  const std::filesystem::path folder_ = scratch_.path();
  keys::KeyPointer escrow_ = *keys::MakeEscrowKey();
  std::unique_ptr<Spool> spool_;
  std::optional<Sealer> sealer_;
  std::vector<std::string> said_;  // read after Stop
};

TEST_F(ShipperTest, SendsOneParcelWhileTheOneBeforeBecomesDurable) {
  SealBatches(400, 50'000);  // 20 MB: five parcels
  Collector collector;
  const auto shipper = Ship({&collector});
  ASSERT_TRUE(shipper->Drain(kPatience));
  shipper->Stop();
  const auto requests = collector.Requests();
  ASSERT_GE(requests.size(), 5U);
  EXPECT_FALSE(requests.back().options.pipelined) << "the last is waited for";
  int pipelined_count = 0;
  for (const auto& request : requests) {
    EXPECT_LE(request.bytes, 4U << 20);
    pipelined_count += request.options.pipelined ? 1 : 0;
  }
  EXPECT_GE(pipelined_count, 3);
  EXPECT_EQ(collector.next(), 401U);
  EXPECT_EQ(shipper->counts().acknowledged_frames, 401U);
  EXPECT_EQ(shipper->counts().failed_attempts, 0U);
}

TEST_F(ShipperTest, KeepsWhatIsNotDurableAndSendsItAgainAfterACut) {
  SealBatches(400, 50'000);
  Collector collector;
  std::atomic<std::uint64_t> acknowledged = 0;
  std::atomic<bool> cut = false;
  const auto shipper =
      Ship({&collector}, {.acknowledged = [&](const wire::ChainId&, std::uint64_t next) {
             EXPECT_GE(next, acknowledged) << "never goes back";
             acknowledged = next;
             if (next < 100 || cut.exchange(true)) return;
             // Killed: what it took and did not acknowledge is gone.
             collector.ForgetTo(next);
             collector.failures_left = 2;
           }});
  ASSERT_TRUE(shipper->Drain(kPatience));
  shipper->Stop();
  EXPECT_TRUE(cut);
  EXPECT_EQ(collector.next(), 401U);
  EXPECT_EQ(acknowledged, 401U);
  EXPECT_GE(collector.position_count, 2) << "asks where the collector stands after a doubt";
  for (const auto& request : collector.Requests()) EXPECT_FALSE(request.options.after_gap);
}

TEST_F(ShipperTest, SaysThatItTriesAgainOnceAndThatItWorksAgain) {
  SealBatches(3);
  Collector collector;
  collector.failures_left = 6;
  const auto shipper = Ship({&collector});
  ASSERT_TRUE(shipper->Drain(kPatience));
  shipper->Stop();
  EXPECT_EQ(shipper->counts().failed_attempts, 6U);
  EXPECT_EQ(
      std::ranges::count_if(
          said_, [](const std::string& line) { return line.find("trying again") != line.npos; }),
      1);
  EXPECT_THAT(said_.back(), HasSubstr("takes it again"));
}

TEST_F(ShipperTest, SaysOnceThatACollectorTakesNothingAlthoughItTellsWhereItStands) {
  SealBatches(3);
  Collector collector;
  collector.ForgetTo(1);  // it knows the chain
  collector.busy_left = 5;
  const auto shipper = Ship({&collector});
  ASSERT_TRUE(shipper->Drain(kPatience));
  shipper->Stop();
  EXPECT_EQ(collector.next(), 4U);
  EXPECT_THAT(said_, ElementsAre(HasSubstr("503: disk full"), HasSubstr("takes it again")));
}

TEST_F(ShipperTest, WaitsLongerAfterEveryFailureUpToALimit) {
  SealBatches(1);
  Collector collector;
  ASSERT_TRUE(spool_->Release(sealer_->chain_id(), 0));
  collector.failures_left = 1;  // the first question
  collector.busy_left = 7;
  const auto shipper = Ship({&collector}, {.retry_max = milliseconds(16)});
  ASSERT_TRUE(shipper->Drain(kPatience));
  shipper->Stop();
  const auto requests = collector.Requests();
  ASSERT_EQ(requests.size(), 8U);
  // 2, 4, 8, 16, 16 … ms at least; upper bounds are the machine's.
  for (std::size_t i = 1; i < requests.size(); ++i) {
    const auto waited = requests[i].at - requests[i - 1].at;
    EXPECT_GE(waited, milliseconds(std::min(16, 1 << i))) << i;
  }
}

TEST_F(ShipperTest, MakesParcelsSmallerWhileTheLinkKeepsBreaking) {
  SealBatches(100, 50'000);
  Collector collector;
  collector.busy_left = 5;
  const auto shipper = Ship({&collector});
  ASSERT_TRUE(shipper->Drain(kPatience));
  shipper->Stop();
  const auto requests = collector.Requests();
  EXPECT_GT(requests.at(0).bytes, 3U << 20);
  EXPECT_LT(requests.at(4).bytes, requests.at(0).bytes / 8);
}

TEST_F(ShipperTest, GoesToTheNextCollectorAndIntroducesTheChainThere) {
  SealBatches(5);
  Collector first, second;
  {
    const auto shipper = Ship({&first});
    ASSERT_TRUE(shipper->Drain(kPatience));
  }
  SealBatches(5);
  first.failures_left = 1000;
  const auto shipper = Ship({&first, &second}, {.failures_before_next = 2});
  ASSERT_TRUE(shipper->Drain(kPatience));
  shipper->Stop();
  EXPECT_EQ(second.next(), 11U);
  const auto requests = second.Requests();
  EXPECT_THAT(requests, Contains(::testing::Truly([](const Collector::Request& request) {
                return request.options.sequence == 0 && request.end_sequence == 1;
              })))
      << "without its open frame nobody can read the chain";
  EXPECT_TRUE(requests.back().options.after_gap) << "the first collector has what is before";
}

TEST_F(ShipperTest, DropsAFrameThatIsRefusedCountsItAndGoesOn) {
  SealBatches(400, 50'000);  // refused in the middle of a pipelined parcel, too
  Collector collector;
  collector.refuses = {3, 200};
  const auto shipper = Ship({&collector});
  ASSERT_TRUE(shipper->Drain(kPatience));
  shipper->Stop();
  EXPECT_EQ(shipper->counts().refused_frames, 2U);
  EXPECT_EQ(collector.next(), 401U);
  EXPECT_THAT(said_, Contains(HasSubstr("frame 200 of chain")));
}

TEST_F(ShipperTest, StopsAtOnceThoughTheCollectorIsAwayAndLosesNothing) {
  SealBatches(5);
  Collector collector;
  collector.failures_left = 1'000'000;
  const auto shipper = Ship({&collector});
  EXPECT_FALSE(shipper->Drain(milliseconds(30)));
  shipper->Stop();
  EXPECT_EQ(spool_->level().frame_count, 6U);
}

}  // namespace
}  // namespace spoor::sensor
