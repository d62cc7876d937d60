// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "event/event_source.hpp"
#include "importers/text/import_options.hpp"

namespace spoor::importers {

/// What connection tracking says of one conversation, as `conntrack -E` and `-L` print it,
/// /proc/net/nf_conntrack has it, or ulogd writes it. Its ends are those before translation; where
/// the answer has others, `state` says at its end which it has after it: " as IP PORT > IP PORT".
/// Times are not set. None: another text.
std::optional<event::FlowSighting> ParseConntrack(std::string_view text);

/// Reads lines of `conntrack -E -o timestamp`. Those without a time tell nothing of when: they
/// become lines of `conntrack`.
std::unique_ptr<event::EventSource> MakeConntrackReader(const ImportOptions& options);
bool LooksLikeConntrack(std::string_view first_bytes);

}  // namespace spoor::importers
