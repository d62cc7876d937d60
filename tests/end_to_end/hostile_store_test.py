#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stores that somebody else made to harm whoever looks at them. Each attack changes a copy of a good store;
then everything that reads a store is run on it. Nothing outside the store may be written, removed or run,
every command ends, and says in one line what is wrong.

  hostile_store_test.py SPOOR [unittest arguments]
  hostile_store_test.py --table      the rows as docs/threat-model.md must have them
"""
import json
import os
import pathlib
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../machine"))
import suite  # noqa: E402

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs/threat-model.md"
if sys.argv[1:] == ["--table"]:
    sys.argv[1:] = ["", "--table"]  # no program is run
SPOOR = pathlib.Path(sys.argv[1]).resolve() if sys.argv[1:] else None
del sys.argv[1:2]

HANGS_AFTER_SECONDS = 300  # only to end a hang: nothing here takes a hundredth of it
NONE, UNVERIFIED, INCOMPLETE, CANNOT_RUN = 1, 3, 4, 5

EVENTS = [
    {"kind": "process", "process": 100, "command": "sshd", "path": "/usr/sbin/sshd", "uid": 0, "baseline": True},
    {"kind": "fork", "process": 100, "child_process": 200},
    {"kind": "exec", "process": 200, "path": "/bin/sh", "arguments": ["sh"], "credentials": {"uid": 33, "gid": 33}},
    {"kind": "open", "process": 200, "path": "/etc/passwd", "object": "file:2049/12", "fd": 3, "flags": "O_WRONLY"},
    {"kind": "write", "process": 200, "fd": 3, "size_bytes": 4096},
    {"kind": "exit", "process": 200, "exit_code": 0},
]
# What reads a store, and what opens it to go on with it.
READERS = (("sql", "SELECT count(*) FROM event"), ("query", "sessions"), ("status",), ("report",),
           ("track", "--process", "200"), ("replay", "200"), ("verify",),
           ("verify", "--skip-segments"))  # the last looks at no table
ROWS = []  # (name, does, answer), in the order of the table


def attack(name, does, answer):
    """Registers `function(case)` as a row of the threat model's table of hostile stores."""
    def register(function):
        ROWS.append((name, does, answer, function))
        return function
    return register


def run(*words, store=None, status=None, environment=None, user=None, umask=-1, cwd=None, stdin=None):
    command = [SPOOR, words[0], *(("--store", store) if store else ()), *map(str, words[1:])]
    done = subprocess.run(command, stdin=stdin or subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                          check=False, timeout=HANGS_AFTER_SECONDS, env={**os.environ, **(environment or {})},
                          user=user, group=user, extra_groups=[] if user else None, umask=umask, cwd=cwd)
    if status is not None and done.returncode not in (status if isinstance(status, tuple) else (status,)):
        raise AssertionError(f"{words}: exit code {done.returncode}: {done.stdout}{done.stderr}")
    return done


def add_events(store, folder, host="web-1", events=EVENTS, **keys):
    file = folder / f"{host}.events"
    file.write_text("".join(json.dumps({"boot_ns": 1_000_000 * (i + 1), **event}) + "\n"
                            for i, event in enumerate(events)))
    run("import", "--again", "--kind", "events", "--host", host, file, store=store, status=0, **keys)


def snapshot(folder):
    """What is there: names, kinds, bytes, without following anything."""
    found = {}
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            whole = os.path.join(path, name)
            status = os.lstat(whole)
            data = None
            if stat.S_ISREG(status.st_mode):
                data = pathlib.Path(whole).read_bytes()
            elif stat.S_ISLNK(status.st_mode):
                data = os.readlink(whole)
            found[os.path.relpath(whole, folder)] = (stat.S_IFMT(status.st_mode), data)
    return found


