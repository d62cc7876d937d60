// SPDX-License-Identifier: Apache-2.0
#include "undo/script_head.hpp"

namespace spoor::undo {

// Each function returns 0, so that `set -e` ends the script only where it must not go on.
std::string_view ScriptHead() {
  return R"SH(set -eu
LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
unset CDPATH ENV BASH_ENV IFS
umask 077
newline='
'
apply=0 root= contents=spoor-contents kept=spoor-undo-kept host= number=0 skipped=0 done=0

usage() {
  printf '%s\n' "sh $0 [--apply] [--root FOLDER] [--contents FOLDER] [--kept FOLDER] [--host NAME]" \
    '  --apply     do it; without it nothing is changed' \
    '  --root      the file system of the host is mounted there (default: this one)' \
    '  --contents  what files held before, as spoor undo --contents wrote it' \
    '  --kept      a new folder for what is moved away or overwritten' \
    '  --host      only what is of this host (needed where there are several)'
  exit "$1"
}
while [ $# -gt 0 ]; do
  case $1 in
    --apply) apply=1 ;;
    --root | --contents | --kept | --host)
      [ $# -ge 2 ] || usage 2
      case $1 in
        --root)
          root=$(cd -P -- "$2" && pwd -P && printf x) || exit 5
          root=${root%"${newline}x"} ;;
        --contents) contents=$2 ;;
        --kept) kept=$2 ;;
        --host) host=$2 ;;
      esac
      shift ;;
    --help) usage 0 ;;
    *) usage 2 ;;
  esac
  shift
done
[ "$root" != / ] || root=
if [ "$apply" = 1 ]; then
  mkdir -m 700 -- "$kept" || { printf '%s\n' 'the folder of --kept must be new' >&2; exit 5; }
fi
kept=$(cd -P -- "$kept" 2>/dev/null && pwd -P) || kept=
contents=$(cd -P -- "$contents" 2>/dev/null && pwd -P) || contents=

