// SPDX-License-Identifier: Apache-2.0
// A store made of a story, the real server over it, and a real browser that fails on what it must not do.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const web = new URL("../../web/", import.meta.url);
const require = createRequire(new URL("package.json", web));
const { chromium } = require("playwright-core");
export const axe_source = require("axe-core").source;
export const dist = new URL("dist/", web).pathname;

const spoor = process.env.SPOOR;
const folder = mkdtempSync(join(tmpdir(), "spoor-web-"));
const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the program; throws unless it ends with a code of `codes`. */
export function run(arguments_, codes = [0]) {
  const done = spawnSync(spoor, arguments_, { encoding: "utf8", maxBuffer: 1 << 28 });
  if (!codes.includes(done.status)) throw new Error(`spoor ${arguments_.join(" ")} ended with ${done.status}: ${done.stderr}`);
  return done.stdout;
}

export function storeOf(name, text) {
  const store = join(folder, name);
  const events = join(folder, `${name}.ndjson`);
  writeFileSync(events, text);
  run(["import", "--kind", "events", "--store", store, "--host", "imported", events], [0, 4]);
  return store;
}

/** The rows of SQL, as the program gives them. */
export const rows = (store, sql) => run(["sql", "--store", store, "--json", sql], [0, 1, 4]).split("\n").filter(Boolean).map((line) => JSON.parse(line.replace(/:(-?\d{16,})([,}\]])/g, ':"$1"$2')));

/** Serves a store; `port` 0 takes a free one. `options`: more for the program. */
export const serve = (store, port = 0, options = []) => start(["--read-only", "--store", store, "--listen", `127.0.0.1:${port}`, ...options], "listening");

/** A collector with its pages, and the keys of one sensor. */
export async function collect(name) {
  const authority = join(folder, `${name}-keys`);
  const store = join(folder, name);
  run(["keys", "init", "--dir", authority]);
  run(["keys", "collector", "hub", "--dir", authority, "--address", "127.0.0.1"]);
  run(["keys", "sensor", "pot", "--dir", authority]);
  const server = await start(["--store", store, "--listen", "127.0.0.1:0", "--keys", `${authority}/collectors/hub`, "--pages", "127.0.0.1:0"], "pages");
  return { ...server, store, keys: `${authority}/sensors/pot` };
}

/** A child that ends with this test. */
export function launch(program, arguments_, options) {
  const child = spawn(program === "spoor" ? spoor : program, arguments_, options);
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

/** `spoor serve`; `name`: of the line that says where the pages are. */
async function start(options, name) {
  const child = spawn(spoor, ["serve", ...options, "--insecure-local", "--ui", dist, "--time-max", "1h"], { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let said = "";
  child.stderr.on("data", (bytes) => (said += bytes));
  const addresses = new Map();
  const address = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const found = /^(\S+) (https?:\/\/\S+?)\/?$/.exec(line);
      if (found) addresses.set(found[1], found[2]);
      if (addresses.has(name)) resolve(addresses.get(name));
    });
    child.once("exit", (code) => reject(new Error(`spoor serve ended with ${code}: ${said}`)));
  });
  return {
    address,
    listening: addresses.get("listening"),
    port: Number(new URL(address).port),
    stop: () => new Promise((resolve) => {
      child.once("exit", () => resolve(running.delete(child)));
      child.kill("SIGTERM");
    }),
    async get(path) {
      const response = await fetch(`${address}/api/v1${path}`);
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      return response.json();
    },
  };
}

let shared = null;
export async function browser() {
  shared ??= await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  return shared;
}
export async function closeBrowser() {
  await shared?.close();
  shared = null;
}

/** A page of its own context. `faults` collects what a page of ours must never do; `allowed`: texts that are expected. */
export async function open(address, path, options = {}) {
  const context = await (await browser()).newContext({ viewport: { width: 1440, height: 860 }, colorScheme: "light", timezoneId: "UTC", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(3600000); // however slow the machine is: CTest ends what hangs
  const faults = [];
  page.on("console", (message) => message.type() === "error" && faults.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => (faults.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin !== address && !["data:", "blob:"].includes(url.protocol)) faults.push(`request to ${url.origin}`);
  });
  const show = async (next) => {
    await page.goto(address + next);
    await settled(page);
  };
  await show(path);
  return { page, context, faults, show, close: () => context.close() };
}

/** Waits until a page has its answers: it says itself that it waits for nothing, and nothing is marked as waiting. */
export async function settled(page) {
  await page.waitForFunction(() => document.querySelector("h1") && document.documentElement.dataset.waits === "0" && !document.querySelector("[aria-busy=true], .skeleton"));
}

export async function axe(page) {
  await page.evaluate(axe_source);
  return page.evaluate(async () => {
    const found = await globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] });
    return found.violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.target.join(" ")} ${n.failureSummary?.split("\n").slice(1, 3).join(" ")}`).join(" | ")}`);
  });
}