class HostileStores(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="spoor-hostile-")
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.top = pathlib.Path(cls.scratch.name)
        cls.top.chmod(0o755)
        cls.good = cls.top / "good"
        add_events(cls.good, cls.top)
        add_events(cls.good, cls.top, host="web-2")
        run("sql", "SELECT 1", store=cls.good, status=0)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir=self.top)
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)
        self.store = self.folder / "store"
        shutil.copytree(self.good, self.store, copy_function=shutil.copy2)
        self.outside = self.folder / "outside"
        self.outside.mkdir()
        (self.outside / "precious").write_text("precious\n")
        (self.outside / "folder").mkdir()
        (self.outside / "folder/precious").write_text("precious\n")
        self.work = self.folder / "work"  # where commands are run
        self.work.mkdir()

    # ------------------------------------------------------------------------------------- what attacks use

    def change_catalog(self, change):
        file = self.store / "catalog.json"
        catalog = json.loads(file.read_text())
        changed = change(catalog)
        file.write_text(json.dumps(changed if changed is not None else catalog))

    def change_segment(self, **values):
        self.change_catalog(lambda catalog: catalog["segments"][0].update(values))

    def replace(self, name, make):
        path = self.store / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        path.parent.mkdir(exist_ok=True, parents=True)
        make(path)

    def first_segment(self):
        return "segments/" + json.loads((self.store / "catalog.json").read_text())["segments"][0]["file"]

    def have_more_to_ingest(self):
        """So that a question ingests: it writes segments, the catalog, and removes what retired."""
        add_events(self.store, self.folder, host="web-9")
        # Importing ingests as well: put the tables back to before.
        shutil.copy2(self.good / "catalog.json", self.store / "catalog.json")

    # ------------------------------------------------------------------------------------------ what must hold

    def expect_refused(self, readers=READERS[:-1], codes=(UNVERIFIED, INCOMPLETE, CANNOT_RUN), lines_max=3):
        """Every reader ends with one of `codes`, says why in few short lines, and nothing outside changed."""
        before = snapshot(self.outside)
        for words in readers:
            with self.subTest(words=words):
                done = run(*words, store=self.store, cwd=self.work)
                self.assertIn(done.returncode, codes, f"{words}: {done.stdout}{done.stderr}")
                said = done.stderr.strip().splitlines()
                self.assertTrue(0 < len(said) <= lines_max, done.stderr)
                self.assertLess(len(done.stderr), 4000)
                self.assertNotRegex(done.stderr, r"(?i)internal error|assert|terminate called|bad_alloc")
                self.expect_nothing_happened(before)

    def expect_nothing_happened(self, before):
        self.assertEqual(snapshot(self.outside), before)
        self.assertEqual(os.listdir(self.work), [])

    def expect_answered(self, readers=READERS, codes=(0, NONE, INCOMPLETE)):
        before = snapshot(self.outside)
        for words in readers:
            with self.subTest(words=words):
                done = run(*words, store=self.store, cwd=self.work)
                self.assertIn(done.returncode, codes, f"{words}: {done.stdout}{done.stderr}")
        self.expect_nothing_happened(before)


# ------------------------------------------------------------------------------------------------ the catalog

@attack("sql-in-table-name", "writes SQL where the catalog names a table", "refused before it reaches SQL")
def _(case):
    victim = case.outside / "written.csv"
    case.change_segment(table=f"host; COPY (SELECT 1) TO '{victim}'; --")
    case.expect_refused()


@attack("sql-in-file-name", "writes SQL or another path where the catalog names a segment's file", "refused")
def _(case):
    for file in ("../../outside/precious", "/etc/passwd", "event/../../../outside/precious",
                 "host/'); COPY (SELECT 1) TO 'x.csv'; --", "", ".", "*.parquet", "host/\0"):
        case.change_segment(file=file)
        case.expect_refused()


@attack("retired-outside", "names files outside as retired, for ingest to remove", "refused; nothing is removed")
def _(case):
    case.have_more_to_ingest()
    for file in ("../../outside/precious", str(case.outside / "precious"), "../evidence/checkpoint", "../../outside/folder"):
        case.change_catalog(lambda catalog, file=file: catalog.update(retired=[file]))
        case.expect_refused()
        case.assertTrue((case.store / "evidence/checkpoint").exists())


