# SPDX-License-Identifier: Apache-2.0
"""The web server that scenarios break into: pages, a CGI page with a hole, a setuid helper that trusts PATH, and the
administrator's upkeep by cron."""
import pathlib

import hosts

PARTS = pathlib.Path(__file__).with_name("parts")
MAINTENANCE = "/usr/local/sbin/site-maintenance"


def make(host, folder):
    """Writes the server's files; `folder` holds nginx.conf, status.cgi and rc.local, which starts it all."""
    for source, target, mode in [
            (folder / "nginx.conf", "/etc/nginx/nginx.conf", 0o644),
            (folder / "status.cgi", "/usr/lib/cgi-bin/status.cgi", 0o755),
            (folder / "rc.local", "/etc/rc.local", 0o755),
            (PARTS / "site-maintenance", MAINTENANCE, 0o755)]:
        host.write(target, source.read_bytes(), mode)
    host.write("/usr/local/bin/site-backup", compile_program(host.lab, PARTS / "site-backup.c"), 0o4755)
    host.write("/etc/cron.d/site-maintenance", f"* * * * * root {MAINTENANCE}\n")
    host.write("/root/.bash_history", "nano /etc/nginx/nginx.conf\nnginx -t\nsite-backup\n", 0o600)
    host.write("/home/webadmin/notes.txt", "Renew the certificate in March.\n", 0o600, 1000, 1000)
    host.write("/var/lib/site/statistics", "")
    for page in ("index", "products"):
        host.write(f"/var/www/html/{page}.html", f"<html><h1>Acme {page}</h1></html>\n" * 40, 0o644, 33, 33)
    for name in ("body", "fastcgi", "proxy", "scgi", "uwsgi"):
        (host.root / "var/lib/nginx" / name).mkdir(parents=True)
    (host.root / "var/log/nginx").mkdir()


def compile_program(lab, source):
    """The bytes of a program that is made from one C file."""
    program = lab.folder / source.stem
    hosts.run_tool("gcc", "-O1", "-o", program, source)
    return program.read_bytes()


def give_tools(host, *sources):
    """Copies scripts into /opt of a host; returns nothing. The host's people run them from there."""
    for source in sources:
        host.write(f"/opt/{source.name}", source.read_bytes())
