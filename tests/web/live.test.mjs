// SPDX-License-Identifier: Apache-2.0
// What arrives while somebody looks: sensors that ship to a collector with pages, and logs that are imported.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { closeBrowser, collect, launch, open, run, serve, settled, storeOf } from "./browser.mjs";
import { twoHosts } from "./stories.mjs";

after(closeBrowser);
const machine = new URL("../machine/", import.meta.url).pathname;
const why_not = spawnSync("/usr/bin/python3", ["-c", "import machine; print(machine.why_it_cannot_record() or '', end='')"], { cwd: machine, encoding: "utf8" }).stdout;
const seconds = (since) => ((performance.now() - since) / 1000).toFixed(2);

// A daemon that gives whoever connects a shell on a terminal, as telnetd does.
const daemon = `
import os, pty, select, socket
listening = socket.create_server(("127.0.0.1", 0))
os.write(1, b"port %d\\n" % listening.getsockname()[1])
connection = listening.accept()[0]
pid, master = pty.fork()
if pid == 0:
    os.environ.update(PS1="ready> ", TERM="xterm", HISTFILE="", PATH="/usr/bin:/bin")
    os.execv("/bin/bash", ["bash", "--norc", "--noprofile", "-i"])
try:
    while True:
        for ready in select.select([connection, master], [], [])[0]:
            if ready is connection:
                os.write(master, connection.recv(4096))
            else:
                connection.sendall(os.read(master, 4096))
except OSError:
    os.waitpid(pid, 0)
`;

describe("a sensor that ships while the pages are open", () => {
  it("tells the first typed input without a reload, and moves no list under the reader's hand", { skip: why_not || false }, async () => {
    const server = await collect("live");
    const recorder = launch("spoor", ["record", "--to", server.listening, "--keys", server.keys, "--profile", "honeypot", "--", "/usr/bin/python3", "-S", "-c", daemon], { stdio: ["ignore", "pipe", "inherit"] });
    const port = await new Promise((resolve) => recorder.stdout.once("data", (bytes) => resolve(Number(/port (\d+)/.exec(bytes)[1]))));
    const intruder = connect(port, "127.0.0.1");
    await new Promise((resolve) => {
      let shown = "";
      intruder.on("data", (bytes) => (shown += bytes).includes("ready> ") && resolve());
    });
    const { page, faults, context, close } = await open(server.address, "/");
    await page.locator("button.live.live", { hasText: "live" }).waitFor();
    const processes = async () => (await server.get("/processes?limit=500")).rows.length;
    const until = async (condition) => {
      while (!(await condition())) await page.waitForTimeout(20);
    };
    await until(async () => (await processes()) > 1);
    const list = await context.newPage();
    list.setDefaultTimeout(3600000);
    await list.goto(`${server.address}/processes`);
    await settled(list);
    const before = await processes();
    const place = () => list.locator("[role=row]").evaluateAll((lines) => lines.map((line) => `${Math.round(line.getBoundingClientRect().y)} ${line.textContent}`));
    const lines = await place();
    // Of the shell itself, which a daemon ran, an alert may be told by now.
    assert.equal(await page.locator(".news", { hasText: "First typed input on" }).count(), 0, "nothing was typed yet");
    assert.deepEqual((await server.get("/sessions")).rows.filter((session) => session.interactive), [], "nothing was typed yet");

    const typed = performance.now();
    intruder.write("id; uname -a\n");
    await page.locator(".news", { hasText: "First typed input on" }).waitFor();
    console.log(`from the key to the page: ${seconds(typed)} s at load ${loadavg()[0]}`);
    assert.ok((await page.locator(".news a").allTextContents()).includes("Replay"));

    await until(async () => (await processes()) > before);
    await list.waitForFunction(() => document.documentElement.dataset.waits === "0");
    assert.deepEqual(await place(), lines, "the list is as the reader left it");
    intruder.end("exit\n");
    await new Promise((resolve) => (recorder.exitCode === null ? recorder.once("exit", resolve) : resolve()));
    assert.deepEqual(faults, []);
    await close();
    await server.stop();
  });
});

describe("an alert that is imported while the pages are open", () => {
  it("is told on the page, and waits there until it is asked for", async () => {
    const folder = mkdtempSync(join(tmpdir(), "spoor-web-live-"));
    const store = storeOf("growing", twoHosts());
    const server = await serve(store, 0, ["--live"]);
    const { page, faults, close } = await open(server.address, "/alerts");
    await page.locator("button.live.live", { hasText: "live" }).waitFor();
    const count = () => page.locator("[role=grid] [role=row]").count();
    const before = await count();
    const alert = { timestamp: "2026-06-02T18:30:00.000000+0000", event_type: "alert", src_ip: "203.0.113.99", src_port: 4000, dest_ip: "192.0.2.25", dest_port: 80, proto: "TCP", flow_id: 99, alert: { action: "allowed", gid: 1, signature_id: 2100498, rev: 7, signature: "GPL ATTACK_RESPONSE late arrival", category: "Potentially Bad Traffic", severity: 2 } };
    writeFileSync(join(folder, "eve.json"), JSON.stringify(alert) + "\n");
    run(["import", "--store", store, "--host", "gateway", join(folder, "eve.json")], [0, 4]);
    const imported = performance.now();
    await page.locator(".news", { hasText: "late arrival" }).waitFor();
    console.log(`from the end of the import to the page: ${seconds(imported)} s at load ${loadavg()[0]}`);
    assert.equal(await count(), before, "the list is as the reader left it");
    await page.getByRole("button", { name: "1 new: show" }).click();
    await page.locator("[role=grid]", { hasText: "late arrival" }).waitFor();
    assert.deepEqual(faults, []);
    await close();
    await server.stop();
    rmSync(folder, { recursive: true });
  });
});
