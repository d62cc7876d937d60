# SPDX-License-Identifier: Apache-2.0
"""A gateway of the lab: a network namespace that forwards between the honeypots and the rest of the world,
and the programs that watch what passes it."""
import os
import pathlib
import signal
import subprocess

import hosts

FOLDER = pathlib.Path(__file__).resolve().parent
INSIDE, OUTSIDE = "inside", "outside"


def in_network(pid, *command):
    """The command line that runs `command`, with the lab's own files, in the network of a process."""
    return ["nsenter", f"--net=/proc/{pid}/ns/net", "--", *map(str, command)]


def send_whole_packets(pid, interface):
    """Has an interface send what a wire carries: checksums that are right, no segments put together."""
    hosts.run_tool(*in_network(pid, "ethtool", "-K", interface, "tx", "off"))


class Observer:
    """A program that reads the packets of an interface of the gateway and writes files of its own."""

    def __init__(self, gateway, name, command, ends):
        """`ends`: the exit codes with which it may end when it is told to."""
        self.name, self.ends = name, ends
        self.log = gateway.lab.folder / f"{name}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                in_network(gateway.pid, *command), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=hosts.die_with_parent)
        hosts.wait_until(self.reads_packets, f"{name} to read packets")

    def reads_packets(self):
        """Whether one of its descriptors is a packet socket."""
        folder = pathlib.Path(f"/proc/{self.process.pid}")
        try:
            inodes = {line.split()[-1] for line in (folder / "net/packet").read_text().splitlines()}
            return any(os.readlink(fd).removeprefix("socket:[").rstrip("]") in inodes
                       for fd in (folder / "fd").iterdir())
        except OSError:
            if self.process.poll() is not None:
                raise hosts.LabError(f"{self.name} ended: {self.said()}") from None
            return False

    def said(self):
        return self.log.read_text(errors="replace").strip()[-600:]

    def stop(self):
        """Ends it as its user would; it writes what it holds, then."""
        self.process.send_signal(signal.SIGINT)
        if self.process.wait(hosts.PATIENCE_S) not in self.ends:
            raise hosts.LabError(f"{self.name} ended with {self.process.returncode}: {self.said()}")


class Gateway:
    """`inside` and `outside` are networks in the form "192.0.2.1/24": the gateway's own address in each."""

    def __init__(self, lab, inside, outside):
        self.lab, self.observers = lab, []
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--", "sh", "-c", "ip link set lo up && echo ready && exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=hosts.CLEAN_ENVIRONMENT,
            start_new_session=True, preexec_fn=hosts.die_with_parent)
        self.pid = self.holder.pid
        if self.holder.stdout.readline() != b"ready\n":
            raise hosts.LabError("the gateway's network could not be made")
        for bridge, addresses in ((INSIDE, inside), (OUTSIDE, outside)):
            self.run("ip", "link", "add", bridge, "type", "bridge")
            self.run("sysctl", "-qw", f"net.ipv6.conf.{bridge}.disable_ipv6=1")
            # Hosts take everybody for a neighbour: the gateway answers for those behind it, at once.
            self.run("sysctl", "-qw", f"net.ipv4.conf.{bridge}.proxy_arp=1", f"net.ipv4.neigh.{bridge}.proxy_delay=0")
            for address in addresses:
                self.run("ip", "address", "add", address, "dev", bridge)
            self.run("ip", "link", "set", bridge, "up")
        self.run("sysctl", "-qw", "net.ipv4.ip_forward=1")

    def run(self, *command):
        return hosts.run_tool(*in_network(self.pid, *command))

    def plug(self, bridge):
        """A function that puts the end of a host's cable into this bridge, for Lab.add_host."""
        def attach(interface):
            hosts.run_tool("ip", "link", "set", interface, "netns", str(self.pid))
            self.run("sysctl", "-qw", f"net.ipv6.conf.{interface}.disable_ipv6=1")
            self.run("ip", "link", "set", interface, "master", bridge, "up")
            send_whole_packets(self.lab.hosts[interface].init_pid, "eth0")
        return attach

    def watch(self, folder):
        """Starts the programs that watch; what they write goes into the folder. Returns when all of them see packets."""
        self.folder = folder
        for name, command in [
                ("tcpdump", ["tcpdump", "-n", "-i", INSIDE, "--immediate-mode", "-U", "-Z", "root", "-w", folder / "gateway.pcap"]),
                ("p0f", ["p0f", "-p", "-i", INSIDE, "-f", "/etc/p0f/p0f.fp", "-o", folder / "p0f.log"]),
                ("argus", ["argus", "-X", "-i", INSIDE, "-S", "1", "-w", folder / "argus.out"]),
                ("suricata", ["suricata", f"--af-packet={INSIDE}", "-c", FOLDER / "gateway/suricata.yaml",
                              "-s", FOLDER / "gateway/lab.rules", "-l", folder])]:
            # Argus 3.0.8 crashes now and then as it ends, which was seen on a loaded machine. It has written
            # of the last packet by then (wait_for_the_end).
            ends = (0, -signal.SIGINT, -signal.SIGSEGV) if name == "argus" else (0, -signal.SIGINT)
            self.observers.append(Observer(self, name, command, ends))

    def wait_for_the_end(self, token, source_ip, udp_port, tcp_port):
        """Waits until all have seen the marker that Host `source_ip` sent last: a datagram that holds `token`
        from `udp_port`, and before it the opening of a connection from `tcp_port`."""
        def holds(name, text):
            return lambda: (self.folder / name).is_file() and text.encode() in (self.folder / name).read_bytes()
        hosts.wait_until(holds("gateway.pcap", token), "the packet capture to hold the last packet")
        hosts.wait_until(holds("p0f.log", f"cli={source_ip}/{tcp_port}|"), "p0f to see the last connection")
        hosts.wait_until(holds("eve.json", f'"src_port":{udp_port},'), "Suricata to see the last packet")
        hosts.wait_until(lambda: self.argus_has(udp_port), "argus to see the last packet")

    def argus_has(self, udp_port):
        """Whether argus has written of a datagram from this port. ra calls a file that grows cut, and may say so."""
        command = ["ra", "-X", "-n", "-r", str(self.folder / "argus.out"), "-s", "sport", "-", "udp"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return str(udp_port) in done.stdout.split()

    def stop(self):
        """Ends the programs that watch."""
        for observer in reversed(self.observers):
            observer.stop()
