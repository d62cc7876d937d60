# SPDX-License-Identifier: Apache-2.0
"""Rows of the attack matrix about whoever sits between sensor and collector, without a certificate."""
import http.server
import os
import socket
import ssl
import unittest.mock

import collecting
from attacks import AT_RECEIPT, AT_SENSOR, Expected, network
from forgery import flip


@network("own-authority", "sends under a certificate of an authority of their own", "nothing is taken, nothing logged",
         caught=AT_RECEIPT)
def _(case):
    authority = case.new_authority()
    collecting.spoor("keys", "sensor", "web-1", "--dir", authority)
    try:
        status, _ = case.post(0, *case.chain(batches=1).frames, keys=f"{authority}/sensors/web-1")
        case.test.assertEqual(status, 401)
    except (ssl.SSLError, ConnectionError):
        pass  # TLS already said no
    case.test.assertEqual(case.held(), {})


@network("no-certificate", "sends without a certificate", "nothing is taken, nothing logged", caught=AT_RECEIPT)
def _(case):
    case.world.collector.port = case.collector.port
    case.expect(case.world.request(None, "POST", "/v1/sensors/web-1/batches/0", b"x"), 401, "client certificate")
    case.test.assertEqual(case.held(), {})


@network("false-collector", "stands in for the collector, with a certificate of an authority that the host's system trusts",
         "nothing leaves the host", caught=AT_SENSOR)
def _(case):
    authority = case.new_authority()
    collecting.spoor("keys", "collector", "hub", "--dir", authority, "--address", "127.0.0.1")
    false = Swallower(authority / "collectors/hub")
    with false, unittest.mock.patch.dict(os.environ, SSL_CERT_FILE=str(authority / "ca.crt")):
        to = f"https://127.0.0.1:{false.port}"
        recording, acknowledged, left, *_ = case.run_sensor("--batches", 5, "--last-shipping-ms", 500, to=to)
    case.test.assertEqual((acknowledged, left), (0, 9))
    case.test.assertEqual((false.connection_count > 0, false.taken_bytes), (True, 0))
    case.deliver()
    case.test.assertEqual(case.held()[recording], list(range(7)))


@network("flip-on-the-wire", "changes bits of the connection", "the connection ends; the frames come again", caught="TLS 1.3")
def _(case):
    wire = Wire(case.collector.port, spoil_count=3)
    recording, _, left, dropped, refused, told = case.run_sensor("--batches", 30, to=f"https://127.0.0.1:{wire.port}")
    wire.close()
    case.test.assertEqual((left, dropped, refused, wire.spoil_count), (0, 0, 0, 0), told)
    case.test.assertEqual(case.held()[recording], list(range(32)))


@network("replay-connection", "sends the recorded bytes of a connection again", "nothing is taken", caught="TLS 1.3")
def _(case):
    wire = Wire(case.collector.port)
    case.run_sensor("--batches", 5, to=f"https://127.0.0.1:{wire.port}")
    wire.close()
    before = case.entries()
    case.test.assertTrue(wire.recorded)
    with socket.create_connection(("127.0.0.1", case.collector.port), timeout=collecting.PATIENCE_S) as again:
        try:
            again.sendall(wire.recorded)
            while again.recv(65536):
                pass
        except ConnectionError:
            pass  # the collector hung up
    case.test.assertEqual(case.entries(), before)


@network("reuse-token", "enrols with a token that was used (or its owner does, after the thief)", "token, used before",
         caught=AT_RECEIPT)
def _(case):
    token = collecting.spoor("keys", "enrol-token", "new-1", "--dir", case.world.authority).stdout.strip()
    collecting.spoor("keys", "enrol", "--to", case.collector.url, "--keys", case.folder / "thief", input=token)
    done = collecting.spoor("keys", "enrol", "--to", case.collector.url, "--keys", case.folder / "owner", status=3, input=token)
    case.test.assertIn("used before", done.stderr)


class Swallower(collecting.Answering):
    """Takes what anybody sends and says that it is safe."""

    def __init__(self, keys):
        self.taken_bytes = self.connection_count = 0
        outer = self

        class Answer(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                outer.connection_count += 1
                self.request = context.wrap_socket(self.request, server_side=True)
                super().setup()

            def answer(self):
                outer.taken_bytes += len(self.rfile.read(int(self.headers.get("Content-Length", 0)))) + 1
                collecting.send_answer(self, 200, b'{"next_sequence":1000000}')

            do_GET = do_POST = answer

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(keys / "identity.crt", keys / "identity.key")
        super().__init__(Answer)


class Wire(collecting.Relay):
    """Records the first connection's bytes from the client, spoils the first few behind a handshake."""

    def __init__(self, to_port, spoil_count=0):
        super().__init__(to_port)
        self.spoil_count, self.recorded = spoil_count, b""

    def change(self, connection, offset, piece):
        if connection == 0:
            self.recorded += piece
        if offset + len(piece) <= 8192 or not self.spoil_count:  # within the handshake, and what it needs
            return piece
        self.spoil_count -= 1
        return flip(piece, len(piece) // 2)