@attack("odd-numbers", "puts negative, huge or broken numbers, texts and kinds into the catalog", "refused")
def _(case):
    for name, value in (("size_bytes", -1), ("row_count", 2**64), ("first_entry", 2**64 - 1), ("mtime_ns", 1e300),
                        ("mtime_ns", 2**63), ("sha256", "x"), ("sha256", 7), ("day", "2026-13-41"), ("host", None),
                        ("recording_id", "../" * 10), ("size_bytes", 2**62), ("host", "x" * 100_000)):
        shutil.copy2(case.good / "catalog.json", case.store / "catalog.json")
        case.change_segment(**{name: value})
        case.expect_refused(readers=READERS[:1] + READERS[6:7])


@attack("deep-json", "nests the catalog a million levels deep, or fills it with millions of values", "refused")
def _(case):
    for text in ("[" * 1_000_000, '{"a":' * 1_000_000, "[" + "[]," * 5_000_000 + "[]]", "\xff\xfe", "",
                 '{"version": 1, "generation": 1, "next_entry": 0, "recordings": {}, "segments": 7, "retired": null}'):
        (case.store / "catalog.json").write_bytes(text.encode("latin-1"))
        case.expect_refused(readers=READERS[:1] + READERS[6:7])


@attack("huge-files", "makes files of a store as large as a file system allows, without any bytes in them", "refused")
def _(case):
    for name in ("catalog.json", "key/log.vkey", "evidence/checkpoint", case.first_segment()):
        shutil.rmtree(case.store)
        shutil.copytree(case.good, case.store, copy_function=shutil.copy2)
        os.truncate(case.store / name, 1 << 42)
        case.expect_refused(readers=READERS[:1] + READERS[6:7])


# ---------------------------------------------------------------------------------- files that are something else

def files_of_a_store(case):
    tiles = [f"evidence/{path.relative_to(case.store / 'evidence')}"
             for path in sorted((case.store / "evidence/tile").rglob("*")) if path.is_file()]
    return ["catalog.json", "key/log.vkey", "evidence/checkpoint", *tiles, case.first_segment()]


def bind_socket(path):
    # The name may be too long for a socket's address: bind in the folder.
    folder = os.open(".", os.O_RDONLY)
    try:
        os.chdir(path.parent)
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.fchdir(folder)
        os.close(folder)


def something_else(case, make):
    for name in files_of_a_store(case):
        shutil.rmtree(case.store)
        shutil.copytree(case.good, case.store, copy_function=shutil.copy2)
        case.replace(name, make)
        # Who only asks what the tables show reads no entries.
        asks = READERS[:1] + READERS[2:3]
        if "/entries/" in name:
            case.expect_answered(readers=asks)
        else:
            case.expect_refused(readers=asks)
        case.expect_refused(readers=READERS[6:7])


@attack("fifo-for-a-file", "puts a FIFO in the place of each file", "named; nothing waits")
def _(case):
    something_else(case, os.mkfifo)


@attack("device-for-a-file", "puts a link to a device, or a device, in the place of each file", "named; not opened")
def _(case):
    something_else(case, lambda path: path.symlink_to("/dev/zero"))
    if os.geteuid() == 0:
        something_else(case, lambda path: os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5)))


@attack("socket-for-a-file", "puts a socket in the place of each file", "named")
def _(case):
    something_else(case, bind_socket)


@attack("folder-for-a-file", "puts a folder in the place of each file", "named")
def _(case):
    something_else(case, pathlib.Path.mkdir)


@attack("link-for-a-file", "puts a link to a file outside in the place of each file", "named; not followed")
def _(case):
    something_else(case, lambda path: path.symlink_to(case.outside / "precious"))


@attack("link-for-a-folder", "puts a link to a folder outside in the place of a folder", "named; not followed")
def _(case):
    for name in ("evidence", "key", "segments", "evidence/tile", "evidence/tile/entries"):
        shutil.rmtree(case.store)
        shutil.copytree(case.good, case.store, copy_function=shutil.copy2)
        copy = case.outside / name
        shutil.copytree(case.store / name, copy, copy_function=shutil.copy2)
        case.replace(name, lambda path, copy=copy: path.symlink_to(copy))
        # As above: who only asks what the tables show reads no entries.
        case.expect_refused(readers=READERS[6:7] if name == "evidence/tile/entries" else READERS[:1] + READERS[6:7])
        # Neither does whoever goes on with it write there.
        before = snapshot(case.outside)
        run("import", "--again", "--kind", "events", "--host", "web-7", case.top / "web-1.events", store=case.store,
            status=(UNVERIFIED, INCOMPLETE, CANNOT_RUN))
        case.expect_nothing_happened(before)
        shutil.rmtree(case.outside / name.split("/")[0])


