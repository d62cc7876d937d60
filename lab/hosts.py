# SPDX-License-Identifier: Apache-2.0
"""Hosts made of namespaces, a cgroup and an overlay over the machine's own programs.

A Lab owns everything that a run needs: a folder (a tmpfs that only the lab's mount namespace sees), a
cgroup folder, a bridge in the lab's network namespace, and the hosts. Each is named after the process
that made it, so that labs do not meet and what a killed one left behind can be told apart and removed.
"""
import ctypes
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import time

STATE_FOLDER = pathlib.Path("/run/spoor-lab")
INIT = pathlib.Path(__file__).with_name("host_init")
CLEAN_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}
PR_SET_PDEATHSIG = 1
PATIENCE_S = 900  # a guard against a hang; no machine is too slow for it

# What a host sees of the machine: the programs, and of /etc only what is known to hold no secret.
# Every other folder starts out empty, so that nothing of the machine can be read or broken into.
MACHINE_PROGRAM_FOLDERS = {"bin", "lib", "lib32", "lib64", "libx32", "sbin", "usr"}
EMPTY_FOLDERS = {
    "dev": 0o755, "etc": 0o755, "home": 0o755, "media": 0o755, "mnt": 0o755, "opt": 0o755,
    "proc": 0o555, "root": 0o700, "run": 0o755, "srv": 0o755, "sys": 0o555, "tmp": 0o1777,
    "var": 0o755, "usr/local": 0o755,
    "etc/cron.d": 0o755, "root/.ssh": 0o700, "usr/local/bin": 0o755, "usr/local/sbin": 0o755,
    "var/backups": 0o755, "var/cache": 0o755, "var/lib": 0o755, "var/log": 0o755,
    "var/mail": 0o1777, "var/spool/cron/crontabs": 0o700, "var/tmp": 0o1777, "var/www": 0o755,
}
ETC_FROM_MACHINE = [
    "alternatives", "debian_version", "host.conf", "ld.so.cache", "ld.so.conf", "ld.so.conf.d",
    "libaudit.conf", "localtime", "login.defs", "mime.types", "nsswitch.conf", "os-release",
    "pam.conf", "pam.d", "protocols", "python3", "python3.11", "rpc", "security/capability.conf",
    "security/limits.conf", "security/limits.d", "security/pam_env.conf", "services", "shells",
    "terminfo", "timezone", "nginx/fastcgi_params", "nginx/mime.types",
]
PASSWD = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
sys:x:3:3:sys:/dev:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
backup:x:34:34:backup:/var/backups:/usr/sbin/nologin
webadmin:x:1000:1000:Web administrator:/home/webadmin:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
GROUP = """\
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:webadmin
tty:x:5:
mail:x:8:
www-data:x:33:
backup:x:34:
shadow:x:42:
webadmin:x:1000:
nogroup:x:65534:
"""


class LabError(Exception):
    """What could not be done, in one line."""


def run_tool(*command):
    """Runs a command that has to work; its error text becomes the lab's."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env=CLEAN_ENVIRONMENT, check=False)
    if done.returncode != 0:
        raise LabError(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def cgroup2_folder():
    """Where cgroup v2 is mounted: alone, or beside the old controllers."""
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        _, where, kind = line.split()[:3]
        if kind == "cgroup2":
            return pathlib.Path(where)
    raise LabError("no cgroup2 file system is mounted, and hosts need one")


def start_time(pid):
    """Start of a process in clock ticks, or None: with the pid it names a process for good."""
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])
    except OSError:
        return None


def wait_until(condition, what, timeout_s=PATIENCE_S):
    """Polls for something of the outside world that cannot be waited for otherwise."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"waited {timeout_s} s in vain for {what}")
        time.sleep(0.01)


