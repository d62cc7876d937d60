// SPDX-License-Identifier: Apache-2.0
#include "importers/pcap/capture_source.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <utility>

#include "importers/compressed_source.hpp"
#include "importers/sebek/sebek_translator.hpp"
#include "packets/fingerprint_database.hpp"
#include "packets/flow_builder.hpp"

namespace spoor::importers {
namespace {

class CaptureSource : public event::EventSource {
 public:
  CaptureSource(const ImportOptions& options, bool is_sebek)
      : builder_(
            options.flows, options.sha256,
            [this](const packets::Flow& flow) { findings_->flows.push_back(SightingOf(flow)); },
            [this](const packets::FlowBuilder::Handshake& handshake) { TakeHandshake(handshake); }),
        sebek_finder_(is_sebek),
        sebek_(options) {
    if (options.fingerprint_database.empty()) return;
    auto database = packets::FingerprintDatabase::Parse(options.fingerprint_database);
    if (database) fingerprints_.emplace(*std::move(database));
  }

  Result<> Feed(std::span<const std::byte> bytes, event::Findings& findings) override {
    findings_ = &findings;
    const std::span data(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    return reader_.Feed(data, [&](const packets::CapturedPacket& packet) {
      NoteMalformed();
      builder_.Add(packet);
      if (const auto record = sebek_finder_.Find(packet)) sebek_.Take(*record, findings);
      ++packet_count_;
      NoteMalformed();
    });
  }

  Result<> Finish(event::Findings& findings) override {
    findings_ = &findings;
    RETURN_IF_ERROR(reader_.Finish());
    builder_.Finish();
    sebek_.Finish(findings);
    for (const packets::CaptureLoss& loss : reader_.losses()) {
      findings.losses.push_back(
          {.from_wall_ns = loss.from_wall_ns,
           .until_wall_ns = loss.until_wall_ns,
           .count = loss.count,
           .reason = fmt::format("{} packets passed that the capture could not keep, as its "
                                 "statistics say",
                                 loss.count)});
    }
    return {};
  }

  event::SourceCounts counts() const override {
    const bool at_the_end = MalformedCount() != 0 && first_malformed_ == 0;
    return {.record_count = packet_count_,
            .malformed_count = MalformedCount(),
            .first_malformed_record = at_the_end ? packet_count_ + 1 : first_malformed_,
            .not_decoded_count = builder_.counts().not_decoded};
  }

 private:
  /// What its SYN, or its answer to one, tells of a system.
  void TakeHandshake(const packets::FlowBuilder::Handshake& handshake) {
    if (!fingerprints_) return;
    const packets::Layer& segment = handshake.segment;
    constexpr std::uint8_t kEnding = packets::kTcpFin | packets::kTcpRst;
    if ((segment.tcp_flags & kEnding) != 0) return;
    const bool answer = (segment.tcp_flags & packets::kTcpAck) != 0;
    // The answer to a SYN that was not seen may be to anything.
    const packets::FlowSide& other =
        handshake.forward ? handshake.flow.destination : handshake.flow.source;
    if (answer && !other.syn) return;
    const auto seen = packets::SignatureOf(segment);
    const auto match =
        seen ? fingerprints_->Find(*seen, answer, answer ? other.segment_bytes_max : 0)
             : std::nullopt;
    if (!match) return;
    event::FingerprintSighting& fingerprint = findings_->fingerprints.emplace_back();
    fingerprint.ip = segment.ends.source.Text();
    fingerprint.os = match->os;
    fingerprint.method =
        fmt::format("p0f.fp {}{}{}", answer ? "syn+ack" : "syn", match->generic ? ", generic" : "",
                    match->fuzzy ? ", fuzzy" : "");
    fingerprint.wall_ns = handshake.wall_ns;
    fingerprint.flow = SightingOf(handshake.flow);
  }
  std::uint64_t MalformedCount() const {
    return reader_.counts().malformed + builder_.counts().malformed;
  }
  void NoteMalformed() {
    if (first_malformed_ == 0 && MalformedCount() != 0) {
      first_malformed_ = std::max<std::uint64_t>(packet_count_, 1);
    }
  }

  packets::CaptureReader reader_;
  event::Findings* findings_ = nullptr;  // during a call
  std::optional<packets::FingerprintDatabase> fingerprints_;
  packets::FlowBuilder builder_;
  SebekFinder sebek_finder_;
  SebekTranslator sebek_;
  std::uint64_t packet_count_ = 0, first_malformed_ = 0;
};

class PacketSource : public event::EventSource {
 public:
  explicit PacketSource(packets::CaptureReader::Visit visit) : visit_(std::move(visit)) {}
  Result<> Feed(std::span<const std::byte> bytes, event::Findings& /*findings*/) override {
    return reader_.Feed({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()},
                        visit_);
  }
  Result<> Finish(event::Findings& /*findings*/) override { return reader_.Finish(); }

 private:
  const packets::CaptureReader::Visit visit_;
  packets::CaptureReader reader_;
};

std::optional<std::uint16_t> PortOf(const packets::Ends& ends, std::uint16_t port) {
  // Of ICMP they are type and code.
  const bool icmp = ends.protocol == IPPROTO_ICMP || ends.protocol == IPPROTO_ICMPV6;
  return ends.has_ports && !icmp ? std::optional(port) : std::nullopt;
}

}  // namespace

event::FlowSighting SightingOf(const packets::Flow& flow) {
  const packets::Ends& ends = flow.ends;
  event::FlowSighting sighting;
  sighting.observer = "packets";
  sighting.key = flow.Key();
  sighting.ends = {.source_ip = ends.source.Text(),
                   .destination_ip = ends.destination.Text(),
                   .source_port = PortOf(ends, ends.source_port),
                   .destination_port = PortOf(ends, ends.destination_port),
                   .transport = flow.Transport()};
  sighting.begin_wall_ns = flow.begin_wall_ns;
  sighting.end_wall_ns = flow.end_wall_ns;
  sighting.source_packets = flow.source.packet_count;
  sighting.destination_packets = flow.destination.packet_count;
  sighting.source_bytes = flow.source.payload_bytes;
  sighting.destination_bytes = flow.destination.payload_bytes;
  sighting.source_frame_bytes = flow.source.frame_bytes;
  sighting.destination_frame_bytes = flow.destination.frame_bytes;
  if (flow.IsTcp()) {
    sighting.source_retransmitted_bytes = flow.source.retransmitted_bytes;
    sighting.destination_retransmitted_bytes = flow.destination.retransmitted_bytes;
    sighting.source_tcp_flags = flow.source.tcp_flags;
    sighting.destination_tcp_flags = flow.destination.tcp_flags;
  }
  sighting.icmp_error_count = flow.icmp_error_count;
  sighting.state = flow.State();
  sighting.community_id = flow.CommunityId();
  if (flow.conversation != nullptr) {
    sighting.application = flow.conversation->application();
    sighting.server_name = flow.conversation->server_name();
    sighting.client_fingerprint = flow.conversation->client_fingerprint();
  }
  return sighting;
}

std::unique_ptr<event::EventSource> MakePacketSource(packets::CaptureReader::Visit visit) {
  return MakeCompressedSource(std::make_unique<PacketSource>(std::move(visit)));
}

std::unique_ptr<event::EventSource> MakeCaptureSource(const ImportOptions& options) {
  return std::make_unique<CaptureSource>(options, false);
}

std::unique_ptr<event::EventSource> MakeSebekCaptureSource(const ImportOptions& options) {
  return std::make_unique<CaptureSource>(options, true);
}

}  // namespace spoor::importers
