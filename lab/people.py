# SPDX-License-Identifier: Apache-2.0
"""People who use the honeypots as they are meant to be used, beside the intruder, and the intruder's own script."""
import json
import subprocess

import hosts


class Rounds:
    """A script on a host that does a round for each line that it is sent and answers with one JSON line."""

    def __init__(self, host, *command):
        self.name = host.name
        self.process = host.popen("/usr/bin/python3", "-B", *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.started = 0
        self.answers = []

    def begin(self):
        """Starts a round without waiting for it."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.started += 1

    def finish(self):
        """Waits for the rounds that were started; returns their answers. Each must have worked."""
        while len(self.answers) < self.started:
            line = self.process.stdout.readline()
            if not line or not json.loads(line)["worked"]:
                raise hosts.LabError(f"{self.name} was not served: {line.strip() or 'its script ended'}")
            self.answers.append(json.loads(line))
        return self.answers

    def leave(self):
        """Waits as finish does, and for the script's end."""
        answers = self.finish()
        self.process.stdin.close()
        self.process.wait(hosts.PATIENCE_S)
        return answers


def watch_intruder(host, *command, after_step):
    """Runs the intruder's script and calls after_step(name) after each of its steps; returns the steps."""
    attack = host.popen("/usr/bin/python3", "-B", *command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE, text=True)
    steps = []
    for line in attack.stdout:
        steps.append(json.loads(line))
        after_step(steps[-1]["step"])
    errors = attack.stderr.read().strip()
    if attack.wait() != 0:
        last = steps[-1]["step"] if steps else "nothing"
        raise hosts.LabError(f"the attack stopped after {last}: {errors[-600:]}")
    return steps