def die_with_parent(signal_number=signal.SIGKILL):
    """To be called in a new child: a lab that is killed takes its processes along."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


def remove_cgroup(folder):
    """Ends what still runs in a cgroup folder and below, and removes it."""
    if not folder.exists():
        return
    for inner in sorted(folder.rglob("*/"), reverse=True):
        if inner.is_dir():
            remove_cgroup(inner)
    kill = folder / "cgroup.kill"  # since kernel 5.14
    deadline = time.monotonic() + PATIENCE_S
    while folder.exists():
        if kill.exists():
            kill.write_text("1")
        for pid in (folder / "cgroup.procs").read_text().split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            folder.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise LabError(f"{folder}: processes in it do not end") from None
            time.sleep(0.01)


class Host:
    """One machine of the lab. `root` is its root file system as the lab sees it."""

    def __init__(self, lab, name, address, environment=None, attach=None):
        """`attach(interface)` puts the other end of the host's cable where it belongs: into the lab's switch."""
        self.lab, self.name, self.address = lab, name, address
        self.attach = attach or lab.attach
        self.environment = {**CLEAN_ENVIRONMENT, **(environment or {})}
        self.folder = lab.folder / name
        self.root = self.folder / "root"
        self.upper = self.folder / "upper"
        self.cgroup = lab.cgroup / name
        self.cgroup.mkdir()
        self.init = None
        self.init_pid = None
        self._make_root()

    def _make_root(self):
        work = self.folder / "work"
        for folder in (self.upper, work, self.root):
            folder.mkdir(parents=True)
        os.chmod(self.upper, 0o755)
        for entry in os.scandir("/"):
            if entry.name not in MACHINE_PROGRAM_FOLDERS and entry.name not in EMPTY_FOLDERS:
                os.mknod(self.upper / entry.name, stat.S_IFCHR, os.makedev(0, 0))  # a whiteout
        (self.upper / "usr").mkdir(mode=0o755)
        for name, mode in EMPTY_FOLDERS.items():
            folder = self.upper / name
            folder.mkdir(parents=True, exist_ok=True)
            os.chmod(folder, mode)
            os.setxattr(folder, "trusted.overlay.opaque", b"y")
        run_tool("mount", "-t", "overlay", "spoor-lab", "-o",
                 f"lowerdir=/,upperdir={self.upper},workdir={work}", self.root)
        for name in ETC_FROM_MACHINE:
            source, target = pathlib.Path("/etc") / name, self.root / "etc" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir() and not source.is_symlink():
                shutil.copytree(source, target, symlinks=True)
            elif source.exists():
                shutil.copy2(source, target, follow_symlinks=False)
        self.write("/etc/passwd", PASSWD)
        self.write("/etc/group", GROUP)
        hashed = [run_tool("openssl", "passwd", "-6", os.urandom(9).hex()).strip() for _ in "12"]
        self.write("/etc/shadow", "".join(
            f"{line.split(':')[0]}:{secret}:20000:0:99999:7:::\n"
            for line in PASSWD.splitlines()
            for secret in [{"root": hashed[0], "webadmin": hashed[1]}.get(line.split(":")[0], "*")]
        ), mode=0o640, gid=42)
        self.write("/etc/hostname", self.name + "\n")
        self.write("/etc/hosts", f"127.0.0.1 localhost\n{self.address} {self.name}\n")
        for empty in ("/etc/environment", "/etc/default/locale", "/var/log/syslog"):
            self.write(empty, "")
        self.write("/etc/bash.bashrc", "[ -z \"$PS1\" ] && return\nPS1='\\u@\\h:\\w\\$ '\n")
        self.write("/etc/profile", "export PATH=" + CLEAN_ENVIRONMENT["PATH"] + "\n")

    def write(self, path, content, mode=0o644, uid=0, gid=0):
        """Makes a file of the host, before or after it has started (not below /dev, /proc, /run, /tmp)."""
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            content = content.encode()
        target.write_bytes(content)
        os.chown(target, uid, gid)
        os.chmod(target, mode)

    def read(self, path):
        """A file of the host as it is now, or None."""
        target = self.root / path.lstrip("/")
        return target.read_bytes() if target.is_file() else None

    def _enter_cgroup(self):
        die_with_parent()
        (self.cgroup / "cgroup.procs").write_text(str(os.getpid()))

    def add_user(self, name, uid, home, shell="/bin/bash"):
        """Makes an account without a password, with a home and a group of its own."""
        for file, line in [("passwd", f"{name}:x:{uid}:{uid}:{name}:{home}:{shell}"), ("group", f"{name}:x:{uid}:"),
                           ("shadow", f"{name}:*:20000:0:99999:7:::")]:
            with open(self.root / "etc" / file, "a", encoding="utf-8") as accounts:
                accounts.write(line + "\n")
        folder = self.root / home.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        os.chown(folder, uid, uid)

    def start(self, boot=None):
        """Starts the host: its init, its interface, and then the program `boot` of the host."""
        if not self.init:
            self.connect()
        self.boot(boot)

    def connect(self):
        """Starts the host's init and plugs its cable in; nothing of the host answers yet."""
        log = open(self.folder / "console.log", "wb")
        self.init = subprocess.Popen(
            ["unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--cgroup", "--fork",
             "--kill-child", "--propagation", "private", "--",
             "/bin/bash", INIT, str(self.root), self.name, self.address],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=self.environment,
            start_new_session=True, preexec_fn=self._enter_cgroup)
        log.close()
        self._expect("waiting")
        pids = (self.cgroup / "cgroup.procs").read_text().split()
        self.init_pid = next(int(pid) for pid in pids if int(pid) != self.init.pid)
        run_tool("ip", "link", "add", self.name, "type", "veth", "peer", "name", "eth0",
                 "netns", str(self.init_pid))
        self.attach(self.name)
        self._tell("")
        self._expect("connected")

    def boot(self, program=None):
        """Runs the host's boot program, after connect; returns when that has ended."""
        self._tell(program or "/bin/true")
        self._expect("booted 0")

    def _tell(self, line):
        self.init.stdin.write(line.encode() + b"\n")
        self.init.stdin.flush()

    def _expect(self, word):
        line = self.init.stdout.readline().decode().strip()
        if line != word:
            console = (self.folder / "console.log").read_text(errors="replace").strip()
            raise LabError(f"host {self.name}: {line or 'its init ended'}: {console[-400:]}")

    def order(self, command):
        """Has the host's init run a shell command, as its own people would; waits for its end."""
        self._tell(command)
        self._expect("done 0")

    def enter(self, *command):
        """The command line that runs `command` inside the host (by nsenter, so from outside its pids)."""
        return ["nsenter", f"--target={self.init_pid}", "--mount", "--uts", "--ipc", "--net", "--pid",
                "--cgroup", "--root", "--wd", "--", *command]

    def popen(self, *command, **options):
        """Starts a program inside the host."""
        return subprocess.Popen(self.enter(*command), env=self.environment, start_new_session=True,
                                preexec_fn=self._enter_cgroup, **options)


