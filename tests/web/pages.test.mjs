// SPDX-License-Identifier: Apache-2.0
// What an analyst does with the pages, over the story of two hosts.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { axe, closeBrowser, open, rows, serve, settled, storeOf } from "./browser.mjs";
import { twoHosts } from "./stories.mjs";

let store, server, shell, root, alert_key;
const expectNone = (faults) => assert.deepEqual(faults, []);
before(async () => {
  store = storeOf("two", twoHosts());
  server = await serve(store);
  shell = rows(store, "SELECT process_id FROM process WHERE pid = 711")[0].process_id;
  root = rows(store, "SELECT process_id FROM process WHERE pid = 728")[0].process_id;
  alert_key = (await server.get("/alerts")).rows.find((a) => a.process_id === root)?.alert_key;
});
after(async () => {
  await closeBrowser();
  await server?.stop();
});

const all_pages = () => ["/", "/flows", "/alerts", "/processes", "/files", "/sessions", "/query", "/query/sessions", "/health", "/report", `/tree/process:${root}`, `/graph/process:${root}`, `/process/${shell}`, `/replay/${shell}`];

describe("overview and flows", () => {
  it("shows for each host the numbers that the API gives, each a link to as many flows", async () => {
    const told = await server.get("/overview");
    const { page, faults, close } = await open(server.address, "/");
    for (const host of told.hosts) {
      const card = page.locator("article.card", { hasText: host.name }).first();
      const numbers = await card.locator("table.numbers tbody tr").evaluateAll((lines) => lines.map((line) => [...line.querySelectorAll("td.num")].map((cell) => cell.textContent.trim())));
      for (const [i, w] of host.windows.entries())
        if (w.recorded !== "none") assert.deepEqual(numbers[i], [w.inbound.flows, w.inbound.alerts, w.outbound.flows, w.outbound.alerts].map(String));
    }
    const web25 = page.locator("article.card", { hasText: "web-25" }).first();
    const link = web25.locator("table.numbers tbody tr").nth(1).locator("td a").first();
    const count = Number(await link.textContent());
    assert.equal(count, 13, "twelve visitors and the intruder came in");
    await link.click();
    await settled(page);
    assert.match(await page.locator(".main p.dim").first().textContent(), new RegExp(`^${count} flows`));
    expectNone(faults);
    await close();
  });
  it("says NEVER of a host without a sensor, and not recorded, not 0, of a range before the recording", async () => {
    const { page, faults, close } = await open(server.address, "/?until=2026-05-01T00:00:00Z");
    assert.match(await page.locator("article.card").first().textContent(), /NEVER/);
    assert.match(await page.locator("article.card").first().textContent(), /not recorded/);
    assert.equal(await page.locator("table.numbers td a").count(), 0);
    await page.goto(`${server.address}/flows?from=2026-05-01T00:00:00Z&until=2026-05-02T00:00:00Z`);
    await settled(page);
    await page.waitForSelector("[data-state=not-recorded]");
    expectNone(faults);
    await close();
  });
  it("finds the hour of the attack by the calendar, with the count that its label said", async () => {
    const { page, faults, close } = await open(server.address, "/flows");
    await page.getByRole("link", { name: /June 2:/ }).click();
    await settled(page);
    const hour = page.locator(".hours a", { hasText: "18:00" });
    const count = /^18:00: (\d+) flows, \d+ alerts$/.exec(await hour.getAttribute("aria-label"))[1];
    assert.ok((await hour.locator(".n").textContent()).endsWith(`${count} flows`));
    await hour.click();
    await settled(page);
    assert.match(await page.locator(".main p.dim").first().textContent(), new RegExp(`^${count} flows`));
    assert.match(page.url(), /from=2026-06-02T18:00:00Z&until=2026-06-02T19:00:00Z/);
    expectNone(faults);
    await close();
  });
  it("takes a filter into address and rows, and highlights without changing how many there are", async () => {
    const { page, faults, close } = await open(server.address, "/flows");
    const count = async () => Number((await page.getByRole("grid", { name: "Flows" }).getAttribute("aria-rowcount")));
    const all = await count();
    await page.getByLabel("Highlight, without filtering").fill("203.0.113.31");
    await page.waitForSelector(".item.marked");
    assert.equal(await count(), all);
    await page.getByLabel("Filter flows").fill("ip:203.0.113.31");
    await page.keyboard.press("Enter");
    await settled(page);
    await page.waitForFunction((n) => Number(document.querySelector("[role=grid]").getAttribute("aria-rowcount")) < n, all);
    assert.match(page.url(), /where=ip:203\.0\.113\.31/);
    await page.getByRole("link", { name: /Remove filter/ }).click();
    await settled(page);
    await page.waitForFunction((n) => Number(document.querySelector("[role=grid]").getAttribute("aria-rowcount")) === n, all);
    expectNone(faults);
    await close();
  });
  it("reads typed ranges as UTC whatever the browser's zone, and z changes what is shown only", async () => {
    const { page, faults, close } = await open(server.address, "/flows", { timezoneId: "Asia/Tokyo" });
    const field = page.getByLabel("Range of time");
    await field.fill("2026-06-02 18:06 ±5m  ");
    await field.press("Enter");
    await page.waitForURL(/from=2026-06-02T18:01:00Z&until=2026-06-02T18:11:00Z/);
    await settled(page);
    const address = page.url();
    await page.locator("main").focus();
    await page.keyboard.press("z");
    await page.waitForFunction(() => document.querySelector(".zone").textContent.includes("UTC+9"));
    assert.match(await field.inputValue(), /2026-06-03 03:01:00/);
    assert.equal(page.url(), address);
    expectNone(faults);
    await close();
  });
});

