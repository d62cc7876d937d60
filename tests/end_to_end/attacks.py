# SPDX-License-Identifier: Apache-2.0
"""What a row of the attack matrix is, and what it may use: see attack_matrix.py."""
import dataclasses
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import urllib.request
from typing import Callable

import collecting
import forgery

# Who attacks, and what they have.
STORE_WRITER = "store writer"  # may write the store's files; has not the log's key
OPERATOR = "operator"          # has the log's key, not the escrow key
HOST_ROOT = "host root"        # root on a sensor's host: its certificate, its spool, its memory
NETWORK = "network"            # between sensor and collector; no certificate
# Where it is caught.
AT_RECEIPT = "collector, at receipt"
VERIFY = "`spoor verify`"
VERIFY_WITH_ESCROW = "`spoor verify --escrow`"
VERIFY_WITH_KEY = "`spoor verify --key`"
VERIFY_WITH_AUTHORITY = "`spoor verify --authority`"
VERIFY_WITH_CHECKPOINT = "`spoor verify --checkpoint`"
VERIFY_WITH_WITNESS = "`spoor verify --ask`"
AT_SENSOR = "sensor"
AT_LOG_SERVERS = "log server and witness, at receipt"
WATCH = "`spoor watch`"
WATCH_AND_VERIFY = "`spoor watch`; `spoor verify --escrow`"

ACCEPTED, MISSING, REFUSED = 2, 5, 6
ROWS = []


@dataclasses.dataclass
class Row:
    name: str
    who: str
    does: str
    caught: str
    named: str        # for readers
    exit_code: int    # of both verifiers, on the store that the attack leaves
    on_store: bool
    run: Callable

    def line(self):
        return f"| `{self.name}` | {self.who} | {self.does} | {self.caught} | {self.named} | {self.exit_code} |"


@dataclasses.dataclass
class Expected:
    """What a row's function wants to be found."""
    named: tuple = ()     # in what both verifiers say
    recorded: tuple = ()  # (sensor, note) in the collector's account
    check: Callable = None  # (test, object of --json, proved log of tools/verify.py)


def attack(name, who, does, caught, named, exit_code, on_store):
    def register(function):
        assert name not in {row.name for row in ROWS}, name
        ROWS.append(Row(name, who, does, caught, named, exit_code, on_store, function))
        return function
    return register


def host_root(name, does, named, exit_code=0, caught=AT_RECEIPT):
    return attack(name, HOST_ROOT, does, caught, named, exit_code, on_store=False)


def network(name, does, named, caught, exit_code=0):
    return attack(name, NETWORK, does, caught, named, exit_code, on_store=False)


@dataclasses.dataclass
class Base:
    """What the rows on stores begin with: two sensors, three runs, one of them cut off."""
    store: pathlib.Path
    kept_key: pathlib.Path
    web_1: bytes    # recording ids
    db_1: bytes
    cut_off: bytes  # of db-1, killed
    old_checkpoint: str
    earlier: pathlib.Path          # the store as it was after the first run
    kept_checkpoint: pathlib.Path  # of the whole store, kept by a reader
    witness: "Witness"             # has cosigned it


