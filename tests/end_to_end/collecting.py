# SPDX-License-Identifier: Apache-2.0
"""Sensors and collectors as real processes on loopback, as the tests of shipping and of attacks use
them. The first two arguments of the test are the programs: SPOOR SYNTHETIC_SENSOR."""
import collections
import http.server
import os
import pathlib
import re
import select
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../machine"))
from machine import PATIENCE_S  # noqa: E402

SPOOR, SENSOR = (os.path.abspath(path) for path in sys.argv[1:3])
del sys.argv[1:3]  # the rest is unittest's


def spoor(*words, status=0, **more):
    done = subprocess.run([SPOOR, *map(str, words)], capture_output=True, text=True, timeout=PATIENCE_S, **more)
    if status is not None and done.returncode != status:
        raise AssertionError(f"spoor {words}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def wait_until(what, condition):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {PATIENCE_S} s: {what}")
        time.sleep(0.02)


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def has_ended(connection):
    """Whether the other side closed it; what came before that is thrown away."""
    try:
        return bool(select.select([connection], [], [], 0)[0]) and connection.recv(65536) == b""
    except ssl.SSLWantReadError:
        return False
    except OSError:
        return True


class Collector:
    """spoor serve, at one port for its whole life, however often it is killed."""

    def __init__(self, world, name, port=0, **more):
        self.world, self.name, self.port, self.more = world, name, port, more
        self.options = ()  # of spoor serve, from its next start
        self.store = world.folder / name if "store" not in more else more.pop("store")
        self.process = None

    def start(self):
        keys = f"{self.world.authority}/collectors/{self.name}"
        with open(self.world.folder / f"{self.name}.log", "a") as log:
            self.process = self.spawn(keys, log)
        line = self.process.stdout.readline()
        found = re.match(r"listening https://127\.0\.0\.1:(\d+)", line)
        if not found:
            raise AssertionError(f"spoor serve: {line!r} " + (self.world.folder / f"{self.name}.log").read_text())
        self.port = int(found[1])
        return self

    def spawn(self, keys, log):
        return subprocess.Popen(
            [SPOOR, "serve", "--listen", f"127.0.0.1:{self.port}", "--store", self.store, "--keys", keys,
             "--authority", self.world.authority, *self.options], stdout=subprocess.PIPE, stderr=log, text=True, **self.more)

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        self.process.terminate()
        status = self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        return status

    def end(self):
        if self.process and self.process.poll() is None:
            self.kill()


def read_log(store):
    """Entries of a C2SP static log, read from its bundles without Spoor's code."""
    root = pathlib.Path(store) / "evidence"
    size = int((root / "checkpoint").read_text().splitlines()[1])
    bundles = {}
    for path in (root / "tile" / "entries").rglob("*"):
        if path.is_file():
            name = str(path.relative_to(root / "tile" / "entries"))
            name = re.sub(r"\.(p/\d+|partial)$", "", name)
            bundles[int(name.replace("/", "").replace("x", ""))] = path.read_bytes()
    entries = []
    for number in sorted(bundles):
        data = bundles[number]
        while data and len(entries) < size:
            length = struct.unpack(">H", data[:2])[0]
            entries.append(data[2:2 + length])
            data = data[2 + length:]
    assert len(entries) == size, (len(entries), size)
    return entries


def recordings_of(entries):
    """recording id -> the batch indices that the log holds, in its order"""
    found = collections.defaultdict(list)
    for entry in entries:
        assert entry[:8] == b"SPOORBAT", entry[:8]
        kind = struct.unpack("<H", entry[10:12])[0]
        if kind != 5:
            found[entry[16:32].hex()].append(struct.unpack("<Q", entry[32:40])[0])
    return found


class World(unittest.TestCase):
    """An authority, a collector and a sensor's identity in a folder of their own."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="spoor-shipping-"))
        self.authority = str(self.folder / "authority")
        self.ending = []
        spoor("keys", "init", "--dir", self.authority)
        spoor("keys", "collector", "hub", "--dir", self.authority, "--address", "127.0.0.1")
        spoor("keys", "sensor", "web-1", "--dir", self.authority)
        self.keys = f"{self.authority}/sensors/web-1"
        self.collector = self.add(Collector(self, "hub"))

    def tearDown(self):
        for process in self.ending:
            if isinstance(process, Collector):
                process.end()
            elif process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder)

    def add(self, process):
        self.ending.append(process)
        return process

    def sensor(self, *words, keys=None, to=None):
        return self.add(subprocess.Popen(
            [SENSOR, *[word for url in (to or [self.collector.url]) for word in ("--to", url)], "--keys",
             keys or self.keys, *map(str, words)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))

    def result(self, process):
        out, err = process.communicate(timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 0, err)
        recording = re.search(r"recording (\w+)", out)[1]
        counts = re.search(r"acknowledged (\d+) left (\d+) dropped (\d+) refused (\d+)", out)
        return recording, *map(int, counts.groups()), err

    def verify(self, store=None):
        return spoor("verify", "--store", store or self.collector.store, "--escrow",
                     f"{self.authority}/escrow.key", status=None)

    def assert_proved(self, store=None):
        done = self.verify(store)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def request(self, keys, method, path, body=b"", tls=ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=f"{self.authority}/ca.crt")
        context.minimum_version = context.maximum_version = tls
        if keys:
            context.load_cert_chain(f"{keys}/identity.crt", f"{keys}/identity.key")
        with socket.create_connection(("127.0.0.1", self.collector.port), timeout=PATIENCE_S) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
                connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n"
                                   f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
                answer = b""
                while piece := connection.recv(65536):
                    answer += piece
        return int(answer.split()[1]), answer.split(b"\r\n\r\n", 1)[1].decode()


def read_log_quietly(store):
    """Beside a live writer, whose files move: empty when they moved away."""
    try:
        return read_log(store)
    except (OSError, AssertionError, struct.error):
        return []


class Relay:
    """Forwards TCP; change(connection, offset, piece), of what clients send, is what goes on: nothing cuts the connection."""

    def __init__(self, to_port):
        self.to_port, self.connection_count = to_port, 0
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def change(self, connection, offset, piece):
        return piece

    def accept(self):
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self.relay, args=(client, self.connection_count), daemon=True).start()
            self.connection_count += 1

    def relay(self, client, connection):
        with client, socket.create_connection(("127.0.0.1", self.to_port)) as server:
            back = threading.Thread(target=self.copy, args=(server, client, lambda offset, piece: piece), daemon=True)
            back.start()
            self.copy(client, server, lambda offset, piece: self.change(connection, offset, piece))
            back.join()

    @staticmethod
    def copy(source, sink, change):
        offset = 0
        try:
            while piece := source.recv(8192):
                sent = change(offset, piece)
                if not sent:
                    break
                sink.sendall(sent)
                offset += len(piece)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listening.close()


class Answering:
    """An HTTP server of a test's own, for as long as it is entered; quiet about clients that go away."""

    def __init__(self, handler):
        handler.log_message = lambda *_: None
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def send_answer(handler, status, body, headers=()):
    handler.send_response(status)
    for name, value in dict(headers).items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
