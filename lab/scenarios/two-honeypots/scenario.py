# SPDX-License-Identifier: Apache-2.0
"""A web server with a hole, a file server that trusts its administrator's key, and a gateway that watches.

The intruder comes to the web server through https and a CGI page that asks a database first, takes a reverse shell,
becomes root through the setuid helper, steals the administrator's ssh key, goes on to the file server with it, becomes
root there by sudo and plants a program that calls out to a pool. Visitors, somebody who works on the file server by ssh,
and both servers' jobs by the clock go on all the while.
"""
import json
import os
import pathlib
import subprocess

import gateway
import hosts
import people
import web_server
from web_server import PARTS

FOLDER = pathlib.Path(__file__).resolve().parent
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
NAME, HONEYPOTS = "two-honeypots", ["web", "files"]
ADDRESSES = {"web": "192.0.2.25", "files": "192.0.2.26", "attacker": "203.0.113.66", "pool": "203.0.113.80",
             "visitor": "198.51.100.23", "customer": "198.51.100.77", "staff": "198.51.100.40"}
POOL_PORT, TOOLS_PORT, SHELL_PORT = 3333, 8080, 4443
SITE = f"https://{ADDRESSES['web']}"
CERTIFICATE = "/etc/ssl/site.crt"
WEBADMIN, CAROL, SSHD, REDIS = 1000, 1001, 104, 105
BACKUP, BACKUP_LOG = "/usr/local/sbin/nightly-backup", "/var/log/nightly-backup.log"

# After which steps of the intruder ordinary things happen on the honeypots too.
VISITS_AFTER = {"scan_paths", "terminal", "build", "next_host", "start_miner", "remove_traces"}
CUSTOMERS_AFTER = {"reverse_shell", "root", "plant_cron"}
WORK_AFTER = {"identity", "steal_key", "root_of_next_host", "fetch_miner", "left_next_host"}


def make_key(lab, name):
    """A key pair of ssh, as (private, public)."""
    file = lab.folder / f"key-{name}"
    hosts.run_tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file)
    return file.read_text(), file.with_suffix(".pub").read_text()


def let_in(host, user, uid, public):
    """Makes sshd of the host take a key for a user."""
    host.write(f"/home/{user}/.ssh/authorized_keys", public, 0o600, uid, uid)


def make_ssh_server(lab, host):
    host.add_user("sshd", SSHD, "/run/sshd", "/usr/sbin/nologin")
    private, _ = make_key(lab, f"{host.name}-host")
    host.write("/etc/ssh/ssh_host_ed25519_key", private, 0o600)
    host.write("/etc/ssh/sshd_config", (FOLDER / "sshd_config").read_bytes())
    host.write("/etc/profile", host.read("/etc/profile") + b'[ -z "$PS1" ] || . /etc/bash.bashrc\n')


def own(host, user, uid):
    """Gives a user what is in the user's home."""
    home = host.root / "home" / user
    home.mkdir(exist_ok=True)
    for path in [home, *home.rglob("*")]:
        os.chown(path, uid, uid)
    (home / ".ssh").chmod(0o700)


def make_certificate(lab):
    """The site's key and certificate."""
    key, certificate = lab.folder / "site.key", lab.folder / "site.crt"
    hosts.run_tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                   "-keyout", key, "-out", certificate, "-days", "30", "-subj", "/CN=acme.example",
                   "-addext", f"subjectAltName=IP:{ADDRESSES['web']}")
    return key.read_bytes(), certificate.read_bytes()


