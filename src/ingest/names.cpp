// SPDX-License-Identifier: Apache-2.0
#include "ingest/names.hpp"

namespace spoor::ingest {

std::int64_t NameKeeper::Find(const HostState& host, const std::string& path) {
  const auto found = host.names.find(path);
  return found == host.names.end() ? 0 : found->second.object_id;
}

void NameKeeper::Show(HostState& host, std::int64_t object_id, const std::string& path,
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
  const Tree tree = Take(host, from, now, revision);
  Take(host, to, now, revision);
  Give(host, to, tree, now, revision);
}

void NameKeeper::Exchange(HostState& host, const std::string& a, const std::string& b,
                          const Moment& now, std::int64_t revision) {
  const Tree of_a = Take(host, a, now, revision);
  const Tree of_b = Take(host, b, now, revision);
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

void NameKeeper::Give(HostState& host, const std::string& path, const Tree& tree, const Moment& now,
                      std::int64_t revision) {
  for (const auto& [rest, object_id] : tree) {
    const std::string name = path + rest;
    Show(host, object_id, name, now, event::EventKind::kRename, revision);
    if (const auto object = host.objects.find(object_id); object != host.objects.end()) {
      object->second.path = name;
      object->second.changed = true;
    }
  }
}

void NameKeeper::Write(const HostState& host, const std::string& path, const Name& name,
                       std::optional<std::uint64_t> until_boot_ns, std::int64_t revision) {
  store::TableWriter& table = rows_->table(store::Table::kObjectName);
  table.Integer(name.object_id)
      .Integer(host.host_id)
      .Text(path)
      .Unsigned(name.from_boot_ns)
      .Integer(name.from_wall_ns);
  if (until_boot_ns) {
    table.Unsigned(*until_boot_ns);
  } else {
    table.Null();
  }
  table.Text(event::EventKindName(name.cause)).Integer(revision);
  table.EndRow();
}

}  // namespace spoor::ingest
