# SPDX-License-Identifier: Apache-2.0
"""Rows of the attack matrix that send to a running collector, or spoil the spool of a sensor."""
import http.server
import json
import os
import select
import socket
import ssl
import struct
import threading
import time

import collecting
import forgery
from attacks import AT_RECEIPT, AT_SENSOR, HOST_ROOT, NETWORK, VERIFY, Expected, attack
from forgery import flip


def host_root(name, does, named, exit_code=0, caught=AT_RECEIPT):
    return attack(name, HOST_ROOT, does, caught, named, exit_code, on_store=False)


def network(name, does, named, caught, exit_code=0):
    return attack(name, NETWORK, does, caught, named, exit_code, on_store=False)


# -------------------------------------------- root on a sensor's host: frames that the sensor did not seal


def flipped(case, part, *offsets):
    """A frame with a bit changed in `part` is refused; the genuine one is taken in its place after it."""
    chain = case.chain(batches=3)
    case.expect(case.post(0, *chain.frames[:2]), 200)
    for at in offsets:
        status, answer = case.post(2, flip(chain.frames[2], at))
        case.test.assertIn(status, (400, 404, 422), f"{part} byte {at}: {answer}")
    case.expect(case.post(2, flip(chain.frames[2], offsets[0])), 422, "frame 2")
    case.expect(case.post(2, *chain.frames[2:]), 200, '"next_sequence":4')
    case.test.assertEqual(case.held()[chain.recording.hex()], [0, 1, 2])
    return Expected(recorded=[("web-1", "frame 2")])


@host_root("flip-frame-header", "changes one bit of a frame's header (clock, digest, MAC; length, number, chain)",
           "sensor, frame")
def _(case):
    return flipped(case, "header", 41, 49, 60, 90, 12, 33, 17, 0, 8, 10)


@host_root("flip-frame-content", "changes one bit of a frame's content", "sensor, frame")
def _(case):
    return flipped(case, "content", 130, 170)


@host_root("flip-frame-tag", "changes one bit of a frame's tag", "sensor, frame")
def _(case):
    return flipped(case, "tag", -1, -16)


@host_root("reorder-frames", "sends frames in another order", "frame that is due")
def _(case):
    chain = case.chain(batches=4)
    case.expect(case.post(0, *chain.frames[:2]), 200)
    case.expect(case.post(3, chain.frames[3]), 409, '"next_sequence":2')
    case.expect(case.post(2, chain.frames[2], chain.frames[4], chain.frames[3]), 400, "frame 4 where 3")
    case.expect(case.post(2, *chain.frames[2:]), 200)
    case.test.assertEqual(case.held()[chain.recording.hex()], [0, 1, 2, 3])


@host_root("swap-frames", "gives two frames each other's number", "sensor, frame")
def _(case):
    chain = case.chain(batches=3)
    one, two = chain.frames[2:4]
    case.expect(case.post(0, *chain.frames[:2]), 200)
    case.expect(case.post(2, two[:32] + one[32:40] + two[40:]), 422, "frame 2: not sealed with the key of its place")
    return Expected(recorded=[("web-1", "frame 2: not sealed")])


@host_root("duplicate-frame", "sends a frame twice, also after the collector was killed", "taken once: a copy adds nothing")
def _(case):
    chain = case.chain(batches=3)
    for _ in range(2):
        case.expect(case.post(0, *chain.frames[:3]), 200, '"next_sequence":3')
        case.expect(case.post(1, chain.frames[1]), 200, '"next_sequence":3')
    case.collector.kill()
    case.collector.start()
    case.expect(case.post(1, *chain.frames[1:3]), 200, '"next_sequence":3')
    case.test.assertEqual(case.held()[chain.recording.hex()], [0, 1])


@host_root("replay-into-other-chain", "sends an old frame as one of another chain of the same sensor", "sensor, frame")
def _(case):
    old, new = case.chain(batches=2), case.chain(batches=1)
    case.expect(case.post(0, *old.frames), 200)
    case.expect(case.post(0, new.frames[0]), 200)
    frame = old.frames[1]
    case.expect(case.post(1, frame[:16] + new.chain + frame[32:]), 422, "frame 1: not sealed with the key of its place")
    case.expect(case.post(1, new.frames[1]), 200)
    return Expected(recorded=[("web-1", "frame 1: not sealed")])


