// SPDX-License-Identifier: Apache-2.0
#include "ingest/network_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/saturating.hpp"
#include "base/stable_id.hpp"
#include "event/community_id.hpp"
#include "event/event.hpp"

namespace spoor::ingest {
namespace {

/// Of a source that does not name its flows: what it says of the same ends is of two conversations
/// when it is further apart.
constexpr std::int64_t kSpellNs = 300'000'000'000;
constexpr std::size_t kMentionedMax = 1 << 18;

/// Of who only mentions a flow: anybody's record of it tells better who began.
constexpr std::int64_t kMentionRevision = std::numeric_limits<std::int64_t>::max();

using Sighting = event::FlowSighting;
constexpr std::array kCounted{&Sighting::source_packets,
                              &Sighting::destination_packets,
                              &Sighting::source_bytes,
                              &Sighting::destination_bytes,
                              &Sighting::source_frame_bytes,
                              &Sighting::destination_frame_bytes,
                              &Sighting::source_retransmitted_bytes,
                              &Sighting::destination_retransmitted_bytes,
                              &Sighting::icmp_error_count};

std::uint16_t ProtocolOf(std::string_view transport) {
  if (transport == "tcp") return 6;
  if (transport == "udp") return 17;
  if (transport == "sctp") return 132;
  return 0;
}

std::optional<std::int64_t> Count(const std::optional<std::uint64_t>& count) {
  return count ? std::optional(schema::AtMostMax(*count)) : std::nullopt;
}

}  // namespace

void NetworkRows::See(std::int64_t wall_ns) {
  first_wall_ns_ = has_span_ ? std::min(first_wall_ns_, wall_ns) : wall_ns;
  last_wall_ns_ = has_span_ ? std::max(last_wall_ns_, wall_ns) : wall_ns;
  has_span_ = true;
}

void NetworkRows::Take(const event::Findings& findings, std::int64_t revision) {
  revision_ = revision;
  for (const event::FlowSighting& flow : findings.flows) TakeFlow(flow);
  for (const event::AlertSighting& alert : findings.alerts) TakeAlert(alert);
  for (const event::FingerprintSighting& fingerprint : findings.fingerprints) {
    TakeFingerprint(fingerprint);
  }
  for (const event::LogLine& line : findings.log_lines) TakeLogLine(line);
  if (mentioned_.size() >= kMentionedMax) Flush();
}

void NetworkRows::TakeFlow(const event::FlowSighting& told) {
  auto [flow, spell] = Named(told);
  if (spell != nullptr) {
    // The record is of a part of the conversation.
    for (std::size_t i = 0; i < kCounted.size(); ++i) {
      std::optional<std::uint64_t>& count = flow.*kCounted[i];
      if (count) spell->counts[i] = SaturatingAdd(spell->counts[i].value_or(0), *count);
      count = spell->counts[i];
    }
  }
  const std::int64_t flow_id = event::FlowId(host_, flow);
  // The record of the flow tells who began, which an alert of one packet does not.
  mentioned_.erase(flow_id);
  WriteFlow(flow, flow_id, std::max(flow.end_wall_ns, std::int64_t{0}));
}

NetworkRows::NamedFlow NetworkRows::Named(event::FlowSighting flow) {
  if (!flow.key.empty()) return {std::move(flow)};
  const auto end = [](const std::string& ip, const std::optional<std::uint16_t>& port) {
    return fmt::format("{} {}", ip, port ? fmt::format("{}", *port) : "-");
  };
  event::FlowEnds& ends = flow.ends;
  std::string source = end(ends.source_ip, ends.source_port);
  std::string destination = end(ends.destination_ip, ends.destination_port);
  const bool ordered = source <= destination;
  if (spells_.size() >= kMentionedMax) spells_.clear();
  const Spell now{flow.begin_wall_ns, flow.end_wall_ns, ordered, {}};
  const auto [found, made] = spells_.try_emplace(
      fmt::format("{} {} {} {}", flow.observer, ends.transport, ordered ? source : destination,
                  ordered ? destination : source),
      now);
  Spell& spell = found->second;
  if (!made && SaturatingSub(flow.begin_wall_ns, spell.last_wall_ns) > kSpellNs) spell = now;
  spell.last_wall_ns = std::max(spell.last_wall_ns, flow.end_wall_ns);
  flow.key = fmt::format("from {}", spell.first_wall_ns);
  if (ordered != spell.ordered) {
    // What was said first tells who began; this is the way back.
    std::swap(ends.source_ip, ends.destination_ip);
    std::swap(ends.source_port, ends.destination_port);
    std::swap(flow.source_packets, flow.destination_packets);
    std::swap(flow.source_bytes, flow.destination_bytes);
    std::swap(flow.source_frame_bytes, flow.destination_frame_bytes);
  }
  return {std::move(flow), &spell};
}

void NetworkRows::WriteFlow(const event::FlowSighting& flow, std::int64_t flow_id,
                            std::int64_t revision) {
  See(flow.begin_wall_ns);
  See(flow.end_wall_ns);
  std::string community_id = flow.community_id;
  if (community_id.empty()) {
    const std::uint16_t protocol = ProtocolOf(flow.ends.transport);
    if (protocol != 0) {
      community_id = event::CommunityId(protocol, flow.ends.source_ip, flow.ends.source_port,
                                        flow.ends.destination_ip, flow.ends.destination_port);
    }
  }
  rows_.Append(schema::FlowRow{
      .flow_id = flow_id,
      .host_id = event::HostId(host_),
      .observer = flow.observer,
      .source_ip = flow.ends.source_ip,
      .source_port = flow.ends.source_port,
      .destination_ip = flow.ends.destination_ip,
      .destination_port = flow.ends.destination_port,
      .transport = flow.ends.transport,
      .application = schema::NotEmpty(flow.application),
      .begin_wall_ns = flow.begin_wall_ns,
      .end_wall_ns = flow.end_wall_ns,
      .source_packets = Count(flow.source_packets),
      .destination_packets = Count(flow.destination_packets),
      .source_bytes = Count(flow.source_bytes),
      .destination_bytes = Count(flow.destination_bytes),
      .source_frame_bytes = Count(flow.source_frame_bytes),
      .destination_frame_bytes = Count(flow.destination_frame_bytes),
      .source_retransmitted_bytes = Count(flow.source_retransmitted_bytes),
      .destination_retransmitted_bytes = Count(flow.destination_retransmitted_bytes),
      .source_tcp_flags = Count(flow.source_tcp_flags),
      .destination_tcp_flags = Count(flow.destination_tcp_flags),
      .icmp_error_count = Count(flow.icmp_error_count),
      .server_name = schema::NotEmpty(flow.server_name),
      .client_fingerprint = schema::NotEmpty(flow.client_fingerprint),
      .state = schema::NotEmpty(flow.state),
      .community_id = schema::NotEmpty(community_id),
      .connection_id = std::nullopt,
      .direction = std::nullopt,
      .begin_boot_ns = std::nullopt,
      .recording_id = recording_id_,
      .revision = revision,
  });
}

std::int64_t NetworkRows::Mention(const event::FlowSighting& told) {
  if (!told.ends.known()) return 0;
  const event::FlowSighting flow = Named(told).flow;
  const std::int64_t flow_id = event::FlowId(host_, flow);
  const auto [found, made] = mentioned_.try_emplace(flow_id, flow);
  if (!made) {
    event::FlowSighting& known = found->second;
    known.begin_wall_ns = std::min(known.begin_wall_ns, flow.begin_wall_ns);
    known.end_wall_ns = std::max(known.end_wall_ns, flow.end_wall_ns);
    if (known.application.empty()) known.application = flow.application;
    if (known.community_id.empty()) known.community_id = flow.community_id;
  }
  return flow_id;
}

void NetworkRows::TakeAlert(const event::AlertSighting& alert) {
  See(alert.wall_ns);
  const std::int64_t flow_id = Mention(alert.flow);
  const std::int64_t alert_id = event::AlertId(host_, alert);
  std::string_view reason = "the alert names its flow; no process was looked for yet";
  if (flow_id == 0) {
    reason = "the alert names no two addresses";
  } else if (alert.flow.key.empty()) {
    reason = "the flow has the ends that the alert names; no process was looked for yet";
  }
  rows_.Append(schema::AlertRow{
      .alert_id = alert_id,
      .source = alert.source,
      .generator_id = Count(alert.generator_id),
      .signature_id = Count(alert.signature_id),
      .signature = alert.signature,
      .priority = Count(alert.priority),
      .classification = schema::NotEmpty(alert.classification),
      .wall_ns = alert.wall_ns,
      .flow_id = schema::NotZero(flow_id),
      .process_id = std::nullopt,
      .confidence = flow_id == 0 ? 0.0 : 1.0,
      .reason = reason,
      .revision = revision_,
  });
  RepeatCounter repeats;
  for (const event::AlertPacket& packet : alert.packets) {
    const std::uint64_t repeat =
        repeats.Count(fmt::format("{} {}", packet.wall_ns.value_or(-1), packet.data));
    rows_.Append(schema::AlertPacketRow{.alert_id = alert_id,
                                        .wall_ns = packet.wall_ns,
                                        .data = schema::Bytes{packet.data},
                                        .repeat = schema::AtMostMax(repeat)});
  }
}

void NetworkRows::TakeFingerprint(const event::FingerprintSighting& fingerprint) {
  See(fingerprint.wall_ns);
  const std::uint64_t repeat = fingerprint_repeats_.Count(
      static_cast<std::uint64_t>(StableIdBuilder("fingerprint")
                                     .Add(fingerprint.ip)
                                     .Add(fingerprint.os)
                                     .Add(fingerprint.method)
                                     .Add(static_cast<std::uint64_t>(fingerprint.wall_ns))
                                     .Build()));
  rows_.Append(schema::FingerprintRow{
      .ip = fingerprint.ip,
      .os = fingerprint.os,
      .method = fingerprint.method,
      .wall_ns = fingerprint.wall_ns,
      .repeat = schema::AtMostMax(repeat),
      .flow_id = schema::NotZero(Mention(fingerprint.flow)),
  });
}

void NetworkRows::TakeLogLine(const event::LogLine& line) {
  if (line.wall_ns) See(*line.wall_ns);
  const std::string& host = line.host.empty() ? host_ : line.host;
  const std::int64_t host_id = event::HostId(host);
  if (hosts_.size() >= kMentionedMax) hosts_.clear();
  if (hosts_.insert(host_id).second) {
    rows_.Append(schema::HostRow{.host_id = host_id, .name = host});
  }
  const std::uint64_t repeat = line_repeats_.Count(
      static_cast<std::uint64_t>(StableIdBuilder("log line")
                                     .Add(line.source)
                                     .Add(host)
                                     .Add(line.wall_ns ? 1 : 0)
                                     .Add(static_cast<std::uint64_t>(line.wall_ns.value_or(0)))
                                     .Add(line.program)
                                     .Add(line.message)
                                     .Build()));
  rows_.Append(schema::LogLineRow{
      .source = line.source,
      .host_id = host_id,
      .wall_ns = line.wall_ns,
      .program = schema::NotEmpty(line.program),
      .message = line.message,
      .repeat = schema::AtMostMax(repeat),
  });
}

void NetworkRows::Flush() {
  for (const auto& [flow_id, flow] : mentioned_) WriteFlow(flow, flow_id, kMentionRevision);
  mentioned_.clear();
}

}  // namespace spoor::ingest
