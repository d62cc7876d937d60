// SPDX-License-Identifier: Apache-2.0
// A host of 10 million flows, made in memory: forks, executions, libraries, files of its own,
// shared files, pipes and servers with many clients, in proportions like those of a busy machine.
#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "causality/graph_for_test.hpp"
#include "causality/trace.hpp"
#include "causality/walk.hpp"

namespace spoor::causality {
namespace {

using event::EventKind;

constexpr std::int64_t kFlowCount = 10'000'000;
constexpr std::int64_t kObjectIds = 1'000'000'000;

class History {
 public:
  static const std::vector<Flow>& Flows() {
    static const std::vector<Flow> kFlows = History().Make();
    return kFlows;
  }

 private:
  std::int64_t Pick(std::int64_t count) {
    return std::uniform_int_distribution<std::int64_t>(0, count - 1)(random_);
  }

  void Add(std::int64_t from, std::int64_t to, std::int64_t tid, EventKind kind) {
    now_ns_ += 1000 + Pick(10000);
    flows_.push_back({.from_id = from,
                      .to_id = to,
                      .begin_ns = now_ns_ - Pick(1000),
                      .end_ns = now_ns_,
                      .event_id = static_cast<std::int64_t>(flows_.size()) + 1,
                      .tid = tid,
                      .kind = kind});
  }

  std::vector<Flow> Make() {
    flows_.reserve(kFlowCount + 64);
    std::vector<std::int64_t> processes{1};
    std::int64_t next_process = 2;
    std::int64_t next_file = kObjectIds + 100'000;
    while (flows_.size() < kFlowCount) {
      // A process of a few hundred flows, forked by one of the last few.
      const std::int64_t parent = processes[processes.size() - 1 -
                                            static_cast<std::size_t>(Pick(static_cast<std::int64_t>(
                                                std::min<std::size_t>(processes.size(), 20))))];
      const std::int64_t process = next_process++;
      processes.push_back(process);
      Add(parent, process, parent, EventKind::kFork);
      Add(kObjectIds + Pick(500), process, process, EventKind::kExec);
      const std::int64_t flow_count = 20 + Pick(300);
      for (std::int64_t i = 0; i < flow_count; ++i) {
        const std::int64_t choice = Pick(100);
        if (choice < 40) Add(kObjectIds + Pick(2000), process, process, EventKind::kRead);
        if (choice >= 40 && choice < 65) Add(process, next_file++, process, EventKind::kWrite);
        if (choice >= 65 && choice < 90) {
          Add(next_file - 1 - Pick(200), process, process, EventKind::kRead);
        }
        if (choice >= 90) Add(process, next_file - 1 - Pick(50), process, EventKind::kWrite);
      }
    }
    return std::move(flows_);
  }

  std::mt19937_64 random_{42};
  std::int64_t now_ns_ = 0;
  std::vector<Flow> flows_;
};

std::shared_ptr<const causal_index::Index> BuildIndex() {
  GraphBuilder builder;
  for (const Flow& flow : History::Flows()) builder.AddFlow(flow);
  return builder.BuildIndex();
}

void Build(benchmark::State& state) {
  History::Flows();
  for (auto round : state) {
    const auto index = BuildIndex();
    state.counters["bytes_per_event"] =
        static_cast<double>(index->size_bytes()) / static_cast<double>(index->flow_count());
    state.counters["nodes"] = static_cast<double>(index->nodes().node_count());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * kFlowCount);
}
BENCHMARK(Build)->Unit(benchmark::kMillisecond)->Iterations(2);

void WalkOf(benchmark::State& state, bool forward) {
  static const auto kIndex = BuildIndex();
  std::mt19937_64 random(7);
  std::size_t edges = 0;
  for (auto round : state) {
    const auto start = static_cast<NodeIndex>(
        std::uniform_int_distribution<std::size_t>(0, kIndex->nodes().node_count() - 1)(random));
    Graph graph(kIndex);
    const Walk walk = WalkFrom(graph, {&start, 1}, {.forward = forward});
    edges += walk.edges.size();
  }
  state.counters["edges_per_walk"] =
      static_cast<double>(edges) / static_cast<double>(state.iterations());
}
BENCHMARK_CAPTURE(WalkOf, backward, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(WalkOf, forward, true)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace spoor::causality
