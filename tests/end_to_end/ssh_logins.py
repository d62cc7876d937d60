# SPDX-License-Identifier: Apache-2.0
"""Real logins over ssh: a name that nobody has, a wrong password, a password that plants a key, the key, a su that is
refused, sudo with a terminal of its own. Who logged in, how, who became root, and what led to the setuid copy."""
import os
import pathlib
import pty
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = "192.0.2.1"
THERE = "203.0.113.9"
CLIENT = ["-b", THERE, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]


def command(*words, **options):
    return subprocess.run(words, check=True, stdin=subprocess.DEVNULL, **options)


def log_in_by_password(work, user, password, program, given=b""):
    """Whether it let us in."""
    ask = work / "ask"
    ask.write_text(f"#!/bin/sh\necho {password}\n")
    ask.chmod(0o700)
    environment = {**os.environ, "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"}
    done = subprocess.run(["ssh", *CLIENT, "-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1",
                           "-o", "PreferredAuthentications=password", f"{user}@{HERE}", program],
                          input=given, env=environment, capture_output=True, check=False)
    return done.returncode == 0


class Terminal:
    """A terminal with a program on it."""

    def __init__(self, *words):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(words[0], words)

    def wait_for(self, text):
        seen = b""
        while text not in seen:
            more = os.read(self.fd, 4096)
            if not more:
                raise AssertionError(f"the terminal ended before {text}: {seen}")
            seen += more

    def type(self, line):
        os.write(self.fd, line.encode() + b"\r")

    def end(self):
        try:
            while os.read(self.fd, 4096):
                pass
        except OSError:
            pass
        os.waitpid(self.pid, 0)


def live(program, work):
    """In namespaces of its own: a host with sshd, recorded, and somebody who comes over the network."""
    shutil.copytree("/etc", work / "etc", symlinks=True, ignore_dangling_symlinks=True)
    for folder in ("home", "run"):
        (work / folder).mkdir()
    command("mount", "--bind", str(work / "etc"), "/etc")
    command("mount", "--bind", str(work / "home"), "/home")
    command("mount", "--bind", str(work / "run"), "/run")
    pathlib.Path("/run/sshd").mkdir()
    command("ip", "link", "set", "lo", "up")
    for address in (HERE, THERE):
        command("ip", "address", "add", f"{address}/32", "dev", "lo")
    command("useradd", "-m", "-s", "/bin/bash", "mole")
    command("useradd", "-m", "-s", "/bin/bash", "other")
    subprocess.run(["chpasswd"], input=b"mole:secret-1\nother:secret-2\nroot:secret-3\n", check=True)
    rights = pathlib.Path("/etc/sudoers.d/mole")
    rights.write_text("Defaults use_pty\nmole ALL=(ALL) ALL\n")
    rights.chmod(0o440)
    command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(work / "key"))
    command("ssh-keygen", "-A", stdout=subprocess.DEVNULL)
    recorder = subprocess.Popen([program, "record", "--to", work / "store", "--profile", "honeypot", "--",
                                 shutil.which("sshd"), "-D", "-o", f"ListenAddress={HERE}", "-o", "UseDNS=no",
                                 "-o", "PasswordAuthentication=yes", "-E", work / "sshd.log"],
                                stdin=subprocess.DEVNULL, stderr=(work / "recorder.log").open("w"))
    while True:
        try:
            socket.create_connection((HERE, 22)).close()
            break
        except ConnectionRefusedError:
            if recorder.poll() is not None:
                raise AssertionError((work / "recorder.log").read_text()) from None
            time.sleep(0.05)
    assert not log_in_by_password(work, "nobody-here", "guess-1", "true")
    assert not log_in_by_password(work, "mole", "guess-2", "true")
    assert log_in_by_password(work, "mole", "secret-1", "mkdir -p .ssh; cat > .ssh/authorized_keys",
                              (work / "key.pub").read_bytes())
    terminal = Terminal("ssh", "-tt", *CLIENT, "-i", str(work / "key"), f"mole@{HERE}")
    terminal.wait_for(b"$ ")
    terminal.type("su -")
    terminal.wait_for(b"assword:")
    terminal.type("guess-3")
    terminal.wait_for(b"failure")
    terminal.type("sudo sh")
    terminal.wait_for(b"assword for mole:")
    terminal.type("secret-1")
    terminal.wait_for(b"# ")
    terminal.type("cp /bin/true /var/tmp/spoor-copy; chmod 4755 /var/tmp/spoor-copy; rm /var/tmp/spoor-copy; exit")
    terminal.wait_for(b"$ ")
    terminal.type("exit")
    terminal.end()
    # sshd is the recorder's child, and nobody else's here.
    sshd = command("pgrep", "-P", str(recorder.pid), "-x", "sshd", capture_output=True, text=True).stdout.split()
    command("kill", *sshd)
    if recorder.wait() not in (0, 143):
        raise AssertionError((work / "recorder.log").read_text())


