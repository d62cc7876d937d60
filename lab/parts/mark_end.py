# SPDX-License-Identifier: Apache-2.0
"""Sends what closes a capture: the opening of a connection and then a datagram, both to a port where nobody listens.
Prints the ports that they came from. Usage: mark_end.py ADDRESS TEXT"""
import json
import socket
import sys

DISCARD_PORT = 9

with socket.socket() as connection, socket.socket(type=socket.SOCK_DGRAM) as datagram:
    connection.bind(("", 0))
    tcp_port = connection.getsockname()[1]
    connection.connect_ex((sys.argv[1], DISCARD_PORT))
    datagram.sendto(sys.argv[2].encode(), (sys.argv[1], DISCARD_PORT))
    print(json.dumps({"tcp_port": tcp_port, "udp_port": datagram.getsockname()[1]}))
