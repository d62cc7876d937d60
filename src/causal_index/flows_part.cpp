// SPDX-License-Identifier: Apache-2.0
// Flows are sorted by the process that did them, so that those of a process are a range of numbers,
// then by time and event: rows are handed over by several threads, in any order. What is at the
// other end has a list of numbers.
#include "causal_index/flows_part.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <tuple>
#include <unordered_map>

#include "base/check.hpp"

namespace spoor::causal_index {
namespace {

using event::Dependence;
using event::EventKind;

enum Section : std::size_t { kNodes, kFlows, kReferences, kBoots, kBootTexts, kSectionCount };
enum FlowColumn : std::size_t {
  kOwner,
  kOther,
  kBoot,
  kBegin,
  kLength,
  kEventId,
  kTid,
  kCode,
  kFlowColumns
};
enum BootColumn : std::size_t {
  kHostId,
  kTextEnd,
  kHasSound,
  kSoundEnd,
  kSoundShift,
  kHasAny,
  kAnyEnd,
  kAnyShift,
  kBootColumns
};
constexpr std::int64_t kBootsMax = 1 << 20;
constexpr std::int64_t kBootIdBytesMax = 4096;
constexpr std::uint64_t kFlowsMax = 0xfffffff0;

std::int64_t CodeOf(const EventFlow& flow) {
  return std::int64_t{static_cast<std::uint8_t>(flow.kind)} << 3 |
         std::int64_t{static_cast<std::uint8_t>(flow.side)} << 1 | (flow.moved_nothing ? 1 : 0);
}

/// A difference of two times has 64 bits, whatever they are.
std::int64_t Wrapped(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

/// Whether it begins in the process and ends in the other thing.
bool GoesOut(EventKind kind) {
  return event::TraitsOf(kind).dependence != Dependence::kObjectToProcess;
}

void AddSummary(const EventFlow& flow, NodeSummary& owner, NodeSummary& other) {
  const bool out = GoesOut(flow.kind);
  owner.is_process = true;
  if (event::TraitsOf(flow.kind).dependence == Dependence::kProcessToProcess) {
    other.is_process = true;
  }
  (out ? other : owner).has_flows_in = true;
  if (flow.kind == EventKind::kExec) other.was_executed = true;
  if (flow.side != PtySide::kUnknown) other.has_sides = true;
}

}  // namespace

std::uint8_t NodeSummary::bits() const {
  return static_cast<std::uint8_t>((has_flows_in ? 1 : 0) | (was_executed ? 2 : 0) |
                                   (has_sides ? 4 : 0) | (is_process ? 8 : 0));
}

NodeSummary NodeSummary::OfBits(std::int64_t bits) {
  return {.has_flows_in = (bits & 1) != 0,
          .was_executed = (bits & 2) != 0,
          .has_sides = (bits & 4) != 0,
          .is_process = (bits & 8) != 0};
}

void FlowsPartBuilder::Add(const EventFlow& flow) {
  SPOOR_CHECK(flow.boot < boots_.size()) << "a flow of no boot";
  SPOOR_CHECK(event::TraitsOf(flow.kind).dependence != Dependence::kNone)
      << "an event of this kind carries no flow";
  if (flow.process_id == flow.other_id) return;
  flows_.push_back(flow);
  flows_.back().begin_boot_ns = std::min(flow.begin_boot_ns, flow.end_boot_ns);
}

std::vector<std::byte> FlowsPartBuilder::Finish(const SourceDigest& source) {
  const auto place_of = [](const EventFlow& flow) {
    return std::tuple(flow.process_id, flow.begin_boot_ns, flow.event_id);
  };
  if (!std::ranges::is_sorted(flows_, {}, place_of)) {
    std::ranges::stable_sort(flows_, {}, place_of);
  }
  std::vector<std::int64_t> ids;
  std::unordered_map<std::int64_t, std::uint32_t> place;
  const auto note = [&](std::int64_t id) {
    if (place.try_emplace(id, 0).second) ids.push_back(id);
  };
  for (const EventFlow& flow : flows_) {
    note(flow.process_id);
    note(flow.other_id);
  }
  std::ranges::sort(ids);
  for (std::uint32_t i = 0; i < ids.size(); ++i) place[ids[i]] = i;

  std::vector<std::uint32_t> others(flows_.size());
  std::vector<std::uint32_t> own_count(ids.size()), reference_begin(ids.size() + 1);
  std::vector<NodeSummary> summaries(ids.size());
  PackedWriter flows(kFlowColumns);
  std::int64_t last_process = 0;
  std::uint32_t owner = 0;
  for (std::size_t i = 0; i < flows_.size(); ++i) {
    const EventFlow& flow = flows_[i];
    if (i == 0 || flow.process_id != last_process) owner = place[flow.process_id];
    last_process = flow.process_id;
    const std::uint32_t other = others[i] = place[flow.other_id];
    ++own_count[owner];
    ++reference_begin[other + 1];
    AddSummary(flow, summaries[owner], summaries[other]);
    flows.Add(std::array<std::int64_t, kFlowColumns>{
        owner, other, flow.boot, flow.begin_boot_ns,
        Wrapped(static_cast<std::uint64_t>(flow.end_boot_ns) -
                static_cast<std::uint64_t>(flow.begin_boot_ns)),
        flow.event_id, flow.tid, CodeOf(flow)});
  }
  std::partial_sum(reference_begin.begin(), reference_begin.end(), reference_begin.begin());
  std::vector<std::uint32_t> next(reference_begin.begin(), reference_begin.end() - 1);
  std::vector<std::uint32_t> numbers(flows_.size());
  for (std::uint32_t i = 0; i < others.size(); ++i) numbers[next[others[i]]++] = i;
  PackedWriter references(1);
  for (const std::uint32_t number : numbers) {
    references.Add(std::array<std::int64_t, 1>{number});
  }
  // The row behind the last says where the last one's flows end.
  PackedWriter nodes(4);
  std::int64_t own = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    nodes.Add(std::array<std::int64_t, 4>{ids[i], own, reference_begin[i], summaries[i].bits()});
    own += own_count[i];
  }
  nodes.Add(std::array<std::int64_t, 4>{ids.empty() ? 0 : ids.back(), own,
                                        std::int64_t{reference_begin.back()}, 0});
  PackedWriter boots(kBootColumns);
  std::vector<std::byte> texts;
  for (const SegmentBoot& boot : boots_) {
    const auto text = std::as_bytes(std::span(boot.boot_id.data(), boot.boot_id.size()));
    texts.insert(texts.end(), text.begin(), text.end());
    const ClockSample sound = boot.sound.value_or(ClockSample{});
    const ClockSample any = boot.any.value_or(ClockSample{});
    boots.Add(std::array<std::int64_t, kBootColumns>{
        boot.host_id, static_cast<std::int64_t>(texts.size()), boot.sound ? 1 : 0,
        sound.end_boot_ns, sound.wall_minus_boot_ns, boot.any ? 1 : 0, any.end_boot_ns,
        any.wall_minus_boot_ns});
  }
  flows_ = {};
  return MakeIndexFile(
      FileKind::kFlows, source,
      {nodes.Finish(), flows.Finish(), references.Finish(), boots.Finish(), std::move(texts)});
}

Result<FlowsPart> FlowsPart::Open(std::shared_ptr<const Bytes> bytes, const SourceDigest& source) {
  FlowsPart part;
  ASSIGN_OR_RETURN(part.file_,
                   IndexFile::Open(std::move(bytes), FileKind::kFlows, source, kSectionCount));
  ASSIGN_OR_RETURN(part.nodes_, PackedColumns::Open(part.file_.section(kNodes), kNodeColumns));
  ASSIGN_OR_RETURN(part.flows_, PackedColumns::Open(part.file_.section(kFlows), kFlowColumns));
  ASSIGN_OR_RETURN(part.references_, PackedColumns::Open(part.file_.section(kReferences), 1));
  const auto wrong = [](std::string_view what) { return Fail(ErrorCode::kCorrupt, "{}", what); };
  if (part.nodes_.row_count() == 0) return wrong("lacks the end of its nodes");
  if (part.flows_.row_count() > kFlowsMax || part.nodes_.row_count() > kFlowsMax ||
      part.references_.row_count() != part.flows_.row_count()) {
    return wrong("has flows that no node has");
  }
  RETURN_IF_ERROR(part.ReadBoots(part.file_.section(kBoots), part.file_.section(kBootTexts)));
  return part;
}

Result<> FlowsPart::ReadBoots(std::span<const std::byte> numbers,
                              std::span<const std::byte> texts) {
  ASSIGN_OR_RETURN(const PackedColumns boots, PackedColumns::Open(numbers, kBootColumns));
  if (boots.row_count() > kBootsMax) return Fail(ErrorCode::kCorrupt, "has too many boots");
  std::int64_t begin = 0;
  for (std::uint64_t i = 0; i < boots.row_count(); ++i) {
    std::array<std::int64_t, kBootColumns> row{};
    boots.Row(i, row);
    const std::int64_t end = row[kTextEnd];
    if (end < begin || end - begin > kBootIdBytesMax || std::cmp_greater(end, texts.size())) {
      return Fail(ErrorCode::kCorrupt, "has the name of a boot outside of itself");
    }
    SegmentBoot& boot = boots_.emplace_back();
    boot.host_id = row[kHostId];
    boot.boot_id.assign(reinterpret_cast<const char*>(texts.data()) + begin,
                        static_cast<std::size_t>(end - begin));
    if (row[kHasSound] != 0) boot.sound = {row[kSoundEnd], row[kSoundShift]};
    if (row[kHasAny] != 0) boot.any = {row[kAnyEnd], row[kAnyShift]};
    begin = end;
  }
  return {};
}

NodeSummary FlowsPart::SummaryOf(std::uint32_t node) const {
  return NodeSummary::OfBits(nodes_.At(node, 3));
}

bool FlowsPart::Read(std::int64_t number, PartFlow& flow) const {
  if (number < 0 || static_cast<std::uint64_t>(number) >= flows_.row_count()) return false;
  std::array<std::int64_t, kFlowColumns> row{};
  flows_.Row(static_cast<std::uint64_t>(number), row);
  const std::int64_t code = row[kCode];
  const auto below = [](std::int64_t value, std::uint64_t end) {
    return value >= 0 && static_cast<std::uint64_t>(value) < end;
  };
  const std::int64_t end_ns =
      Wrapped(static_cast<std::uint64_t>(row[kBegin]) + static_cast<std::uint64_t>(row[kLength]));
  if (!below(row[kOwner], node_count()) || !below(row[kOther], node_count()) ||
      row[kOwner] == row[kOther] || !below(row[kBoot], boots_.size()) || end_ns < row[kBegin] ||
      !below(code >> 3, event::kEventKindCount) || (code >> 1 & 3) == 3) {
    return false;
  }
  flow.kind = static_cast<EventKind>(code >> 3);
  if (event::TraitsOf(flow.kind).dependence == Dependence::kNone) return false;
  flow.side = static_cast<PtySide>(code >> 1 & 3);
  flow.moved_nothing = (code & 1) != 0;
  flow.owner = static_cast<std::uint32_t>(row[kOwner]);
  flow.other = static_cast<std::uint32_t>(row[kOther]);
  flow.boot = static_cast<std::uint32_t>(row[kBoot]);
  flow.begin_boot_ns = row[kBegin];
  flow.end_boot_ns = end_ns;
  flow.event_id = row[kEventId];
  flow.tid = static_cast<std::uint32_t>(row[kTid]);
  return true;
}

}  // namespace spoor::causal_index
