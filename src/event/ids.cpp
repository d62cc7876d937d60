// SPDX-License-Identifier: Apache-2.0
#include "base/stable_id.hpp"
#include "event/event.hpp"

namespace spoor::event {

std::int64_t HostId(std::string_view host) {
  return StableIdBuilder("host").Add(host).Build();
}

std::int64_t ProcessId(std::string_view host, std::string_view boot_id, const ProcessKey& process) {
  return StableIdBuilder("process")
      .Add(host)
      .Add(boot_id)
      .Add(std::uint64_t{process.pid})
      .Add(process.start_boot_ns)
      .Build();
}

std::int64_t ObjectId(std::string_view host, std::string_view boot_id, const ObjectKey& object) {
  if (object.type == ObjectType::kNone) return 0;
  StableIdBuilder builder("object");
  builder.Add(host).Add(ObjectTypeName(object.type));
  if (object.type == ObjectType::kPath) return builder.Add(object.path).Build();
  builder.Add(TraitsOf(object.type).ends_with_boot ? boot_id : std::string_view());
  return builder.Add(std::uint64_t{object.device})
      .Add(object.inode)
      .Add(std::uint64_t{object.generation})
      .Add(object.instance)
      .Build();
}

}  // namespace spoor::event
