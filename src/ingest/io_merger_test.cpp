// SPDX-License-Identifier: Apache-2.0
#include "ingest/io_merger.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace spoor::ingest {
namespace {

using event::EventKind;

/// A flow of data from one node to another over a span of time.
struct Edge {
  std::int64_t from, to;
  std::uint64_t begin_ns, end_ns;
};

Edge EdgeOf(const EventRow& row) {
  return event::IsOutput(row.kind)
             ? Edge{row.process_id, row.object_id, row.begin_boot_ns, row.end_boot_ns}
             : Edge{row.object_id, row.process_id, row.begin_boot_ns, row.end_boot_ns};
}

/// When data that was at `start` at `at_ns` reaches each node: by relaxing edges until nothing
/// changes. Data can take an edge as long as it has not ended, and arrives at its begin or later.
std::map<std::int64_t, std::uint64_t> Forward(const std::vector<Edge>& edges, std::int64_t start,
                                              std::uint64_t at_ns) {
  std::map<std::int64_t, std::uint64_t> arrival{{start, at_ns}};
  for (bool changed = true; changed;) {
    changed = false;
    for (const Edge& edge : edges) {
      const auto from = arrival.find(edge.from);
      if (from == arrival.end() || from->second > edge.end_ns) continue;
      const std::uint64_t there = std::max(from->second, edge.begin_ns);
      const auto [to, added] = arrival.try_emplace(edge.to, there);
      if (!added && to->second <= there) continue;
      to->second = there;
      changed = true;
    }
  }
  return arrival;
}

/// Until when data had to be at each node to reach `end` by `at_ns`.
std::map<std::int64_t, std::uint64_t> Backward(const std::vector<Edge>& edges, std::int64_t end,
                                               std::uint64_t at_ns) {
  std::map<std::int64_t, std::uint64_t> departure{{end, at_ns}};
  for (bool changed = true; changed;) {
    changed = false;
    for (const Edge& edge : edges) {
      const auto to = departure.find(edge.to);
      if (to == departure.end() || to->second < edge.begin_ns) continue;
      const std::uint64_t then = std::min(to->second, edge.end_ns);
      const auto [from, added] = departure.try_emplace(edge.from, then);
      if (!added && from->second >= then) continue;
      from->second = then;
      changed = true;
    }
  }
  return departure;
}

std::set<std::int64_t> NodesOf(const std::map<std::int64_t, std::uint64_t>& reached) {
  std::set<std::int64_t> nodes;
  for (const auto& [node, when] : reached) nodes.insert(node);
  return nodes;
}

struct History {
  std::vector<Edge> original, merged;
};

constexpr std::int64_t kObjectBase = 100;

/// A random history of reads and writes between a few processes and objects; at_times two events
/// share an instant, as they do on two CPUs.
History RandomHistory(std::mt19937& random) {
  const int process_count = 1 + static_cast<int>(random() % 3);
  const int object_count = 1 + static_cast<int>(random() % 3);
  const int event_count = 2 + static_cast<int>(random() % 15);
  History history;
  std::map<std::int64_t, FlowCounters> counters;
  IoMerger merger([&](const EventRow& row) { history.merged.push_back(EdgeOf(row)); });
  std::uint64_t now_ns = 10;
  for (int i = 0; i < event_count; ++i) {
    EventRow row;
    row.event_id = i + 1;
    row.process_id = 1 + static_cast<std::int64_t>(random() % static_cast<unsigned>(process_count));
    row.object_id =
        kObjectBase + static_cast<std::int64_t>(random() % static_cast<unsigned>(object_count));
    row.kind = random() % 2 == 0 ? EventKind::kRead : EventKind::kWrite;
    row.size_bytes = 1;
    row.begin_boot_ns = row.end_boot_ns = now_ns += 10;
    history.original.push_back(EdgeOf(row));
    merger.Add(row, 1, counters[row.process_id], counters[row.object_id]);
  }
  merger.Flush();
  return history;
}

TEST(IoMerger, KeepsForwardAndBackwardReachabilityAtEveryInstant) {
  std::mt19937 random(1);
  std::size_t events = 0;
  std::size_t rows = 0;
  for (int round = 0; round < 6000; ++round) {
    const History history = RandomHistory(random);
    events += history.original.size();
    rows += history.merged.size();
    std::set<std::int64_t> nodes;
    for (const Edge& edge : history.original) nodes.insert({edge.from, edge.to});
    const std::uint64_t last_ns = history.original.back().end_ns;
    for (const std::int64_t node : nodes) {
      // At each event and between each two.
      for (std::uint64_t at_ns = 15; at_ns <= last_ns + 5; at_ns += 5) {
        ASSERT_EQ(NodesOf(Forward(history.original, node, at_ns)),
                  NodesOf(Forward(history.merged, node, at_ns)))
            << "forward from " << node << " at " << at_ns << ", round " << round;
        ASSERT_EQ(NodesOf(Backward(history.original, node, at_ns)),
                  NodesOf(Backward(history.merged, node, at_ns)))
            << "backward from " << node << " at " << at_ns << ", round " << round;
      }
    }
  }
  EXPECT_LT(rows, events * 95 / 100) << "nothing was merged: the property would be empty";
}

TEST(IoMerger, AddsUpBytesAndCallsAndKeepsTheFirstId) {
  std::vector<EventRow> rows;
  IoMerger merger([&](const EventRow& row) { rows.push_back(row); });
  FlowCounters process, object;
  EventRow row;
  row.process_id = 1;
  row.object_id = 2;
  row.kind = EventKind::kWrite;
  for (int i = 1; i <= 3; ++i) {
    row.event_id = 10LL * i;
    row.size_bytes = 5;
    row.begin_boot_ns = row.end_boot_ns = static_cast<std::uint64_t>(i);
    EXPECT_EQ(merger.Add(row, 1, process, object), 10);
  }
  merger.Flush();
  ASSERT_EQ(rows.size(), 1);
  EXPECT_EQ(rows[0].count, 3);
  EXPECT_EQ(rows[0].size_bytes, 15);
  EXPECT_EQ(rows[0].begin_boot_ns, 1);
  EXPECT_EQ(rows[0].end_boot_ns, 3);
}

TEST(IoMerger, NeverMergesOverDescriptorsThreadsUsersOrFailures) {
  std::vector<EventRow> rows;
  IoMerger merger([&](const EventRow& row) { rows.push_back(row); });
  FlowCounters process, object;
  EventRow row;
  row.process_id = 1;
  row.object_id = 2;
  row.kind = EventKind::kRead;
  row.size_bytes = 1;
  merger.Add(row, 1, process, object);
  merger.Add(row, 2, process, object);
  row.tid = 7;
  merger.Add(row, 2, process, object);
  row.euid = 33;
  merger.Add(row, 2, process, object);
  row.size_bytes = 0;
  merger.Add(row, 2, process, object);
  row.result = -11;
  merger.Add(row, 2, process, object);
  merger.Flush();
  EXPECT_EQ(rows.size(), 6);
}

TEST(IoMerger, HoldsABoundedNumberOfRows) {
  std::size_t emitted = 0;
  IoMerger merger([&](const EventRow&) { ++emitted; });
  FlowCounters process, object;
  EventRow row;
  row.kind = EventKind::kRead;
  row.size_bytes = 1;
  for (std::int64_t i = 0; i < 200'000; ++i) {
    row.object_id = i;
    merger.Add(row, 1, process, object);
  }
  EXPECT_GE(emitted, 100'000);
}

}  // namespace
}  // namespace spoor::ingest