@host_root("replay-after-restart", "sends an old frame with another clock after the collector was killed", "sensor, frame")
def _(case):
    chain = case.chain(batches=2)
    case.expect(case.post(0, *chain.frames), 200)
    case.collector.kill()
    case.collector.start()
    case.expect(case.post(1, flip(chain.frames[1], 48)), 422, "frame 1 again with other content")
    return Expected(recorded=[("web-1", "frame 1 again with other content: sealed anew or forged")])


@host_root("replay-to-second-collector", "sends frames that one collector has to another one",
           "taken as what they are: both logs hold the same bytes")
def _(case):
    chain = case.chain(batches=3)
    case.expect(case.post(0, *chain.frames), 200)
    first = case.entries()
    case.collector.stop()
    case.collector.store = case.folder / "second"
    case.collector.start()
    case.expect(case.post(1, chain.frames[1]), 404)
    case.expect(case.post(0, *chain.frames), 200)
    case.expect(case.post(1, flip(chain.frames[1], 48)), 422, "sealed anew or forged")
    case.test.assertEqual([entry for entry in case.entries() if entry[10] != forgery.ACCOUNT],
                          [entry for entry in first if entry[10] != forgery.ACCOUNT])


@host_root("reseal-in-spool", "seals a changed batch with today's key while the old frame is in the spool", "sensor, frame")
def _(case):
    chain = case.chain(batches=4)
    key, forged = chain.key, forgery.ForgedBatch.make(forgery.IMPORT_DATA, chain.recording, 1)
    frame = forgery.seal(key, forgery.FRAME_BATCH, chain.chain, 2, forgery.header_sha256(chain.frames[1]), forged.entry())
    case.expect(case.post(0, *chain.frames[:2]), 200)
    case.expect(case.post(2, frame), 422, "frame 2: not sealed with the key of its place")
    case.expect(case.post(2, *chain.frames[2:]), 200)
    return Expected(recorded=[("web-1", "frame 2: not sealed")])


@host_root("reseal-delivered", "seals a changed batch with today's key when the old frame was delivered", "sensor, frame")
def _(case):
    chain = case.chain(batches=4)
    forged = forgery.ForgedBatch.make(forgery.IMPORT_DATA, chain.recording, 1)
    frame = forgery.seal(chain.key, forgery.FRAME_BATCH, chain.chain, 2, forgery.header_sha256(chain.frames[1]),
                         forged.entry())
    case.expect(case.post(0, *chain.frames), 200)
    case.expect(case.post(2, frame), 422, "frame 2 again with other content")
    return Expected(recorded=[("web-1", "frame 2 again")])


# ------------------------------------------------- root on a sensor's host: a sensor that lies, well sealed


def lies(case, why, sensor="db-1", **lie):
    """A well sealed batch of db-1 is refused, and web-1's record still proves."""
    honest, liar = case.chain(batches=2), case.chain(sensor)
    lie = {key: value(honest) if callable(value) else value for key, value in lie.items()}
    if lie.pop("after_first", False):
        liar.add_batch()
    liar.add_batch(**lie)
    case.expect(case.post(0, *honest.frames), 200)
    case.expect(case.post(0, *liar.frames, sensor=sensor), 422, why)
    honest.add_batch()
    case.expect(case.post(3, honest.frames[3]), 200)
    return Expected(recorded=[(sensor, why)])


@host_root("pose-as-account", "sends a batch that poses as the collector's account", "sensor")
def _(case):
    return lies(case, "poses as a collector's account", kind=forgery.ACCOUNT)


@host_root("continue-other-recording", "sends the next batch of another sensor's recording", "sensor, recording")
def _(case):
    return lies(case, "is not of this chain's recording", recording=lambda honest: honest.recording, index=2,
                kind=forgery.IMPORT_DATA, previous_sha256=lambda honest: honest.last_batch.sha256())


@host_root("continue-account", "sends a batch in the recording of the collector's account", "sensor, recording")
def _(case):
    chain = case.chain(batches=1)
    case.expect(case.post(0, *chain.frames), 200)
    account = next(entry for entry in case.entries() if entry[10] == forgery.ACCOUNT)
    return lies(case, "is not of this chain's recording", recording=account[16:32])


@host_root("skip-payload", "sends a payload that one reader of zstd may take and another may not", "sensor, batch")
def _(case):
    return lies(case, "payload is not one zstd frame", payload=b"", stored=bytes.fromhex("502a4d1800000000"))


