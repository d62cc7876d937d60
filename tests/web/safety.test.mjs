// SPDX-License-Identifier: Apache-2.0
// Text that would harm, much of everything, and a server that fails.
import assert from "node:assert/strict";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { closeBrowser, dist, open, rows, serve, settled, storeOf } from "./browser.mjs";
import { hostile, many } from "./stories.mjs";

const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
after(closeBrowser);

describe("hostile text", () => {
  let server, store;
  before(async () => {
    store = storeOf("hostile", hostile());
    server = await serve(store);
  });
  after(() => server?.stop());
  it("does nothing on any page, and no character in it acts on the reader", async () => {
    const p = rows(store, "SELECT process_id FROM process WHERE pid = 200")[0].process_id;
    const f = rows(store, "SELECT object_id FROM object WHERE inode = 13")[0].object_id;
    const host = rows(store, "SELECT host_id FROM host WHERE name LIKE 'evil%'")[0].host_id;
    const flow = rows(store, "SELECT flow_id FROM flow LIMIT 1")[0].flow_id;
    const { page, faults, show, close } = await open(server.address, "/");
    for (const path of ["/", "/flows", `/flow/${flow}`, "/alerts", "/processes", `/processes?sel=${p}`, "/files", `/file/${f}`, "/sessions", `/tree/process:${p}`, `/graph/process:${p}`, `/process/${p}`, `/replay/${p}?tab=all`, `/host/${host}`, "/report", "/health", "/query?sql=SELECT+command_line+FROM+exec"]) {
      await show(path);
      assert.deepEqual(faults, [], path);
      const seen = await page.evaluate(() => {
        const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        const harmful = [];
        for (let node = walk.nextNode(); node; node = walk.nextNode()) {
          if (node.parentElement.closest("style, script, .terminal")) continue;
          const hit = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/.exec(node.data);
          if (hit) harmful.push(node.data.slice(Math.max(0, hit.index - 20), hit.index + 20));
        }
        for (const element of document.querySelectorAll("[title], [aria-label], [placeholder]"))
          for (const name of ["title", "aria-label", "placeholder"]) if (/[\u0000-\u0008\u001b\u202a-\u202e\u2066-\u2069\u200b]/.test(element.getAttribute(name) ?? "")) harmful.push(`${name}: ${element.getAttribute(name)}`);
        return { harmful, images: document.querySelectorAll("main img").length, scripts: document.querySelectorAll("body script:not([src])").length, links: [...document.querySelectorAll("a[href]")].filter((a) => a.protocol === "javascript:" || a.origin !== location.origin).length, wide: document.documentElement.scrollWidth > innerWidth + 1 };
      });
      assert.deepEqual(seen, { harmful: [], images: 0, scripts: 0, links: 0, wide: false }, path);
    }
    await close();
  });
  it("is served with the policy that keeps it from acting", async () => {
    const index = await fetch(`${server.address}/`, { headers: { "Accept-Encoding": "br" } });
    assert.equal(index.headers.get("content-security-policy"), policy);
    assert.equal(index.headers.get("x-content-type-options"), "nosniff");
    assert.equal(index.headers.get("referrer-policy"), "no-referrer");
    assert.match(index.headers.get("cache-control"), /no-cache/);
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(await index.text())[1];
    const asset = await fetch(server.address + script, { headers: { "Accept-Encoding": "br" } });
    assert.equal(asset.headers.get("content-encoding"), "br");
    assert.match(asset.headers.get("cache-control"), /immutable/);
    assert.equal((await fetch(`${server.address}/no/such/page`)).status, 200);
    const none = await fetch(`${server.address}/api/v1/nothing`);
    assert.equal(none.status, 404);
    assert.match(none.headers.get("content-type"), /application\/problem\+json/);
  });
  it("never becomes HTML in our sources", () => {
    const source = new URL("../../web/src/", import.meta.url);
    for (const name of readdirSync(source, { recursive: true })) if (/\.(svelte|ts)$/.test(name) && !name.endsWith(".test.ts")) assert.ok(!/\{@html|\.innerHTML|\.outerHTML|insertAdjacentHTML|document\.write/.test(readFileSync(new URL(name, source), "utf8")), name);
  });
});

describe("much of everything", () => {
  it("five thousand processes stand folded at once, scroll, and use few elements", async () => {
    const store = storeOf("many", many(5000));
    const server = await serve(store);
    const host = rows(store, "SELECT host_id FROM host WHERE name = 'big'")[0].host_id;
    const { page, faults, close } = await open(server.address, `/tree/host:${host}`);
    await page.waitForSelector(".line.process");
    assert.match(await page.locator(".headleft").textContent(), /folded/);
    const shown = Number(await page.locator("[role=treegrid]").getAttribute("aria-rowcount"));
    await page.locator("button[aria-label=unfold]").first().click();
    await page.waitForFunction((n) => Number(document.querySelector("[role=treegrid]").getAttribute("aria-rowcount")) > n + 100, shown);
    await page.mouse.move(500, 500);
    for (let i = 0; i < 40; i++) await page.mouse.wheel(0, 700);
    assert.ok((await page.locator("*").count()) < 1500);
    assert.ok((await page.locator(".line.process").count()) > 5);
    assert.deepEqual(faults, []);
    await close();
    await server.stop();
  });
  it("loads no more than 75 kB of script before a page's own part, and 2 MB of assets in all", () => {
    const manifest = JSON.parse(readFileSync(`${dist}assets/manifest.json`, "utf8"));
    const first = new Set();
    const take = (key) => {
      if (first.has(key)) return;
      first.add(key);
      for (const next of manifest[key].imports ?? []) take(next);
    };
    take("index.html");
    const size = [...first].reduce((n, key) => n + statSync(`${dist}${manifest[key].file}.gz`).size, 0);
    assert.ok(size <= 75000, `${size} bytes`);
    for (const key of first) assert.ok(!/asciinema|codemirror|uplot/i.test(key), key);
    const all = readdirSync(`${dist}assets`).filter((n) => !/\.(br|gz)$/.test(n)).reduce((n, name) => n + statSync(`${dist}assets/${name}`).size, 0);
    assert.ok(all <= 2e6, `${all} bytes`);
  });
});

describe("a server that fails", () => {
  it("is told of on every page, which can try again", async () => {
    const store = storeOf("failing", hostile());
    let server = await serve(store);
    const { page, close } = await open(server.address, "/sessions");
    await page.route("**/api/v1/flows?**", (route) => route.fulfill({ status: 500, contentType: "application/problem+json", body: '{"title":"Broken","status":500,"detail":"on purpose","request_id":"r7"}' }));
    await page.getByRole("link", { name: "Flows", exact: true }).click();
    await page.locator("[role=alert]", { hasText: "on purpose" }).waitFor();
    await page.unroute("**/api/v1/flows?**");
    await page.locator("[role=alert] button", { hasText: "Retry" }).click();
    await page.waitForSelector("[role=grid]");
    await page.route("**/api/v1/alerts**", (route) => route.fulfill({ status: 200, contentType: "application/json", body: "{not json" }));
    await page.getByRole("link", { name: "Alerts", exact: true }).click();
    await page.locator("[role=alert]", { hasText: "cannot be read" }).waitFor();
    const port = server.port;
    await server.stop();
    await page.getByRole("link", { name: "Processes", exact: true }).click();
    await page.locator("[role=alert]", { hasText: "does not answer" }).waitFor();
    server = await serve(store, port);
    await page.locator("[role=alert] button", { hasText: "Retry" }).first().click();
    await page.waitForSelector("[role=grid]");
    await close();
    await server.stop();
  });
});