left_alone() { skipped=$((skipped + 1)); printf 'action %s: left alone: %s\n' "$number" "$1"; }
# would WHAT: false in a dry run, in which it is told.
would() {
  done=$((done + 1))
  if [ "$apply" = 1 ]; then printf 'action %s: %s\n' "$number" "$1"; return 0; fi
  printf 'action %s: would: %s\n' "$number" "$1"
  return 1
}
# action NUMBER HOST: false where it is of another host.
action() {
  number=$1
  [ -z "$host" ] || [ "$host" = "$2" ] || { left_alone 'it is of another host'; return 1; }
}
# reached PATH: no folder above it is a link. What links lead to is not what was recorded.
reached() {
  above=$root${1%/*}
  [ -n "$above" ] || above=/
  is=$(cd -P -- "$above" 2>/dev/null && pwd -P && printf x) || return 1
  [ "$is" = "$above${newline}x" ]
}
absent() { [ ! -e "$root$1" ] && [ ! -L "$root$1" ]; }
sum() { got=$(sha256sum) && printf '%s' "${got%% *}"; }
# is_left PATH TYPE INODE SIZE SHA256 MODIFIED_UNTIL LINK ('-': not known): it is as it was left.
is_left() {
  reached "$1" || { left_alone 'a folder above it is a link, or gone'; return 1; }
  case $2 in
    symlink) [ -L "$root$1" ] || { left_alone 'it is no link any more'; return 1; } ;;
    directory)
      [ -d "$root$1" ] && [ ! -L "$root$1" ] || { left_alone 'it is no folder any more'; return 1; } ;;
    file)
      [ -f "$root$1" ] && [ ! -L "$root$1" ] || { left_alone 'there is no such file any more'; return 1; } ;;
    *) [ -e "$root$1" ] && [ ! -L "$root$1" ] || { left_alone 'it is not there any more'; return 1; } ;;
  esac
  [ "$3" = - ] || [ "$3" = "$(stat -c %i -- "$root$1")" ] || { left_alone 'another file has its name'; return 1; }
  if [ "$2" = symlink ] && [ -n "$7" ]; then
    to=$(readlink -- "$root$1" && printf x) && [ "$to" = "$7${newline}x" ] || { left_alone 'it leads elsewhere'; return 1; }
  fi
  [ "$4" = - ] || [ "$4" = "$(stat -c %s -- "$root$1")" ] || { left_alone 'its size is another'; return 1; }
  if [ "$5" != - ]; then
    [ "$5" = "$(sum <"$root$1")" ] || { left_alone 'it holds something else'; return 1; }
  elif [ "$6" != - ]; then
    [ "$(stat -c %Y -- "$root$1")" -le "$6" ] || { left_alone 'it was written to later'; return 1; }
  fi
}
move_away() {
  is_left "$@" || return 0
  would 'move the file away' || return 0
  mv -- "$root$1" "$kept/$number"
}
remove_folder() {
  is_left "$@" || return 0
  would 'remove the folder, if it is empty' || return 0
  rmdir -- "$root$1" || left_alone 'the folder is not empty'
}
# move_back TO ...: TO, then as is_left
move_back() {
  to_path=$1
  shift
  is_left "$@" || return 0
  reached "$to_path" || { left_alone 'a folder above its old name is a link, or gone'; return 0; }
  absent "$to_path" || { left_alone 'something has its old name'; return 0; }
  would 'give the file its old name' || return 0
  mv -n -- "$root$1" "$root$to_path"
}
content_is_there() {
  [ -n "$contents" ] && [ -f "$contents/$1" ] && [ ! -L "$contents/$1" ] ||
    { left_alone "what it held is not in the folder of --contents ($1)"; return 1; }
  [ "$(sum <"$contents/$1")" = "$1" ] || { left_alone 'what is in the folder of --contents is something else'; return 1; }
}
# restore_over CONTENT ...: CONTENT, then as is_left. Mode and owner stay as they are.
restore_over() {
  content=$1
  shift
  is_left "$@" && content_is_there "$content" || return 0
  would 'write back what the file held' || return 0
  cp -p -- "$root$1" "$kept/$number"
  cat -- "$contents/$content" >"$root$1"
}
# restore_new CONTENT PATH: nothing has the name now.
restore_new() {
  reached "$2" || { left_alone 'a folder above it is a link, or gone'; return 0; }
  absent "$2" || { left_alone 'something has its name'; return 0; }
  content_is_there "$1" || return 0
  would 'write the file again, for its owner alone: look after mode and owner' || return 0
  (set -C && cat -- "$contents/$1" >"$root$2")
}
# truncate_to SIZE TAIL_SHA256 ...: what lies behind SIZE, then as is_left
truncate_to() {
  size=$1 tail=$2
  shift 2
  is_left "$@" || return 0
  [ "$tail" = - ] || [ "$tail" = "$(tail -c +$((size + 1)) -- "$root$1" | sum)" ] ||
    { left_alone 'what was appended is not its end any more'; return 0; }
  would "cut off what was appended behind $size bytes" || return 0
  cp -p -- "$root$1" "$kept/$number"
  truncate -s "$size" -- "$root$1"
}
# set_mode MODE MODE_NOW ...: then as is_left
set_mode() {
  mode=$1 now=$2
  shift 2
  is_left "$@" || return 0
  [ "$(stat -c %a -- "$root$1")" = "$now" ] || { left_alone 'its mode is another'; return 0; }
  would "set its mode to $mode" || return 0
  chmod -- "$mode" "$root$1"
}
set_owner() {
  owner=$1 now=$2
  shift 2
  is_left "$@" || return 0
  [ "$(stat -c %u:%g -- "$root$1")" = "$now" ] || { left_alone 'its owner is another'; return 0; }
  would "give it to $owner" || return 0
  chown -- "$owner" "$root$1"
}
# stop PID START BOOT: START in ticks since the boot, as /proc has it
stop() {
  [ -z "$root" ] || { left_alone 'it does not run on a mounted disk'; return 0; }
  [ "$(cat /proc/sys/kernel/random/boot_id)" = "$3" ] || { left_alone 'the host was started again since'; return 0; }
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || { left_alone 'it has ended'; return 0; }
  start=$(printf '%s' "${stat##*) }" | cut -d ' ' -f 20)
  # The kernel rounds down, and the record may have been taken on the other side of a tick.
  [ "$start" -ge $(($2 - 1)) ] && [ "$start" -le $(($2 + 1)) ] || { left_alone 'another process has its number'; return 0; }
  would "end process $1" || return 0
  kill -KILL "$1" || left_alone 'it has ended'
}
)SH";
}

std::string_view ScriptEnd() {
  return R"SH(
printf '%s actions, %s left alone' "$done" "$skipped"
[ "$apply" = 1 ] && printf '; what was moved away is in %s\n' "$kept" ||
  printf '; nothing was changed: --apply does it\n'
)SH";
}

}  // namespace spoor::undo
