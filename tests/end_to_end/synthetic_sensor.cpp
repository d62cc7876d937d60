// SPDX-License-Identifier: Apache-2.0
// A sensor without a kernel half: seals and ships what it makes up, through the same code as
// `spoor record --to https://…`. Prints "recording ID", with --say-acknowledged a line each time
// that more is safe, and at the end its counts.
#include <openssl/rand.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/check.hpp"
#include "base/time.hpp"
#include "sensor/shipment.hpp"
#include "wire/batch_sealer.hpp"
#include "wire/made_up_events.hpp"

namespace {

using spoor::Result;

struct Options {
  std::vector<std::string> collectors;
  std::string keys;
  std::uint64_t batch_count = 100;
  std::uint64_t batch_bytes = 4096;
  std::uint64_t interval_us = 1000;
  std::uint64_t spool_bytes_max = 1 << 30;
  std::uint64_t bandwidth = 0;
  std::uint64_t last_shipping_ms = 600'000;
  std::uint64_t events_per_second = 0;
  std::uint64_t seconds = 10;
  std::uint32_t seed = 1;
  std::string scope_kind;
  std::string host = "synthetic";
  std::string boot_id = "made-up";
  std::int64_t wall_jump_s = 0;
  bool say_acknowledged = false;
  bool lies = false;
};

class SyntheticSensor {
 public:
  explicit SyntheticSensor(const Options& options) : options_(options), events_(options.seed) {}

  Result<> Run() {
    RETURN_IF_ERROR(Open());
    RETURN_IF_ERROR(Seal(spoor::wire::BatchKind::kRecordingOpen, spoor::AsBytes(Description())));
    RETURN_IF_ERROR(options_.events_per_second != 0 ? SealEvents() : SealNoise());
    if (options_.lies) {
      RETURN_IF_ERROR(Seal(spoor::wire::BatchKind::kCollected, spoor::AsBytes("accepted, all")));
    }
    RETURN_IF_ERROR(
        Seal(spoor::wire::BatchKind::kRecordingClose, spoor::AsBytes(R"({"reason":"done"})")));
    RETURN_IF_ERROR(
        shipment_->Finish("done", std::chrono::milliseconds(options_.last_shipping_ms)));
    const spoor::sensor::Shipment::Summary summary = shipment_->summary();
    fmt::print("acknowledged {} left {} dropped {} refused {}\n",
               summary.shipped.acknowledged_frames, summary.left.frame_count,
               summary.dropped.batch_count, summary.shipped.refused_frames);
    fmt::print("batches {} events {}\n", sealer_->batch_count(), event_count_);
    return {};
  }

 private:
  Result<> Open() {
    spoor::sensor::Shipment::Options options{.collectors = options_.collectors,
                                             .identity = {options_.keys},
                                             .host = "synthetic",
                                             .spool = {},
                                             .shipper = {}};
    options.spool.folder = std::filesystem::path(options_.keys) / "spool";
    options.spool.size_bytes_max = options_.spool_bytes_max;
    options.shipper.bytes_per_second_max = options_.bandwidth;
    options.shipper.narrate = [](const std::string& line) { fmt::print(stderr, "{}\n", line); };
    if (options_.say_acknowledged) {
      options.shipper.acknowledged = [](const spoor::wire::ChainId& chain, std::uint64_t next) {
        fmt::print("safe {} {}\n", spoor::wire::FormatChainId(chain), next);
        std::fflush(stdout);
      };
    }
    // Back and forth, further every time.
    options.wall_clock = [this] {
      wall_jump_ns_ =
          std::clamp(-2 * wall_jump_ns_ + options_.wall_jump_s * 1'000'000'000, -kYearNs, kYearNs);
      return spoor::WallNow() + wall_jump_ns_;
    };
    ASSIGN_OR_RETURN(shipment_, spoor::sensor::Shipment::Open(std::move(options)));
    fmt::print("recording {}\n", spoor::wire::FormatRecordingId(shipment_->recording_id()));
    std::fflush(stdout);
    sealer_.emplace(shipment_->recording_id(), shipment_->Sink().append);
    return {};
  }

  std::string Description() const {
    nlohmann::json description{{"format", 1}};
    if (!options_.scope_kind.empty()) {
      description["boot_id"] = options_.boot_id;
      description["scopes"] = {{{"host", options_.host}, {"kind", options_.scope_kind}}};
    }
    return description.dump();
  }

  Result<> Seal(spoor::wire::BatchKind kind, std::span<const std::byte> payload) {
    const std::uint64_t boot_ns = spoor::BootNow();
    return sealer_->Seal(kind, payload, {boot_ns, spoor::WallNow(), boot_ns});
  }

  // Of which nothing is lost to compression.
  Result<> SealNoise() {
    std::vector<std::byte> payload(options_.batch_bytes);
    for (std::uint64_t i = 0; i < options_.batch_count; ++i) {
      SPOOR_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(payload.data()),
                             static_cast<int>(payload.size())) == 1)
          << "no random numbers";
      RETURN_IF_ERROR(Seal(spoor::wire::BatchKind::kImportData, payload));
      if (options_.interval_us != 0) {
        std::this_thread::sleep_for(std::chrono::microseconds(options_.interval_us));
      }
    }
    return {};
  }