class Witness:
    """spoor witness, which knows the log of `store` and has cosigned it."""

    def __init__(self, folder, store):
        self.folder = folder / "witness"
        self.key_file = folder / "witness.vkey"
        self.process = subprocess.Popen(
            [collecting.SPOOR, "witness", "--state", self.folder, "--log", store / "key/log.vkey",
             "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        said = {}
        while "listening" not in said:
            line = self.process.stdout.readline()
            assert line, "the witness ended"
            word, _, rest = line.strip().partition(" ")
            said[word] = rest
        self.url = said["listening"]
        self.key_file.write_text(said["witness"] + "\n")
        self.origin = (store / "key/log.vkey").read_text().split("+")[0]
        collecting.spoor("cosign", "--store", store, "--witness", self.at)

    @property
    def at(self):
        return f"{self.url}={self.key_file}"

    def newest_checkpoint(self):
        """The file of what it cosigned last, as anybody may fetch it."""
        path = hashlib.sha256(self.origin.encode()).hexdigest()
        file = self.folder.with_name("witnessed-checkpoint")
        with urllib.request.urlopen(f"{self.url}/{path}/checkpoint", timeout=collecting.PATIENCE_S) as answer:
            file.write_bytes(answer.read())
        return file

    def end(self):
        self.process.kill()
        self.process.communicate()


def make_base(world):
    world.collector.start()
    db_1 = world.result(world.sensor("--batches", 20, "--bytes", 100, keys=f"{world.authority}/sensors/db-1"))[0]
    old_checkpoint = (world.collector.store / "evidence/checkpoint").read_text()
    world.collector.stop()
    earlier = world.folder / "earlier"
    shutil.copytree(world.collector.store, earlier)
    world.collector.start()
    killed = world.sensor("--batches", 30000, "--bytes", 100, "--interval-us", 2000,
                          keys=f"{world.authority}/sensors/db-1")
    cut_off = re.search(r"recording (\w+)", killed.stdout.readline())[1]
    collecting.wait_until("some batches of a run that is cut off", lambda: len(collecting.recordings_of(
        collecting.read_log_quietly(world.collector.store))[cut_off]) > 5)
    killed.kill()
    killed.communicate()
    web_1 = world.result(world.sensor("--batches", 540, "--bytes", 100, "--interval-us", 0))[0]
    world.collector.stop()
    kept_key = world.folder / "kept.vkey"
    shutil.copy(world.collector.store / "key/log.vkey", kept_key)
    kept_checkpoint = world.folder / "kept.checkpoint"
    shutil.copy(world.collector.store / "evidence/checkpoint", kept_checkpoint)
    witness = Witness(world.folder, world.collector.store)
    return Base(world.collector.store, kept_key, *map(bytes.fromhex, (web_1, db_1, cut_off)), old_checkpoint, earlier,
                kept_checkpoint, witness)


class StoreCase:
    """A copy of the base store, to be changed."""

    def __init__(self, world, base, store):
        self.world, self.base, self.store = world, base, store
        self.evidence = store / "evidence"

    def put_back(self):
        """The whole store is what it was after the first run."""
        shutil.rmtree(self.store)
        shutil.copytree(self.base.earlier, self.store)

    def log(self):
        return forgery.ForgedLog(self.store, collecting.read_log(self.store))

    def import_events(self):
        """Makes tables, too."""
        file = self.store / "events.ndjson"
        file.write_text('{"kind":"exec","host":"h","process":{"pid":7,"start_boot_ns":5},"path":"/bin/sh"}\n'
                        '{"kind":"open","process":7,"path":"/a","fd":3,"flags":"O_WRONLY","boot_ns":5,"wall_ns":105}\n')
        collecting.spoor("import", "--store", self.store, "--host", "h", file)
        file.unlink()

    def copy_evidence(self):
        return pathlib.Path(shutil.copytree(self.evidence, self.store.with_name(self.store.name + "-earlier")))

    def read_bundle(self, index):
        """File and entries of a bundle."""
        file = self.file(f"entries/{index:03}")
        data, entries = file.read_bytes(), []
        while data:
            size = int.from_bytes(data[:2], "big")
            entries.append(data[2:2 + size])
            data = data[2 + size:]
        return file, entries

    @staticmethod
    def write_bundle(file, entries):
        file.write_bytes(b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries))

    def file(self, name):
        """Of a tile or bundle, in the form that it has."""
        path = self.evidence / "tile" / name
        return path if path.is_file() else next(path.with_name(path.name + ".p").iterdir())

    def name_of(self, file):
        return str(file.relative_to(self.evidence))


class CollectorCase:
    """A collector of its own for the row, and what an attacker on a sensor's host has."""

    def __init__(self, test, world, name):
        self.test, self.world = test, world
        self.folder = world.folder / name
        self.folder.mkdir()
        # The same collector, with another store.
        self.collector = collecting.Collector(world, "hub", store=self.folder / "store").start()
        self.escrow_public = forgery.public_escrow_key(f"{world.authority}/escrow.pub")

    def end(self):
        self.collector.end()

    def keys(self, sensor="web-1"):
        """A copy of its identity without the spool."""
        copy = self.folder / sensor
        if not copy.exists():
            shutil.copytree(f"{self.world.authority}/sensors/{sensor}", copy,
                            ignore=lambda _, names: [n for n in names if n == "spool"])
        return str(copy)

    def chain(self, sensor="web-1", batches=0):
        chain = forgery.ForgedChain(sensor, self.escrow_public, self.keys(sensor))
        for _ in range(batches):
            chain.add_batch()
        return chain

    def post(self, sequence, *frames, sensor="web-1", under=None, after_gap=False, keys=None):
        """Status and answer to frames that `under` (if not the sensor itself) sends in its name."""
        path = f"/v1/sensors/{sensor}/batches/{sequence}" + ("?after_gap=1" if after_gap else "")
        self.world.collector.port = self.collector.port  # whom the world's requests go to
        return self.world.request(keys or self.keys(under or sensor), "POST", path, b"".join(frames))

    def expect(self, answer, status, text=""):
        self.test.assertEqual(answer[0], status, answer[1])
        self.test.assertIn(text, answer[1])

    def entries(self):
        return collecting.read_log(self.collector.store)

    def held(self):
        """Batch indices by recording."""
        return collecting.recordings_of(self.entries())

    def run_sensor(self, *words, to=None, keys=None, environment=None):
        """Runs a sensor to its end; (recording, acknowledged, left, dropped, refused, what it told)."""
        return self.world.result(self.world.sensor(*words, keys=keys or self.keys(), to=[to or self.collector.url]))

    def fill_spool(self, batches=6):
        """Frames in the spool of web-1 that no collector has yet; its file, and the frames."""
        recording = self.run_sensor("--batches", batches, "--bytes", 100, "--last-shipping-ms", 1,
                                    to=f"https://127.0.0.1:{collecting.free_port()}")[0]
        file = pathlib.Path(self.keys()) / "spool/000000000000.frames"
        return recording, file, forgery.split_frames(file.read_bytes())

    def deliver(self):
        """The next run of web-1: what its spool has goes first."""
        return self.run_sensor("--batches", 1, "--bytes", 100)

    def new_authority(self):
        folder = self.folder / "other-authority"
        collecting.spoor("keys", "init", "--dir", folder)
        return folder


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, env={**os.environ, "LC_ALL": "C"})
