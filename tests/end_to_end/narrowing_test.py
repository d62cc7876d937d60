#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A question that is asked of the rows that it rests on has the answer that it has when asked of the whole store.

`spoor query` narrows (src/queries/narrowing.hpp), `spoor sql` does not: every question whose header says what it rests
on is asked both ways, of the intruder, of a daemon, of a login and of processes that by the record created each
other."""

import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPOOR = pathlib.Path(sys.argv[1]).resolve()
CIRCLE = """{"kind":"process","process":4100001,"parent_process":4100002,"command":"a"}
{"kind":"process","process":4100002,"parent_process":4100001,"command":"b"}
{"kind":"open","process":4100001,"path":"/etc/passwd","object":"file:2049/7","fd":3,"flags":"O_RDWR|O_CREAT"}
{"kind":"write","process":4100001,"fd":3,"size_bytes":10}
{"kind":"rename","process":4100001,"path":"/etc/passwd","object":"file:2049/7","other_path":"/etc/it's new"}
"""


def run(*words):
    return subprocess.run([SPOOR, *words], capture_output=True, text=True, timeout=300)


def rows(store, sql):
    done = run("sql", "--store", store, "--json", sql)
    assert done.returncode in (0, 1, 4), done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def main():
    with tempfile.TemporaryDirectory(prefix="spoor-narrowing-") as folder:
        events, store = pathlib.Path(folder) / "events", pathlib.Path(folder) / "store"
        made = subprocess.run([ROOT / "tools/make_events", "--events", "6000", "--seed", "7"], check=True,
                              capture_output=True, text=True).stdout
        events.write_text(made + CIRCLE)
        done = run("import", "--store", store, "--host", "web-1", events)
        assert done.returncode == 0, done.stderr
        processes = {
            "the intruder's shell": "SELECT parent_process_id AS process_id FROM process WHERE executable = '/tmp/.x/kit'",
            "a daemon": "SELECT process_id FROM process WHERE pid = 210",
            "a login": "SELECT process_id FROM exec WHERE command_line = '-bash' ORDER BY boot_ns LIMIT 1",
            "one of a circle": "SELECT process_id FROM process WHERE pid = 4100001",
        }
        processes = {who: rows(store, sql)[0]["process_id"] for who, sql in processes.items()}
        sessions = rows(store, "SELECT DISTINCT session_id FROM _session_walk AS w JOIN exec AS x ON x.process_id = "
                               "w.process_id WHERE x.command_line = '-bash' ORDER BY 1 LIMIT 1")
        paths = ["/root/.ssh/authorized_keys", "/var/log/nginx/access.log", "/var/lib/*", "/etc/it's new", "/nowhere"]
        narrowing = {file.stem for file in (ROOT / "src/queries").glob("*.sql") if "\n-- narrows:" in file.read_text()}
        listed = run("query", "--list", "--json")
        compared = answered = 0
        for question in map(json.loads, listed.stdout.splitlines()):
            if question["name"] not in narrowing:
                continue
            wanted = {parameter["name"] for parameter in question["parameters"]}
            needed = {parameter["name"] for parameter in question["parameters"] if not parameter["optional"]}
            calls = []
            if "process" in wanted and needed <= {"process"}:
                calls += [{"process": process} for process in processes.values()]
            if needed == {"process", "path"}:
                calls += [{"process": process, "path": path} for process in processes.values() for path in paths[:1]]
            if "session" in wanted and needed <= {"session"}:
                calls += [{"session": session["session_id"]} for session in sessions]
            if needed == {"path"}:
                calls += [{"path": path} for path in paths]
            for call in calls:
                narrowed = run("query", "--store", store, "--json", question["name"],
                               *(f"{name}={value}" for name, value in call.items()))
                assert narrowed.returncode in (0, 1, 4), (question["name"], call, narrowed.stderr)
                literals = ", ".join("{} := {}".format(name, value if isinstance(value, int) else "'" + value.replace("'", "''") + "'")
                                     for name, value in call.items())
                whole = run("sql", "--store", store, "--json", f"SELECT * FROM {question['name']}({literals})")
                assert narrowed.stdout == whole.stdout, (question["name"], call, narrowed.stdout, whole.stdout, whole.stderr)
                compared += 1
                answered += bool(whole.stdout)
        assert answered > 30, (answered, compared)
        print(f"{compared} answers, {answered} of them with rows, are the same of the rows they rest on and of the whole store")


if __name__ == "__main__":
    main()