  // Five batches a second, as the recorder makes them of ordinary events.
  Result<> SealEvents() {
    constexpr std::uint64_t kBatchesPerSecond = 5;
    const std::uint64_t per_batch = options_.events_per_second / kBatchesPerSecond;
    auto next = std::chrono::steady_clock::now();
    for (std::uint64_t i = 0; i < options_.seconds * kBatchesPerSecond; ++i) {
      std::vector<std::byte> chunks;
      events_.Append(static_cast<std::uint32_t>(per_batch), spoor::BootNow(),
                     1'000'000'000 / options_.events_per_second, chunks);
      RETURN_IF_ERROR(Seal(spoor::wire::BatchKind::kRecords, chunks));
      event_count_ += per_batch;
      next += std::chrono::milliseconds(1000 / kBatchesPerSecond);
      std::this_thread::sleep_until(next);
    }
    return {};
  }

  static constexpr std::int64_t kYearNs = 365LL * 86400 * 1'000'000'000;

  const Options& options_;
  spoor::wire::MadeUpEvents events_;
  std::int64_t wall_jump_ns_ = 0;
  std::uint64_t event_count_ = 0;
  std::unique_ptr<spoor::sensor::Shipment> shipment_;
  std::optional<spoor::wire::BatchSealer> sealer_;
};

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App application{"Seals and ships batches of noise or of made-up events"};
  Options options;
  application.add_option("--to", options.collectors)->required();
  application.add_option("--keys", options.keys)->required();
  application.add_option("--batches", options.batch_count);
  application.add_option("--bytes", options.batch_bytes);
  application.add_option("--interval-us", options.interval_us);
  application.add_option("--spool-max", options.spool_bytes_max);
  application.add_option("--bandwidth", options.bandwidth);
  application.add_option("--last-shipping-ms", options.last_shipping_ms);
  application.add_option("--events-per-second", options.events_per_second, "instead of noise");
  application.add_option("--seconds", options.seconds, "of events");
  application.add_option("--scope-kind", options.scope_kind, "described so, of:");
  application.add_option("--host", options.host);
  application.add_option("--boot-id", options.boot_id);
  application.add_option("--seed", options.seed);
  application.add_option("--wall-jump-s", options.wall_jump_s,
                         "the wall clock jumps, ever further");
  application.add_flag("--say-acknowledged", options.say_acknowledged);
  application.add_flag("--lie", options.lies, "seal what poses as the collector's account");
  CLI11_PARSE(application, argc, argv);
  const Result<> ran = SyntheticSensor(options).Run();
  if (ran) return 0;
  fmt::print(stderr, "synthetic_sensor: {}\n", ran.error().message);
  return 5;
}
