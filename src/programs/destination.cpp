// SPDX-License-Identifier: Apache-2.0
#include "programs/destination.hpp"

#include <fmt/format.h>

#include "base/store_layout.hpp"
#include "evidence/log.hpp"
#include "programs/open_store.hpp"
#include "programs/print.hpp"
#include "sensor/shipment.hpp"

namespace spoor::programs {
namespace {

// How long a recording that ended waits for the collector to take the rest.
constexpr std::chrono::milliseconds kLastShippingMax{30'000};

bool IsUrl(const std::string& to) {
  return to.find("://") != std::string::npos;
}

class StoreDestination final : public Destination {
 public:
  explicit StoreDestination(std::unique_ptr<evidence::LogWriter> log) : log_(std::move(log)) {}

  wire::RecordingId recording_id() const override { return recording_id_; }
  std::optional<wire::CanarySchedule> TakeCanaries() override { return {}; }
  sensor::BatchSink Sink() override {
    return {.append = [this](const wire::DigestedBytes& batch) -> Result<> {
              ASSIGN_OR_RETURN([[maybe_unused]] const std::uint64_t index,
                               log_->Append(batch.bytes));
              return {};
            },
            .flush = [this] { return log_->Checkpoint(); }};
  }
  Result<> Finish(const std::string& /*reason*/) override { return log_->Close(); }

 private:
  std::unique_ptr<evidence::LogWriter> log_;
  const wire::RecordingId recording_id_ = wire::MakeRecordingId();
};

class CollectorDestination final : public Destination {
 public:
  explicit CollectorDestination(std::unique_ptr<sensor::Shipment> shipment)
      : shipment_(std::move(shipment)) {}

  wire::RecordingId recording_id() const override { return shipment_->recording_id(); }
  std::optional<wire::CanarySchedule> TakeCanaries() override { return shipment_->TakeCanaries(); }
  sensor::BatchSink Sink() override { return shipment_->Sink(); }
  Result<> Finish(const std::string& reason) override {
    Result<> finished = shipment_->Finish(reason, kLastShippingMax);
    const sensor::Shipment::Summary summary = shipment_->summary();
    std::string text = fmt::format("spoor record: {} frames acknowledged by a collector",
                                   summary.shipped.acknowledged_frames);
    if (summary.left.frame_count != 0) {
      text += fmt::format("; {} ({} bytes) wait in the spool for the next run",
                          summary.left.frame_count, summary.left.bytes);
    }
    if (summary.dropped.batch_count != 0) {
      text += fmt::format("; LOST, no room in the spool: {} batches, {} bytes",
                          summary.dropped.batch_count, summary.dropped.bytes);
    }
    if (summary.shipped.refused_frames != 0) {
      text += fmt::format("; LOST, refused: {} frames", summary.shipped.refused_frames);
    }
    PrintError("{}\n", text);
    return finished;
  }

 private:
  std::unique_ptr<sensor::Shipment> shipment_;
};

Result<std::unique_ptr<Destination>> OpenStore(const std::string& folder) {
  const StoreLayout layout{folder};
  ASSIGN_OR_RETURN(auto log, evidence::LogWriter::Open(
                                 {.folder = layout.evidence(), .key_file = layout.private_key()}));
  if (log->set_aside_bytes() != 0) {
    PrintError(
        "spoor record: an earlier recorder was cut off: {} bytes without a checkpoint are "
        "set aside in {}\n",
        log->set_aside_bytes(), layout.set_aside().string());
  }
  return std::make_unique<StoreDestination>(std::move(log));
}

Result<std::unique_ptr<Destination>> OpenCollector(const Destination::Options& options) {
  if (options.keys.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "--to {}: needs --keys, this host's keys (spoor keys enrol)", options.to);
  }
  sensor::Shipment::Options shipment_options{.collectors = {options.to},
                                             .identity = {options.keys},
                                             .host = options.host,
                                             .spool = {},
                                             .shipper = {}};
  shipment_options.collectors.insert(shipment_options.collectors.end(), options.fallbacks.begin(),
                                     options.fallbacks.end());
  shipment_options.spool.folder = options.spool.empty()
                                      ? std::filesystem::path(options.keys) / "spool"
                                      : std::filesystem::path(options.spool);
  shipment_options.spool.size_bytes_max = options.spool_bytes_max;
  shipment_options.shipper.bytes_per_second_max = options.bytes_per_second_max;
  shipment_options.canary_interval_ns = options.canary_interval_ns;
  shipment_options.shipper.narrate = [](const std::string& line) {
    PrintError("spoor record: {}\n", line);
  };
  ASSIGN_OR_RETURN(auto shipment, sensor::Shipment::Open(std::move(shipment_options)));
  const sensor::Shipment::Summary found = shipment->summary();
  if (found.cut_bytes != 0) {
    PrintError(
        "spoor record: {} bytes at the end of an earlier run's spool were torn or damaged "
        "and are gone\n",
        found.cut_bytes);
  }
  return std::make_unique<CollectorDestination>(std::move(shipment));
}

}  // namespace

void Destination::AddOptions(CLI::App& subcommand, Options& options) {
  const std::string group = "With --to https://HOST:PORT";
  subcommand.add_option("--keys", options.keys, "this host's keys (spoor keys enrol)")
      ->type_name("DIR")
      ->group(group);
  subcommand
      .add_option("--fallback", options.fallbacks,
                  "another collector, for while the first is away; may be repeated")
      ->type_name("https://HOST:PORT")
      ->expected(1)
      ->take_all()
      ->group(group);
  subcommand.add_option("--spool", options.spool, "where batches wait (the spool in --keys)")
      ->type_name("DIR")
      ->group(group);
  subcommand.add_option("--spool-max", options.spool_bytes_max, "at most that much waits")
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(false))
      ->default_str("1G")
      ->group(group);
  subcommand.add_option("--bandwidth", options.bytes_per_second_max, "at most that much a second")
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(false))
      ->group(group);
}

bool Destination::IsCollector(const std::string& to) {
  return to.starts_with("https://");
}

Result<std::unique_ptr<Destination>> Destination::Open(const Options& options) {
  if (IsCollector(options.to)) return OpenCollector(options);
  if (IsUrl(options.to)) {
    return Fail(ErrorCode::kUnsupported, "--to {}: must be a folder or https://HOST:PORT",
                options.to);
  }
  return OpenStore(options.to);
}

void Destination::MakeReady(const Options& options) {
  if (IsUrl(options.to)) return;  // the collector's store is elsewhere
  // Here and not at the first question, so that the first answer is quick. The evidence is safe
  // whatever comes of it, and every question tries again.
  if (const Result<> ingested = IngestNewEvidence(StoreLayout{options.to}); !ingested) {
    PrintError("spoor record: recorded, but not ready for questions yet: {}\n",
               ingested.error().message);
  }
  PrintError("spoor record: look with: spoor query --store {} --list\n", options.to);
}

}  // namespace spoor::programs
