# SPDX-License-Identifier: Apache-2.0
"""`spoor record` around a scenario, into a store or to a collector: started before or after the honeypots' daemons,
ended cleanly."""
import os
import pathlib
import signal
import subprocess

import gateway
import hosts


def require(program):
    """The path of spoor, which has to be there."""
    if not os.access(program, os.X_OK):
        raise hosts.LabError(f"{program}: no such program; build it or name it with --spoor")
    return str(pathlib.Path(program).resolve())


class Sensor:
    """One `spoor record` on the machine, with the cgroups of some hosts as its scopes and nothing else in scope.
    `network`: a host in whose network it runs, or None."""

    def __init__(self, program, honeypots, to, options=(), network=None):
        self.program, self.network = require(program), network
        self.options = ["--to", str(to), "--profile", "honeypot", *map(str, options)]
        for host in honeypots:
            self.options += ["--scope", f"cgroup:{host.cgroup}={host.name}"]
        self.process = None
        self.narration = []

    def start(self):
        """Returns when the sensor records; what it says until then is kept for the error message."""
        command = [self.program, "record", *self.options]
        if self.network:
            command = gateway.in_network(self.network.init_pid, *command)
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


class LocalRecording(Sensor):
    """One sensor for all honeypots, into a store."""

    def __init__(self, program, store, honeypots):
        super().__init__(program, honeypots, store)


class CollectedRecording:
    """A sensor for each honeypot, which ships over a management network of its own to `spoor serve`. In `folder`:
    `store`, the collector's, and `keys`, its authority's."""

    NETWORK, PREFIX_BITS, PORT = "10.99.0", 24, 8443
    SWITCH = "management"

    def __init__(self, program, folder, honeypots):
        self.program, self.honeypots = require(program), honeypots
        self.store, self.keys = folder / "store", folder / "keys"
        self.log = folder / "collector.log"
        self.collector = None
        self.sensors = []

    def start(self):
        """Returns when all sensors record. The honeypots are connected, and nothing runs on them yet."""
        address = f"{self.NETWORK}.1"
        hosts.run_tool("ip", "link", "add", self.SWITCH, "type", "bridge")
        hosts.run_tool("ip", "address", "add", f"{address}/{self.PREFIX_BITS}", "dev", self.SWITCH)
        hosts.run_tool("ip", "link", "set", self.SWITCH, "up")
        hosts.run_tool(self.program, "keys", "init", "--dir", self.keys)
        hosts.run_tool(self.program, "keys", "collector", "hub", "--dir", self.keys, "--address", address)
        self._serve(address)
        url = f"https://{address}:{self.PORT}"
        for number, host in enumerate(self.honeypots, 2):
            self._manage(host, f"{self.NETWORK}.{number}")
            keys = host.lab.folder / f"{host.name}-keys"
            token = host.lab.folder / f"{host.name}-token"
            token.write_text(hosts.run_tool(self.program, "keys", "enrol-token", host.name, "--dir", self.keys))
            hosts.run_tool(*gateway.in_network(host.init_pid, self.program, "keys", "enrol", "--to", url,
                                               "--keys", keys, "--token-file", token))
            self.sensors.append(Sensor(self.program, [host], url, ["--keys", keys], network=host))
        for sensor in self.sensors:
            sensor.start()

    def _serve(self, address):
        with open(self.log, "wb") as log:
            self.collector = subprocess.Popen(
                [self.program, "serve", "--listen", f"{address}:{self.PORT}", "--store", str(self.store),
                 "--keys", str(self.keys / "collectors/hub"), "--authority", str(self.keys)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
                preexec_fn=lambda: hosts.die_with_parent(signal.SIGTERM))
        if not self.collector.stdout.readline().startswith("listening "):
            raise hosts.LabError(f"the collector did not start: {self.log.read_text(errors='replace').strip()}")

    def _manage(self, host, address):
        """Gives a host a second interface, in the management network."""
        end = f"{host.name}-m"
        hosts.run_tool("ip", "link", "add", end, "type", "veth", "peer", "name", "eth1", "netns", str(host.init_pid))
        hosts.run_tool("ip", "link", "set", end, "master", self.SWITCH, "up")
        for command in (["address", "add", f"{address}/{self.PREFIX_BITS}", "dev", "eth1"], ["link", "set", "eth1", "up"]):
            hosts.run_tool(*gateway.in_network(host.init_pid, "ip", *command))

    def stop(self):
        """Ends the sensors, which ship what is left, and then the collector."""
        said = [sensor.stop() for sensor in self.sensors]
        self.collector.send_signal(signal.SIGTERM)
        self.collector.communicate(timeout=hosts.PATIENCE_S)
        if self.collector.returncode != 0:
            raise hosts.LabError(f"spoor serve ended with {self.collector.returncode}: {self.log.read_text(errors='replace').strip()}")
        return {"narration": [line for one in said for line in one["narration"]],
                "exit_code": max(one["exit_code"] for one in said)}
