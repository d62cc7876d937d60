// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "event/network.hpp"

namespace spoor::importers {

/// "[1:2466:7] MESSAGE [**] [Classification: C] [Priority: 3] {TCP} 1.2.3.4:5 -> 6.7.8.9:10" and
/// its relatives: what Snort's alert_fast, alert_full and syslog outputs and Suricata's fast.log
/// share. What is missing stays unset; the time is not in it. None: there is no rule in it.
std::optional<event::AlertSighting> ParseSnortAlert(std::string_view text);

/// "1.2.3.4:5 -> 6.7.8.9:10" into the ends of `flow`.
bool ParseSnortEnds(std::string_view text, event::FlowSighting& flow);

/// "1:2466:7".
bool ParseSnortRule(std::string_view text, event::AlertSighting& alert);

}  // namespace spoor::importers
