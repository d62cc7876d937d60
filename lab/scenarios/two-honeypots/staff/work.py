# SPDX-License-Identifier: Apache-2.0
"""Somebody who works on the file server by ssh: one login, and a round of harmless work for each line on standard
input, answered by one JSON line: whether it worked, and the port that the login came from. Usage: work.py USER@HOST KEY"""
import json
import subprocess
import sys

ROUND = ["cd /srv/shared", "ls -l", "cat plan.txt", "date -u >> plan.txt", "wc -l plan.txt", "cp plan.txt plan.bak"]

with subprocess.Popen(["ssh", "-T", "-i", sys.argv[2], "-o", "BatchMode=yes", sys.argv[1], "/bin/bash"],
                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as shell:
    def ask(command):
        """Runs it over there; answers with the last line that it printed."""
        shell.stdin.write(command + "; echo; echo done\n")
        shell.stdin.flush()
        lines = []
        for line in shell.stdout:
            if line == "done\n":
                return next((text for text in reversed(lines) if text), "")
            lines.append(line.strip())
        raise EOFError("the login ended")

    source_port = int(ask("echo $SSH_CONNECTION").split()[1])
    for _ in sys.stdin:
        for command in ROUND:
            last = ask(command)
        worked = ask("cmp plan.txt plan.bak && echo same") == "same"
        print(json.dumps({"worked": worked, "source_port": source_port}), flush=True)
    shell.stdin.close()