@host_root("deep-description", "opens a chain with a description that is nested to break its readers", "sensor")
def _(case):
    chain = forgery.ForgedChain("web-1", case.escrow_public, case.keys(), more=',"x":' + "[" * 3000 + "]" * 3000)
    case.expect(case.post(0, *chain.frames), 422, "too deep")
    return Expected(recorded=[("web-1", "too deep")])


@host_root("speak-for-other-host", "seals a recording that says it is of another sensor's host", "host, both sensors",
           caught=VERIFY)
def _(case):
    for sensor in ("db-1", "web-1"):
        chain = case.chain(sensor)
        chain.add_batch(payload=b'{"format":1,"scopes":[{"host":"db-1.example","kind":"machine"}]}')
        case.expect(case.post(0, *chain.frames, sensor=sensor), 200)

    def check(test, report, log):
        shared = {"db-1.example": ["db-1", "web-1"]}
        test.assertEqual((report["seals"]["shared_hosts"], log.seals.shared_hosts), (shared, shared))
    return Expected(check=check)


@host_root("repeat-batch", "seals a batch twice", "sensor, recording, batch")
def _(case):
    return lies(case, "batch 0 of recording", index=0, kind=forgery.RECORDING_OPEN, after_first=True)


@host_root("wrong-batch-digest", "sends a batch that does not follow the one before it", "sensor, recording, batch")
def _(case):
    return lies(case, "does not carry the SHA-256 of the batch before it", previous_sha256=bytes(32), after_first=True)


@host_root("endless-gap-claim", "says that more frames were lost than there can be", "sensor")
def _(case):
    chain = case.chain(batches=1)
    case.expect(case.post(0, *chain.frames), 200)
    far = (1 << 60).to_bytes(8, "little")
    case.expect(case.post(1 << 60, chain.frames[1][:32] + far + chain.frames[1][40:], after_gap=True), 422, "claims a gap")
    return Expected(recorded=[("web-1", "claims a gap")])


@host_root("after-the-end", "goes on with a chain that was closed", "sensor")
def _(case):
    chain = case.chain(batches=1)
    chain.add(forgery.FRAME_CLOSE, b'{"reason":"done"}')
    chain.add_batch()
    case.expect(case.post(0, *chain.frames), 422, "closed before this frame")
    return Expected(recorded=[("web-1", "closed before")])


@host_root("open-in-other-name", "opens a chain in another sensor's name", "sensor")
def _(case):
    case.expect(case.post(0, *case.chain("web-1").frames, sensor="db-1"), 422, "in the name of another sensor")
    return Expected(recorded=[("db-1", "in the name of another sensor")])


@host_root("take-over-chain", "sends frames of another sensor's chain", "sensor, whose chain")
def _(case):
    chain = case.chain("web-1", batches=2)
    case.expect(case.post(0, *chain.frames[:2]), 200)
    case.expect(case.post(2, chain.frames[2], sensor="db-1"), 422, "the chain is web-1's")
    return Expected(recorded=[("db-1", "the chain is web-1's")])


@host_root("open-others-chain", "opens another sensor's chain where that sensor has not been yet", "sensor")
def _(case):
    chain = case.chain("web-1", batches=2)
    thief = forgery.ForgedChain("db-1", case.escrow_public, case.keys("db-1"), chain=chain.chain)
    thief.add_batch()
    case.expect(case.post(0, *thief.frames, sensor="db-1"), 422, "id is not that of db-1 and its first key")
    case.expect(case.post(0, *chain.frames), 200)
    case.test.assertEqual(case.held()[chain.recording.hex()], [0, 1])
    return Expected(recorded=[("db-1", "id is not that of db-1")])


@host_root("send-as-other-sensor", "sends to another sensor's address", "sensor (in the answer; not in the log)")
def _(case):
    chain = case.chain("web-1", batches=1)
    case.expect(case.post(0, *chain.frames, sensor="web-1", under="db-1"), 403, "sensor db-1")
    case.test.assertEqual(case.held(), {})


@host_root("use-revoked-certificate", "goes on after its certificate was revoked", "sensor (in the answer; not in the log)")
def _(case):
    collecting.spoor("keys", "sensor", "gone-1", "--dir", case.world.authority)
    chain = case.chain("gone-1", batches=2)
    case.expect(case.post(0, *chain.frames[:2], sensor="gone-1"), 200)
    collecting.spoor("keys", "revoke", "gone-1", "--dir", case.world.authority)
    case.expect(case.post(2, chain.frames[2], sensor="gone-1"), 401, "gone-1 is revoked")
    case.test.assertEqual(case.held()[chain.recording.hex()], [0])


