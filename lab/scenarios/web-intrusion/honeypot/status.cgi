#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Network status page: is a host's web service reachable from here?
# The hole of the scenario: what the visitor asks for goes to a shell as it is.
unescape() {
  local text=${1//+/ }
  printf '%b' "${text//%/\\x}"
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
  echo "<pre>"
  sh -c "nc -vz -w 2 $host 80 2>&1"
  echo "</pre>"
fi
echo "</html>"
