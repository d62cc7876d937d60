// SPDX-License-Identifier: Apache-2.0
// Packets a second through reader, decoder and flow builder, on one core. The capture is made here:
// connections of twelve packets, as many at a time as the argument says.
#include <benchmark/benchmark.h>

#include "packets/capture_for_tests.hpp"
#include "packets/flow_builder.hpp"

namespace spoor::packets {
namespace {

using namespace test;

constexpr unsigned kSegments = 10;

std::string MakeCapture(unsigned flow_count) {
  Pcap pcap;
  const std::string data(700, 'x');
  for (unsigned step = 0; step < kSegments + 2; ++step) {
    for (unsigned flow = 0; flow < flow_count; ++flow) {
      const unsigned port = 1024 + flow % 60000, host = 3 + flow / 60000;
      const bool back = step % 2 == 1;
      TcpFields tcp{.source_port = back ? 80 : port, .destination_port = back ? port : 80};
      tcp.sequence = step / 2 * 700 + (step > 1 ? 1 : 0);
      tcp.flags = step == 0 ? 2 : step == 1 ? 18 : 16;
      const Ip4Fields ip{.source = back ? 2 : host, .destination = back ? host : 2};
      pcap.Add(1 + step * 0.01, Ip4Frame(ip, Tcp(tcp, step > 1 ? data : "")));
    }
  }
  return pcap.bytes();
}

void BuildFlows(benchmark::State& state) {
  const std::string capture = MakeCapture(static_cast<unsigned>(state.range(0)));
  std::uint64_t packets = 0, flows = 0;
  for (auto _ : state) {
    FlowBuilder builder({}, "bench", [&](const Flow&) { ++flows; });
    CaptureReader reader;
    static_cast<void>(
        reader.Feed({reinterpret_cast<const std::uint8_t*>(capture.data()), capture.size()},
                    [&](const CapturedPacket& packet) { builder.Add(packet); }));
    builder.Finish();
    packets += builder.counts().packets;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(packets));
  state.counters["flows"] = static_cast<double>(flows) / static_cast<double>(state.iterations());
}
BENCHMARK(BuildFlows)->Arg(100)->Arg(10'000)->Arg(200'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace spoor::packets
