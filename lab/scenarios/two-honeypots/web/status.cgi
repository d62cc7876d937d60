#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Network status page: is a host's web service reachable from here? It asks the database for the host's name first.
# The hole of the scenario: what the visitor asks for goes to a shell as it is.
unescape() {
  local text=${1//+/ }
  printf '%b' "${text//%/\\x}"
}

# The name that the database has for a host; nothing where it has none.
name_of() {
  local length name
  exec 3<>/dev/tcp/127.0.0.1/6379
  printf 'GET name:%s\r\n' "${1%%[!0-9.]*}" >&3
  read -r length <&3
  [ "${length:1:1}" = "-" ] || read -r name <&3
  exec 3>&-
  echo "${name%$'\r'}"
}

host=
old_ifs=$IFS
IFS='&'
for pair in $QUERY_STRING; do
  case $pair in host=*) host=$(unescape "${pair#host=}") ;; esac
done
IFS=$old_ifs

printf 'Content-Type: text/html\r\n\r\n'
echo "<html><title>Network status</title><h1>Network status</h1><form>Host: <input name=host></form>"
if [ -n "$host" ]; then
  name=$(name_of "$host")
  echo "<pre>${name:-unknown host}"
  sh -c "nc -vz -w 2 $host 22 2>&1"
  echo "</pre>"
fi
echo "</html>"
