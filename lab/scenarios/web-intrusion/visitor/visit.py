# SPDX-License-Identifier: Apache-2.0
"""A legitimate visitor: reads pages and uses the status page as it is meant, one round for each line
on standard input, answered by one line on standard output."""
import sys
import urllib.request

TIMEOUT_S = 900  # a guard against a hang; no machine is too slow for it
SITE = "http://192.0.2.10"
PAGES = ["/", "/products.html", "/cgi-bin/status.cgi", "/cgi-bin/status.cgi?host=127.0.0.1"]

for line in sys.stdin:
    for page in PAGES:
        with urllib.request.urlopen(SITE + page, timeout=TIMEOUT_S) as answer:
            text = answer.read().decode()
    print("reachable" if "succeeded" in text else "unreachable", flush=True)
