// SPDX-License-Identifier: Apache-2.0
#include "ingest/names.hpp"

#include <algorithm>

#include "schema/loss_class.hpp"

namespace spoor::ingest {
namespace {

/// What renames of folders may move: so many names to begin with, and more for each call that shows
/// or ends one.
constexpr std::uint64_t kAffordableAtFirst = 4096;
constexpr std::uint64_t kAffordablePerCall = 4;

}  // namespace

NameKeeper::NameKeeper(store::SegmentWriter& rows)
    : rows_(&rows), affordable_(kAffordableAtFirst) {}

std::int64_t NameKeeper::Find(const HostState& host, const std::string& path) {
  const auto found = host.names.find(path);
  return found == host.names.end() ? 0 : found->second.object_id;
}

void NameKeeper::Show(HostState& host, std::int64_t object_id, const std::string& path,
                      const Moment& now, event::EventKind cause, std::int64_t revision) {
  affordable_ += kAffordablePerCall;
  Put(host, object_id, path, now, cause, revision);
}

void NameKeeper::Put(HostState& host, std::int64_t object_id, const std::string& path,
                     const Moment& now, event::EventKind cause, std::int64_t revision) {
  const auto [position, added] = host.names.try_emplace(path);
  Name& name = position->second;
  if (!added) {
    if (name.object_id == object_id) return;
    Write(host, path, name, now.boot_ns, revision);
  }
  name = {.object_id = object_id,
          .from_boot_ns = now.boot_ns,
          .from_wall_ns = now.wall_ns,
          .cause = cause};
  Write(host, path, name, std::nullopt, revision);
}

void NameKeeper::End(HostState& host, const std::string& path, const Moment& now,
                     std::int64_t revision) {
  const auto found = host.names.find(path);
  if (found == host.names.end()) return;
  Write(host, path, found->second, now.boot_ns, revision);
  host.names.erase(found);
}

void NameKeeper::Rename(HostState& host, const std::string& from, const std::string& to,
                        const Moment& now, std::int64_t revision) {
  if (from == to) return;
  affordable_ += kAffordablePerCall;
  Tree tree = Take(host, from, now, revision);
  Take(host, to, now, revision);
  Afford(host, tree, now);
  Give(host, to, tree, now, revision);
}

void NameKeeper::Exchange(HostState& host, const std::string& a, const std::string& b,
                          const Moment& now, std::int64_t revision) {
  affordable_ += kAffordablePerCall;
  Tree of_a = Take(host, a, now, revision);
  Tree of_b = Take(host, b, now, revision);
  Afford(host, of_a, now);
  Afford(host, of_b, now);
  Give(host, b, of_a, now, revision);
  Give(host, a, of_b, now, revision);
}

NameKeeper::Tree NameKeeper::Take(HostState& host, const std::string& path, const Moment& now,
                                  std::int64_t revision) {
  Tree tree;
  const auto take = [&](auto position) {
    tree.emplace_back(position->first.substr(path.size()), position->second.object_id);
    Write(host, position->first, position->second, now.boot_ns, revision);
    return host.names.erase(position);
  };
  if (const auto found = host.names.find(path); found != host.names.end()) take(found);
  const std::string below = path + "/";
  auto position = host.names.lower_bound(below);
  while (position != host.names.end() && position->first.starts_with(below)) {
    position = take(position);
  }
  return tree;
}

void NameKeeper::Afford(HostState& host, Tree& tree, const Moment& now) {
  if (tree.size() <= affordable_) {
    affordable_ -= tree.size();
    return;
  }
  const std::size_t kept = tree.front().first.empty() ? 1 : 0;
  if (host.names_not_followed == 0) host.names_not_followed_since = now;
  host.names_not_followed += tree.size() - kept;
  tree.resize(kept);
}

void NameKeeper::WriteGap(HostState& host, const std::string& recording_id, const Moment& now) {
  if (host.names_not_followed == 0) return;
  const Moment& since = host.names_not_followed_since;
  rows_->Append(schema::GapRow{
      .host_id = host.host_id,
      .recording_id = recording_id,
      .from_boot_ns = schema::AtMostMax(since.boot_ns),
      .until_boot_ns = schema::AtMostMax(std::max(since.boot_ns, now.boot_ns)),
      .from_wall_ns = since.wall_ns,
      .until_wall_ns = std::max(since.wall_ns, now.wall_ns),
      .loss_class = schema::LossClassName(schema::LossClass::kName),
      .count = schema::AtMostMax(host.names_not_followed),
      .reason =
          "names below renamed folders that were not followed: each is known again from its next "
          "use",
  });
  host.names_not_followed = 0;
}

void NameKeeper::Give(HostState& host, const std::string& path, const Tree& tree, const Moment& now,
                      std::int64_t revision) {
  for (const auto& [rest, object_id] : tree) {
    const std::string name = path + rest;
    Put(host, object_id, name, now, event::EventKind::kRename, revision);
    if (const auto object = host.objects.find(object_id); object != host.objects.end()) {
      object->second.path = name;
      object->second.changed = true;
    }
  }
}

void NameKeeper::Write(const HostState& host, const std::string& path, const Name& name,
                       std::optional<std::uint64_t> until_boot_ns, std::int64_t revision) {
  rows_->Append(schema::ObjectNameRow{
      .object_id = name.object_id,
      .host_id = host.host_id,
      .path = path,
      .from_boot_ns = schema::AtMostMax(name.from_boot_ns),
      .from_wall_ns = name.from_wall_ns,
      .until_boot_ns =
          until_boot_ns ? std::optional(schema::AtMostMax(*until_boot_ns)) : std::nullopt,
      .cause = event::EventKindName(name.cause),
      .revision = revision,
  });
}

}  // namespace spoor::ingest
