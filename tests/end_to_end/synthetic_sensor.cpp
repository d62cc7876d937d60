// SPDX-License-Identifier: Apache-2.0
// A sensor without a kernel half: seals and ships what it makes up, through the same code as
// `spoor record --to https://…`. Prints "recording ID" and, each time some are safe, nothing else:
// what counts is what the collector's store holds in the end.
#include <openssl/rand.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "base/check.hpp"
#include "base/time.hpp"
#include "sensor/shipment.hpp"
#include "wire/batch_sealer.hpp"

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
  std::uint64_t last_shipping_ms = 30000;
};

Result<> Run(const Options& options) {
  spoor::sensor::Shipment::Options shipment_options{.collectors = options.collectors,
                                                    .identity = {options.keys},
                                                    .host = "synthetic",
                                                    .spool = {},
                                                    .shipper = {}};
  shipment_options.spool.folder = std::filesystem::path(options.keys) / "spool";
  shipment_options.spool.size_bytes_max = options.spool_bytes_max;
  shipment_options.shipper.bytes_per_second_max = options.bandwidth;
  shipment_options.shipper.narrate = [](const std::string& line) {
    fmt::print(stderr, "{}\n", line);
  };
  ASSIGN_OR_RETURN(const auto shipment, spoor::sensor::Shipment::Open(std::move(shipment_options)));
  const spoor::sensor::BatchSink sink = shipment->Sink();
  const spoor::wire::RecordingId id = spoor::wire::MakeRecordingId();
  fmt::print("recording {}\n", spoor::wire::FormatRecordingId(id));
  std::fflush(stdout);
  spoor::wire::BatchSealer sealer(id, sink.append);
  const auto seal = [&sealer](spoor::wire::BatchKind kind,
                              std::span<const std::byte> payload) -> Result<> {
    const std::uint64_t boot_ns = spoor::BootNow();
    return sealer.Seal(kind, payload, {boot_ns, spoor::WallNow(), boot_ns});
  };
  RETURN_IF_ERROR(seal(spoor::wire::BatchKind::kRecordingOpen, spoor::AsBytes(R"({"format":1})")));
  // Noise, so that nothing of its size is lost to compression.
  std::vector<std::byte> payload(options.batch_bytes);
  for (std::uint64_t i = 0; i < options.batch_count; ++i) {
    SPOOR_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(payload.data()),
                           static_cast<int>(payload.size())) == 1)
        << "no random numbers";
    RETURN_IF_ERROR(seal(spoor::wire::BatchKind::kImportData, payload));
    const timespec interval{static_cast<time_t>(options.interval_us / 1'000'000),
                            static_cast<long>(options.interval_us % 1'000'000 * 1000)};
    if (options.interval_us != 0) nanosleep(&interval, nullptr);
  }
  RETURN_IF_ERROR(
      seal(spoor::wire::BatchKind::kRecordingClose, spoor::AsBytes(R"({"reason":"done"})")));
  RETURN_IF_ERROR(shipment->Finish("done", std::chrono::milliseconds(options.last_shipping_ms)));
  const spoor::sensor::Shipment::Summary summary = shipment->summary();
  fmt::print("acknowledged {} left {} dropped {} refused {}\n", summary.shipped.acknowledged_frames,
             summary.left.frame_count, summary.dropped.batch_count, summary.shipped.refused_frames);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App application{"Seals and ships batches of noise"};
  Options options;
  application.add_option("--to", options.collectors)->required();
  application.add_option("--keys", options.keys)->required();
  application.add_option("--batches", options.batch_count);
  application.add_option("--bytes", options.batch_bytes);
  application.add_option("--interval-us", options.interval_us);
  application.add_option("--spool-max", options.spool_bytes_max);
  application.add_option("--bandwidth", options.bandwidth);
  application.add_option("--last-shipping-ms", options.last_shipping_ms);
  CLI11_PARSE(application, argc, argv);
  const Result<> ran = Run(options);
  if (ran) return 0;
  fmt::print(stderr, "synthetic_sensor: {}\n", ran.error().message);
  return 5;
}