class Lab:
    """To be used as a context: leaving it removes everything that it made."""

    def __init__(self):
        self.name = f"{os.getpid()}-{start_time(os.getpid())}"
        self.folder = STATE_FOLDER / self.name
        self.cgroup = cgroup2_folder() / f"spoor-lab-{self.name}"
        self.hosts = {}
        self.gateway = None  # of scenarios that have one (gateway.py)

    def __enter__(self):
        self.folder.mkdir(parents=True, mode=0o700)
        self.cgroup.mkdir()
        run_tool("mount", "-t", "tmpfs", "-o", "mode=755", "spoor-lab", self.folder)
        run_tool("ip", "link", "add", "switch", "type", "bridge")
        run_tool("ip", "link", "set", "switch", "up")
        return self

    @staticmethod
    def attach(interface):
        """Puts the end of a cable into the lab's own switch."""
        run_tool("ip", "link", "set", interface, "master", "switch", "up")

    def add_host(self, name, address, **options):
        """Makes a host's root file system and cgroup; it runs from Host.start on."""
        self.hosts[name] = Host(self, name, address, **options)
        return self.hosts[name]

    def __exit__(self, *_):
        for signal_number in (signal.SIGINT, signal.SIGTERM):  # taking down must not be cut short
            signal.signal(signal_number, signal.SIG_IGN)
        remove_cgroup(self.cgroup)
        for host in self.hosts.values():
            if host.init:
                host.init.wait()
            subprocess.run(["umount", "--lazy", host.root], check=False)
        subprocess.run(["umount", "--lazy", self.folder], check=False)
        self.folder.rmdir()


def remove_leftovers():
    """Removes what killed labs left behind; returns their names. Running labs are left alone."""
    def is_running(name):
        pid, _, started = name.partition("-")
        return started.isdigit() and start_time(pid) == int(started)

    names = {folder.name for folder in STATE_FOLDER.glob("*-*")}
    names |= {folder.name.removeprefix("spoor-lab-") for folder in cgroup2_folder().glob("spoor-lab-*")}
    dead = sorted(name for name in names if not is_running(name))
    for name in dead:
        remove_cgroup(cgroup2_folder() / f"spoor-lab-{name}")
        if (STATE_FOLDER / name).exists():
            (STATE_FOLDER / name).rmdir()  # its tmpfs went with the lab's mount namespace
    return dead
