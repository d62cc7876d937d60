// SPDX-License-Identifier: Apache-2.0
#include "base/stable_id.hpp"
#include "event/network.hpp"

namespace spoor::event {
namespace {

constexpr std::uint64_t kNoPort = 1 << 16;

struct End {
  std::string_view ip;
  std::uint64_t port = kNoPort;
  auto operator<=>(const End&) const = default;
};

// The same whichever end is called the source.
void AddEnds(StableIdBuilder& builder, const FlowEnds& ends) {
  End first{ends.source_ip, ends.source_port ? *ends.source_port : kNoPort};
  End second{ends.destination_ip, ends.destination_port ? *ends.destination_port : kNoPort};
  if (second < first) std::swap(first, second);
  builder.Add(ends.transport).Add(first.ip).Add(first.port).Add(second.ip).Add(second.port);
}

}  // namespace

std::int64_t FlowId(std::string_view host, const FlowSighting& flow) {
  StableIdBuilder builder("flow of observer");
  builder.Add(host).Add(flow.observer).Add(flow.key);
  AddEnds(builder, flow.ends);
  if (flow.key.empty()) builder.Add(static_cast<std::uint64_t>(flow.begin_wall_ns));
  return builder.Build();
}

std::int64_t AlertId(std::string_view host, const AlertSighting& alert) {
  StableIdBuilder builder("alert");
  builder.Add(host)
      .Add(alert.source)
      .Add(alert.key)
      .Add(alert.generator_id.value_or(0))
      .Add(alert.signature_id.value_or(0))
      .Add(alert.signature)
      .Add(static_cast<std::uint64_t>(alert.wall_ns))
      .Add(alert.repeat)
      .Add(alert.flow.key);
  AddEnds(builder, alert.flow.ends);
  return builder.Build();
}

}  // namespace spoor::event