@attack("planted-temporary-file", "plants links under the names of temporary files", "not followed; it works")
def _(case):
    case.have_more_to_ingest()
    for name in ("catalog.json.tmp", "evidence/checkpoint.tmp", "segments/tmp"):
        (case.store / name).symlink_to(case.outside / "precious")
    (case.store / "segments/event").mkdir(exist_ok=True)
    before = snapshot(case.outside)
    run("sql", "SELECT 1", store=case.store, status=0, cwd=case.work)
    case.expect_nothing_happened(before)
    # A recorder that goes on moves what does not belong aside, or refuses.
    run("import", "--again", "--kind", "events", "--host", "web-7", case.top / "web-1.events", store=case.store,
        cwd=case.work)
    case.expect_nothing_happened(before)


@attack("planted-ingest-files", "puts a link, a FIFO or a folder where ingest locks and writes", "answered from what is there")
def _(case):
    for name in ("ingest.lock", "segments/event", "segments/process"):
        for make in (os.mkfifo, lambda path: path.symlink_to(case.outside / "folder"),
                     lambda path: path.symlink_to(case.outside / "not-there-yet")):
            shutil.rmtree(case.store)
            shutil.copytree(case.good, case.store, copy_function=shutil.copy2)
            case.have_more_to_ingest()
            case.change_catalog(lambda catalog: catalog.update(segments=[], recordings=[], next_entry=0))
            case.replace(name, make)
            case.expect_refused(readers=READERS[:3], codes=(INCOMPLETE,))


# --------------------------------------------------------------------------------------------------- segments

@attack("other-columns", "gives a segment other columns or types, under the right hash", "named with its columns")
def _(case):
    # Another table's file has them. A store that is opened is asked for one segment of each table.
    for number, asked, readers in ((0, "SELECT 1", READERS[:-1]), (1, "FROM process", READERS[1:-1])):
        shutil.rmtree(case.store)
        shutil.copytree(case.good, case.store, copy_function=shutil.copy2)
        catalog = json.loads((case.store / "catalog.json").read_text())
        target, source = ([segment for segment in catalog["segments"] if segment["table"] == table]
                          for table in ("process", "host"))
        shutil.copy2(case.store / "segments" / source[0]["file"], case.store / "segments" / target[number]["file"])
        for key in ("size_bytes", "mtime_ns", "sha256", "row_count"):
            target[number][key] = source[0][key]
        (case.store / "catalog.json").write_text(json.dumps(catalog))
        case.expect_refused(readers=readers)
        done = run("sql", asked, store=case.store)
        case.assertIn("have the columns", done.stderr)


@attack("not-parquet", "gives a segment bytes that are no Parquet, under the right hash", "named")
def _(case):
    import hashlib
    catalog = json.loads((case.store / "catalog.json").read_text())
    segment = catalog["segments"][0]
    for data in (b"", b"PAR1", b"PAR1" + b"\xff" * 100 + b"PAR1", b"a,b\n1,2\n"):
        path = case.store / "segments" / segment["file"]
        path.write_bytes(data)
        segment.update(size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest(), mtime_ns=path.stat().st_mtime_ns)
        (case.store / "catalog.json").write_text(json.dumps(catalog))
        case.expect_refused(readers=READERS[:1] + READERS[6:7])


# -------------------------------------------------------------------------- stores that cannot be brought up to date

