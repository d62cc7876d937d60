// SPDX-License-Identifier: Apache-2.0
// A flow is what went between a socket and one other end. Over TCP it begins when both ends are
// known, be it that the attempt fails; otherwise with the first bytes: connecting a datagram socket
// asks for a route and sends nothing. Who began it: the other side when the socket was accepted,
// this side when it was connected; otherwise (a socket that was open before us, UDP) the side that
// was not waiting on a bound or listening port.
#include "ingest/sockets.hpp"

#include <netinet/in.h>

#include <cerrno>

#include "base/saturating.hpp"
#include "base/stable_id.hpp"
#include "event/community_id.hpp"

namespace spoor::ingest {
namespace {

using event::EventKind;
using event::SocketInfo;

constexpr std::size_t kWaitingEndsMax = 1 << 16;

bool IsInternet(const SocketInfo& info) {
  return info.family == "inet" || info.family == "inet6";
}

std::uint16_t Protocol(const SocketInfo& info) {
  if (info.protocol != 0) return info.protocol;
  if (info.type == "stream") return IPPROTO_TCP;
  return info.type == "dgram" ? IPPROTO_UDP : 0;
}

/// Protocols whose ends are addresses alone.
bool HasNoPorts(const SocketInfo& info) {
  return info.type == "raw" || Protocol(info) == IPPROTO_ICMP || Protocol(info) == IPPROTO_ICMPV6;
}

bool HasRemoteEnd(const SocketInfo& info) {
  return IsInternet(info) && !info.remote_ip.empty() && (info.remote_port != 0 || HasNoPorts(info));
}

bool HasBothEnds(const SocketInfo& info) {
  return HasRemoteEnd(info) && (!info.local_ip.empty() || HasNoPorts(info));
}

std::string RemoteKey(const SocketInfo& info) {
  return fmt::format("{} {}", info.remote_ip, info.remote_port);
}

/// connect that succeeded or goes on: from now on the socket has this other end, or none.
bool Connects(const event::Event& event) {
  return event.kind == EventKind::kConnect && (event.result >= 0 || event.result == -EINPROGRESS);
}

/// connect that came to nothing. A second call on a socket that has an end already says nothing of
/// it.
bool FailsToConnect(const event::Event& event) {
  return event.kind == EventKind::kConnect && event.result < 0 && event.result != -EINPROGRESS &&
         event.result != -EISCONN && event.result != -EALREADY;
}

std::string EndsKey(const SocketInfo& info, bool reversed) {
  const std::string local = fmt::format("{}:{}", info.local_ip, info.local_port);
  const std::string remote = fmt::format("{}:{}", info.remote_ip, info.remote_port);
  return fmt::format("{} {} {} {}", info.netns, info.type, reversed ? remote : local,
                     reversed ? local : remote);
}

std::string Transport(const SocketInfo& info) {
  switch (Protocol(info)) {
    case IPPROTO_TCP:
      return "tcp";
    case IPPROTO_UDP:
      return "udp";
    case IPPROTO_ICMP:
      return "icmp";
    case IPPROTO_ICMPV6:
      return "icmp6";
    default:
      return fmt::format("{}", Protocol(info));
  }
}

/// Takes over what the event knows; a field it does not know keeps its value.
bool Update(SocketInfo& known, const event::Event& event) {
  const SocketInfo& info = *event.socket;
  const SocketInfo before = known;
  if (info.netns != 0) known.netns = info.netns;
  if (!info.family.empty()) known.family = info.family;
  if (!info.type.empty()) known.type = info.type;
  if (info.protocol != 0) known.protocol = info.protocol;
  if (!info.local_ip.empty()) known.local_ip = info.local_ip;
  if (info.local_port != 0) known.local_port = info.local_port;
  // A datagram socket that is not connected names another end with every message: the first stays.
  const bool first_end = known.remote_port == 0 || Protocol(known) == IPPROTO_TCP;
  if (Connects(event) || (first_end && !FailsToConnect(event) && HasRemoteEnd(info))) {
    const bool has_end = HasRemoteEnd(info);  // AF_UNSPEC leaves an address behind, and no port
    known.remote_ip = has_end ? info.remote_ip : "";
    known.remote_port = has_end ? info.remote_port : std::uint16_t{0};
  }
  if (!info.unix_path.empty()) known.unix_path = info.unix_path;
  if (info.peer_inode != 0) known.peer_inode = info.peer_inode;
  if (!info.state.empty()) known.state = info.state;
  // The state of a TCP connection has no column: a flow tells what became of it.
  SocketInfo shown = known;
  shown.state = before.state;
  return !(shown == before);
}

/// The pair of ends that it had is another socket's from now on.
void ForgetEnds(HostState& host, std::int64_t object_id, const SocketInfo& before) {
  const auto ends = host.socket_ends.find(EndsKey(before, false));
  if (ends != host.socket_ends.end() && ends->second == object_id) host.socket_ends.erase(ends);
}

void FindPeer(HostState& host, ObjectState& object) {
  SocketState& socket = *object.socket;
  if (socket.info.peer_inode != 0) {
    event::ObjectKey peer = object.key;
    peer.inode = socket.info.peer_inode;
    PairSockets(host, object.object_id, event::ObjectId(host.host, *host.boot_id, peer));
  }
  if (!HasBothEnds(socket.info) || socket.direction == "listening") return;
  const auto peer = host.socket_ends.find(EndsKey(socket.info, true));
  if (peer != host.socket_ends.end() && peer->second != object.object_id) {
    PairSockets(host, object.object_id, peer->second);
    // Both were found: who has these addresses later is another connection.
    host.socket_ends.erase(peer);
    host.socket_ends.erase(EndsKey(socket.info, false));
    return;
  }
  if (socket.peer_object_id != 0) return;
  // The other end of most is on another machine. Of two on this one, the second follows soon.
  if (host.socket_ends.size() >= kWaitingEndsMax) host.socket_ends.clear();
  host.socket_ends[EndsKey(socket.info, false)] = object.object_id;
}

void SetDirection(SocketState& socket, const event::Event& event) {
  const bool begun = event.result >= 0 || event.result == -EINPROGRESS;
  std::string direction = socket.direction;
  if (event.kind == EventKind::kAccept && event.result >= 0) direction = "inbound";
  if (event.kind == EventKind::kConnect && begun) direction = "outbound";
  if (event.kind == EventKind::kListen && event.result >= 0) direction = "listening";
  if (event.kind == EventKind::kDescriptor && event.socket && event.socket->state == "listen") {
    direction = "listening";
  }
  if (event.kind == EventKind::kBind && event.result >= 0) socket.bound = true;
  if (direction == socket.direction) return;
  socket.direction = std::move(direction);
  socket.changed = true;
}

/// Whether somebody on this host waits at the local end of `info`.
bool LocalEndWaits(const HostState& host, const SocketState& socket, const SocketInfo& info) {
  return socket.bound || host.waiting_ports.contains({info.netns, info.local_port});
}

FlowState& FlowOf(HostState& host, ObjectState& object, const SocketInfo& info,
                  const event::Event& event, std::int64_t process_id, const Moment& now) {
  SocketState& socket = *object.socket;
  const std::string remote = RemoteKey(info);
  if (socket.flow_ids.empty()) socket.first_remote = remote;
  std::int64_t flow_id = object.object_id;
  if (remote != socket.first_remote) {
    flow_id = StableIdBuilder("flow")
                  .Add(static_cast<std::uint64_t>(object.object_id))
                  .Add(info.remote_ip)
                  .Add(std::uint64_t{info.remote_port})
                  .Build();
  }
  const auto [position, added] = host.flows.try_emplace(flow_id);
  FlowState& flow = position->second;
  if (added) {
    flow.flow_id = flow_id;
    socket.flow_ids.push_back(flow_id);
    flow.process_id = process_id;
    flow.object_id = object.object_id;
    flow.fd = event.fd;
    flow.uid = event.uid;
    flow.info = info;
    flow.inbound = socket.direction == "inbound" ||
                   (socket.direction.empty() && LocalEndWaits(host, socket, info));
    flow.begin_boot_ns = now.boot_ns;
    flow.begin_wall_ns = now.wall_ns;
  }
  // A connect in progress may not know its own port yet.
  if (flow.info.local_port == 0) flow.info.local_port = info.local_port;
  flow.end_wall_ns = now.wall_ns;
  flow.changed = true;
  return flow;
}

/// Follows what became of a connection over TCP. Bytes, or a state that only connections have, tell
/// that it came about; what was once connected stays so.
void FollowState(FlowState& flow, const event::Event& event) {
  if (Protocol(flow.info) != IPPROTO_TCP || flow.state == "connected") return;
  const std::string_view state = event.socket ? std::string_view(event.socket->state) : "";
  if (FailsToConnect(event)) {
    flow.state = event.result == -ECONNREFUSED ? "refused" : "failed";
  } else if (event.result == -EINPROGRESS || state == "syn_sent" || state == "close") {
    if (flow.state.empty()) flow.state = "attempted";
  } else if (event.result >= 0) {
    flow.state = "connected";
  }
}

}  // namespace

void PairSockets(HostState& host, std::int64_t a, std::int64_t b) {
  for (const auto& [one, other] : {std::pair(a, b), std::pair(b, a)}) {
    const auto found = host.objects.find(one);
    if (found == host.objects.end() || found->second.socket == nullptr) continue;
    SocketState& socket = *found->second.socket;
    socket.changed = socket.changed || socket.peer_object_id != other;
    socket.peer_object_id = other;
  }
}

void NoteSocket(HostState& host, ObjectState& object, const event::Event& event,
                std::int64_t process_id, const Moment& now) {
  if (object.socket == nullptr) {
    object.socket = std::make_unique<SocketState>();
    object.socket->first_boot_ns = now.boot_ns;
    object.socket->first_wall_ns = now.wall_ns;
  }
  SocketState& socket = *object.socket;
  SetDirection(socket, event);
  const SocketInfo before = socket.info;
  if (event.socket && Update(socket.info, event)) {
    socket.changed = true;
    if (RemoteKey(before) != RemoteKey(socket.info)) ForgetEnds(host, object.object_id, before);
    FindPeer(host, object);
  }
  if (socket.direction == "listening") {
    host.waiting_ports.emplace(socket.info.netns, socket.info.local_port);
  }
  SocketInfo info = socket.info;
  const bool is_tcp = Protocol(info) == IPPROTO_TCP;
  if (event.socket && HasRemoteEnd(*event.socket) && (!is_tcp || FailsToConnect(event))) {
    info.remote_ip = event.socket->remote_ip;
    info.remote_port = event.socket->remote_port;
  }
  const bool failed = event.result < 0 && event.result != -EINPROGRESS;
  const bool begins = is_tcp ? !failed || FailsToConnect(event) : event.size_bytes > 0;
  if (!begins || !HasBothEnds(info) || socket.direction == "listening" ||
      event.kind == EventKind::kBind) {
    return;
  }
  FlowState& flow = FlowOf(host, object, info, event, process_id, now);
  if (FailsToConnect(event)) flow.inbound = false;
  FollowState(flow, event);
  if (event::MovesBytes(event.kind)) {
    std::uint64_t& bytes = event::IsOutput(event.kind) ? flow.local_bytes : flow.remote_bytes;
    bytes = SaturatingAdd(bytes, event.size_bytes);
  }
}

void WriteSocketRow(store::SegmentWriter& rows, const HostState& host, const ObjectState& object,
                    std::int64_t revision) {
  const SocketState& socket = *object.socket;
  const SocketInfo& info = socket.info;
  const bool internet = IsInternet(info);
  const auto port = [&](std::uint16_t number, const std::string& ip) {
    return internet && !ip.empty() ? std::optional(number) : std::nullopt;
  };
  rows.Append(schema::SocketRow{
      .object_id = object.object_id,
      .host_id = host.host_id,
      .netns = schema::NotZero(info.netns),
      .family = schema::NotEmpty(info.family),
      .type = schema::NotEmpty(info.type),
      .protocol = info.protocol,
      .local_ip = schema::NotEmpty(info.local_ip),
      .local_port = port(info.local_port, info.local_ip),
      .remote_ip = schema::NotEmpty(info.remote_ip),
      .remote_port = port(info.remote_port, info.remote_ip),
      .unix_path = schema::NotEmpty(info.unix_path),
      .peer_object_id = schema::NotZero(socket.peer_object_id),
      .direction = schema::NotEmpty(socket.direction),
      .first_boot_ns = schema::AtMostMax(socket.first_boot_ns),
      .first_wall_ns = socket.first_wall_ns,
      .revision = revision,
  });
}

void WriteFlowRows(store::SegmentWriter& rows, const HostState& host, const FlowState& flow,
                   std::string_view recording_id, std::int64_t revision) {
  const SocketInfo& info = flow.info;
  const auto port = [&](std::uint16_t number) {
    return HasNoPorts(info) ? std::nullopt : std::optional(number);
  };
  const std::string transport = Transport(info);
  const std::string community_id = event::CommunityId(
      Protocol(info), info.local_ip, port(info.local_port), info.remote_ip, port(info.remote_port));
  rows.Append(schema::FlowRow{
      .flow_id = flow.flow_id,
      .host_id = host.host_id,
      .observer = "sensor",
      .source_ip = flow.inbound ? info.remote_ip : info.local_ip,
      .source_port = port(flow.inbound ? info.remote_port : info.local_port),
      .destination_ip = flow.inbound ? info.local_ip : info.remote_ip,
      .destination_port = port(flow.inbound ? info.local_port : info.remote_port),
      .transport = transport,
      .application = std::nullopt,
      .begin_wall_ns = flow.begin_wall_ns,
      .end_wall_ns = flow.end_wall_ns,
      .source_packets = std::nullopt,
      .destination_packets = std::nullopt,
      .source_bytes = schema::AtMostMax(flow.inbound ? flow.remote_bytes : flow.local_bytes),
      .destination_bytes = schema::AtMostMax(flow.inbound ? flow.local_bytes : flow.remote_bytes),
      .source_frame_bytes = std::nullopt,
      .destination_frame_bytes = std::nullopt,
      .source_retransmitted_bytes = std::nullopt,
      .destination_retransmitted_bytes = std::nullopt,
      .source_tcp_flags = std::nullopt,
      .destination_tcp_flags = std::nullopt,
      .icmp_error_count = std::nullopt,
      .server_name = std::nullopt,
      .client_fingerprint = std::nullopt,
      .state = schema::NotEmpty(flow.state),
      .community_id = schema::NotEmpty(community_id),
      .connection_id = std::nullopt,
      .direction = flow.inbound ? "inbound" : "outbound",
      .begin_boot_ns = schema::AtMostMax(flow.begin_boot_ns),
      .recording_id = recording_id,
      .revision = revision,
  });
  if (flow.process_written) return;
  rows.Append(schema::FlowProcessRow{
      .flow_id = flow.flow_id,
      .process_id = flow.process_id,
      .object_id = flow.object_id,
      .fd = schema::NotNegative(flow.fd),
      .uid = flow.uid,
      .first_wall_ns = flow.begin_wall_ns,
      .confidence = 1.0,
      .reason = "the sensor saw the process use the socket",
      .revision = revision,
  });
}

}  // namespace spoor::ingest
