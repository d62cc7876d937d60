# SPDX-License-Identifier: Apache-2.0
"""`spoor record` around a scenario: started before or after the honeypot's daemons, ended cleanly."""
import os
import pathlib
import signal
import subprocess

import hosts


class Recording:
    """The sensor on the machine, with the honeypots' cgroups as its scopes and nothing else in scope."""

    def __init__(self, program, store, honeypots):
        self.program, self.store = str(program), pathlib.Path(store)
        self.scopes = [f"cgroup:{host.cgroup}={host.name}" for host in honeypots]
        self.process = None
        self.narration = []
        if not os.access(self.program, os.X_OK):
            raise hosts.LabError(f"{self.program}: no such program; build it or name it with --spoor")

    def start(self):
        """Returns when the sensor records; what it says until then is kept for the error message."""
        command = [self.program, "record", "--to", str(self.store), "--profile", "honeypot"]
        for scope in self.scopes:
            command += ["--scope", scope]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
            preexec_fn=lambda: hosts.die_with_parent(signal.SIGTERM))
        for line in self.process.stderr:
            self.narration.append(line.strip())
            if "recording" in line:
                return
        self.process.wait()
        raise hosts.LabError(f"the sensor did not start: {' | '.join(self.narration)}")

    def stop(self):
        """Ends the recording as a user would, and returns what the sensor said."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        _, rest = self.process.communicate(timeout=hosts.PATIENCE_S)
        self.narration += rest.splitlines()
        if self.process.returncode != 0:
            raise hosts.LabError(f"spoor record ended with {self.process.returncode}: "
                                 + " | ".join(self.narration))
        return {"narration": self.narration, "exit_code": self.process.returncode}
