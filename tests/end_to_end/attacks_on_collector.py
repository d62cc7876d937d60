# SPDX-License-Identifier: Apache-2.0
"""Rows of the attack matrix about root on a sensor's host, who sends to a running collector or spoils the spool."""
import collecting
import forgery
from attacks import AT_RECEIPT, VERIFY, WATCH, WATCH_AND_VERIFY, Expected, host_root
from forgery import flip

# Key by key it would take days to get there.
WIDE_GAP = 1 << 38


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


def at(frame, sequence):
    return frame[:32] + sequence.to_bytes(8, "little") + frame[40:]


@host_root("claim-wide-gaps", "claims gaps of billions of frames with frames that it did not seal for that place, to keep the "
           "collector busy", "sensor, frame")
def _(case):
    chain, other = case.chain(batches=1), case.chain("db-1", batches=40)
    case.expect(case.post(0, *chain.frames), 200)
    for i, frame in enumerate(other.frames):  # the others' frames are taken between the claims
        claim = WIDE_GAP + i
        case.expect(case.post(claim, at(chain.frames[1], claim), after_gap=True), 422, f"frame {claim}: not sealed")
        case.expect(case.post(i, frame, sensor="db-1"), 200)
    return Expected(recorded=[("web-1", f"frame {WIDE_GAP}: not sealed with the key of its place")])


@host_root("seal-wide-gaps", "leaves gaps of billions of frames, well sealed, to keep collector and verifiers busy",
           "sensor, frames missing", exit_code=4, caught=f"{AT_RECEIPT}; {VERIFY}")
def _(case):
    chain = case.chain(batches=1)
    case.expect(case.post(0, *chain.frames), 200)
    for _ in range(3):
        chain.lost_count += WIDE_GAP
        chain.add_batch()
        sequence = len(chain.frames) - 1 + chain.lost_count
        case.expect(case.post(sequence, chain.frames[-1], after_gap=True), 200, f'"next_sequence":{sequence + 1}')
        case.collector.kill()
        case.collector.start()
    chain.add_batch()
    case.expect(case.post(sequence + 1, chain.frames[-1]), 200)

    def check(test, report, log):
        test.assertEqual((report["seals"]["missing_count"], log.seals.missing_count), (3 * WIDE_GAP, 3 * WIDE_GAP))
    return Expected(recorded=[("web-1", f"frames 2 to {WIDE_GAP + 1} were not delivered here")], check=check)


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


# ---------------------------------- root on a sensor's host: a sensor that no longer sees, or no longer speaks


def watched(case, *words, status=4):
    return collecting.spoor("watch", "--store", case.collector.store, "--once", *words, status=status).stdout


@host_root("blind-the-sensor", "takes the kernel half's hooks away while the sensor goes on",
           "sensor, host, which canaries, which of their calls", exit_code=4, caught=WATCH_AND_VERIFY)
def _(case):
    escrow = ("--escrow", f"{case.world.authority}/escrow.key", "--silence", "1h")
    chain = case.chain()
    chain.add_batch(payload=b'{"policy":{"canary_interval_ms":1000},"scopes":[{"host":"web-1.example","kind":"machine"}]}')
    case.expect(case.post(0, *chain.frames), 200)
    case.test.assertEqual(watched(case, *escrow, status=0), "")
    chain.add_batch(kind=forgery.RECORDS, payload=b"", boot_ns=30 * 10**9)
    case.expect(case.post(2, chain.frames[2]), 200)
    case.test.assertRegex(watched(case, *escrow), r"ALARM web-1 \(host web-1.example\): canary 0 of chain \w+, due 20\S+Z, "
                                                  "is not in the record: open, connect, exec\n$")

    def check(test, report, log):
        canaries = report["completeness"]["canaries"]
        test.assertEqual((canaries["due_count"], canaries["missed_count"]),
                         (log.canaries.due_count, log.canaries.missed_count))
        test.assertIn(canaries["missed_count"], range(13, 41))  # of 20 s, half to one and a half seconds apart
        test.assertEqual({(one["sensor"], one["host"]) for one in canaries["missed"]}, {("web-1", "web-1.example")})
    return Expected(check=check)


@host_root("silence-the-sensor", "kills the sensor, holds it up or cuts it off", "sensor, since when", caught=WATCH)
def _(case):
    chain = case.chain(batches=1)
    case.expect(case.post(0, *chain.frames), 200)
    case.test.assertEqual(watched(case, "--silence", "1h", status=0), "")
    collecting.wait_until("it has been silent for long", lambda: collecting.spoor(
        "watch", "--store", case.collector.store, "--once", "--silence", "500ms", status=None).returncode == 4)
    case.test.assertRegex(watched(case, "--silence", "500ms"), r"ALARM web-1 \(host \S+\): silent since 20\S+Z\n$")
