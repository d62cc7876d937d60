# SPDX-License-Identifier: Apache-2.0
"""A legitimate visitor: reads pages and uses the status page as it is meant, one round for each line on standard input,
answered by one JSON line on standard output: whether the page worked, and the ports that the requests came from.
Usage: visit.py SITE [CERTIFICATE]"""
import http.client
import json
import ssl
import sys
import urllib.parse

TIMEOUT_S = 900  # a guard against a hang; no machine is too slow for it
SITE = urllib.parse.urlsplit(sys.argv[1])
PAGES = ["/", "/products.html", "/cgi-bin/status.cgi", "/cgi-bin/status.cgi?host=127.0.0.1"]


def connect():
    if SITE.scheme == "http":
        return http.client.HTTPConnection(SITE.netloc, timeout=TIMEOUT_S)
    return http.client.HTTPSConnection(SITE.netloc, timeout=TIMEOUT_S, context=ssl.create_default_context(cafile=sys.argv[2]))


def read_page(path):
    """The page's text, and the port that it was asked for from."""
    connection = connect()
    connection.connect()
    source_port = connection.sock.getsockname()[1]
    connection.request("GET", path, headers={"Connection": "close"})
    with connection.getresponse() as answer:
        text = answer.read().decode()
    connection.close()
    return text, source_port


for line in sys.stdin:
    answers = [read_page(path) for path in PAGES]
    print(json.dumps({"worked": "succeeded" in answers[-1][0], "source_ports": [port for _, port in answers]}), flush=True)