describe("proc view", () => {
  it("is two steps from the overview: the row that became root, selected, in sight, with its details", async () => {
    const { page, faults, close } = await open(server.address, "/");
    await page.locator("a.alert[href*=root_transitions]").first().click();
    await settled(page);
    const row = page.locator(`[data-key="${root}"]`).first();
    await row.waitFor();
    assert.equal(await row.getAttribute("aria-selected"), "true");
    assert.ok(await page.locator("aside.drawer").isVisible());
    const box = await row.boundingBox();
    assert.ok(box.y > 0 && box.y < 860);
    expectNone(faults);
    await close();
  });
  it("shows what made the exploit, and where it came from as an arrow that ends on both rows", async () => {
    const { page, faults, close } = await open(server.address, `/tree/process:${root}`, { viewport: { width: 1440, height: 1100 } });
    const text = await page.locator("[role=treegrid]").textContent();
    for (const word of ["web-25", "apache2", "wget", "gcc", "ld", "openssl-w", "203.0.113.31"]) assert.ok(text.includes(word), word);
    const from = "remote:203.0.113.31";
    const to = rows(store, "SELECT process_id FROM process WHERE pid = 709")[0].process_id;
    const arrow = page.locator(`.arrow[data-from="${from}"][data-to="${to}"]`);
    assert.equal(await arrow.count(), 1);
    const middle = async (key) => { const b = await page.locator(`[data-key="${key}"] .right`).boundingBox(); return b.y + b.height / 2; };
    const line = await arrow.locator("path:not(.wide)").boundingBox();
    assert.ok(Math.abs(line.y - (await middle(from))) < 4, "begins on the row that connected");
    const head = await arrow.locator("polygon").boundingBox();
    assert.ok(Math.abs(head.y + head.height - (await middle(to))) < 12, "ends on the row that accepted");
    assert.ok((await page.locator(".arrow").count()) <= 24);
    assert.equal(await page.locator(".arrow path[stroke-dasharray]").count(), 0);
    expectNone(faults);
    await close();
  });
  it("draws an arrow from the process that connected on one host to the one that accepted on the other, a connection each time in its count", async () => {
    const there = rows(store, "SELECT process_id FROM process WHERE pid = 657")[0].process_id;
    const worm = rows(store, "SELECT process_id FROM process WHERE pid = 740")[0].process_id;
    const { page, faults, close } = await open(server.address, `/tree/process:${worm}`, { viewport: { width: 1440, height: 1300 } });
    const arrow = page.locator(`.arrow[data-from="${worm}"][data-to="${there}"]`);
    assert.equal(await arrow.count(), 1, "nine connections are one arrow");
    assert.match(await arrow.locator("title").textContent(), /, 9 flows/);
    const middle = async (key) => { const b = await page.locator(`[data-key="${key}"] .right`).boundingBox(); return b.y + b.height / 2; };
    const line = await arrow.locator("path:not(.wide)").boundingBox();
    const head = await arrow.locator("polygon").boundingBox();
    assert.ok(Math.abs(line.y - (await middle(worm))) < 4, "begins on the row that connected");
    assert.ok(Math.abs(head.y + head.height - (await middle(there))) < 12, "ends on the row that accepted");
    assert.ok((await middle(there)) > (await middle(worm)));
    const window = await page.locator("[role=treegrid]").boundingBox();
    for (const box of await Promise.all((await page.locator(".arrow").all()).map((a) => a.boundingBox())))
      if (box) assert.ok(box.y > window.y - window.height && box.y + box.height < window.y + 2 * window.height, "no arrow is drawn far outside of what is seen");
    expectNone(faults);
    await close();
  });
  it("says root and not root by colour and by glyph", async () => {
    const { page, faults, close } = await open(server.address, `/tree/process:${root}`);
    const of = (pid) => page.locator(".line.process", { has: page.locator(".pid", { hasText: new RegExp(`^${pid}$`) }) }).locator(".proc").first();
    assert.match(await of(711).textContent(), /\$/);
    assert.match(await of(740).textContent(), /#/);
    assert.match(await of(728).textContent(), /\$→#/);
    assert.equal(await of(711).evaluate((n) => getComputedStyle(n).backgroundColor), "rgb(127, 222, 234)");
    assert.equal(await of(740).evaluate((n) => getComputedStyle(n).backgroundColor), "rgb(255, 216, 77)");
    expectNone(faults);
    await close();
  });
  it("is worked by keys alone: rows, closing and opening, alerts, graph and back", async () => {
    const { page, faults, close } = await open(server.address, `/tree/process:${root}`);
    await page.locator("[role=treegrid]").focus();
    const selected = () => page.locator("[role=row][aria-selected=true]").getAttribute("data-key");
    await page.keyboard.press("Home");
    const first = await selected();
    await page.keyboard.press("j");
    assert.notEqual(await selected(), first);
    await page.keyboard.press("]");
    assert.ok(await page.locator("[role=row][aria-selected=true] .alert-mark").count());
    const count = async () => Number(await page.locator("[role=treegrid]").getAttribute("aria-rowcount"));
    const all = await count();
    await page.keyboard.press("1");
    await page.waitForFunction((n) => Number(document.querySelector("[role=treegrid]").getAttribute("aria-rowcount")) < n, all);
    await page.keyboard.press("0");
    await page.waitForFunction((n) => Number(document.querySelector("[role=treegrid]").getAttribute("aria-rowcount")) === n, all);
    await page.keyboard.press("g");
    await page.keyboard.press("g");
    await page.waitForURL(/\/graph\//);
    await settled(page);
    await page.keyboard.press("?");
    assert.ok((await page.locator("dialog kbd").count()) > 30);
    expectNone(faults);
    await close();
  });
  it("has the same nodes as graph, which can be saved as a drawing that needs nothing from elsewhere", async () => {
    const { page, faults, close } = await open(server.address, `/tree/process:${root}`, { viewport: { width: 1440, height: 1400 } });
    const tree = await page.locator(".line.process, .line.remote").evaluateAll((n) => n.map((x) => x.dataset.key).sort());
    await page.getByRole("link", { name: "Graph" }).click();
    await page.waitForSelector(".node");
    const graph = await page.locator(".node.process, .node.remote").evaluateAll((n) => n.map((x) => x.dataset.key).sort());
    assert.deepEqual(graph, tree);
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save SVG" }).click()]);
    const svg = await (await import("node:fs/promises")).readFile(await download.path(), "utf8");
    assert.ok(!/<script|href=|url\((?!"?#)/i.test(svg), "no script, no reference to elsewhere");
    for (const key of graph) assert.ok(svg.includes(key));
    expectNone(faults);
    await close();
  });
});

describe("permalinks", () => {
  it("show the same again in another browser, and do not change by being opened", async () => {
    for (const path of [`/tree/process:${root}?dir=backward&sel=process:${shell}`, "/flows?where=ip:203.0.113.31&from=2026-06-02T18:00:00Z&until=2026-06-02T19:00:00Z", `/process/${shell}?kind=exec`, "/query?sql=SELECT+pid+FROM+process+ORDER+BY+pid"]) {
      const one = await open(server.address, path);
      const seen = await one.page.locator("main [role=row]").evaluateAll((n) => n.map((x) => x.textContent.replace(/\s+/g, " ").trim()).slice(0, 12));
      const address = one.page.url();
      assert.ok(seen.length > 1, path);
      const two = await open(server.address, address.slice(server.address.length));
      assert.deepEqual(await two.page.locator("main [role=row]").evaluateAll((n) => n.map((x) => x.textContent.replace(/\s+/g, " ").trim()).slice(0, 12)), seen);
      assert.equal(two.page.url(), address);
      expectNone([...one.faults, ...two.faults]);
      await one.close();
      await two.close();
    }
  });
});

describe("replay", () => {
  it("shows on the screen what a clicked line led to, and keeps the place in the address", async () => {
    const { page, faults, close } = await open(server.address, `/replay/${shell}?tab=all`);
    await page.locator(".lines li", { hasText: "got root" }).locator("a.line").click();
    await page.waitForFunction(() => document.querySelector(".ap-term")?.textContent.includes("got root") ?? document.querySelector(".terminal").textContent.includes("got root"));
    await page.waitForURL(/[?&]t=\d/);
    const told = await server.get(`/replays/${shell}`);
    const line = told.lines.find((l) => l.text.includes("got root"));
    assert.ok(Math.abs(Number(new URL(page.url()).searchParams.get("t")) - line.time_s) < 0.1);
    expectNone(faults);
    await close();
  });
  it("finds a corrected command as the screen had it, and shows its keys on another tab", async () => {
    const { page, faults, close } = await open(server.address, `/replay/${shell}?q=who`);
    assert.ok(await page.locator(".lines li.typed", { hasText: "who" }).count());
    await page.goto(`${server.address}/replay/${shell}?tab=keys`);
    await settled(page);
    assert.ok(await page.locator(".lines li.typed", { hasText: "ho[BS][BS]who" }).count());
    await page.goto(`${server.address}/sessions?q=wget`);
    await settled(page);
    assert.ok(await page.locator("table a", { hasText: "wget" }).count());
    expectNone(faults);
    await close();
  });
});

describe("files", () => {
  it("lists of a tree what was written and then executed, and shows its bytes beyond a mebibyte with the hole before them", async () => {
    const { page, faults, close } = await open(server.address, `/files?tree=process:${shell}&where=written:true&where=executed:true`);
    await page.getByRole("link", { name: "/tmp/.x/p", exact: true }).click();
    await settled(page);
    await page.getByLabel("Offset, decimal or 0x").fill("1200000");
    await page.keyboard.press("Enter");
    await settled(page);
    await page.waitForFunction(() => document.querySelector(".bytes")?.textContent.includes("bytes beyond 1MB"));
    await page.goto(page.url().replace(/offset=\d+/, "offset=8192"));
    await settled(page);
    await page.waitForSelector(".hole.hatched");
    expectNone(faults);
    await close();
  });
});

describe("query", () => {
  it("runs SQL, marks what is wrong in it and refuses to write", async () => {
    const { page, faults, close } = await open(server.address, "/query?sql=SELECT+pid,+name+FROM+process+ORDER+BY+pid");
    assert.ok((await page.locator("[role=grid] [role=row]").count()) > 5);
    await page.locator(".cm-content").click();
    await page.keyboard.press("Control+a");
    await page.keyboard.type("SELECT * FROM nowhere");
    await page.keyboard.press("Control+Enter");
    await page.waitForSelector("[role=alert]");
    await page.locator(".cm-content").click();
    await page.keyboard.press("Control+a");
    await page.keyboard.type("DELETE FROM process");
    await page.keyboard.press("Control+Enter");
    await page.waitForFunction(() => /DELETE|only|read|allowed|refused|select/i.test(document.querySelector("[role=alert]")?.textContent ?? ""));
    expectNone(faults.filter((f) => !/status of 4\d\d/.test(f)));
    await close();
  });
  it("runs every question of the library from its form", async () => {
    const { questions } = await server.get("/questions");
    assert.ok(questions.length >= 20);
    const { page, faults, show, close } = await open(server.address, "/query");
    const session = rows(store, "SELECT session_id FROM sessions WHERE interactive")[0].session_id;
    const flow = rows(store, "SELECT flow_id FROM flow ORDER BY flow_id LIMIT 1")[0].flow_id;
    const value = { process: shell, session, flow, path: "/tmp/.x/p", by: "destination_port", text: "2026-06-02T18:06:00Z" };
    for (const q of questions) {
      const needed = q.parameters.filter((p) => !p.optional);
      for (const p of needed) assert.ok(p.name in value || p.type in value, `${q.name} needs ${p.name}`);
      await show(`/query/${q.name}?${needed.map((p) => `argument=${p.name}=${value[p.name] ?? value[p.type]}`).join("&")}`);
      await page.waitForFunction(() => document.querySelector("[role=grid], .nothing, [role=alert]"));
      assert.equal(await page.locator("[role=alert]").count(), 0, `${q.name}: ${await page.locator("[role=alert]").allTextContents()}`);
    }
    expectNone(faults);
    await close();
  });
});

describe("report", () => {
  it("keeps pins and notes without a save button, the same in two tabs", async () => {
    const { page, context, faults, close } = await open(server.address, `/process/${root}`);
    await page.getByRole("button", { name: "Pin", exact: true }).click();
    await page.getByRole("button", { name: "Pinned" }).waitFor();
    const other = await context.newPage();
    await other.goto(`${server.address}/report`);
    await settled(other);
    const note = other.locator(".pin textarea").first();
    await note.fill("**setuid** and `p`");
    await other.waitForFunction(() => document.querySelector(".pin b")?.textContent === "setuid");
    await other.reload();
    await settled(other);
    assert.equal(await other.locator(".pin textarea").first().inputValue(), "**setuid** and `p`");
    expectNone(faults);
    await close();
  });
  it("is one file that needs nothing, with defanged addresses and what was not seen", async () => {
    const { page, faults, close } = await open(server.address, "/report");
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "HTML" }).click()]);
    const html = await (await import("node:fs/promises")).readFile(await download.path(), "utf8");
    assert.match(html, /203\[\.\]0\[\.\]113\[\.\]31/);
    assert.match(html, /What was not seen/);
    assert.match(html, /<svg/);
    assert.ok(!/<script|<link|src=|href="http/i.test(html));
    expectNone(faults);
    await close();
  });
});

describe("every page", () => {
  for (const colorScheme of ["light", "dark"])
    it(`is free of faults that axe finds, has a title of its own, what was recorded, and the same on the command line, in ${colorScheme}`, async () => {
      const found = [], titles = new Set();
      const { page, faults, show, close } = await open(server.address, "/", { colorScheme });
      for (const path of all_pages()) {
        await show(path);
        assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), colorScheme);
        found.push(...(await axe(page)).map((v) => `${path}: ${v}`), ...faults.splice(0).map((f) => `${path}: ${f}`));
        titles.add(await page.title());
        assert.equal(await page.locator("h1").count(), 1, path);
        assert.equal(await page.locator("section.strip").count(), 1, path);
        assert.match(await page.locator("details.cli pre").textContent(), /^spoor \w+ --store /, path);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth + 1), `${path}: wider than the window`);
      }
      assert.deepEqual(found, []);
      assert.ok(titles.size >= all_pages().length - 1, [...titles].join("\n"));
      await close();
    });
  it("moves nothing for those who want no motion", async () => {
    const { page, close } = await open(server.address, "/", { reducedMotion: "reduce" });
    const slow = await page.evaluate(() => [...document.querySelectorAll("*")].filter((n) => getComputedStyle(n).transitionDuration.split(",").some((t) => parseFloat(t) > 0.001)).length);
    assert.equal(slow, 0);
    await close();
  });
});

it("there is an alert for the process that became root", () => assert.ok(alert_key));
