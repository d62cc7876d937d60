# SPDX-License-Identifier: Apache-2.0
"""The tables of a store against its evidence, for tools/verify.py (docs/formats/store.md, "How many rows"): that each
segment is what the catalog says, and that no table has other numbers of rows than the records give. Values are not
looked at; `spoor verify` does that."""
import bisect
import collections
import hashlib
import json
import os
import re

from verify_batches import CLOSE, IMPORT_DATA, OPEN, Batch, Unsupported, Unverified
from verify_imports import Lines, Unclear, parse_json
from verify_parquet import read_footer
from verify_records import Decoder
from verify_rows import Rows

REMOVAL = "0" * 32  # what the row of removed entries goes by
CATALOG_BYTES_MAX = 1 << 30
LIVES = ("sealed", "open", "provisional")
ENTRY_SHIFT = 24  # event ids: the entry that was being read, then a count
with open(os.path.join(os.path.dirname(os.path.realpath(__file__)), "tables.json"), encoding="utf-8") as declared:
    SCHEMA = json.load(declared)
COLUMNS = {order["table"]: [column["name"] for column in table["columns"]]
           for table in SCHEMA["tables"] for order in table["sort_orders"]}


class Recording:
    """Follows one recording as ingest does."""

    def __init__(self, batch):
        self.first_entry = self.last_entry = batch.number
        self.first_index = batch.index
        self.entries = []
        self.rows = Rows()
        self.decoder = Decoder(self.rows.take)
        self.lines = None  # of an import that can be read
        self.opened = self.closed = self.is_import = self.removed_before = False
        self.next_index = 0
        self.left_running_count = 0

    def gap(self):
        told = not self.is_import and self.decoder.hosts is not None
        count = len(self.decoder.hosts) if told else 1
        self.rows.count("gap", count, count)

    def open(self, batch, payload):
        self.opened = True
        said = None
        try:
            said = parse_json(payload) if batch.kind == OPEN else None
        except Unclear:
            self.rows.unclear = True
        except ValueError:
            pass
        said = said if isinstance(said, dict) else None
        self.is_import = said is not None and isinstance(said.get("size_bytes"), int) and \
            not isinstance(said["size_bytes"], bool) and \
            all(isinstance(said.get(key), str) for key in ("import", "file", "host", "sha256"))
        if self.is_import and said["import"] == "events" and "clock_offset_ns" not in said:
            self.lines = Lines(said["host"], self.rows.take)
        self.rows.unclear = self.rows.unclear or self.is_import and self.lines is None
        return said

    def resume(self, first):
        """The beginning was removed; `first` is the description that was carried over."""
        self.removed_before = True
        if first is None:
            return
        description = self.open(first, first.payload())
        if self.is_import:
            self.next_index = first.index + 1
        elif not self.rows.unclear:
            self.decoder.feed(first, b"", description)

    def take(self, batch):
        self.last_entry = batch.number
        self.entries.append(batch.number)
        self.closed = self.closed or batch.kind == CLOSE
        if self.rows.unclear:
            return
        payload = batch.payload()
        description = None
        if not self.opened:
            description = self.open(batch, payload)
            if self.rows.unclear:
                return
        if batch.index > self.next_index if self.is_import else self.removed_before:
            self.gap()
            self.lines = None  # what follows begins in the middle of a line
        self.removed_before = False
        self.next_index = batch.index + 1
        if batch.kind == CLOSE and not self.is_import:
            try:
                self.left_running_count = left_running_count(payload)
            except Unclear:
                self.rows.unclear = True
                return
        if not self.is_import:
            if not self.decoder.feed(batch, payload, description):
                self.gap()
        elif self.lines:
            self.take_lines(batch, payload)

    def take_lines(self, batch, payload):
        try:
            if batch.kind == IMPORT_DATA:
                self.lines.feed(payload)
            elif batch.kind == CLOSE:
                self.lines.finish()
        except Unclear:
            self.rows.unclear = True

    def end(self, is_provisional):
        if not self.is_import and self.decoder.hosts is not None and not self.rows.unclear:
            self.decoder.finish()
        if not self.closed and not is_provisional:
            self.gap()
        if self.left_running_count:
            self.gap()


