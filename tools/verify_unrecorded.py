# SPDX-License-Identifier: Apache-2.0
"""When hosts were not recorded between one recording and the next, for tools/verify.py (docs/formats/sealing.md,
Times that nobody recorded)."""
import itertools
import json

from verify_batches import CLOSE, OPEN, number_at

KINDS = ("machine", "cgroup")
SCOPES_MAX = 1 << 18
NAME_CHARACTERS_MAX = 255


def clocks(batch):
    """(boot_ns, wall_ns) when it was sealed."""
    return number_at(batch.entry, 40, 8), int.from_bytes(batch.entry[48:56], "little", signed=True)


def length_ns(before, after):
    """By the boot clock, over a reboot by the wall clock; where that went back nobody knows, so it is the longest."""
    clock = 0 if before.boot == after.boot else 1
    return (after.first[clock] - before.last[clock]) % (1 << 64)


def text_in(item, name):
    text = item.get(name) if isinstance(item, dict) else None
    return text[:NAME_CHARACTERS_MAX] if isinstance(text, str) else ""


def parse(payload):
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return None


class Recording:
    def __init__(self):
        self.id, self.boot, self.scopes = "", "", []
        self.first = self.last = (0, 0)
        self.closed, self.reason = False, ""


class Unrecorded:
    def __init__(self):
        self.by_id = {}
        self.scope_count = 0

    def add(self, batch):
        """The next batch of a recording."""
        recording = self.by_id.setdefault(batch.recording, Recording())
        if batch.kind == OPEN:
            self.describe(recording, batch)
        recording.last, recording.closed = clocks(batch), batch.kind == CLOSE
        if recording.closed:
            recording.reason = text_in(parse(batch.payload()), "reason")

    def go_on(self, batch, last_wall_ns):
        """A recording whose beginning was removed: its first batch, and the wall clock at its last removed one."""
        recording = self.by_id[batch.recording] = Recording()
        self.describe(recording, batch)
        recording.last = recording.first[0] + last_wall_ns - recording.first[1], last_wall_ns

    def describe(self, recording, batch):
        said = parse(batch.payload())
        recording.id, recording.boot, recording.first = batch.recording, text_in(said, "boot_id"), clocks(batch)
        scopes = said.get("scopes") if isinstance(said, dict) else None
        for scope in scopes if isinstance(scopes, list) else []:
            # A command's tree ends with the command.
            if text_in(scope, "kind") in KINDS and self.scope_count < SCOPES_MAX:
                self.scope_count += 1
                recording.scopes.append((text_in(scope, "host"), scope["kind"]))

    def find(self):
        """(host, kind), the recording before and the one behind, for each time between that nobody recorded."""
        hosts = {}
        for recording in self.by_id.values():
            for scope in recording.scopes:
                hosts.setdefault(scope, []).append(recording)
        for scope, recordings in sorted(hosts.items(), key=lambda item: item[0]):
            found, boots = [], {}
            for recording in sorted(recordings, key=lambda recording: (recording.first[0], recording.id)):
                boots.setdefault(recording.boot, []).append(recording)
            edges = []  # of each boot: what begins first, what ends last
            for inside in boots.values():
                last = inside[0]
                for recording in inside[1:]:
                    if recording.first[0] > last.last[0]:
                        found.append((last, recording))
                    last = max(last, recording, key=lambda one: one.last[0])
                edges.append((inside[0], last))
            edges.sort(key=lambda edge: edge[0].first[1])
            found += [(before[1], after[0]) for before, after in itertools.pairwise(edges)]
            for before, after in sorted(found, key=lambda pair: pair[0].last[1]):
                yield scope, before, after

    def lines(self, count_max=20):
        """To print: one for each of the longest, and how many more there are."""
        found = list(self.find())
        for at in sorted(sorted(range(len(found)), key=lambda at: -length_ns(*found[at][1:]))[:count_max]):
            (host, _), before, after = found[at]
            why = "had no end" if not before.closed else f"ended: {before.reason or 'no reason given'}"
            yield (f"unrecorded: host {host} from {before.last[1]} to {after.first[1]} (ns by its wall clock"
                   f"{'' if before.boot == after.boot else ', started again'}): recording {before.id} {why}")
        if len(found) > count_max:
            yield f"unrecorded: {len(found) - count_max} shorter intervals"
