// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "causal_index/open_index.hpp"
#include "causality/trace.hpp"
#include "store/store.hpp"

/// Causes and effects of what a user names.
namespace spoor::analysis {

/// What a user calls a start: store/lookup.hpp says what each text may be.
struct TrackStart {
  enum class Kind : std::uint8_t { kProcess, kFile, kFlow, kAlert, kEvent };
  Kind kind = Kind::kProcess;
  std::string text;
};
/// Fails: kNotFound, kInvalidArgument (several things are called that).
Result<std::vector<std::int64_t>> FindStart(store::Store& store, const TrackStart& start);
/// A path, a process or a flow, whichever `text` (not empty) is; or what it says that it is:
/// "alert:ID", "event:ID", "file:PATH", "flow:FLOW", "process:PROCESS". Fails as FindStart.
Result<std::vector<std::int64_t>> FindAnything(store::Store& store, const std::string& text);
/// Makes `options` look at no causes after the event and no effects before it, where `start` is one
/// (a typed line is the event that read its end); `ids` are what FindStart gave. Fails as
/// FindStart.
Result<> KeepToEvent(store::Store& store, const TrackStart& start,
                     const std::vector<std::int64_t>& ids, causality::TraceOptions& options);

/// A span of time as users write it (base/time.hpp); empty texts: no limit there.
struct Period {
  std::optional<std::int64_t> from_wall_ns, until_wall_ns;
  /// Fails: kInvalidArgument.
  static Result<Period> Parse(const std::string& from, const std::string& until,
                              std::int64_t now_wall_ns);
};

/// Traces from these ids in the causal index of `store`, which is made where it is missing, and
/// describes what it finds, with the gaps that overlap it and how processes of it became root.
Result<causality::Subgraph> Track(store::Store& store, const std::vector<std::int64_t>& start_ids,
                                  const causality::TraceOptions& options,
                                  const causal_index::OpenIndexOptions& opening = {});

/// causality::ShortestWay, described as by Track.
Result<causality::Subgraph> TrackWay(store::Store& store,
                                     const std::vector<std::int64_t>& start_ids,
                                     const std::vector<std::int64_t>& end_ids,
                                     const causality::TraceOptions& options,
                                     const causal_index::OpenIndexOptions& opening = {});

}  // namespace spoor::analysis
