# SPDX-License-Identifier: Apache-2.0
"""What tools/verify.py reads of a Parquet file: its footer, which says how many rows and which columns there are
(github.com/apache/parquet-format, Thrift compact protocol). The file may be an intruder's: whatever does not add
up is one Unverified, and no more is read or kept than the footer is long."""
import os

from verify_batches import Unverified

MAGIC = b"PAR1"
FOOTER_BYTES_MAX = 4 << 20  # a million rows of the widest table take some 100 KB
DEPTH_MAX = 16
INT64 = 2  # parquet.thrift Type
TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, STRUCT = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12


class Broken(Exception):
    """Says what does not add up."""


class Reader:
    """Thrift compact protocol: structs as dicts by field id. Maps and UUIDs occur in no footer."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Broken("is cut off")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self):
        value = shift = 0
        while shift < 64:
            byte = self.take(1)[0]
            value |= (byte & 0x7f) << shift
            if byte < 0x80:
                return value
            shift += 7
        raise Broken("holds a number without an end")

    def signed(self):
        value = self.number()
        return value >> 1 ^ -(value & 1)

    def value(self, kind, depth):
        if depth > DEPTH_MAX:
            raise Broken("is nested too deeply")
        if kind in (TRUE, FALSE):
            return kind == TRUE
        if kind == BYTE:
            return self.take(1)[0]
        if kind in (I16, I32, I64):
            return self.signed()
        if kind == DOUBLE:
            return self.take(8)
        if kind == BINARY:
            return self.take(self.number())
        if kind in (LIST, SET):
            return self.list(depth)
        if kind == STRUCT:
            return self.struct(depth)
        raise Broken(f"holds a value of type {kind}")

    def list(self, depth):
        head = self.take(1)[0]
        kind, count = head & 15, head >> 4
        if count == 15:
            count = self.number()
        if count > len(self.data) - self.at:  # each takes a byte or more
            raise Broken("holds a list that is longer than it")
        if kind in (TRUE, FALSE):
            return [byte == TRUE for byte in self.take(count)]
        return [self.value(kind, depth + 1) for _ in range(count)]

    def struct(self, depth):
        fields, last = {}, 0
        while head := self.take(1)[0]:
            last = last + (head >> 4) if head >> 4 else self.signed()
            if last in fields:
                raise Broken(f"holds field {last} twice")
            fields[last] = self.value(head & 15, depth + 1)
        return fields


def field(struct, number, kind):
    value = struct.get(number) if isinstance(struct, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise Broken(f"has no good field {number}")
    return value


class Footer:
    """row_count, columns (names, those at the top), and `ranges`: the least and the greatest value of each column of
    64-bit integers, where all of the file says it."""

    def __init__(self, data):
        reader = Reader(data)
        meta = reader.struct(0)
        if reader.at != len(data):
            raise Broken("has bytes behind its end")
        self.row_count = field(meta, 3, int)
        self.leaves, self.ranges = [], {}
        schema = iter(field(meta, 2, list))
        self.read_schema(schema, (), field(next(schema, None), 5, int))
        if next(schema, None) is not None:
            raise Broken("has a schema that does not add up")
        self.columns = list(dict.fromkeys(path[0] for path, _ in self.leaves))
        rest, unknown = self.row_count, set()
        for group in field(meta, 4, list):
            count = field(group, 3, int)
            rest -= count
            self.read_columns(field(group, 1, list), count, unknown)
        if rest != 0:
            raise Broken(f"says {self.row_count} rows, and its row groups have another number")
        for name in unknown:
            self.ranges.pop(name, None)

    def read_schema(self, rest, path, count):
        """The next `count` elements of `rest` and, in preorder, what is below them."""
        if len(path) > DEPTH_MAX:
            raise Broken("is nested too deeply")
        for _ in range(count):
            element = next(rest, None)
            below = (*path, field(element, 4, bytes).decode("utf-8", "replace"))
            if 5 in element:
                self.read_schema(rest, below, field(element, 5, int))
            else:
                self.leaves.append((below, element.get(1)))

    def read_columns(self, chunks, row_count, unknown):
        if len(chunks) != len(self.leaves):
            raise Broken("has a row group without all columns")
        for chunk, (path, kind) in zip(chunks, self.leaves):
            meta = field(chunk, 3, dict)
            if field(meta, 3, list) != [name.encode() for name in path]:
                raise Broken("has a row group with other columns than its schema")
            if len(path) > 1:
                continue  # of lists: as many values as there are
            if field(meta, 5, int) != row_count:
                raise Broken(f"has a row group whose column {path[0]} has another number of values than rows")
            statistics = field(meta, 12, dict) if 12 in meta else {}
            least, greatest = statistics.get(6), statistics.get(5)
            if kind != INT64 or not all(isinstance(end, bytes) and len(end) == 8 for end in (least, greatest)):
                unknown.add(path[0])
                continue
            ends = [int.from_bytes(end, "little", signed=True) for end in (least, greatest)]
            known = self.ranges.get(path[0], ends)
            self.ranges[path[0]] = [min(known[0], ends[0]), max(known[1], ends[1])]


def read_footer(path):
    """Footer of the Parquet file `path`; raises Unverified."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 8))
            end = file.read(8)
            length = int.from_bytes(end[:4], "little")
            if size < 12 or end[4:] != MAGIC or length > min(size - 12, FOOTER_BYTES_MAX):
                raise Broken("is missing")
            file.seek(size - 8 - length)
            return Footer(file.read(length))
    except Broken as error:
        raise Unverified(f"{path}: no Parquet file: its footer {error}") from error