def prepare(lab):
    """Makes the gateway and the hosts' root file systems."""
    lab.gateway = gateway.Gateway(lab, inside=["192.0.2.1/24"], outside=["203.0.113.1/24", "198.51.100.1/24"])
    for name, address in ADDRESSES.items():
        lab.add_host(name, address, attach=lab.gateway.plug(gateway.INSIDE if name in HONEYPOTS else gateway.OUTSIDE))
    web, files, staff = (lab.hosts[name] for name in ("web", "files", "staff"))
    stolen, trusted = make_key(lab, "webadmin@web")
    key, certificate = make_certificate(lab)

    web_server.make(web, FOLDER / "web")
    web.write("/etc/nginx/site.key", key, 0o600)
    web.write("/etc/nginx/site.crt", certificate)
    web.add_user("redis", REDIS, "/run/redis", "/usr/sbin/nologin")
    make_ssh_server(lab, web)
    web.write("/home/webadmin/.ssh/id_ed25519", stolen, 0o600)
    web.write("/home/webadmin/.ssh/config", f"Host files\n  HostName {ADDRESSES['files']}\n  User webadmin\n", 0o600)
    own(web, "webadmin", WEBADMIN)

    make_ssh_server(lab, files)
    files.add_user("carol", CAROL, "/home/carol")
    carol, carols = make_key(lab, "carol@staff")
    for user, uid, public in (("webadmin", WEBADMIN, trusted), ("carol", CAROL, carols)):
        let_in(files, user, uid, public)
        own(files, user, uid)
    files.write("/etc/sudoers", (FOLDER / "files/sudoers").read_bytes(), 0o440)
    files.write("/etc/rc.local", (FOLDER / "files/rc.local").read_bytes(), 0o755)
    files.write(BACKUP, (FOLDER / "files/nightly-backup").read_bytes(), 0o755)
    files.write("/etc/cron.d/nightly-backup", f"* * * * * root {BACKUP}\n")
    files.write("/srv/shared/plan.txt", "Move the shop to the new server in May.\n", 0o664, CAROL, CAROL)
    os.chown(files.root / "srv/shared", CAROL, CAROL)
    (files.root / "usr/local/lib").mkdir()
    for name in ("visitor", "customer", "files"):
        lab.hosts[name].write(CERTIFICATE, certificate)

    for name in ("visitor", "customer"):
        web_server.give_tools(lab.hosts[name], PARTS / "visit.py", PARTS / "mark_end.py")
    web_server.give_tools(staff, FOLDER / "staff/work.py")
    staff.write("/root/.ssh/id_ed25519", carol, 0o600)
    public = (lab.folder / "key-files-host.pub").read_text()
    staff.write("/root/.ssh/known_hosts", f"{ADDRESSES['files']} {public}")
    web_server.give_tools(lab.hosts["pool"], FOLDER / "attacker/pool.py")
    web_server.give_tools(lab.hosts["attacker"], FOLDER / "attacker/attack.py",
                          *(PARTS / part for part in ("intruder.py", "terminal.py", "rootme.c")))
    lab.hosts["attacker"].write("/opt/fontd", web_server.compile_program(lab, FOLDER / "attacker/fontd.c"))


def boot(lab):
    """Starts the hosts; the honeypots' services answer when this returns."""
    for name in ADDRESSES:
        lab.hosts[name].start("/etc/rc.local" if name in HONEYPOTS else None)


def end_jobs(host):
    """Waits until the host's job by the clock has run, and stops the clock."""
    log = "/var/log/site-maintenance.log" if host.name == "web" else BACKUP_LOG
    hosts.wait_until(lambda: host.read(log), f"cron on {host.name}")
    host.order("kill $(cat /run/crond.pid); while pgrep -f '[/]usr/local/sbin/' >/dev/null; do sleep 0.05; done")


