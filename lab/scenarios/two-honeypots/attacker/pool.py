# SPDX-License-Identifier: Apache-2.0
"""The intruder's pool: takes one miner, hands it jobs, and keeps the connection. Prints one JSON line when the jobs
have been answered. Usage: pool.py ADDRESS PORT"""
import json
import socket
import sys

JOBS = 5

with socket.create_server((sys.argv[1], int(sys.argv[2]))) as listener:
    connection, peer = listener.accept()
    lines = connection.makefile("rw", encoding="ascii", newline="\n")
    greeting = json.loads(lines.readline())
    for number in range(JOBS):
        lines.write(json.dumps({"id": None, "method": "mining.notify", "params": [number]}) + "\n")
        lines.flush()
        json.loads(lines.readline())
    print(json.dumps({"miner_ip": peer[0], "miner_port": peer[1], "greeting": greeting["method"], "shares": JOBS}), flush=True)
    lines.readline()  # until it goes away