# ------------------------------------------------------------- root on a sensor's host: the spool


@host_root("flip-in-spool", "changes one bit of a frame that waits in the spool", "sensor, frame; frame missing", exit_code=4,
           caught=f"{AT_RECEIPT}; {VERIFY}")
def _(case):
    recording, file, frames = case.fill_spool()
    frames[3] = flip(frames[3], 140)
    file.write_bytes(b"".join(frames))
    case.deliver()
    case.test.assertEqual(case.held()[recording], [0, 1, 3, 4, 5, 6, 7])
    return Expected(recorded=[("web-1", "frame 3: not sealed"), ("web-1", "frames 3 to 3 were not delivered here")],
                    check=misses(recording, 1))


def misses(recording, count):
    def check(test, report, log):
        missing = {r["recording_id"]: r["missing_batch_count"] for r in report["recordings"]}
        test.assertEqual((missing[recording], log.recordings.by_id[recording].missing_count), (count, count))
        test.assertEqual((report["seals"]["missing_count"], log.seals.missing_count), (count, count))
    return check


@host_root("delete-spool-file", "removes a file of frames from the middle of the spool", "sensor, frames missing", exit_code=4,
           caught=f"{AT_RECEIPT}; {VERIFY}")
def _(case):
    recording = case.run_sensor("--batches", 60, "--bytes", 60000, "--interval-us", 0, "--last-shipping-ms", 1,
                                to=f"https://127.0.0.1:{collecting.free_port()}")[0]
    spool = forgery.pathlib.Path(case.keys()) / "spool"
    gone = forgery.split_frames((spool / "000000000001.frames").read_bytes())
    first = int.from_bytes(gone[0][32:40], "little")
    (spool / "000000000001.frames").unlink()
    case.deliver()
    return Expected(recorded=[("web-1", f"frames {first} to {first + len(gone) - 1} were not delivered here")],
                    check=misses(recording, len(gone)))


def tail_is_gone(case, change, kept):
    """What is left of a chain whose file in the spool was changed in the middle: its beginning, without an end."""
    recording, file, frames = case.fill_spool()
    change(frames)
    file.write_bytes(b"".join(frames))
    case.deliver()

    def check(test, report, log):
        test.assertEqual(case.held()[recording], list(range(kept)))
        test.assertIn((recording, False), [(r["recording_id"], r["closed"]) for r in report["recordings"]])
        chain = log.seals.chains[recording]
        test.assertEqual((chain.closed, chain.sensor), (False, "web-1"))
        test.assertEqual((report["seals"]["chain_count"], report["seals"]["closed_chain_count"]), (2, 1))
    return Expected(check=check)


@host_root("truncate-spool", "cuts the last frames off the spool", "sensor's chain and recording: no end", caught=VERIFY)
def _(case):
    return tail_is_gone(case, lambda frames: frames.__delitem__(slice(-3, None)), kept=6)


@host_root("delete-in-spool", "takes a frame out of a file of the spool", "sensor's chain and recording: no end", caught=VERIFY)
def _(case):
    return tail_is_gone(case, lambda frames: frames.pop(3), kept=2)


@host_root("swap-in-spool", "swaps two frames in a file of the spool", "sensor's chain and recording: no end", caught=VERIFY)
def _(case):
    def swap(frames):
        frames[3], frames[5] = frames[5], frames[3]
    return tail_is_gone(case, swap, kept=2)


@host_root("delete-spool", "removes the whole spool", "sensor's chain and recording: no end", caught=VERIFY)
def _(case):
    killed = case.world.sensor("--batches", 30000, "--interval-us", 1000, keys=case.keys(), to=[case.collector.url])
    recording = killed.stdout.readline().split()[1]
    collecting.wait_until("some batches", lambda: len(collecting.recordings_of(
        collecting.read_log_quietly(case.collector.store))[recording]) > 3)
    killed.kill()
    killed.communicate()
    forgery.shutil.rmtree(case.keys() + "/spool")
    case.deliver()

    def check(test, report, log):
        test.assertIn((recording, False), [(r["recording_id"], r["closed"]) for r in report["recordings"]])
        test.assertFalse(log.seals.chains[recording].closed)
    return Expected(check=check)


@host_root("stop-and-start", "stops the sensor in order, acts, and starts it again", "host, from when to when, why",
           caught=VERIFY)
