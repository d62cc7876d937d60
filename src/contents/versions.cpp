// SPDX-License-Identifier: Apache-2.0
#include "contents/versions.hpp"

namespace spoor::contents {

bool VersionWalk::Begins(const Act& act) const {
  if (act.kind != Act::Kind::kWrite && act.kind != Act::Kind::kResize) return false;
  return version_.process_id != act.process_id ||
         (act.kind == Act::Kind::kResize && image_.size_bytes() > act.size_bytes);
}

bool VersionWalk::Next() {
  bool any = false;
  for (; at_ < acts_.size(); ++at_) {
    const Act& act = acts_[at_];
    if (Begins(act)) {
      if (any) {
        version_.until_wall_ns = act.wall_ns;
        return true;
      }
      version_ = {.version = begun_ ? version_.version + 1 : 1,
                  .from_wall_ns = act.wall_ns,
                  .process_id = act.process_id};
    }
    image_.Apply(act);
    if (act.kind == Act::Kind::kMap) continue;  // is no content yet
    any = begun_ = true;
    version_.until_wall_ns.reset();
  }
  return any;
}

}  // namespace spoor::contents
