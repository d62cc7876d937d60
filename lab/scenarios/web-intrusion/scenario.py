# SPDX-License-Identifier: Apache-2.0
"""A web server with a hole in a CGI page, and a setuid helper that trusts PATH.

The intruder comes in through the page, takes a reverse shell, becomes root through the helper, reads
/etc/shadow, plants a cron job, sends an archive out and removes traces. Visitors use the same page
through the same processes all the while, and the administrator's upkeep runs as root.
"""
import io
import json
import pathlib
import subprocess
import tarfile

import hosts

FOLDER = pathlib.Path(__file__).resolve().parent
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
HONEYPOTS = ["honeypot"]
ADDRESSES = {"honeypot": "192.0.2.10", "attacker": "203.0.113.66", "visitor": "198.51.100.23"}

# After which steps of the intruder ordinary things happen on the honeypot too.
VISITS_AFTER = {"scan_paths", "terminal", "setuid_search", "build", "plant_cron"}
MAINTENANCE_AFTER = {"identity", "download", "read_shadow"}
MAINTENANCE = "/usr/local/sbin/site-maintenance"


def prepare(lab):
    """Makes the three hosts' root file systems."""
    for name, address in ADDRESSES.items():
        lab.add_host(name, address)
    put = lab.hosts["honeypot"].write
    for name, target, mode in [
            ("nginx.conf", "/etc/nginx/nginx.conf", 0o644),
            ("status.cgi", "/usr/lib/cgi-bin/status.cgi", 0o755),
            ("site-maintenance", MAINTENANCE, 0o755),
            ("rotate-logs", "/usr/local/sbin/rotate-logs", 0o755),
            ("rc.local", "/etc/rc.local", 0o755)]:
        put(target, (FOLDER / "honeypot" / name).read_bytes(), mode)
    helper = lab.folder / "site-backup"
    hosts.run_tool("gcc", "-O1", "-o", helper, FOLDER / "honeypot/site-backup.c")
    put("/usr/local/bin/site-backup", helper.read_bytes(), 0o4755)
    put("/etc/cron.d/site-maintenance", f"* * * * * root {MAINTENANCE}\n")
    put("/root/.bash_history", "nano /etc/nginx/nginx.conf\nnginx -t\nsite-backup\n", 0o600)
    put("/home/webadmin/notes.txt", "Renew the certificate in March.\n", 0o600, 1000, 1000)
    put("/var/lib/site/statistics", "")
    for page in ("index", "products"):
        put(f"/var/www/html/{page}.html", f"<html><h1>Acme {page}</h1></html>\n" * 40, 0o644, 33, 33)
    for folder in ("body", "fastcgi", "proxy", "scgi", "uwsgi"):
        (lab.hosts["honeypot"].root / "var/lib/nginx" / folder).mkdir(parents=True)
    (lab.hosts["honeypot"].root / "var/log/nginx").mkdir()
    for name in ("attacker", "visitor"):
        for source in (FOLDER / name).iterdir():
            lab.hosts[name].write(f"/opt/{name}/{source.name}", source.read_bytes())
    (lab.hosts["attacker"].root / "var/loot").mkdir()


def boot(lab):
    """Starts the hosts; the honeypot's services answer when this returns."""
    lab.hosts["honeypot"].start("/etc/rc.local")
    lab.hosts["attacker"].start()
    lab.hosts["visitor"].start()


class Visitor:
    """Ordinary use of the site, a round at a time."""

    def __init__(self, lab):
        self.process = lab.hosts["visitor"].popen(
            "/usr/bin/python3", "-B", "/opt/visitor/visit.py", stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.rounds = self.answered = 0

    def visit(self):
        """Starts a round without waiting for it."""
        self.process.stdin.write("visit\n")
        self.process.stdin.flush()
        self.rounds += 1

    def finish(self):
        """Waits for the rounds that were started; returns how many found the page working."""
        while self.answered < self.rounds:
            if self.process.stdout.readline().strip() != "reachable":
                raise hosts.LabError("a visitor was not served")
            self.answered += 1
        return self.answered


def run(lab):
    """The break-in with ordinary life around it. Returns what happened: the attacker's own log."""
    honeypot, visitor = lab.hosts["honeypot"], Visitor(lab)
    for _ in range(2):
        visitor.visit()
    visitor.finish()
    honeypot.order(MAINTENANCE)
    honeypot.order("/usr/local/sbin/rotate-logs")
    attack = lab.hosts["attacker"].popen(
        "/usr/bin/python3", "-B", "/opt/attacker/attack.py", "/var/loot",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    steps = []
    for line in attack.stdout:
        steps.append(json.loads(line))
        if steps[-1]["step"] in VISITS_AFTER:
            visitor.visit()
        if steps[-1]["step"] in MAINTENANCE_AFTER:
            honeypot.order(MAINTENANCE)
    errors = attack.stderr.read().strip()
    if attack.wait() != 0:
        last = steps[-1]["step"] if steps else "nothing"
        raise hosts.LabError(f"the attack stopped after {last}: {errors[-600:]}")
    visitor.visit()
    honeypot.order(MAINTENANCE)
    return {"scenario": "web-intrusion", "addresses": ADDRESSES, "steps": steps,
            "visits": visitor.finish()}


def check(lab, truth):
    """What did not come out as the scenario says, as lines; empty when every step really happened."""
    honeypot = lab.hosts["honeypot"]
    problems = []

    def expect(condition, problem):
        if not condition:
            problems.append(problem)

    names = [step["step"] for step in truth["steps"]]
    facts = {step["step"]: step for step in truth["steps"]}
    expect(names == EXPECTED["steps"], f"steps were {names}")
    if problems:
        return problems
    expect(facts["scan_ports"]["open_ports"] == [80], "the port scan found something else")
    expect(["/cgi-bin/status.cgi", 200] in facts["scan_paths"]["pages"], "the page was not found")
    expect(facts["identity"]["user"] == "www-data", "the first shell is not the web server's user")
    expect(facts["setuid_search"]["found"], "the helper was not found")
    expect(facts["wrong_password"]["refused"], "su took a wrong password")
    expect(facts["download"]["served"], "the tool was not fetched")
    expect(facts["root"]["user"] == "root", "the tool did not give root")
    expect(facts["read_shadow"]["seen"], "/etc/shadow was not shown")
    expect(facts["persistence"]["fetched"], "the planted cron job did not run")

    planted = honeypot.read(EXPECTED["persistence"]["path"])
    expect(planted and b"/update | sh" in planted, "the cron file is not there")
    expect((honeypot.upper / "etc/cron.d/sysstat-collect").is_file(), "the overlay was not written")
    expect(honeypot.read("/root/.bash_history") is None, "root's history is still there")
    log = honeypot.read("/var/log/nginx/access.log") or b""
    expect(ADDRESSES["attacker"].encode() not in log, "the attacker is still in the web server's log")
    expect(ADDRESSES["visitor"].encode() in log, "later visitors are not in the web server's log")
    expect(honeypot.read("/var/lib/site/statistics"), "the administrator's upkeep wrote nothing")

    loot = lab.hosts["attacker"].read("/var/loot/loot.tgz") or b""
    try:
        with tarfile.open(fileobj=io.BytesIO(loot)) as archive:
            shadow = archive.extractfile("etc/shadow").read()
            pages = archive.getnames()
        expect(shadow == honeypot.read("/etc/shadow"), "the archive's etc/shadow is not the host's")
        expect("var/www/html/products.html" in pages, "the archive lacks the web pages")
    except (tarfile.TarError, EOFError, KeyError) as error:
        expect(False, f"the archive did not arrive whole: {error}")
    return problems
