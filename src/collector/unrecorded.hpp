// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace spoor::collector {

/// What one recording covers of one host, by that host's own clocks.
struct Coverage {
  std::string host, kind;  ///< as its description says: scopes[].host, scopes[].kind
  std::string boot_id;
  std::uint64_t from_boot_ns = 0, until_boot_ns = 0;
  std::int64_t from_wall_ns = 0, until_wall_ns = 0;
  std::string recording;  ///< 32 hex digits
  std::string sensor;     ///< name in the certificate; empty: not shipped
  bool closed = false;    ///< it says itself that it ended; else it was cut off
  std::string reason;     ///< why it ended, in the sensor's words
};

/// Between two recordings of a host: nobody recorded it, and nothing is known of that time.
struct Unrecorded {
  Coverage before;  ///< the recording that ended last before it
  Coverage after;   ///< the one that began first behind it

  bool rebooted() const { return before.boot_id != after.boot_id; }
  /// By the boot clock, which nobody sets; over a reboot by the host's wall clock, and then below 0
  /// when that was set back (or when two machines go by one name).
  std::int64_t length_ns() const;
};

/// The times between the first and the last recording of each host that none of them covers. Scopes
/// of different kinds are different hosts. Recordings of one boot are put in order by its boot
/// clock, boots by their wall clock; since a host does not run twice at once, there is always
/// such a time between two boots.
std::vector<Unrecorded> FindUnrecorded(std::vector<Coverage> coverages);

}  // namespace spoor::collector
