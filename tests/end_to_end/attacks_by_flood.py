# SPDX-License-Identifier: Apache-2.0
"""Rows of the attack matrix about whoever wants to keep others' records out, by opening, holding or filling."""
import json
import socket
import ssl
import struct
import subprocess
import threading
import time

import collecting
import forgery
from attacks import AT_LOG_SERVERS, AT_RECEIPT, VERIFY, Expected, host_root, network
from collecting import has_ended


def close_at_once(connection):
    """Without a rest of it in the kernel, so that ports do not run out."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def context_of(case, keys=None):
    context = ssl.create_default_context(cafile=f"{case.world.authority}/ca.crt")
    if keys:
        context.load_cert_chain(f"{keys}/identity.crt", f"{keys}/identity.key")
    return context


def connect(case, context, source="127.0.0.1"):
    plain = socket.create_connection(("127.0.0.1", case.collector.port), timeout=collecting.PATIENCE_S,
                                     source_address=(source, 0))
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


class Flood:
    """Connections to the collector from one address, held and opened again and again until the end: silent
    ones, beginnings of a handshake, whole ones without a certificate."""

    HELD_MAX = 100

    def __init__(self, case, source):
        self.case, self.source, self.opened_count, self.cut_count, self.ending = case, source, 0, 0, False
        incoming, hello = ssl.MemoryBIO(), ssl.MemoryBIO()
        try:
            context_of(case).wrap_bio(incoming, hello, server_hostname="127.0.0.1").do_handshake()
        except ssl.SSLWantReadError:
            self.hello = hello.read()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def open(self):
        kind = self.opened_count % 50
        if kind == 0:
            return connect(self.case, context_of(self.case), self.source)
        connection = socket.create_connection(("127.0.0.1", self.case.collector.port), timeout=collecting.PATIENCE_S,
                                              source_address=(self.source, 0))
        connection.sendall((b"", self.hello[:50], self.hello)[kind % 3])
        return connection

    def run(self):
        held = []
        while not self.ending:
            try:
                held.append(self.open())
                self.opened_count += 1
            except OSError:
                self.cut_count += 1
            if len(held) > self.HELD_MAX:
                self.cut_count += has_ended(held[0])
                close_at_once(held.pop(0))
        for connection in held:
            close_at_once(connection)

    def end(self):
        self.ending = True
        self.thread.join()


@network("hold-connections", "holds hundreds of connections and half handshakes, and opens them again and again",
         "theirs are cut off; sensors come in and deliver all", caught=AT_RECEIPT)
def _(case):
    old = case.world.sensor("--batches", 600, "--bytes", 1000, "--interval-us", 10_000, keys=case.keys(),
                            to=[case.collector.url])
    collecting.wait_until("a sensor delivers", lambda: len(collecting.read_log_quietly(case.collector.store)) > 5)
    # From other addresses than the sensors', and from theirs.
    floods, beside = [Flood(case, f"127.0.0.{number}") for number in range(2, 8)], []
    try:
        collecting.wait_until("the flood", lambda: sum(flood.opened_count for flood in floods) > 256)
        for _ in range(300):
            beside.append(socket.create_connection(("127.0.0.1", case.collector.port)))
        new = case.run_sensor("--batches", 50, "--bytes", 1000, keys=case.keys("db-1"))
        case.test.assertEqual(new[2:5], (0, 0, 0), new[5])
        token = collecting.spoor("keys", "enrol-token", "new-2", "--dir", case.world.authority).stdout.strip()
        collecting.spoor("keys", "enrol", "--to", case.collector.url, "--keys", case.folder / "new-2", input=token)
        newest = case.run_sensor("--batches", 50, "--bytes", 1000, keys=case.folder / "new-2")
        before = [flood.opened_count for flood in floods]
        delivered = [(case.world.result(old), 602), (new, 52), (newest, 52)]
        collecting.wait_until("the flood has not ended before the sensors and is cut off", lambda: all(
            flood.opened_count > count and flood.cut_count for flood, count in zip(floods, before)))
        collecting.wait_until("who says nothing is cut off", lambda: all(map(has_ended, beside)))
    finally:
        for flood in floods:
            flood.end()
        for connection in beside:
            connection.close()
    for (recording, _, left, dropped, refused, told), count in delivered:
        case.test.assertEqual((left, dropped, refused), (0, 0, 0), told)
        case.test.assertEqual(case.held()[recording], list(range(count)))


@host_root("hold-connections-with-certificate", "opens hundreds of connections with its certificate and holds them",
           "theirs are cut off but for eight; other sensors come in and deliver all")
def _(case):
    context, held, ending = context_of(case, case.keys()), [], threading.Event()

    def hold():
        while not ending.is_set():
            try:
                held.append(connect(case, context))
                held[-1].sendall(b"GET /v1/sensors/web-1/position?chain=")
            except OSError:
                continue  # cut off at once
            if len(held) > 400:
                close_at_once(held.pop(0))
    holder = threading.Thread(target=hold)
    holder.start()
    try:
        collecting.wait_until("hundreds are open", lambda: len(held) >= 250)
        recording, _, left, dropped, refused, told = case.run_sensor("--batches", 50, "--bytes", 1000,
                                                                     keys=case.keys("db-1"))
        case.test.assertEqual((left, dropped, refused), (0, 0, 0), told)
        collecting.wait_until("more come", lambda: len(held) >= 400)
    finally:
        ending.set()
        holder.join()
    case.test.assertEqual(case.held()[recording], list(range(52)))
    collecting.wait_until("all but eight are cut off", lambda: sum(map(has_ended, held)) >= len(held) - 8)
    for connection in held:
        close_at_once(connection)


@host_root("drip-request", "sends a request, or a handshake, byte by byte",
           "the connection is cut; a slow one and other sensors are not")
def _(case):
    case.run_sensor("--batches", 5, "--bytes", 20_000, "--last-shipping-ms", 1,
                    to=f"https://127.0.0.1:{collecting.free_port()}")
    with open(f"{case.keys()}/spool/000000000000.frames", "rb") as file:
        parcel = file.read()
    head = b"POST /v1/sensors/web-1/batches/0 HTTP/1.1\r\nHost: hub\r\nContent-Length: %d\r\n"
    context = context_of(case, case.keys())
    in_head, in_body, slow = (connect(case, context) for _ in range(3))
    in_head.sendall(head % 4_000_000)
    in_body.sendall(head % 4_000_000 + b"\r\n")
    slow.sendall(head % len(parcel) + b"\r\n")
    in_handshake = socket.create_connection(("127.0.0.1", case.collector.port))
    in_handshake.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    dripping = {in_head: b"X", in_body: b"X", in_handshake: b"\0"}
    others = case.world.sensor("--batches", 50, "--bytes", 1000, keys=case.keys("db-1"), to=[case.collector.url])
    answer = b""
    end = time.monotonic() + collecting.PATIENCE_S
    # 4 KiB a second of what is slow, however late this loop comes round; two bytes of what drips.
    last_sent = time.monotonic()
    while dripping or not answer:
        case.test.assertLess(time.monotonic(), end, f"{len(dripping)} drip on, the slow one is answered {answer}")
        for connection in [one for one in dripping if has_ended(one)]:
            del dripping[connection]
        for connection, byte in dripping.items():
            try:
                connection.sendall(byte)
            except OSError:
                pass  # the next round sees it
        if parcel:
            now = time.monotonic()
            due_bytes, last_sent = 1 + int(4096 * (now - last_sent)), now
            slow.sendall(parcel[:due_bytes])
            parcel = parcel[due_bytes:]
        elif not answer:
            answer = slow.recv(65536)
        time.sleep(0.5)  # what dripping is
    case.test.assertIn(b" 200 ", answer)
    recording, _, left, dropped, refused, told = case.world.result(others)
    case.test.assertEqual((left, dropped, refused), (0, 0, 0), told)
    case.test.assertEqual(case.held()[recording], list(range(52)))
    for connection in (in_head, in_body, in_handshake, slow):
        connection.close()


@host_root("fill-the-disk", "sends good batches without end, where sensors have a quota (`--sensor-bytes-per-day`)",
           "sensor (in the answer, the collector's messages and its status); the sensor keeps them")
def _(case):
    collecting.spoor("keys", "analyst", "ann", "--dir", case.world.authority)
    case.collector.stop()
    case.collector.options = ("--sensor-bytes-per-day", "1M")
    case.collector.start()
    sensor = case.world.sensor("--batches", 100, "--bytes", 20_000, "--interval-us", 0, "--last-shipping-ms", 300_000,
                               keys=case.keys(), to=[case.collector.url])
    line = ""
    while "429: over the quota of 1048576 bytes a day" not in line:
        line = sensor.stderr.readline()
        case.test.assertNotEqual(line, "", "the sensor ended before its quota did")
    case.test.assertIn("kept in the spool", line)
    case.world.collector.port = case.collector.port
    status = json.loads(case.world.request(f"{case.world.authority}/analysts/ann", "GET", "/v1/status")[1])
    case.test.assertEqual(status["over_quota"], ["web-1"])
    case.test.assertIn("sensor web-1 is over its quota of 1048576 bytes a day",
                       (case.world.folder / "hub.log").read_text())
    recording, _, left, *_ = case.run_sensor("--batches", 10, "--bytes", 1000, keys=case.keys("db-1"))
    case.test.assertEqual(case.held()[recording], list(range(12)))
    # What it used is known from the log.
    case.collector.kill()
    case.collector.start()
    case.expect(case.post(0, case.chain().frames[0]), 429, "over the quota")
    taken = sum(map(len, case.entries()))
    case.test.assertTrue(1_000_000 < taken < 1_300_000, taken)
    case.collector.stop()
    case.collector.options = ()
    case.collector.start()
    recording, _, left, dropped, refused, told = case.world.result(sensor)
    case.test.assertEqual((left, dropped, refused), (0, 0, 0), told)
    case.test.assertEqual(case.held()[recording], list(range(102)))


class Listening:
    """A spoor subcommand that serves everybody over plain HTTP."""

    def __init__(self, *words):
        self.process = subprocess.Popen([collecting.SPOOR, *map(str, words), "--listen", "127.0.0.1:0"],
                                        stdout=subprocess.PIPE, text=True)
        said = ""
        while not said.startswith("listening "):
            said = self.process.stdout.readline()
            assert said, f"spoor {words[0]} ended"
        self.port = int(said.rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.terminate()
        self.process.communicate()

    def connect(self, source="127.0.0.1"):
        return socket.create_connection(("127.0.0.1", self.port), timeout=collecting.PATIENCE_S,
                                        source_address=(source, 0))

    def answer(self, request, source="127.0.0.1"):
        with self.connect(source) as connection:
            connection.sendall(request)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        return answer


def log_servers(case):
    """The log and a witness of it, and a request that each answers with 200 or 404."""
    case.expect(case.post(0, *case.chain(batches=2).frames), 200)
    store = case.collector.store
    ask = b"GET /%s HTTP/1.1\r\nConnection: close\r\n\r\n"
    with Listening("publish", "--store", store) as server:
        yield server, ask % b"checkpoint", b" 200 "
    with Listening("witness", "--state", case.folder / "w", "--log", store / "key/log.vkey") as server:
        yield server, ask % b"x", b" 404 "


@network("hold-log-servers", "holds hundreds of half-sent requests to `spoor publish` and `spoor witness` from one address",
         "theirs are cut off; others are answered", caught=AT_LOG_SERVERS)
def _(case):
    halves = (b"", b"GET /checkpoint HTTP/1.1\r\nHost: ", b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 1000\r\n\r\nold 0\n")
    for server, request, answered in log_servers(case):
        held = []
        for i in range(400):
            held.append(server.connect("127.0.0.2"))
            try:
                held[-1].sendall(halves[i % 3])
            except OSError:
                pass  # cut off by those behind it
        # Theirs are still held: nobody waits until their time is over.
        for source in ("127.0.0.1", "127.0.0.3", "127.0.0.2"):
            case.test.assertIn(answered, server.answer(request, source))
        collecting.wait_until("the oldest are cut off", lambda: all(map(has_ended, held[:100])))
        for connection in held:
            close_at_once(connection)


@network("two-lengths", "sends a request that says two lengths, so that two readers differ on what is behind it, or asks for many ranges",
         "refused, and nothing behind it is read", caught=f"{AT_RECEIPT}; {AT_LOG_SERVERS}")
def _(case):
    def request(path, *lengths):
        return b"POST /%s HTTP/1.1\r\n%s\r\n0\r\n\r\nGET /checkpoint HTTP/1.1\r\nConnection: close\r\n\r\n" % (
            path, b"".join(b"%s\r\n" % length for length in lengths))

    chunked, length = b"Transfer-Encoding: chunked", b"Content-Length: 5"
    for lengths in ((chunked, length), (length, chunked), (length, length), (length, b"Content-Length: 6")):
        with connect(case, context_of(case)) as connection:
            connection.sendall(request(b"v1/enrol", *lengths))
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        case.test.assertEqual((answer[:13], answer.count(b"HTTP/1.1")), (b"HTTP/1.1 400 ", 1))
    many = b"".join(b"%d-," % i for i in range(2000))
    for server, _, _ in log_servers(case):
        for lengths in ((chunked, length), (length, chunked), (length, length)):
            answer = server.answer(request(b"add-checkpoint", *lengths))
            case.test.assertEqual((answer[:13], answer.count(b"HTTP/1.1")), (b"HTTP/1.1 400 ", 1))
        for ranges in (b"0-0", b"0-,0-,0-", b"0-18446744073709551615", b"-1", many):
            answer = server.answer(b"GET /checkpoint HTTP/1.1\r\nRange: bytes=%s\r\nConnection: close\r\n\r\n" % ranges)
            case.test.assertEqual(answer[:13], b"HTTP/1.1 416 ")
            case.test.assertLess(len(answer), 1000)
