# SPDX-License-Identifier: Apache-2.0
"""Rows of the attack matrix that change a collector's store, without the log's key and with it."""
import json
import shutil
import struct
import subprocess
import sys

import collecting
import forgery
from attacks import (OPERATOR, STORE_WRITER, VERIFY, VERIFY_WITH_AUTHORITY, VERIFY_WITH_CHECKPOINT, VERIFY_WITH_ESCROW,
                     VERIFY_WITH_KEY, VERIFY_WITH_WITNESS, Expected, attack)
from forgery import flip, verify


def store_writer(name, does, named, exit_code=3, caught=VERIFY):
    return attack(name, STORE_WRITER, does, caught, named, exit_code, on_store=True)


def operator(name, does, named, exit_code=3, caught=VERIFY):
    return attack(name, OPERATOR, does, caught, named, exit_code, on_store=True)


# ------------------------------------------------------------------------------ without the log's key


def change_bundle(case, index, change):
    file, entries = case.read_bundle(index)
    change(entries)
    case.write_bundle(file, entries)
    return case.name_of(file)


@store_writer("flip-entry", "changes one bit of a batch", "bundle, entry")
def _(case):
    def change(entries):
        entries[77] = flip(entries[77], 150)
    return Expected((change_bundle(case, 1, change), "entry 333"))


