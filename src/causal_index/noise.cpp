// SPDX-License-Identifier: Apache-2.0
#include "causal_index/noise.hpp"

namespace spoor::causal_index {

std::string_view NoiseCondition() {
  return "path IN ('/dev/null', '/dev/zero', '/dev/full', '/dev/random', '/dev/urandom', "
         "'/dev/tty', '/run/utmp', '/var/run/utmp', '/var/log/wtmp', '/var/log/btmp', "
         "'/var/log/lastlog', '/etc/ld.so.cache', '/etc/mtab', '/dev/log', "
         "'/run/systemd/journal/dev-log', '/run/systemd/journal/socket', "
         "'/run/systemd/journal/stdout') "
         "OR path LIKE '/proc/%' OR path LIKE '/sys/%' OR path LIKE '%/run/nscd/%' "
         "OR path = '/proc' OR path = '/sys'";
}

}  // namespace spoor::causal_index
