// SPDX-License-Identifier: Apache-2.0
#include "collector/unrecorded.hpp"

#include <algorithm>
#include <tuple>

namespace spoor::collector {
namespace {

/// Of one host, from its first recording to the one that ended last.
struct Boot {
  const Coverage* first;
  const Coverage* last;
};

void AddBetweenBoots(std::vector<Boot> boots, std::vector<Unrecorded>& found) {
  std::ranges::stable_sort(boots, {}, [](const Boot& boot) { return boot.first->from_wall_ns; });
  for (std::size_t i = 1; i < boots.size(); ++i) {
    found.push_back({*boots[i - 1].last, *boots[i].first});
  }
}

}  // namespace

// Clocks in a log are whatever a sensor wrote, so their difference may not fit: no overflow here.
std::int64_t Unrecorded::length_ns() const {
  if (!rebooted()) return static_cast<std::int64_t>(after.from_boot_ns - before.until_boot_ns);
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(after.from_wall_ns) -
                                   static_cast<std::uint64_t>(before.until_wall_ns));
}

std::vector<Unrecorded> FindUnrecorded(std::vector<Coverage> coverages) {
  std::ranges::sort(coverages, {}, [](const Coverage& one) {
    return std::tie(one.host, one.kind, one.boot_id, one.from_boot_ns, one.recording);
  });
  std::vector<Unrecorded> found;
  std::vector<Boot> boots;  // of the host at hand
  for (const Coverage& one : coverages) {
    const Coverage* before = boots.empty() ? nullptr : boots.back().last;
    if (before != nullptr && (one.host != before->host || one.kind != before->kind)) {
      AddBetweenBoots(std::move(boots), found);
      boots = {};
      before = nullptr;
    }
    if (before == nullptr || one.boot_id != before->boot_id) {
      boots.push_back({&one, &one});
      continue;
    }
    if (one.from_boot_ns > before->until_boot_ns) found.push_back({*before, one});
    if (one.until_boot_ns > before->until_boot_ns) boots.back().last = &one;
  }
  AddBetweenBoots(std::move(boots), found);
  std::ranges::stable_sort(found, [](const Unrecorded& one, const Unrecorded& other) {
    return std::tie(one.before.host, one.before.kind, one.before.until_wall_ns) <
           std::tie(other.before.host, other.before.kind, other.before.until_wall_ns);
  });
  return found;
}

}  // namespace spoor::collector