@store_writer("flip-account", "changes one bit of the collector's account", "bundle, entry")
def _(case):
    number = next(i for i, entry in enumerate(collecting.read_log(case.store)) if entry[10] == forgery.ACCOUNT)

    def change(entries):
        entries[number] = flip(entries[number], len(entries[number]) // 2)
    return Expected((change_bundle(case, 0, change), f"entry {number} "))


@store_writer("flip-tile", "changes one bit of a hash tile", "tile")
def _(case):
    file = case.file("0/001")
    file.write_bytes(flip(file.read_bytes(), 4711))
    return Expected((case.name_of(file),))


@store_writer("flip-incomplete-tile", "changes one bit of the last, incomplete tile", "tile")
def _(case):
    file = case.file("0/002")
    file.write_bytes(flip(file.read_bytes(), 40))
    return Expected((case.name_of(file),))


@store_writer("flip-checkpoint", "changes one bit of the checkpoint", "checkpoint")
def _(case):
    file = case.evidence / "checkpoint"
    file.write_bytes(flip(file.read_bytes(), 20))
    return Expected(("checkpoint",))


@store_writer("delete-entry", "takes a batch out of its bundle", "bundle, first entry out of place")
def _(case):
    return Expected((change_bundle(case, 1, lambda entries: entries.pop(10)), "entry 266 "))


@store_writer("delete-bundle", "removes a bundle of entries", "file that is missing")
def _(case):
    case.file("entries/001").unlink()
    return Expected(("tile/entries/001", "missing"))


@store_writer("delete-tile", "removes a hash tile", "file that is missing")
def _(case):
    case.file("0/000").unlink()
    return Expected(("tile/0/000", "missing"))


@store_writer("delete-checkpoint", "removes the checkpoint", "checkpoint")
def _(case):
    (case.evidence / "checkpoint").unlink()
    return Expected(("checkpoint", "missing"))


@store_writer("swap-entries", "swaps two batches in a bundle", "bundle, first of the two")
def _(case):
    def change(entries):
        entries[20], entries[30] = entries[30], entries[20]
    return Expected((change_bundle(case, 0, change), "entry 20 "))


@store_writer("swap-bundles", "swaps two bundles", "first of the two, entry")
def _(case):
    one, two = case.file("entries/000"), case.file("entries/001")
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    return Expected(("tile/entries/000", "entry 0 "))


@store_writer("swap-tiles", "swaps two hash tiles", "first of the two")
def _(case):
    one, two = case.file("0/000"), case.file("0/001")
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    return Expected(("tile/0/000",))


@store_writer("duplicate-entry", "copies a batch in behind itself", "bundle, the copy")
def _(case):
    return Expected((change_bundle(case, 0, lambda entries: entries.insert(9, entries[8])), "entry 9 "))


@store_writer("truncate-tail", "cuts the last batches off the log", "bundle, first entry cut off")
def _(case):
    file, entries = case.read_bundle(2)
    case.write_bundle(file, entries[:-3])
    return Expected((case.name_of(file), f"entry {512 + len(entries) - 3} "))


@store_writer("truncate-with-old-checkpoint", "puts an older checkpoint back to hide the newest batches",
              "file that it does not cover")
def _(case):
    (case.evidence / "checkpoint").write_text(case.base.old_checkpoint)
    return Expected(("tile/", "not covered by the checkpoint"))


@store_writer("forge-checkpoint", "signs a changed log with a key of their own", "checkpoint")
def _(case):
    log = case.log()
    del log.batches[-1]
    pem = case.store / "key/log.pem"
    genuine = pem.read_bytes()
    forgery.subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", pem], check=True, capture_output=True)
    log.write()
    pem.write_bytes(genuine)
    return Expected(("checkpoint",))


@store_writer("replace-log", "puts another log with a key of their own in its place", "checkpoint", caught=VERIFY_WITH_KEY)
def _(case):
    shutil.rmtree(case.store)
    other = collecting.World()
    other.setUp()
    try:
        other.collector.start()
        other.result(other.sensor("--batches", 3))
        other.collector.stop()
        shutil.copytree(other.collector.store, case.store)
    finally:
        other.tearDown()
    return Expected(("checkpoint",))


@store_writer("add-file", "adds a file to the evidence", "file")
def _(case):
    (case.evidence / "tile/0/009").write_bytes(bytes(8192))
    return Expected(("tile/0/009",))


@store_writer("roll-back-below-catalog", "puts the evidence, but not the tables made of it, back to an older state",
              "catalog, both sizes")
def _(case):
    earlier = case.copy_evidence()
    case.import_events()
    shutil.rmtree(case.evidence)
    earlier.rename(case.evidence)
    return Expected(("catalog.json", "put back to an older state"))


@store_writer("change-segment", "changes one bit of a table's file", "file")
def _(case):
    case.import_events()
    file = sorted((case.store / "segments/event").rglob("*.parquet"))[0]
    status = file.stat()
    file.write_bytes(flip(file.read_bytes(), 300))
    forgery.os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    return Expected((file.name,))


def change_catalog(case, change):
    """Tables of what `case` imports, and a catalog that `change` was made to."""
    case.import_events()
    collecting.spoor("query", "--store", case.store, "active_processes", status=4)  # synthetic sensors record no calls
    path = case.store / "catalog.json"
    catalog = json.loads(path.read_text())
    imported = next(segment["recording_id"] for segment in catalog["segments"] if segment["table"] == "exec")
    expected = change(catalog, imported)
    path.write_text(json.dumps(catalog))
    return expected


def hide(table):
    def change(catalog, recording):
        catalog["segments"] = [segment for segment in catalog["segments"] if segment["table"] != table
                               or segment["recording_id"] != recording]
        return Expected((f"table {table}", recording))
    return change


@store_writer("hide-rows", "takes a table's file and its line in the catalog away", "table, recording")
def _(case):
    return change_catalog(case, hide("exec"))


@store_writer("hide-derived-rows", "… of a table that has no row for each record", "table, recording")
def _(case):
    return change_catalog(case, hide("process"))


@store_writer("hide-recording", "takes all tables of a recording and its line in the catalog away", "recording")
def _(case):
    def change(catalog, recording):
        catalog["recordings"] = [item for item in catalog["recordings"] if item["recording_id"] != recording]
        catalog["segments"] = [segment for segment in catalog["segments"] if segment["recording_id"] != recording]
        return Expected((f"leaves out recording {recording}",))
    return change_catalog(case, change)


@store_writer("change-row-count", "changes in the catalog how many rows a table's file has", "file, both numbers")
def _(case):
    def change(catalog, _recording):
        segment = next(segment for segment in catalog["segments"] if segment["table"] == "event")
        segment["row_count"] += 1
        return Expected((segment["file"], f"the catalog says {segment['row_count']} rows, it has {segment['row_count'] - 1}"))
    return change_catalog(case, change)


@store_writer("roll-back", "puts the whole store back to an older state of itself", "both sizes",
              caught=VERIFY_WITH_CHECKPOINT)
def _(case):
    case.put_back()
    return Expected(("rolled back",))


@store_writer("roll-back-all-copies", "… and every checkpoint that readers kept", "both sizes", caught=VERIFY_WITH_WITNESS)
def _(case):
    case.put_back()
    return Expected(("rolled back",))


# --------------------------------------------------------------------------------- with the log's key


@operator("resign-changed-batch", "changes a batch and signs the log anew", "next entry, recording")
def _(case):
    log = case.log()
    batch = log.of(case.base.web_1)[100]
    batch.stored = flip(batch.stored, -1)
    log.write()
    following = log.of(case.base.web_1)[101]
    return Expected((f"entry {log.batches.index(following)}", case.base.web_1.hex()))


@operator("resign-changed-chain", "… and the digests of all batches behind it, too", "chain, frame", caught=VERIFY_WITH_ESCROW)
def _(case):
    log = case.log()
    batch = log.of(case.base.web_1)[100]
    batch.stored = flip(batch.stored, -1)
    log.link(case.base.web_1)
    log.write()
    return Expected(named_frame(log.record_of(batch)))


def named_frame(record):
    """As both verifiers name it."""
    return f"chain {record.head[16:32].hex()}", f"frame {struct.unpack_from('<Q', record.head, 32)[0]}"


@operator("resign-bad-checksum", "leaves a batch's checksum wrong", "entry")
def _(case):
    entries = collecting.read_log(case.store)
    entries[-1] = flip(entries[-1], -3)
    forgery.write_log(case.store, entries)
    return Expected((f"entry {len(entries) - 1}", "checksum"))


@operator("resign-without-batch", "takes a batch out and signs the log anew", "recording")
def _(case):
    log = case.log()
    log.batches.remove(log.of(case.base.web_1)[200])
    log.write()
    return Expected(("entry", ))


@operator("resign-without-frame", "… and takes its line out of the account, too", "chain, frame that does not follow")
def _(case):
    log = case.log()
    batch = log.of(case.base.web_1)[200]
    record = log.record_of(batch)
    log.batches.remove(batch)
    log.drop_records(lambda each: each is record)
    log.write()
    chain, _ = named_frame(record)
    return Expected((chain, "does not follow frame 200"))


@operator("say-frame-missing", "… and says that it never came", "number of frames and batches missing", exit_code=4)
def _(case):
    log = case.log()
    batch = log.of(case.base.web_1)[200]
    record = log.record_of(batch)
    following = log.record_of(log.of(case.base.web_1)[201])
    log.batches.remove(batch)
    record.verdict, record.batch, record.entry, record.head = 5, None, forgery.NO_ENTRY, following.head
    record.note = b"frames 201 to 201 were not delivered here"
    log.write()

    def check(test, report, log):
        test.assertEqual((report["seals"]["missing_count"], log.seals.missing_count), (1, 1))
        test.assertEqual({r["recording_id"]: r["missing_batch_count"] for r in report["recordings"]
                          if r["missing_batch_count"]}, {case.base.web_1.hex(): 1})
        test.assertEqual(log.recordings.by_id[case.base.web_1.hex()].missing_count, 1)
    return Expected(check=check)


@operator("truncate-chain", "takes the last batches of a chain and their lines out", "sensor's chain and recording: no end",
          exit_code=0)
def _(case):
    log = case.log()
    gone = log.of(case.base.web_1)[400:]
    chain = log.record_of(gone[0]).head[16:32]
    log.drop_records(lambda each: each.batch in gone or each.verdict == 4 and each.head[16:32] == chain)
    log.batches = [batch for batch in log.batches if batch not in gone]
    log.write()

    def check(test, report, log):
        ends = {r["recording_id"]: r["closed"] for r in report["recordings"]}
        test.assertFalse(ends[case.base.web_1.hex()])
        test.assertFalse(log.recordings.by_id[case.base.web_1.hex()].closed)
        test.assertEqual((report["seals"]["chain_count"], report["seals"]["closed_chain_count"]), (3, 1))
        test.assertFalse(log.seals.chains[chain.hex()].closed)
    return Expected(check=check)


@operator("swap-batches", "swaps two batches of a recording and signs the log anew", "entry behind the first, recording")
def _(case):
    log = case.log()
    one, two = (log.batches.index(log.of(case.base.web_1)[i]) for i in (100, 105))
    log.batches[one], log.batches[two] = log.batches[two], log.batches[one]
    log.write()
    return Expected((f"entry {one + 1}", case.base.web_1.hex()))


@operator("duplicate-batch", "logs a batch twice", "the second, recording")
def _(case):
    log = case.log()
    batch = log.of(case.base.web_1)[100]
    log.batches.insert(log.batches.index(batch) + 1, forgery.ForgedBatch(batch.entry()))
    log.write()
    return Expected((f"entry {log.batches.index(batch) + 1}", case.base.web_1.hex()))


@operator("duplicate-line", "writes a line of the account twice", "chain, frame that comes again")
def _(case):
    log = case.log()
    record = log.record_of(log.of(case.base.web_1)[100])
    account = next(batch for batch in log.batches if record in (batch.records or []))
    account.records.insert(account.records.index(record) + 1, record)
    log.write()
    return Expected((*named_frame(record), "comes again"))


@operator("claim-entry-twice", "has two frames of a chain name one batch", "chain, second frame, entry")
def _(case):
    log = case.log()
    one, two = (log.record_of(log.of(case.base.web_1)[i]) for i in (100, 101))
    two.batch = one.batch
    log.write()
    return Expected((*named_frame(two), f"entry {one.entry}"))


@operator("insert-batch", "adds a batch behind those of a sensor that was cut off", "the batch, recording")
def _(case):
    log = case.log()
    last = log.of(case.base.cut_off)[-1]
    forged = forgery.ForgedBatch.make(forgery.IMPORT_DATA, case.base.cut_off, last.index + 1, last.sha256())
    log.batches.append(forged)
    log.write()
    return Expected((f"entry {len(log.batches) - 1}", f"batch {forged.index}", case.base.cut_off.hex(), "has no seal"))


@operator("insert-frame", "… with a line in the account that makes it a frame of the chain", "chain, frame",
          caught=VERIFY_WITH_ESCROW)
def _(case):
    log = case.log()
    last = log.of(case.base.cut_off)[-1]
    forged = forgery.ForgedBatch.make(forgery.IMPORT_DATA, case.base.cut_off, last.index + 1, last.sha256())
    record = log.record_of(last)
    account = next(batch for batch in log.batches if record in (batch.records or []))
    sequence = struct.unpack_from("<Q", record.head, 32)[0] + 1
    head = forgery.seal(bytes(32), forgery.FRAME_BATCH, record.head[16:32], sequence,
                        forgery.header_sha256(record.head), forged.entry())[:120]
    added = forgery.ForgedRecord(record)
    added.head, added.batch = head, forged
    account.records.append(added)
    log.batches.insert(log.batches.index(account), forged)
    log.write()
    return Expected(named_frame(added))


@operator("hide-batch-as-gap", "moves a batch into the account and calls it a gap", "chain, frame")
def _(case):
    log = case.log()
    batch = log.of(case.base.cut_off)[-1]
    record = log.record_of(batch)
    log.batches.remove(batch)
    record.verdict, record.note, record.batch, record.entry = 3, batch.entry(), None, forgery.NO_ENTRY
    log.write()
    return Expected((*named_frame(record), "kind"))


@operator("rename-sensor", "says that a chain was another sensor's", "chain, sensor")
def _(case):
    log = case.log()
    chain = log.record_of(log.of(case.base.db_1)[0]).head[16:32]
    for record in log.records():
        if record.head[16:32] == chain:
            record.sensor = "web-1"
    log.write()
    return Expected((f"chain {chain.hex()}", "web-1"))


@operator("rename-sensor-and-note", "… in the description beside it, too", "chain, sensor without a certificate")
def _(case):
    log = case.log()
    chain = log.record_of(log.of(case.base.db_1)[0]).head[16:32]
    for record in log.records():
        if record.head[16:32] == chain:
            record.sensor = "web-1"
            record.note = record.note.replace(b"db-1", b"web-1")
    log.write()
    return Expected((f"chain {chain.hex()}", "no certificate of the sensor web-1"))


@operator("steer-the-terminal", "names a sensor so that a terminal shows something else", "chain, the name spelled out")
def _(case):
    log = case.log()
    chain = log.record_of(log.of(case.base.db_1)[0]).head[16:32]
    for record in log.records():
        if record.head[16:32] == chain:
            record.sensor = "\r\x1b[2Kverified"
    log.write()

    def check(test, _report, _log):
        for program in ([collecting.SPOOR, "verify", "--store"], [sys.executable, "-B", verify.__file__]):
            said = subprocess.run([*program, case.store], capture_output=True, check=False).stderr
            test.assertNotIn(b"\x1b", said)
            test.assertNotIn(b"\r", said)
            test.assertIn(chain.hex().encode(), said)
    return Expected((f"chain {chain.hex()}",), check=check)


def forged_run(case, identity):
    """The base store with one run more, made up by whoever has this identity; its chain."""
    log = case.log()
    public = forgery.public_escrow_key(f"{case.world.authority}/escrow.pub")
    chain = forgery.ForgedChain("web-1", public, identity)
    account = next(batch for batch in reversed(log.batches) if batch.records is not None)
    like = log.records()[0]
    for verdict in (1, 2, 2, 4):
        record = forgery.ForgedRecord(like)
        record.verdict, record.sensor, record.note, record.entry = verdict, "web-1", b"", forgery.NO_ENTRY
        if verdict == 1:
            record.head, record.note = chain.frames[0], chain.description
        elif verdict == 2:
            record.head, record.batch = chain.add_batch()[:120], chain.last_batch
            log.batches.insert(log.batches.index(account), chain.last_batch)
        else:
            record.head, record.note = chain.add(forgery.FRAME_CLOSE, b"{}")[:120], b"{}"
        account.records.append(record)
    log.write()
    return Expected((f"chain {chain.chain.hex()}", "web-1"))


@operator("forge-sensor", "makes up a run of a sensor, its keys and seals included, under the sensor's certificate",
          "chain, sensor that did not sign")
def _(case):
    identity = case.store / "forged"
    shutil.copytree(f"{case.world.authority}/sensors/db-1", identity, ignore=shutil.ignore_patterns("spool"))
    shutil.copy(f"{case.world.authority}/sensors/web-1/identity.crt", identity)
    expected = forged_run(case, identity)
    shutil.rmtree(identity)
    return expected


@operator("forge-sensor-and-authority", "… under a certificate of an authority of their own",
          "chain, sensor whose certificate is not the authority's", caught=VERIFY_WITH_AUTHORITY)
def _(case):
    authority = case.world.folder / "forged-authority"
    collecting.spoor("keys", "init", "--dir", authority)
    collecting.spoor("keys", "sensor", "web-1", "--dir", authority)
    return forged_run(case, authority / "sensors/web-1")


@operator("endless-gap", "claims a gap that would take a verifier for ever to count", "chain, frame")
def _(case):
    log = case.log()
    record = forgery.ForgedRecord(log.record_of(log.of(case.base.cut_off)[-1]))
    far = (1 << 64) - 1
    record.verdict, record.entry = 5, forgery.NO_ENTRY
    record.head = record.head[:32] + far.to_bytes(8, "little") + record.head[40:]
    next(batch for batch in reversed(log.batches) if batch.records is not None).records.append(record)
    log.write()
    return Expected((*named_frame(record), "gap"))


def split(case):
    """From the state after the first run on, the log has another history, as well signed."""
    case.put_back()
    other = collecting.Collector(case.world, "hub", store=case.store).start()
    case.world.result(case.world.sensor("--batches", 900, "--bytes", 100, "--interval-us", 0, to=[other.url]))
    other.stop()
    return Expected(("split view",))


@operator("split-view", "shows one reader another history than the other", "entries that differ, both roots",
          caught=VERIFY_WITH_CHECKPOINT)
def _(case):
    return split(case)


@operator("split-view-to-witness", "… and the witness the first one", "entries that differ, both roots",
          caught=VERIFY_WITH_WITNESS)
def _(case):
    return split(case)
