// SPDX-License-Identifier: Apache-2.0
#include "programs/destination.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <mutex>

#include "base/store_layout.hpp"
#include "evidence/log.hpp"
#include "evidence/tile_path.hpp"
#include "programs/open_store.hpp"
#include "programs/print.hpp"
#include "sensor/shipment.hpp"

namespace spoor::programs {
namespace {

// How long a recording that ended waits for the collector to take the rest.
constexpr std::chrono::milliseconds kLastShippingMax{30'000};

constexpr std::size_t kPublicKeyBytesMax = 4096;

// The names in a folder; none where there is no folder.
Result<std::vector<std::string>> NamesIn(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  if (error == std::errc::no_such_file_or_directory) return names;
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  if (error) return Fail(ErrorCode::kIo, "{}: {}", folder.string(), error.message());
  return names;
}

bool IsUrl(const std::string& to) {
  return to.find("://") != std::string::npos;
}

/// Several recordings may be written to one log at once.
struct SharedLog {
  std::mutex mutex;
  std::unique_ptr<evidence::LogWriter> log;

  sensor::BatchSink Sink() {
    return {.append = [this](const wire::DigestedBytes& batch) -> Result<> {
              const std::lock_guard lock(mutex);
              ASSIGN_OR_RETURN([[maybe_unused]] const std::uint64_t index,
                               log->Append(batch.bytes));
              return {};
            },
            .flush = [this]() -> Result<> {
              const std::lock_guard lock(mutex);
              return log->Checkpoint();
            }};
  }
};

/// Whose log another destination opened, closes and judges.
class DestinationInStore final : public Destination {
 public:
  explicit DestinationInStore(SharedLog& log) : log_(log) {}
  wire::RecordingId recording_id() const override { return recording_id_; }
  Result<std::unique_ptr<Destination>> Beside(const std::string& /*interface*/) override {
    return std::make_unique<DestinationInStore>(log_);
  }
  std::optional<wire::CanarySchedule> TakeCanaries() override { return {}; }
  sensor::BatchSink Sink() override { return log_.Sink(); }
  Result<> Finish(const std::string& /*reason*/, bool /*waits*/) override { return {}; }
  Kept Judge() const override { return {.whole = true, .words = {}}; }

 private:
  SharedLog& log_;
  const wire::RecordingId recording_id_ = wire::MakeRecordingId();
};

class StoreDestination final : public Destination {
 public:
  StoreDestination(StoreLayout layout, std::string public_key,
                   std::unique_ptr<evidence::LogWriter> log)
      : layout_(std::move(layout)), public_key_(std::move(public_key)), first_entry_(log->size()) {
    shared_.log = std::move(log);
  }

  wire::RecordingId recording_id() const override { return recording_id_; }
  std::optional<wire::CanarySchedule> TakeCanaries() override { return {}; }
  Result<std::unique_ptr<Destination>> Beside(const std::string& /*interface*/) override {
    return std::make_unique<DestinationInStore>(shared_);
  }
  sensor::BatchSink Sink() override { return shared_.Sink(); }
  Result<> Finish(const std::string& /*reason*/, bool /*waits*/) override {
    return shared_.log->Close();
  }

  // A write that was acknowledged tells nothing of a folder that somebody removed since: the
  // entries of this recording are read again, under the key that they were signed with.
  Kept Judge() const override {
    const std::string folder = layout_.root.string();
    const std::uint64_t appended_count = shared_.log->size() - first_entry_;
    const Result<std::uint64_t> read = ReadAgain();
    if (!read) return {.words = fmt::format("NOT in {}: {}", folder, read.error().message)};
    if (*read == appended_count) {
      return {.whole = true, .words = fmt::format("all of it was read again in {}", folder)};
    }
    if (*read == 0) return {.words = fmt::format("nothing of it is in {}", folder)};
    return {.words =
                fmt::format("its first {} batches are in {} and were read again", *read, folder)};
  }

 private:
  /// How many entries of this recording there are.
  Result<std::uint64_t> ReadAgain() const {
    ASSIGN_OR_RETURN(const auto reader, evidence::LogReader::Open(layout_.evidence(), public_key_));
    RETURN_IF_ERROR(reader->ForEach(
        first_entry_, [](std::uint64_t, std::span<const std::byte>) { return Result<>(); }));
    return reader->size() - first_entry_;
  }

  const StoreLayout layout_;
  const std::string public_key_;
  SharedLog shared_;
  const std::uint64_t first_entry_;
  const wire::RecordingId recording_id_ = wire::MakeRecordingId();
};

class CollectorDestination final : public Destination {
 public:
  CollectorDestination(std::unique_ptr<sensor::Shipment> shipment, Options options)
      : shipment_(std::move(shipment)), options_(std::move(options)) {}

  wire::RecordingId recording_id() const override { return shipment_->recording_id(); }
  std::optional<wire::CanarySchedule> TakeCanaries() override { return shipment_->TakeCanaries(); }
  Result<std::unique_ptr<Destination>> Beside(const std::string& interface) override;
  sensor::BatchSink Sink() override { return shipment_->Sink(); }
  Result<> Finish(const std::string& reason, bool waits) override {
    return shipment_->Finish(reason, waits ? kLastShippingMax : std::chrono::milliseconds{0});
  }

  Kept Judge() const override {
    const sensor::Shipment::Summary summary = shipment_->summary();
    Kept kept{.whole = true, .words = {}};
    kept.words =
        fmt::format("{} frames acknowledged by a collector", summary.shipped.acknowledged_frames);
    if (summary.left.frame_count != 0) {
      kept.words +=
          fmt::format("; {} ({} bytes) NOT acknowledged yet, in the spool for the next run",
                      summary.left.frame_count, summary.left.bytes);
      kept.whole = false;
    }
    if (summary.dropped.batch_count != 0) {
      kept.words += fmt::format("; LOST, no room in the spool: {} batches, {} bytes",
                                summary.dropped.batch_count, summary.dropped.bytes);
      kept.whole = false;
    }
    if (summary.shipped.refused_frames != 0) {
      kept.words += fmt::format("; LOST, refused: {} frames", summary.shipped.refused_frames);
      kept.whole = false;
    }
    return kept;
  }

 private:
  std::unique_ptr<sensor::Shipment> shipment_;
  const Options options_;
};

// A folder that holds something else is left alone: a store would be strewn among it, and what lies
// in a folder of a store's name be moved or taken for the store's own.
Result<> CheckMayBeStore(const StoreLayout& layout) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(layout.root));
  if (names.empty()) return {};
  const bool has_log =
      std::ranges::find(names, layout.evidence().filename().string()) != names.end();
  ASSIGN_OR_RETURN(const std::vector<std::string> logged, NamesIn(layout.evidence()));
  const auto begins_as_checkpoint = [](const std::string& name) {
    return name.find(evidence::kCheckpointName) != std::string::npos;
  };
  std::error_code error;
  // The first recorder may have been killed before the first checkpoint had its name.
  if (has_log &&
      (std::filesystem::is_regular_file(layout.evidence() / evidence::kCheckpointName, error) ||
       std::ranges::all_of(logged, begins_as_checkpoint))) {
    return {};
  }
  return Fail(ErrorCode::kInvalidArgument, "{}: holds something, but no store; nothing was written",
              layout.root.string());
}

Result<std::unique_ptr<Destination>> OpenStore(const std::string& folder) {
  const StoreLayout layout{folder};
  RETURN_IF_ERROR(CheckMayBeStore(layout));
  ASSIGN_OR_RETURN(auto log, evidence::LogWriter::Open(
                                 {.folder = layout.evidence(), .key_file = layout.private_key()}));
  if (log->set_aside_bytes() != 0) {
    PrintError(
        "spoor record: an earlier recorder was cut off: {} bytes without a checkpoint are "
        "set aside in {}\n",
        log->set_aside_bytes(), layout.set_aside().string());
  }
  ASSIGN_OR_RETURN(std::string public_key, ReadTextFile(layout.public_key(), kPublicKeyBytesMax));
  return std::make_unique<StoreDestination>(layout, std::move(public_key), std::move(log));
}

std::filesystem::path SpoolOf(const Destination::Options& options) {
  return options.spool.empty() ? std::filesystem::path(options.keys) / "spool"
                               : std::filesystem::path(options.spool);
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
  shipment_options.interface = options.interface;
  shipment_options.before_connect = options.before_connect;
  shipment_options.spool.folder = SpoolOf(options);
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
  return std::make_unique<CollectorDestination>(std::move(shipment), options);
}

// A chain has one recording, so that packets have one of their own, and a spool.
Result<std::unique_ptr<Destination>> CollectorDestination::Beside(const std::string& interface) {
  Options beside = options_;
  beside.interface = interface;
  beside.canary_interval_ns = 0;
  std::string name = interface;
  std::ranges::replace_if(
      name, [](unsigned char c) { return std::isalnum(c) == 0 && c != '-'; }, '_');
  beside.spool = SpoolOf(options_).string() + "-packets-" + name;
  return OpenCollector(beside);
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