def left_running_count(closing):
    """What a recorder of one command says in its closing; 0 where it says nothing."""
    try:
        said = parse_json(closing)
    except ValueError:
        return 0
    count = said.get("left_running_count") if isinstance(said, dict) else None
    return count if isinstance(count, int) and not isinstance(count, bool) and 0 < count < 1 << 64 else 0


def of_kind(item, **kinds):
    return isinstance(item, dict) and all(isinstance(item.get(key), kind) and not (kind is int and (
        isinstance(item[key], bool) or item[key] < 0)) for key, kind in kinds.items())


class Tables:
    """The catalog of `store`, read before the log, and what the log's entries say against it."""

    def __init__(self, store):
        self.folder = os.path.join(store, "segments")
        self.file = os.path.join(store, "catalog.json")
        catalog = self.read_catalog()
        if of_kind(catalog, version=int) and catalog["version"] != 1:
            raise Unsupported(f"{self.file}: version {catalog['version']}, this verifier reads 1")
        if not of_kind(catalog, version=int, next_entry=int, recordings=list, segments=list) \
                or not all(of_kind(item, recording_id=str, first_entry=int, last_entry=int, event_count=int)
                           and isinstance(item.get("provisional"), bool) for item in catalog["recordings"]) \
                or not all(of_kind(item, table=str, file=str, sha256=str, row_count=int, recording_id=str, first_entry=int,
                                   last_entry=int, day=str, host=str) and item.get("life", "sealed") in LIVES
                           for item in catalog["segments"]):
            raise Unverified(f"{self.file}: not a catalog")
        schema = catalog.get("schema_version", 1)
        if not of_kind({"schema": schema}, schema=int):
            raise Unverified(f"{self.file}: not a catalog")
        if schema != SCHEMA["schema_version"]:
            raise Unsupported(f"{self.file}: tables of schema {schema}, this verifier reads {SCHEMA['schema_version']}; "
                              "`spoor rebuild` makes them again")
        self.generation = catalog.get("generation")
        self.next_entry, self.segments = catalog["next_entry"], catalog["segments"]
        self.first_unsealed = {}  # entry by recording
        for segment in self.segments:
            if segment.setdefault("life", "sealed") != "sealed":
                name, first = segment["recording_id"], segment["first_entry"]
                self.first_unsealed[name] = min(first, self.first_unsealed.get(name, first))
        self.said = {item["recording_id"]: item for item in catalog["recordings"]}
        if len(self.said) != len(catalog["recordings"]):
            self.bad("names a recording twice")
        self.recordings, self.carried, self.removed_until, self.gone_count = {}, {}, 0, 0
        self.removal = None  # number of the newest retention entry

    def read_catalog(self):
        with open(self.file, "rb") as file:
            text = file.read(CATALOG_BYTES_MAX + 1)
        try:
            return json.loads(text.decode("utf-8")) if len(text) <= CATALOG_BYTES_MAX else None
        except (ValueError, RecursionError) as error:
            raise Unverified(f"{self.file}: not a catalog") from error

    def has_changed(self):
        """Whether somebody ingested since it was read."""
        catalog = self.read_catalog()
        return isinstance(catalog, dict) and catalog.get("generation") != self.generation

    def bad(self, what):
        raise Unverified(f"{self.file}: {what}")

    def go_on(self, carried, removed_until):
        """Before the first entry of a log whose beginning was removed."""
        self.removed_until = removed_until
        for item in carried:
            if not item.is_account:
                self.carried[item.recording] = Batch("carried over", item.first_batch) if item.first_batch else None

    def remove(self, number):
        """The next retention entry."""
        if number < self.next_entry:
            self.removal = number

    def add(self, batch):
        """The next entry of a recording."""
        if batch.number >= self.next_entry:
            return
        recording = self.recordings.get(batch.recording)
        if recording is None:
            recording = self.recordings[batch.recording] = Recording(batch)
            if batch.index > 0 and batch.recording in self.carried:
                recording.resume(self.carried[batch.recording])
        recording.take(batch)

    def check(self, log_size):
        if self.next_entry > log_size:
            self.bad(f"was made from {self.next_entry} entries of evidence, of which {log_size} are there now: the log "
                     "was put back to an older state")
        for segment in self.segments:
            self.check_segment(segment)
        for name in ("file", None):
            keys = collections.Counter(segment[name] if name else tuple(segment[key] for key in (
                "table", "life", "recording_id", "first_entry", "last_entry", "day", "host")) for segment in self.segments)
            if len(keys) != len(self.segments):
                self.bad(f"names {keys.most_common(1)[0][0]} twice")
        # What came of removed entries goes at the next ingest.
        gone = {name for name, said in self.said.items() if said["first_entry"] < self.removed_until
                and (name not in self.recordings or self.recordings[name].first_index > 0)}
        self.gone_count = len(gone)
        for name, recording in self.recordings.items():
            if name not in gone:
                self.check_recording(name, recording)
        if self.removal is not None:
            self.check_removal()
            gone.add(REMOVAL)
        for name in self.said.keys() - self.recordings.keys() - gone:
            self.bad(f"names recording {name}, of which the evidence has nothing")
        for segment in self.segments:
            if segment["recording_id"] not in self.said:
                self.bad(f"has table {segment['table']} of recording {segment['recording_id']}, which it does not name")

    def report(self):
        rows = sum(segment["row_count"] for segment in self.segments)
        gone = f"; those of {self.gone_count} recordings not checked: their evidence was removed since" if self.gone_count else ""
        return f"{len(self.segments)} segments with {rows} rows, as many as the evidence gives{gone}; " \
               "whether each says what it must, `spoor verify` tells"

    def check_removal(self):
        """One row of gap says that entries were removed by policy."""
        said = self.said.get(REMOVAL)
        if said is None or said["first_entry"] != self.removal:
            self.bad(f"leaves out that entries were removed by policy, as entry {self.removal} says")
        rows = [(segment["table"], segment["row_count"]) for segment in self.segments if segment["recording_id"] == REMOVAL]
        if rows != [("gap", 1)]:
            self.bad(f"has {rows} of what was removed by policy, and the evidence gives one row of table gap")

    def check_segment(self, segment):
        """That the file is the catalog's, and is such a table."""
        table, path = segment["table"], os.path.join(self.folder, segment["file"])
        if table not in COLUMNS or not re.fullmatch(rf"{table}/(\d{{4}}-\d\d-\d\d/)?[0-9a-z-]+\.parquet", segment["file"]):
            self.bad(f"names {segment['file']}, which is no segment of {table}")
        try:
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            raise Unverified(f"{path}: missing") from None
        if digest != segment["sha256"]:
            raise Unverified(f"{path}: is not what the catalog describes")
        footer = read_footer(path)
        if footer.row_count != segment["row_count"]:
            raise Unverified(f"{path}: the catalog says {segment['row_count']} rows, it has {footer.row_count}")
        if footer.columns != COLUMNS[table]:
            raise Unverified(f"{path}: has other columns than the table {table}")
        first, last = sorted((segment["first_entry"], segment["last_entry"]))
        if segment["life"] != "sealed":  # has rows that others were merged into since they began
            first = self.first_unsealed[segment["recording_id"]]
        recording = self.recordings.get(segment["recording_id"])
        if table == "flow" and recording is not None and recording.is_import:
            return  # what is revised there is what files tell of one flow: by its end
        column = "entry_index" if table == "evidence_batch" else "revision" if "revision" in COLUMNS[table] else "event_id"
        least, greatest = footer.ranges.get(column, (None, None))
        shift = 0 if table == "evidence_batch" else ENTRY_SHIFT
        if least is not None and not first <= least >> shift <= greatest >> shift <= last:
            raise Unverified(f"{path}: has rows of entries {least >> shift} to {greatest >> shift}, and the catalog says "
                             f"that it is of {first} to {last}")

    def check_recording(self, name, recording):
        said = self.said.get(name)
        if said is None:
            self.bad(f"leaves out recording {name}, though it claims entry {recording.first_entry}, which is of it")
        for which in ("first_entry", "last_entry"):
            if said[which] != getattr(recording, which):
                self.bad(f"says that the {which.replace('_', ' ')} of recording {name} is {said[which]}, and in the "
                         f"evidence it is {getattr(recording, which)}")
        if said["provisional"] and recording.closed:
            self.bad(f"calls recording {name} open, which was closed")
        recording.end(said["provisional"])
        rows = recording.rows
        if said["event_count"] < rows.event_count or said["event_count"] > rows.event_count and not rows.unclear:
            self.bad(f"recording {name} has {said['event_count']} events, and the evidence gives {rows.event_count}")
        segments = [segment for segment in self.segments if segment["recording_id"] == name]
        self.check_flushes(name, recording, segments)
        have, parts = collections.Counter(), collections.defaultdict(dict)
        for segment in segments:
            have[segment["table"]] += segment["row_count"]
            if segment["table"] in ("event", "event_by_object"):
                part = segment["first_entry"], segment["last_entry"], segment["day"], segment["host"], segment["life"]
                parts[part][segment["table"]] = segment["row_count"]
        is_one_flush = len({(segment["first_entry"], segment["last_entry"]) for segment in segments}) == 1
        bounds = dict.fromkeys(COLUMNS, (0, None if rows.unclear else 0)) | rows.bounds(is_one_flush)
        bounds |= {"recording": (1, 1), "evidence_batch": (len(recording.entries),) * 2}
        for table, (least, most) in bounds.items():
            if have[table] < least or most is not None and have[table] > most:
                wanted = least if least == most else f"{least} or more" if most is None else f"{least} to {most}"
                self.bad(f"table {table} has {have[table]} rows of recording {name}, and the evidence gives {wanted}")
        for (first, last, day, _, _), of_part in parts.items():
            if len(set(of_part.values())) != 1 or len(of_part) != 2:
                self.bad(f"recording {name}, entries {first} to {last}, {day}: tables event and event_by_object have "
                         f"{of_part.get('event', 0)} and {of_part.get('event_by_object', 0)} rows")

    def check_flushes(self, name, recording, segments):
        """Each flush names the entries it is of, and they follow each other."""
        due = recording.first_entry
        segments = [segment for segment in segments if segment["life"] != "provisional"]
        flushes = sorted({(segment["first_entry"], segment["last_entry"]) for segment in segments})
        entries = collections.Counter()
        for segment in segments:
            if segment["table"] == "evidence_batch":
                entries[segment["first_entry"], segment["last_entry"]] = segment["row_count"]
        for first, last in flushes:
            if due == recording.last_entry + 1 == first + 1 == last + 1:
                continue  # what was left after the last flush
            if first != due:
                self.bad(f"has no tables of entries {due} to {first - 1} of recording {name}")
            due = last + 1
            count = bisect.bisect(recording.entries, last) - bisect.bisect_left(recording.entries, first)
            if entries[first, last] != count:
                self.bad(f"table evidence_batch has {entries[first, last]} rows of entries {first} to {last} of recording "
                         f"{name}, and the evidence gives {count}")
        if due != recording.last_entry + 1:
            self.bad(f"has no tables of entries {due} to {recording.last_entry} of recording {name}")
