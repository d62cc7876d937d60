# SPDX-License-Identifier: Apache-2.0
"""A web server with a hole in a CGI page, and a setuid helper that trusts PATH.

The intruder comes in through the page, takes a reverse shell, becomes root through the helper, reads
/etc/shadow, plants a cron job, sends an archive out and removes traces. Visitors use the same page
through the same processes all the while, and the administrator's upkeep runs as root.
"""
import io
import json
import pathlib
import tarfile

import people
import web_server
from web_server import MAINTENANCE, PARTS

FOLDER = pathlib.Path(__file__).resolve().parent
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
NAME, HONEYPOTS = "web-intrusion", ["honeypot"]
ADDRESSES = {"honeypot": "192.0.2.10", "attacker": "203.0.113.66", "visitor": "198.51.100.23"}

# After which steps of the intruder ordinary things happen on the honeypot too.
VISITS_AFTER = {"scan_paths", "terminal", "setuid_search", "build", "plant_cron"}
MAINTENANCE_AFTER = {"identity", "download", "read_shadow"}


def prepare(lab):
    """Makes the three hosts' root file systems."""
    for name, address in ADDRESSES.items():
        lab.add_host(name, address)
    web_server.make(lab.hosts["honeypot"], FOLDER / "honeypot")
    rotate = FOLDER / "honeypot/rotate-logs"
    lab.hosts["honeypot"].write("/usr/local/sbin/rotate-logs", rotate.read_bytes(), 0o755)
    web_server.give_tools(lab.hosts["visitor"], PARTS / "visit.py")
    web_server.give_tools(lab.hosts["attacker"], FOLDER / "attacker/attack.py",
                          *(PARTS / name for name in ("intruder.py", "terminal.py", "rootme.c")))
    (lab.hosts["attacker"].root / "var/loot").mkdir()


def boot(lab):
    """Starts the hosts; the honeypot's services answer when this returns."""
    lab.hosts["honeypot"].start("/etc/rc.local")
    lab.hosts["attacker"].start()
    lab.hosts["visitor"].start()


def run(lab):
    """The break-in with ordinary life around it. Returns what happened: the attacker's own log."""
    honeypot = lab.hosts["honeypot"]
    visitor = people.Rounds(lab.hosts["visitor"], "/opt/visit.py", f"http://{ADDRESSES['honeypot']}")
    for _ in range(2):
        visitor.begin()
    visitor.finish()
    honeypot.order(MAINTENANCE)
    honeypot.order("/usr/local/sbin/rotate-logs")

    def after_step(name):
        if name in VISITS_AFTER:
            visitor.begin()
        if name in MAINTENANCE_AFTER:
            honeypot.order(MAINTENANCE)
    steps = people.watch_intruder(lab.hosts["attacker"], "/opt/attack.py", "/var/loot", after_step=after_step)
    visitor.begin()
    honeypot.order(MAINTENANCE)
    return {"scenario": NAME, "addresses": ADDRESSES, "steps": steps, "visits": len(visitor.leave())}


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
