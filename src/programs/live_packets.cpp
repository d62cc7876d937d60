// SPDX-License-Identifier: Apache-2.0
#include "programs/live_packets.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "programs/print.hpp"
#include "wire/batch_sealer.hpp"

namespace spoor::programs {
namespace {

void Narrate(const std::string& interface, const std::string& what) {
  PrintError("spoor record: packets of {}: {}\n", interface, what);
}

std::string WordsOf(const capture::CaptureRecorder::Summary& summary) {
  std::string words = fmt::format("{} packets", summary.packet_count);
  if (summary.own_packet_count != 0) {
    words += fmt::format(", and {} of the connection to the collector, left out",
                         summary.own_packet_count);
  }
  const std::uint64_t lost = summary.counts.dropped + summary.counts.missed;
  if (lost == 0) return words + "; the kernel dropped none";
  return words + fmt::format("; LOST: {}", lost);
}

}  // namespace

void LivePackets::AddOptions(CLI::App& subcommand, Options& options) {
  const std::string group = "With --packets";
  subcommand
      .add_option("--packets", options.interfaces,
                  "also record the packets of this interface; may be repeated")
      ->type_name("IFACE")
      ->expected(1)
      ->allow_extra_args(false)  // or it takes the "--" before a command for its own end
      ->take_all();
  subcommand
      .add_option("--packets-filter", options.filter,
                  "only packets that this filter lets through, as tcpdump takes it")
      ->type_name("FILTER")
      ->group(group);
  subcommand
      .add_option("--packets-snaplen", options.snapshot_bytes,
                  "at most so many bytes of each packet (all)")
      ->type_name("BYTES")
      ->check(CLI::Range(64u, 262144u))
      ->group(group);
  subcommand
      .add_option("--packets-buffer", options.buffer_bytes,
                  "of the kernel, for packets that wait for the recorder")
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(false))
      ->default_str("16M")
      ->group(group);
  AddFlowOptions(subcommand, options.flows);
}

Result<std::unique_ptr<LivePackets>> LivePackets::Open(const Options& options) {
  std::unique_ptr<LivePackets> packets(new LivePackets());
  packets->options_ = options;
  ASSIGN_OR_RETURN(packets->timeouts_, FlowTimeoutsOf(options.flows));
  if (options.interfaces.empty()) return packets;
  ASSIGN_OR_RETURN(packets->fingerprint_database_, FingerprintDatabaseOf(options.flows));
  if (packets->fingerprint_database_.empty()) {
    PrintError("spoor record: {}\n", NoFingerprintsText());
  }
  for (const std::string& name : options.interfaces) {
    if (std::ranges::count(options.interfaces, name) > 1) {
      return Fail(ErrorCode::kInvalidArgument, "--packets {}: given twice", name);
    }
    auto interface = std::make_unique<Interface>();
    interface->name = name;
    ASSIGN_OR_RETURN(interface->source,
                     capture::LiveSource::Open({.interface = name,
                                                .filter = options.filter,
                                                .snapshot_bytes = options.snapshot_bytes,
                                                .buffer_bytes = options.buffer_bytes}));
    packets->interfaces_.push_back(std::move(interface));
  }
  return packets;
}

http::BeforeConnect LivePackets::NotesConnections() {
  if (interfaces_.empty()) return {};
  // The one that is noted may be made on a thread of a destination, which goes after this.
  return [own = own_](int socket, const sockaddr& to) { own->Note(socket, to); };
}

void LivePackets::Start(Destination& destination, const std::string& host) {
  for (const std::unique_ptr<Interface>& interface : interfaces_) {
    ingest::ImportDescription description;
    description.kind = "pcap";
    description.file = interface->name;
    description.host = host;
    description.captured =
        ingest::CapturedInterface{.name = interface->name,
                                  .filter = options_.filter,
                                  .snapshot_bytes = options_.snapshot_bytes,
                                  .beside = wire::FormatRecordingId(destination.recording_id())};
    description.flow_timeouts = timeouts_;
    description.fingerprint_database = fingerprint_database_;
    StartOne(*interface, destination, ingest::ImportDescriptionJson(description));
  }
}

void LivePackets::StartOne(Interface& interface, Destination& destination,
                           const std::string& description) {
  capture::CaptureTarget target;
  target.begin = [&interface, &destination]() -> Result<capture::CaptureTarget::Recording> {
    ASSIGN_OR_RETURN(interface.destination, destination.Beside(interface.name));
    return capture::CaptureTarget::Recording{interface.destination->recording_id(),
                                             interface.destination->Sink()};
  };
  target.end = [&interface](const std::string& reason, bool last) -> Result<> {
    const std::unique_ptr<Destination> ended = std::move(interface.destination);
    const Result<> finished = ended->Finish(reason, last);
    if (const Destination::Kept kept = ended->Judge(); !kept.words.empty()) {
      Narrate(interface.name, kept.words);
    }
    return finished;
  };
  interface.recorder = std::make_unique<capture::CaptureRecorder>(
      std::move(interface.source), std::move(target),
      capture::CaptureRecorderOptions{
          .interface = {.link_type = 0,
                        .name = interface.name,
                        .filter = options_.filter,
                        .snapshot_bytes = options_.snapshot_bytes},
          .description = description,
          .is_own = [own =
                         own_](const packets::CapturedPacket& packet) { return own->Owns(packet); },
          .failed =
              [name = interface.name](const Error& error) {
                Narrate(name, "NOT captured any more: " + error.message);
              }});
}

Result<> LivePackets::Finish(const std::string& reason) {
  Result<> failed;
  for (const std::unique_ptr<Interface>& interface : interfaces_) {
    if (interface->recorder == nullptr) continue;
    const auto summary = interface->recorder->Finish(reason);
    if (summary) Narrate(interface->name, WordsOf(*summary));
    if (!summary && failed) failed = tl::unexpected<Error>(summary.error());
    interface->recorder.reset();
  }
  return failed;
}

}  // namespace spoor::programs
