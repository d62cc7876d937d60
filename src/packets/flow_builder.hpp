// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/repeat_counter.hpp"
#include "packets/capture_reader.hpp"
#include "packets/flow.hpp"
#include "packets/flow_index.hpp"
#include "packets/flow_policy.hpp"
#include "packets/fragment_memory.hpp"

namespace spoor::packets {

struct FlowCounts {
  std::uint64_t packets = 0;
  std::uint64_t flows = 0;        ///< that ended, and were given out
  std::uint64_t not_decoded = 0;  ///< packets: no IP, or too little of them captured
  std::uint64_t malformed = 0;    ///< packets whose headers contradict each other
  std::uint64_t flows_cut = 0;
  std::uint64_t conversations_not_followed = 0;
};

/// Makes bidirectional flows of packets. Packets with the same two ends belong to one flow until it
/// is idle for too long or a SYN begins another connection. The source is who sent the SYN; where
/// only its answer was seen, who the answer went to; otherwise who sent the first packet. The same
/// packets give the same flows, whatever the machine. Memory is bounded by the policy; nothing is
/// allocated per packet. Not thread-safe.
class FlowBuilder {
 public:
  using Take = std::function<void(const Flow&)>;
  /// The first SYN, and the first answer to it, that the source (`forward`) or destination of a
  /// flow sends.
  struct Handshake {
    const Flow& flow;
    bool forward = false;
    const Layer& segment;
    std::int64_t wall_ns = 0;
  };
  using TakeHandshake = std::function<void(const Handshake&)>;

  /// `name`: of the capture, a part of every flow_id; the same name and packets give the same ids.
  /// `take`: called with every flow when it is over.
  /// `take_handshake`: called while its packet is added; may be empty.
  FlowBuilder(const FlowPolicy& policy, std::string_view name, Take take,
              TakeHandshake take_handshake = {});

  /// Returns the ids of the flows that the packet belongs to, the outermost first; valid until the
  /// next call.
  std::span<const std::int64_t> Add(const CapturedPacket& packet);
  /// There are no more packets: all flows are over.
  void Finish();

  const FlowCounts& counts() const { return counts_; }

 private:
  static constexpr std::uint32_t kNone = FlowIndex::kNone;
  static constexpr std::size_t kFlowsPerBlock = 1024;
  enum IdleClass : std::uint8_t { kOther, kEstablished, kIdleClassCount };
  struct Entry {
    Flow flow;
    FlowKey key;
    std::uint64_t hash = 0;
    std::uint32_t previous = kNone, next = kNone;  ///< by the time of the last packet
    IdleClass idle_class = kOther;
  };
  struct List {
    std::uint32_t oldest = kNone, newest = kNone;
  };

  Entry& At(std::uint32_t number) {
    return blocks_[number / kFlowsPerBlock][number % kFlowsPerBlock];
  }
  std::int64_t AddLayer(const CapturedPacket& packet, Layer& layer, std::size_t depth);
  std::uint32_t Begin(const CapturedPacket& packet, const Layer& layer, const FlowKey& key,
                      std::uint64_t hash, std::size_t depth);
  void Identify(Flow& flow, const CapturedPacket& packet, const FlowKey& key, std::size_t depth);
  void Continue(Entry& entry, const CapturedPacket& packet, std::size_t depth);
  void Count(Entry& entry, bool forward, const CapturedPacket& packet, const Layer& layer);
  void Converse(Flow& flow, bool forward, const Layer& layer, bool in_order);
  static void CorrectDirection(Flow& flow);
  void NoteError(const Layer& layer);
  void Touch(std::uint32_t number);
  void Unlink(std::uint32_t number);
  void Append(std::uint32_t number);
  void EndIdle(std::int64_t now_ns);
  void End(std::uint32_t number);
  std::uint32_t Allocate();

  FlowPolicy policy_;
  std::string name_;
  Take take_;
  TakeHandshake take_handshake_;
  std::uint64_t seed_;
  FlowIndex index_;
  std::vector<std::unique_ptr<Entry[]>> blocks_;
  std::vector<std::uint32_t> free_;
  std::uint32_t used_ = 0;
  std::array<List, kIdleClassCount> lists_;
  FragmentMemory fragments_;
  ConversationRoom room_;
  RepeatCounter repeats_;
  Frame frame_;
  std::array<std::int64_t, Frame::kLayersMax> ids_{};
  std::int64_t last_wall_ns_ = 0;
  FlowCounts counts_;
};

}  // namespace spoor::packets
