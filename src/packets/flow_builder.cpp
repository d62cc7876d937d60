// SPDX-License-Identifier: Apache-2.0
// Flows lie in blocks that never move; two lists, one for each idle time, keep them in the order of
// their last packet, so that what is over or must go is always at the front of one.
#include "packets/flow_builder.hpp"

#include <sys/random.h>

#include <algorithm>
#include <utility>

#include "base/saturating.hpp"
#include "base/stable_id.hpp"

namespace spoor::packets {
namespace {

/// So that nobody can choose packets whose keys collide. Nothing that is given out depends on it.
std::uint64_t RandomSeed() {
  std::uint64_t seed = 0;
  if (::getrandom(&seed, sizeof(seed), 0) != static_cast<ssize_t>(sizeof(seed))) return 0;
  return seed;
}

/// Whether the layer goes from the source of `flow` to its destination.
bool IsForward(const Flow& flow, const Ends& ends) {
  return ends.source_port == flow.ends.source_port && ends.source == flow.ends.source;
}

bool IsInUse(const Flow& flow) {
  if (!flow.IsTcp() || flow.over()) return false;
  if (flow.destination.packet_count == 0 && !flow.destination.syn_ack) return false;
  return flow.established() || !flow.source.syn;
}

void Reverse(Flow& flow) {
  std::swap(flow.ends.source, flow.ends.destination);
  std::swap(flow.ends.source_port, flow.ends.destination_port);
  std::swap(flow.source, flow.destination);
}

}  // namespace

FlowBuilder::FlowBuilder(const FlowPolicy& policy, std::string_view name, Take take,
                         TakeHandshake take_handshake)
    : policy_(policy),
      name_(name),
      take_(std::move(take)),
      take_handshake_(std::move(take_handshake)),
      seed_(RandomSeed()),
      room_{.left_bytes = policy.conversation_bytes_max, .not_followed_count = 0} {
  policy_.flows_max = std::clamp<std::size_t>(policy_.flows_max, 1, FlowIndex::kNone - 1);
}

std::span<const std::int64_t> FlowBuilder::Add(const CapturedPacket& packet) {
  ++counts_.packets;
  DecodeFrame(packet.link_type, packet.data, packet.wire_bytes, frame_);
  if (frame_.verdict == Verdict::kNotDecoded) ++counts_.not_decoded;
  if (frame_.verdict == Verdict::kMalformed) ++counts_.malformed;
  // One packet with a time far ahead must not end all flows: two must say so.
  EndIdle(std::min(packet.wall_ns, last_wall_ns_));
  last_wall_ns_ = packet.wall_ns;
  for (std::size_t depth = 0; depth < frame_.layer_count; ++depth) {
    ids_[depth] = AddLayer(packet, frame_.layers[depth], depth);
  }
  counts_.conversations_not_followed = room_.not_followed_count;
  return std::span(ids_).first(frame_.layer_count);
}

void FlowBuilder::Finish() {
  for (const List& list : lists_) {
    while (list.oldest != kNone) End(list.oldest);
  }
}

std::int64_t FlowBuilder::AddLayer(const CapturedPacket& packet, Layer& layer, std::size_t depth) {
  if (layer.later_fragment) {
    fragments_.Complete(layer, packet.wall_ns);
  } else if (layer.fragment) {
    fragments_.NoteFirst(layer, packet.wall_ns);
  }
  const FlowKey key = KeyOf(layer.ends);
  const std::uint64_t hash = HashOf(key, seed_);
  std::uint32_t number =
      index_.Find(hash, [&](std::uint32_t candidate) { return At(candidate).key == key; });
  if (number != kNone) {
    const Entry& entry = At(number);
    const std::int64_t idle_max_ns =
        entry.idle_class == kEstablished ? policy_.established_idle_ns : policy_.other_idle_ns;
    const bool idle = SaturatingSub(packet.wall_ns, entry.flow.end_wall_ns) > idle_max_ns;
    if (idle || (entry.flow.IsTcp() &&
                 BeginsAnother(entry.flow, IsForward(entry.flow, layer.ends), layer))) {
      End(number);
      number = kNone;
    }
  }
  if (number == kNone) number = Begin(packet, layer, key, hash, depth);
  Entry& entry = At(number);
  if (policy_.active_ns != 0 &&
      SaturatingSub(packet.wall_ns, entry.flow.begin_wall_ns) > policy_.active_ns) {
    Continue(entry, packet, depth);
  }
  Count(entry, IsForward(entry.flow, layer.ends), packet, layer);
  Touch(number);
  const std::int64_t flow_id = entry.flow.flow_id;
  if (layer.about) NoteError(layer);
  return flow_id;
}

std::uint32_t FlowBuilder::Begin(const CapturedPacket& packet, const Layer& layer,
                                 const FlowKey& key, std::uint64_t hash, std::size_t depth) {
  const std::uint32_t number = Allocate();
  Entry& entry = At(number);
  entry.key = key;
  entry.hash = hash;
  entry.idle_class = kOther;
  Flow& flow = entry.flow;
  Identify(flow, packet, key, depth);
  flow.ends = layer.ends;
  flow.icmp_type = layer.icmp_type;
  flow.icmp_code = layer.icmp_code;
  flow.carrier = layer.carrier;
  index_.Insert(hash, number);
  Append(number);
  return number;
}

void FlowBuilder::Identify(Flow& flow, const CapturedPacket& packet, const FlowKey& key,
                           std::size_t depth) {
  flow.flow_id = StableIdBuilder("packet flow")
                     .Add(name_)
                     .Add(packet.offset)
                     .Add(static_cast<std::uint64_t>(depth))
                     .Build();
  flow.begin_wall_ns = flow.end_wall_ns = flow.first_wall_ns = packet.wall_ns;
  flow.depth = depth;
  // Not the index's hash, whose seed differs from run to run.
  flow.repeat = repeats_.Count(
      HashOf(key, static_cast<std::uint64_t>(packet.wall_ns / 1000) * Frame::kLayersMax + depth));
  flow.first_offset = packet.offset;
}

/// What was counted is given out; who began, how it stands and which bytes were seen goes on.
void FlowBuilder::Continue(Entry& entry, const CapturedPacket& packet, std::size_t depth) {
  Flow& flow = entry.flow;
  ++counts_.flows;
  take_(flow);
  for (FlowSide* side : {&flow.source, &flow.destination}) {
    side->packet_count = side->frame_bytes = side->payload_bytes = side->retransmitted_bytes = 0;
    side->tcp_flags = 0;
  }
  flow.icmp_error_count = 0;
  Identify(flow, packet, entry.key, depth);
}

void FlowBuilder::Count(Entry& entry, bool forward, const CapturedPacket& packet,
                        const Layer& layer) {
  Flow& flow = entry.flow;
  FlowSide& side = forward ? flow.source : flow.destination;
  flow.begin_wall_ns = std::min(flow.begin_wall_ns, packet.wall_ns);
  flow.end_wall_ns = std::max(flow.end_wall_ns, packet.wall_ns);
  flow.last_offset = packet.offset;
  bool in_order = true;
  std::uint32_t fresh = layer.payload_bytes;
  if (flow.IsTcp()) {
    const bool syn = (layer.tcp_flags & kTcpSyn) != 0;
    in_order = layer.has_tcp &&
               (syn || !side.sequence.started() || side.sequence.next() == layer.sequence);
    const bool asked = side.syn, answered = side.syn_ack;
    fresh = FollowTcp(flow, forward, layer);
    const bool first = (side.syn && !asked) || (side.syn_ack && !answered);
    if (first && take_handshake_) take_handshake_({flow, forward, layer, packet.wall_ns});
  }
  ++side.packet_count;
  side.frame_bytes += packet.wire_bytes;
  side.payload_bytes += fresh;
  if (fresh != 0) Converse(flow, forward, layer, in_order);
  if (flow.IsTcp()) CorrectDirection(flow);
}

void FlowBuilder::Converse(Flow& flow, bool forward, const Layer& layer, bool in_order) {
  if (layer.later_fragment) return;
  if (flow.conversation == nullptr) flow.conversation = std::make_unique<Conversation>();
  Conversation& conversation = *flow.conversation;
  if (conversation.done()) return;
  const bool cut = layer.payload.size() < layer.payload_bytes;
  if (in_order) conversation.Take(forward, layer.payload, flow.ends, room_);
  if (cut || !in_order) conversation.Take(forward, {}, flow.ends, room_);
}

/// Who sent the SYN began it; where only the answer was seen, who it went to.
void FlowBuilder::CorrectDirection(Flow& flow) {
  const bool answers = flow.source.syn_ack && !flow.source.syn;
  const bool asked = flow.destination.syn && !flow.source.syn;
  if (answers || asked) Reverse(flow);
}

void FlowBuilder::NoteError(const Layer& layer) {
  const FlowKey key = KeyOf(*layer.about);
  const std::uint32_t number =
      index_.Find(HashOf(key, seed_), [&](std::uint32_t other) { return At(other).key == key; });
  if (number == kNone) return;
  Flow& flow = At(number).flow;
  ++flow.icmp_error_count;
  flow.icmp_error_type = layer.icmp_type;
  flow.icmp_error_code = layer.icmp_code;
}

void FlowBuilder::Touch(std::uint32_t number) {
  Unlink(number);
  Entry& entry = At(number);
  entry.idle_class = IsInUse(entry.flow) ? kEstablished : kOther;
  Append(number);
}

void FlowBuilder::Unlink(std::uint32_t number) {
  Entry& entry = At(number);
  List& list = lists_[entry.idle_class];
  (entry.previous == kNone ? list.oldest : At(entry.previous).next) = entry.next;
  (entry.next == kNone ? list.newest : At(entry.next).previous) = entry.previous;
}

void FlowBuilder::Append(std::uint32_t number) {
  Entry& entry = At(number);
  List& list = lists_[entry.idle_class];
  entry.previous = list.newest;
  entry.next = kNone;
  (list.newest == kNone ? list.oldest : At(list.newest).next) = number;
  list.newest = number;
}

void FlowBuilder::EndIdle(std::int64_t now_ns) {
  const std::array<std::int64_t, kIdleClassCount> idle_max_ns{policy_.other_idle_ns,
                                                              policy_.established_idle_ns};
  for (std::size_t idle_class = 0; idle_class < kIdleClassCount; ++idle_class) {
    const List& list = lists_[idle_class];
    while (list.oldest != kNone &&
           SaturatingSub(now_ns, At(list.oldest).flow.end_wall_ns) > idle_max_ns[idle_class]) {
      End(list.oldest);
    }
  }
}

void FlowBuilder::End(std::uint32_t number) {
  Entry& entry = At(number);
  Unlink(number);
  index_.Remove(entry.hash, number);
  if (entry.flow.conversation != nullptr) entry.flow.conversation->Drop(room_);
  ++counts_.flows;
  take_(entry.flow);
  entry.flow = Flow{};
  free_.push_back(number);
}

std::uint32_t FlowBuilder::Allocate() {
  if (free_.empty() && used_ == policy_.flows_max) {
    ++counts_.flows_cut;
    End(lists_[kOther].oldest != kNone ? lists_[kOther].oldest : lists_[kEstablished].oldest);
  }
  if (!free_.empty()) {
    const std::uint32_t number = free_.back();
    free_.pop_back();
    return number;
  }
  if (used_ % kFlowsPerBlock == 0) blocks_.push_back(std::make_unique<Entry[]>(kFlowsPerBlock));
  return used_++;
}

}  // namespace spoor::packets