def run(lab):
    """The break-in with ordinary life around it. Returns what happened, by the words of those who did it."""
    visitor, customer = (people.Rounds(lab.hosts[name], "/opt/visit.py", SITE, CERTIFICATE) for name in ("visitor", "customer"))
    staff = people.Rounds(lab.hosts["staff"], "/opt/work.py", f"carol@{ADDRESSES['files']}", "/root/.ssh/id_ed25519")
    pool = lab.hosts["pool"].popen("/usr/bin/python3", "-B", "/opt/pool.py", ADDRESSES["pool"], str(POOL_PORT),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    for one in (visitor, customer, staff):
        one.begin()
        one.finish()

    def after_step(name):
        for one, when in ((visitor, VISITS_AFTER), (customer, CUSTOMERS_AFTER), (staff, WORK_AFTER)):
            if name in when:
                one.begin()
    steps = people.watch_intruder(lab.hosts["attacker"], "/opt/attack.py", after_step=after_step)
    mining = json.loads(pool.stdout.readline())
    truth = {"scenario": NAME, "addresses": ADDRESSES, "steps": steps, "pool": mining, "visits": [], "staff": staff.leave()}
    for one in (visitor, customer):
        truth["visits"] += [{"source_ip": ADDRESSES[one.name], "source_port": port}
                            for answer in one.leave() for port in answer["source_ports"]]
    for name in HONEYPOTS:
        end_jobs(lab.hosts[name])
    truth["access_log"] = lab.hosts["web"].read("/var/log/nginx/access.log").decode().splitlines()
    truth["end"] = mark_end(lab)
    return truth


def mark_end(lab):
    """Sends the last packets, and waits until everything that watches has seen them."""
    token = f"end of the run {lab.name}"
    sender = lab.hosts["visitor"].popen("/usr/bin/python3", "-B", "/opt/mark_end.py", ADDRESSES["web"], token,
                                        stdout=subprocess.PIPE, text=True)
    end = {"source_ip": ADDRESSES["visitor"], **json.loads(sender.communicate(timeout=hosts.PATIENCE_S)[0])}
    if lab.gateway.observers:
        lab.gateway.wait_for_the_end(token, end["source_ip"], end["udp_port"], end["tcp_port"])
    return end


def flows_of(truth):
    """Every conversation that passed the gateway, with its role in the story and the processes at recorded ends."""
    facts = {step["step"]: step for step in truth["steps"]}
    address, flows = truth["addresses"], []

    def add(role, source, source_port, destination, destination_port, transport="tcp"):
        flows.append({"role": role, "transport": transport,
                      "source_ip": address.get(source, source), "source_port": source_port,
                      "destination_ip": address[destination], "destination_port": destination_port,
                      "ends": EXPECTED["ends"][role]})
    for one in facts["scan_ports"]["attempts"]:
        role = {22: "scan_ssh", 443: "scan_https"}.get(one["port"], "scan_closed")
        add(role, "attacker", one["source_port"], "web", one["port"])
    for page in facts["scan_paths"]["pages"]:
        add("scan_page", "attacker", page["source_port"], "web", 443)
    add("exploit", "attacker", facts["exploit"]["source_port"], "web", 443)
    add("reverse_shell", "web", facts["reverse_shell"]["peer_port"], "attacker", SHELL_PORT)
    add("fetch_tool", "web", facts["download"]["peer_port"], "attacker", TOOLS_PORT)
    add("next_host", "web", facts["next_host"]["source_port"], "files", 22)
    add("fetch_miner", "files", facts["fetch_miner"]["peer_port"], "attacker", TOOLS_PORT)
    add("pool", "files", truth["pool"]["miner_port"], "pool", POOL_PORT)
    for visit in truth["visits"]:
        add("visit", visit["source_ip"], visit["source_port"], "web", 443)
    add("staff_login", "staff", truth["staff"][0]["source_port"], "files", 22)
    for line in truth["access_log"]:
        source, port = line.split()[:2]
        if source == address["files"]:
            add("backup_check", "files", int(port), "web", 443)
    add("end_of_run", "visitor", truth["end"]["tcp_port"], "web", 9)
    add("end_of_run", "visitor", truth["end"]["udp_port"], "web", 9, "udp")
    return flows


def answers(truth):
    """What questions about this run must answer."""
    flows = flows_of(truth)
    parts = ("source_ip", "source_port", "destination_ip", "destination_port", "transport")
    return {"addresses": truth["addresses"], "flows": flows, "alerts": [
        {"signature_id": alert["signature_id"], "signature": alert["signature"], "role": alert["role"],
         "flow": next({part: flow[part] for part in parts} for flow in reversed(flows) if flow["role"] == alert["role"]
                      and flow["destination_port"] == alert.get("destination_port", flow["destination_port"])),
         "ends": EXPECTED["ends"][alert["role"]]}
        for alert in EXPECTED["alerts"]],
        **{part: EXPECTED[part] for part in ("operating_systems", "planted", "stolen", "chain", "background")}}


def check(lab, truth):
    """What did not come out as the scenario says, as lines; empty when every step really happened."""
    web, files = lab.hosts["web"], lab.hosts["files"]
    problems = []

    def expect(condition, problem):
        if not condition:
            problems.append(problem)

    names = [step["step"] for step in truth["steps"]]
    facts = {step["step"]: step for step in truth["steps"]}
    expect(names == EXPECTED["steps"], f"steps were {names}")
    if problems:
        return problems
    expect(facts["scan_ports"]["open_ports"] == [22, 443], "the port scan found something else")
    expect(facts["scan_paths"]["pages"][-1]["status"] == 200, "the page was not found")
    expect(facts["identity"]["user"] == "www-data", "the first shell is not the web server's user")
    expect(facts["setuid_search"]["found"], "the helper was not found")
    expect(facts["download"]["served"], "the tool was not fetched")
    expect(facts["root"]["user"] == "root", "the tool did not give root")
    expect(facts["find_next_host"]["found"], "the key's host was not found")
    expect(facts["steal_key"]["seen"], "the key was not shown")
    expect(facts["next_host"]["source_ip"] == ADDRESSES["web"], "the next host was not reached from the first")
    expect(facts["root_of_next_host"]["user"] == "root", "sudo did not give root")
    expect(truth["pool"]["miner_ip"] == ADDRESSES["files"], "the pool's miner is not on the next host")
    for planted in EXPECTED["planted"]:
        expect((files.upper / planted["path"].lstrip("/")).is_file(), f"{planted['path']} is not there")
    log = [line.split()[0] for line in truth["access_log"]]
    for source in ("attacker", "visitor", "customer", "files"):
        expect(ADDRESSES[source] in log, f"{source} is not in the web server's log")
    expect(web.read("/var/lib/site/statistics"), "the web server's upkeep wrote nothing")
    expect(files.read("/srv/shared/plan.bak"), "nobody worked on the file server")
    return problems
