// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "analysis/track.hpp"
#include "base/result.hpp"
#include "causality/fold.hpp"
#include "causality/trace.hpp"
#include "store/store.hpp"

namespace spoor::programs {

/// The command line of `spoor track`.
struct TrackFlags {
  std::string store;
  std::string process, file, flow, alert, event;
  bool backward = false, forward = false, both = false;
  std::string from, until;
  std::string format = "tree";
  bool json = false;
  std::string out;
  std::string why, to, list;
  std::vector<std::string> also;
  bool entries = false;
  std::size_t limit = 0;
  std::size_t show = causality::kShownUsual;
  std::size_t steps_max = 1'000'000;
  std::uint32_t depth = 0;
  std::string time_max;
  std::vector<std::string> hosts;
  bool progressive = false;
  std::string rules;
  std::vector<std::string> no_rule;
  bool no_rules = false;
};

/// Declares the subcommand and its flags, which outlive it.
CLI::App* AddTrackFlags(CLI::App& application, TrackFlags& flags);

/// Fails: kInvalidArgument.
Result<causality::TraceOptions> OptionsOf(const TrackFlags& flags);
/// Keeps `options` to the hosts of the flags. Fails: kNotFound (a name that no host has), as the
/// store does.
Result<> KeepToHosts(store::Store& store, const TrackFlags& flags,
                     causality::TraceOptions& options);
/// The one start that is given.
analysis::TrackStart StartOf(const TrackFlags& flags);
bool IsJson(const TrackFlags& flags);
/// Whether people look at the answer, so that it is folded.
bool IsForPeople(const TrackFlags& flags);

}  // namespace spoor::programs
