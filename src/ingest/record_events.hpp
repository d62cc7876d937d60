// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "event/event.hpp"
#include "wire/kernel_event.h"

namespace spoor::ingest {

/// The meaning of single records. Remembers only what later records need of earlier ones (when a
/// pty was made), so records must come in the order of time.
class RecordEvents {
 public:
  RecordEvents() = default;  ///< its state is to be read
  /// `hosts`: by record_header.scope.
  RecordEvents(std::vector<std::string> hosts, std::string boot_id)
      : hosts_(std::move(hosts)), boot_id_(std::move(boot_id)) {}

  /// What the record's batch says about the record.
  struct Origin {
    std::int64_t entry_index = -1;
    std::int64_t wall_minus_boot_ns = 0;

    template <typename Archive>
    void Walk(Archive& archive) {
      archive(entry_index, wall_minus_boot_ns);
    }
  };

  /// Its state for base/archive.hpp.
  template <typename Archive>
  void Walk(Archive& archive) {
    archive(hosts_, boot_id_, pty_instances_);
  }

  /// Appends what `record` (one whole record, as wire::TakeRecord gives it, but no RECORD_LOSS)
  /// says: one event; two for a transfer; none for a new thread or setpgid.
  /// Fails: kCorrupt, with nothing appended.
  Result<> Append(std::span<const std::byte> record, const Origin& origin,
                  std::vector<event::Event>& events);

 private:
  class Reader;
  event::Event Begin(const record_header& header, event::EventKind kind,
                     const Origin& origin) const;
  event::ObjectKey KeyOf(const object_ref& object, Reader& reader) const;
  void SetObject(const object_ref& object, Reader& reader, event::Event& event) const;

  using Events = std::vector<event::Event>;
  void AppendFork(Reader& reader, const Origin& origin, Events& events);
  void AppendExec(Reader& reader, const Origin& origin, Events& events);
  void AppendExit(Reader& reader, const Origin& origin, Events& events);
  void AppendCredential(Reader& reader, const Origin& origin, Events& events);
  void AppendOpen(Reader& reader, const Origin& origin, Events& events);
  void AppendDescriptor(Reader& reader, const Origin& origin, Events& events);
  void AppendIo(Reader& reader, const Origin& origin, Events& events);
  void AppendName(Reader& reader, const Origin& origin, Events& events);
  void AppendNamedPath(Reader& reader, const Origin& origin, Events& events);
  void AppendPath(Reader& reader, const Origin& origin, Events& events);
  void AppendPair(Reader& reader, const Origin& origin, Events& events);
  void AppendSocket(Reader& reader, const Origin& origin, Events& events);
  void AppendTerminal(Reader& reader, const Origin& origin, Events& events);
  void AppendTransfer(Reader& reader, const Origin& origin, Events& events);
  void AppendSignal(Reader& reader, const Origin& origin, Events& events);
  void AppendProcess(Reader& reader, const Origin& origin, Events& events);
  void AppendSession(Reader& reader, const Origin& origin, Events& events);

  std::vector<std::string> hosts_;
  std::string boot_id_;
  /// (device, inode) of a slave in devpts -> boot_ns when its master was opened.
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint64_t> pty_instances_;
};

}  // namespace spoor::ingest