def _(case):
    before, after = (case.run_sensor("--batches", 2, "--scope-kind", "machine", "--host", "web-1.example")[0]
                     for _ in range(2))

    def check(test, report, log):
        one, = report["completeness"]["unrecorded"]
        (scope, ended, began), = log.unrecorded.find()
        said = ("web-1.example", before, after, "done")
        test.assertEqual((one["host"], one["recording_id"], one["next_recording_id"], one["reason"]), said)
        test.assertEqual((scope[0], ended.id, began.id, ended.reason), said)
        test.assertEqual((one["from_wall_ns"], one["until_wall_ns"]), (ended.last[1], began.first[1]))
    return Expected(check=check)


# --------------------------------------------------------------------------------------- the network


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


@network("false-collector", "stands in for the collector, with a certificate of an authority that the host's system trusts", "nothing leaves the host",
         caught=AT_SENSOR)
def _(case):
    authority = case.new_authority()
    collecting.spoor("keys", "collector", "hub", "--dir", authority, "--address", "127.0.0.1")
    false = Swallower(authority / "collectors/hub")
    os.environ["SSL_CERT_FILE"] = str(authority / "ca.crt")
    try:
        recording, acknowledged, left, *_ = case.run_sensor("--batches", 5, "--last-shipping-ms", 500, to=false.url)
        case.test.assertEqual((acknowledged, left), (0, 9))
        case.test.assertEqual((false.connection_count > 0, false.taken_bytes), (True, 0))
    finally:
        del os.environ["SSL_CERT_FILE"]
        false.close()
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
    with socket.create_connection(("127.0.0.1", case.collector.port), timeout=10) as again:
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
    collecting.spoor("keys", "enrol", token, "--to", case.collector.url, "--keys", case.folder / "thief")
    done = collecting.spoor("keys", "enrol", token, "--to", case.collector.url, "--keys", case.folder / "owner", status=3)
    case.test.assertIn("used before", done.stderr)


class Swallower:
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
                body = b'{"next_sequence":1000000}'
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(keys / "identity.crt", keys / "identity.key")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.server.handle_error = lambda *_: None  # a client that does not believe it
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


# -------------------------------------------- floods


def close_at_once(connection):
    """Without a rest of it in the kernel, so that ports do not run out."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def has_ended(connection):
    try:
        return bool(select.select([connection], [], [], 0)[0]) and connection.recv(65536) == b""
    except ssl.SSLWantReadError:
        return False
    except OSError:
        return True


def context_of(case, keys=None):
    context = ssl.create_default_context(cafile=f"{case.world.authority}/ca.crt")
    if keys:
        context.load_cert_chain(f"{keys}/identity.crt", f"{keys}/identity.key")
    return context


def connect(case, context, source="127.0.0.1"):
    plain = socket.create_connection(("127.0.0.1", case.collector.port), timeout=collecting.WAIT_SECONDS,
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
        connection = socket.create_connection(("127.0.0.1", self.case.collector.port), timeout=collecting.WAIT_SECONDS,
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
        collecting.spoor("keys", "enrol", token, "--to", case.collector.url, "--keys", case.folder / "new-2")
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
    end = time.monotonic() + collecting.WAIT_SECONDS
    # 4 KiB a second of what is slow, two bytes of what drips.
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
            slow.sendall(parcel[:2048])
            parcel = parcel[2048:]
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


class Wire:
    """Forwards connections, records the first one's bytes from the client, spoils the first few."""

    def __init__(self, to_port, spoil_count=0):
        self.to_port, self.spoil_count, self.recorded, self.first = to_port, spoil_count, b"", True
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            first, self.first = self.first, False
            threading.Thread(target=self.relay, args=(client, first), daemon=True).start()

    def relay(self, client, first):
        with client, socket.create_connection(("127.0.0.1", self.to_port)) as server:
            back = threading.Thread(target=self.copy, args=(server, client, lambda piece: piece), daemon=True)
            back.start()
            count = 0

            def spoil(piece):
                nonlocal count
                count += len(piece)
                if first:
                    self.recorded += piece
                if count <= 8192 or not self.spoil_count:  # within the handshake, and what it needs
                    return piece
                self.spoil_count -= 1
                return flip(piece, len(piece) // 2)
            self.copy(client, server, spoil)
            back.join()

    @staticmethod
    def copy(source, sink, change):
        try:
            while piece := source.recv(8192):
                sink.sendall(change(piece))
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listening.close()