if sys.argv[1:2] == ["--live"]:
    live(sys.argv[2], pathlib.Path(sys.argv[3]))
    sys.exit()

from spoor_program import PROGRAM, Spoor, skip_where_the_machine_cannot_record  # noqa: E402
import suite  # noqa: E402, tests/machine, as spoor_program makes it known


class SshLogins(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        skip_where_the_machine_cannot_record()
        for name in ("sshd", "ssh", "sudo", "unshare"):
            if shutil.which(name) is None:
                raise unittest.SkipTest(f"{name} is not installed")
        cls.work = pathlib.Path(tempfile.mkdtemp(prefix="spoor-ssh-"))
        cls.addClassCleanup(shutil.rmtree, cls.work)
        subprocess.run(["unshare", "--mount", "--net", "--propagation", "private", sys.executable, "-B",
                        os.path.abspath(__file__), "--live", str(PROGRAM), str(cls.work)], check=True)
        cls.spoor = Spoor(cls.work / "store")
        cls.logins = [row for row in cls.spoor.query("logins") if row["names"]]

    def test_tells_who_tried_and_who_was_let_in(self):
        self.assertEqual([(row["succeeded"], row["names"], row["passwords"]) for row in self.logins],
                         [(False, ["nobody-here"], ["guess-1"]), (False, ["mole"], ["guess-2"]),
                          (True, ["mole"], ["secret-1"]), (True, ["mole"], [])])
        self.assertTrue(all(row["source_ip"] == THERE for row in self.logins))
        self.assertEqual(self.logins[2]["uid"], self.logins[3]["uid"])
        self.assertNotEqual(self.logins[2]["uid"], 0, "the message of the day runs as root, and is nobody's login")

    def test_tells_becoming_root_from_trying_and_from_what_sshd_does(self):
        rows = self.spoor.query("root_transitions")
        self.assertEqual([(row["cause"], row["command_line"]) for row in rows],
                         [("setuid_program", "su -"), ("setuid_exec", "sudo sh")])
        self.assertIn("/usr/sbin/sshd", [row["executable"] for row in self.spoor.query("root_regained")])

    def test_links_the_sessions_of_one_hand(self):
        last = self.logins[3]["session_id"]
        self.assertEqual(self.spoor.query("suspicious_sessions")[0]["session_id"], last)
        links = {(row["session_id"], row["link"]) for row in self.spoor.query("related_sessions", session=last)}
        self.assertIn((self.logins[2]["session_id"], "key"), links)
        self.assertIn((self.logins[0]["session_id"], "address"), links)

    def test_tracks_through_both_terminals_and_not_through_what_they_printed(self):
        found = self.spoor.rows("track", "--file", "/var/tmp/spoor-copy", "--backward", exit_codes=(0, 4))[0]
        nodes = found["nodes"]
        ports = {row["source_port"] for row in self.logins}
        self.assertTrue([node for node in nodes if f":{self.logins[3]['source_port']} " in node["label"]])
        without = self.spoor.rows("track", "--file", "/var/tmp/spoor-copy", "--backward", "--no-rule",
                                  "terminal_sides", exit_codes=(0, 4))[0]
        self.assertGreater(len(without["nodes"]), len(nodes))
        self.assertEqual(len(ports), 4)

    def test_knows_the_setuid_copy_and_what_was_typed(self):
        copies = [row for row in self.spoor.query("persistence") if row["means"] == "setuid program"]
        self.assertEqual([(row["path"], row["deleted"]) for row in copies], [("/var/tmp/spoor-copy", True)])
        typed = self.spoor.query("keystrokes", keys=1, session=self.logins[3]["session_id"])
        told = " ".join(row["data"] for row in typed)
        self.assertIn("su -", told)
        self.assertIn("(not echoed) guess-3", told)


if __name__ == "__main__":
    suite.main()
