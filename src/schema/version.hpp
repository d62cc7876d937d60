// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace spoor::schema {

/// Version of what segments hold, written into the catalog. Raise it when a declaration changes,
/// and when ingest writes something else into the same columns: a store of another version is made
/// again from its evidence.
///   1  up to the first release; the catalog did not name it
///   2  event.other_process_id, flow.observer and what follows it, flow_process, tables for the
///      network
///   3  flow: what only packets tell
///   4  log_line.repeat and its like; what files that overlap tell is one row
inline constexpr int kSchemaVersion = 4;
/// Fingerprint() of the declarations of that version; schema_test tells the new one.
inline constexpr std::string_view kSchemaFingerprint = "410c0255e9e7616e";

}  // namespace spoor::schema