@attack("not-writable", "gives a store that nothing may be written into", "answered from its catalog; 4 where it lacks evidence")
def _(case):
    if os.geteuid() != 0:
        user = None
    else:
        user = 65534
    for path in (case.store, *case.store.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = snapshot(case.store)
    for words in READERS[:3]:
        run(*words, store=case.store, status=(0, NONE), user=user, cwd=case.work)
    # Evidence that no table shows: the entries are named, and the answer is never "none".
    for path in (case.store, *case.store.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    case.have_more_to_ingest()
    for catalog_is_there in (True, False):
        if not catalog_is_there:
            (case.store / "catalog.json").unlink()
        for path in (case.store, *case.store.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        before = snapshot(case.store)
        for words in (*READERS[:4], ("sql", "SELECT 1 WHERE false"), ("query", "root_transitions")):
            done = run(*words, store=case.store, status=INCOMPLETE, user=user, cwd=case.work)
            case.assertRegex(done.stderr, r"entries \d+ to \d+ of the evidence are not shown")
        case.assertEqual(snapshot(case.store), before)
        for path in (case.store, *case.store.rglob("*")):
            path.chmod(0o700 if path.is_dir() else 0o600)


for each in ROWS:
    setattr(HostileStores, "test_" + each[0].replace("-", "_"), lambda self, row=each: row[3](self))


class Openness(unittest.TestCase):
    """What holds for good stores."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="spoor-modes-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)

    def test_a_store_is_its_owners_alone_whatever_the_umask(self):
        for umask in (0, 0o022, 0o077):
            store = self.folder / f"store-{umask:o}"
            add_events(store, self.folder, umask=umask)
            run("query", "sessions", store=store, umask=umask)
            bundle = self.folder / f"answer-{umask:o}.proof"
            run("prove", "--out", bundle, "--sql", "SELECT 1", store=store, status=0, umask=umask)
            export = self.folder / f"export-{umask:o}"
            run("export", "--out", export, store=store, status=0, umask=umask)
            for path in (store, bundle, export, *store.rglob("*")):
                mode = stat.S_IMODE(path.lstat().st_mode)
                self.assertEqual(mode, 0o700 if path.is_dir() else 0o600, f"{path}: {mode:o} under umask {umask:o}")

    def test_a_folder_with_the_setgid_bit_shares_with_its_group(self):
        store = self.folder / "shared"
        store.mkdir()
        store.chmod(0o2750)
        add_events(store, self.folder)
        run("sql", "SELECT 1", store=store, status=0)
        for path in store.rglob("*"):
            mode = stat.S_IMODE(path.lstat().st_mode)
            key = "key" in path.relative_to(store).parts
            wanted = (0o700 if key else 0o2750) if path.is_dir() else 0o600 if key else 0o640
            self.assertEqual(mode, wanted, f"{path}: {mode:o}")

    def test_a_store_reached_over_a_link_is_a_store(self):
        real = self.folder / "real"
        add_events(real, self.folder)
        link = self.folder / "link"
        link.symlink_to(real)
        for store in (link, pathlib.Path("link"), pathlib.Path("../link"), pathlib.Path("./link/")):
            (self.folder / "below").mkdir(exist_ok=True)
            cwd = self.folder / "below" if str(store).startswith("..") else self.folder
            add_events(store, self.folder, host="web-3", cwd=cwd, events=EVENTS[:3]) if store == link else None
            for words in READERS[:1] + READERS[6:7]:
                run(*words, store=store, status=0, cwd=cwd)
        self.assertEqual(run("status", store=".", cwd=real, status=0).returncode, 0)


class Questions(unittest.TestCase):
    """SQL computes; it reads no file, no setting, no machine, and changes nothing."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="spoor-sql-")
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.folder = pathlib.Path(cls.scratch.name)
        cls.store = cls.folder / "store"
        add_events(cls.store, cls.folder)

    def test_only_what_is_allowed_can_be_called(self):
        segment = next((self.store / "segments").rglob("*.parquet"))
        (self.folder / "precious").write_text("precious\n")
        for query in ("CALL enable_logging()", "SELECT * FROM enable_logging()", "FROM force_checkpoint('memory')",
                      "FROM duckdb_settings()", "FROM duckdb_settings", "FROM duckdb_logs()", "FROM pragma_version()",
                      "FROM pragma_database_list", "SELECT current_setting('memory_limit')", "SELECT getvariable('x')",
                      "SELECT getenv('HOME')", f"FROM read_text('{self.folder}/precious')", f"FROM '{segment}'",
                      f"FROM read_parquet('{segment}')", "FROM glob('*')", "FROM query('SELECT 1')",
                      "FROM query_table('event')", "SELECT write_log('x')", "FROM sniff_csv('x')",
                      "FROM json_execute_serialized_sql('{}')", "SELECT json_serialize_plan('SELECT 1')",
                      "FROM test_all_types()", "FROM parquet_metadata('x')", "SELECT nextval('x')", "SELECT sleep_ms(1)",
                      "WITH a AS (FROM duckdb_memory()) FROM a", "SELECT (SELECT max(value) FROM duckdb_settings())",
                      "SELECT list_transform([1], lambda x: write_log('x'))", "EXPLAIN FROM duckdb_settings()",
                      "EXPLAIN ANALYZE FROM enable_logging()", "DESCRIBE FROM duckdb_settings()", "SUMMARIZE duckdb_settings",
                      "SELECT 1; SELECT 2", "PRAGMA memory_limit", "SET memory_limit = '1GB'", "ATTACH 'x'",
                      "COPY event TO 'x'", "LOAD httpfs", "INSTALL httpfs", "CREATE TABLE t (a INT)", "SHOW memory_limit",
                      "WITH \"x.parquet\" AS (SELECT 1) FROM \"x.parquet\"", "FROM information_schema.character_sets",
                      "SELECT count(*) OVER (ORDER BY current_setting('threads'))", "VALUES (current_query())"):
            with self.subTest(query=query):
                done = run("sql", query, store=self.store, cwd=self.folder)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertLess(len(done.stderr.splitlines()), 4)
                self.assertNotIn("precious", done.stdout)

    def test_what_computes_can_be_called(self):
        for query in ("SELECT kind, count(*) FROM event GROUP BY ALL ORDER BY 2 DESC", "SHOW TABLES", "DESCRIBE event",
                      "SUMMARIZE SELECT pid FROM process", "EXPLAIN SELECT 1", "EXPLAIN ANALYZE SELECT 1", "FROM range(3)",
                      "SELECT unnest([1, 2])", "SELECT regexp_extract(name, '(.)') FROM process",
                      "SELECT row_number() OVER (PARTITION BY kind ORDER BY wall_ns) FROM event",
                      "SELECT list_transform([1, 2], lambda x: x + 1), {'a': 1}, map(['k'], [2]), 'a' LIKE 'b' OR 1 IN (2)",
                      "SELECT quantile_cont(pid, 0.5), string_agg(name, ',' ORDER BY pid) FILTER (pid > 0) FROM process",
                      "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) FROM r",
                      "SELECT strftime(make_timestamp(wall_ns // 1000), '%Y') FROM event", "VALUES (1), (2)",
                      "SELECT json_extract('{\"a\": 1}', '$.a'), sha256('x'), base64('x'::BLOB), now(), uuid()",
                      "FROM sessions", "FROM main.event", "SELECT * FROM information_schema.columns",
                      "SELECT * FROM (SELECT kind FROM event) PIVOT (count(*) FOR kind IN ('fork', 'exec'))",
                      "SELECT e.kind FROM event e POSITIONAL JOIN process", "SELECT * FROM event, unnest([1, 2]) AS u(x)",
                      "SELECT CASE WHEN pid BETWEEN 1 AND 2 THEN coalesce(NULL, 1) END, pid::VARCHAR || 'x' FROM process",
                      "SELECT * FROM process ASOF JOIN event ON event.boot_ns >= process.start_boot_ns",
                      "SELECT COLUMNS('pid') FROM process USING SAMPLE 3 -- a comment"):
            with self.subTest(query=query):
                done = run("sql", query, store=self.store)
                self.assertIn(done.returncode, (0, NONE), done.stderr)


class Table(unittest.TestCase):
    def test_the_threat_model_has_exactly_these_rows(self):
        lines = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| *`")]
        self.assertEqual(lines, table(), "tests/end_to_end/hostile_store_test.py --table prints the rows")


def table():
    return [f"| *`{name}`* | {does} | {answer} |" for name, does, answer, _ in ROWS]


if __name__ == "__main__":
    if sys.argv[1:] == ["--table"]:
        print("\n".join(table()))
        sys.exit(0)
    suite.main()
