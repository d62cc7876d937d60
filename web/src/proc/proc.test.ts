// SPDX-License-Identifier: Apache-2.0
import { beforeAll, describe, expect, it, vi } from "vitest";
import { makeAxis } from "./axis";
import type { Graph, Process } from "./model";

vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined });
let model: typeof import("./model");
beforeAll(async () => {
  model = await import("./model");
});
const second = (s: number): string => String(BigInt(1780423440 + s) * 1000000000n);
const process = (id: number, parent: number | null, change: Partial<Process> = {}): Process => ({ process_id: String(id), host_id: "1", parent_process_id: parent === null ? null : String(parent), pid: id, name: `p${id}`, label: `p${id} arg`, executable: null, uid: 33, euid: 33, user: null, is_root: false, rose_to_root: false, start_wall_ns: second(id % 1000), end_wall_ns: null, baseline: false, is_seed: false, is_cause: false, is_effect: false, session_id: null, typed: false, execs: [], files_read: 0, files_written: 0, flows: 0, children: 0, ...change });
const graph = (processes: Process[], change: Partial<Graph> = {}): Graph => ({ seed: "process:3", title: "", sentences: [], seed_wall_ns: null, direction: "both", scope: "tree", hosts: [{ host_id: "1", name: "a", addresses: [], clock: null }, { host_id: "2", name: "b", addresses: [], clock: null }], processes, objects: [], edges: [], alerts: [], rules: [], gaps: [], node_total: processes.length, hidden_nodes: 0, hidden_edges: 0, ...change });
const none = { open: new Set<string>(), closed: new Set<string>(), depth: 0 };

describe("folding", () => {
  it("never hides the path, alerts, who became root, what was typed, nor the parents of these", () => {
    const all = [process(1, null), process(2, 1), process(3, 2, { is_seed: true }), process(4, 1), process(5, 4, { rose_to_root: true }), process(6, 1), process(7, 6, { typed: true }), process(8, 1), process(9, 8, { is_cause: true }), ...Array.from({ length: 50 }, (_, i) => process(100 + i, 1))];
    const alert = { alert_key: "x", source: "s", signature: "s", priority: 1, classification: null, wall_ns: second(5), host_id: "1", host: "a", flow_id: null, process_id: "120", process: null, is_root: false, confidence: 1, reason: "", sentence: "" };
    const built = model.build(graph(all, { alerts: [alert] }), none);
    const shown = built.rows.flatMap((r) => (r.kind === "process" ? [r.process.process_id] : []));
    for (const id of ["1", "2", "3", "4", "5", "6", "7", "8", "9", "120"]) expect(shown).toContain(id);
    const fold = built.rows.find((r) => r.kind === "fold");
    expect(fold?.kind === "fold" && fold.processes.length).toBe(49);
    expect(shown.length + built.folded).toBe(all.length);
  });
  it("shows short lists where there is no path, and folds the long ones", () => {
    const all = [process(1, null), process(2, 1), process(3, 2), ...Array.from({ length: 500 }, (_, i) => process(100 + i, 3))];
    const built = model.build(graph(all), none);
    expect(built.rows.filter((r) => r.kind === "process").map((r) => r.key)).toEqual(["1", "2", "3"]);
    expect(built.folded).toBe(500);
    expect(model.momentsOf(graph(all), built.rows).length).toBeGreaterThanOrEqual(500);
  });
  it("opens in place: rows above stay where they were", () => {
    const all = [process(1, null), process(3, 1, { is_seed: true }), ...Array.from({ length: 9 }, (_, i) => process(100 + i, 1))];
    const closed = model.build(graph(all), none).rows.map((r) => r.key);
    const opened = model.build(graph(all), { ...none, open: new Set(["fold:1"]) }).rows.map((r) => r.key);
    const at = closed.indexOf("fold:1");
    expect(opened.slice(0, at)).toEqual(closed.slice(0, at));
    expect(opened.length).toBe(closed.length - 1 + 9);
  });
  it("does not lose processes whose parents go in a circle", () => {
    const built = model.build(graph([process(1, 2, { is_seed: true }), process(2, 1)]), none);
    expect(built.rows.length).toBeGreaterThan(0);
  });
});

describe("arrows", () => {
  it("join parallel connections between two processes of two hosts into one, and say how many", () => {
    const all = [process(1, null, { is_seed: true }), process(2, null, { host_id: "2", is_effect: true })];
    const objects = Array.from({ length: 9 }, (_, i) => ({ object_id: String(50 + i), host_id: "1", type: "socket", label: "", path: null, flow_id: String(50 + i), remote_ip: null, remote_port: null, is_network_flow: true, is_seed: false, is_cause: false, is_effect: true }));
    const edges = objects.flatMap((o, i) => [{ from_id: "1", to_id: o.object_id, kind: "send", count: 1, begin_wall_ns: second(10 + i), end_wall_ns: second(10 + i), size_bytes: 5 }, { from_id: o.object_id, to_id: "2", kind: "recv", count: 1, begin_wall_ns: second(10 + i), end_wall_ns: second(10 + i), size_bytes: 5 }]);
    const arrows = model.build(graph(all, { objects, edges }), none).arrows;
    expect(arrows).toHaveLength(1);
    expect(arrows[0]).toMatchObject({ from: "1", to: "2", count: 9, network: true });
  });
});

describe("the time axis", () => {
  const moments = [0, 1e6, 2e6, 600e6, 601e6].map((t) => t + 1.78e15);
  it("never goes back, and back again is the same time", () => {
    for (const mode of ["fit", "all", "order", "cut"] as const) {
      const axis = makeAxis(mode, moments, { from_us: moments[0]!, until_us: moments[4]! });
      let before = -1;
      for (const t of moments) {
        expect(axis.at(t)).toBeGreaterThan(before);
        before = axis.at(t);
        expect(Math.abs(axis.time(axis.at(t)) - t)).toBeLessThan(1000);
      }
    }
  });
  it("cuts idle stretches where it says so, and gives all events the same room in their order", () => {
    const cut = makeAxis("cut", moments, { from_us: moments[0]!, until_us: moments[4]! });
    expect(cut.breaks).toHaveLength(1);
    expect(cut.at(moments[3]!) - cut.at(moments[2]!)).toBeLessThan(0.06);
    const order = makeAxis("order", moments, { from_us: moments[0]!, until_us: moments[4]! });
    expect(order.at(moments[3]!) - order.at(moments[2]!)).toBeCloseTo(order.at(moments[1]!) - order.at(moments[0]!), 6);
  });
});
