// SPDX-License-Identifier: Apache-2.0
// From an answer of /graph to the rows of Proc View: host bands, trees, folds, and the arrows between rows.
import type { Schemas } from "../lib/api.svelte";
import { usOf } from "../lib/time.svelte";

export type Graph = Schemas["Graph"];
export type Process = Schemas["GraphProcess"];
export type Thing = Schemas["GraphObject"];
export type Alert = Schemas["Alert"];

export interface Span { from_us: number | null; until_us: number | null }
export type Row =
  | { kind: "host"; key: string; host: Graph["hosts"][number] | null; depth: 0; rank: string }
  | { kind: "remote"; key: string; ip: string; things: Thing[]; span: Span; depth: 1; on_path: boolean }
  | { kind: "process"; key: string; process: Process; depth: number; children: number; open: boolean; guides: boolean[]; last: boolean; alerts: Alert[]; span: Span; on_path: boolean; files: Thing[] }
  | { kind: "fold"; key: string; depth: number; guides: boolean[]; last: boolean; processes: Process[]; span: Span; label: string; root: boolean; files_written: number; files_read: number };

export interface Arrow {
  key: string; from: string; to: string; at_us: number; until_us: number; count: number; bytes: number; network: boolean; flow_id: string | null; object_id: string; on_path: boolean; label: string; backwards: boolean;
}
export interface Model {
  rows: Row[]; arrows: Arrow[]; by_key: Map<string, number>; shown: number; folded: number; protected_ids: Set<string>;
  /** Which row stands for a process or object: itself, its fold, or the address at the other end. */
  row_of: Map<string, string>;
}

const us = (ns: string | null): number | null => (ns === null || ns === "0" ? null : usOf(ns));
export const spanOf = (p: Process): Span => ({ from_us: us(p.start_wall_ns), until_us: us(p.end_wall_ns) });
const begin = (p: Process): number => us(p.start_wall_ns) ?? -Infinity;
export const onPath = (x: { is_seed: boolean; is_cause: boolean; is_effect: boolean }): boolean => x.is_seed || x.is_cause || x.is_effect;

/** Processes at both ends of each object: who wrote into it, who read from it. */
function ends(graph: Graph): Map<string, { writers: Schemas["GraphEdge"][]; readers: Schemas["GraphEdge"][] }> {
  const processes = new Set(graph.processes.map((p) => p.process_id));
  const out = new Map<string, { writers: Schemas["GraphEdge"][]; readers: Schemas["GraphEdge"][] }>();
  const of = (id: string) => {
    let there = out.get(id);
    if (!there) out.set(id, (there = { writers: [], readers: [] }));
    return there;
  };
  for (const edge of graph.edges) {
    const from = processes.has(edge.from_id);
    const to = processes.has(edge.to_id);
    if (from && !to) of(edge.to_id).writers.push(edge);
    else if (!from && to) of(edge.from_id).readers.push(edge);
  }
  return out;
}

/** What no fold may swallow: the path, alerts, flows to other hosts and both their ends, who became root, what was typed. */
export function protectedOf(graph: Graph, pinned: Set<string>): Set<string> {
  const out = new Set<string>();
  const path_size = graph.processes.filter(onPath).length;
  const network = new Set(graph.objects.filter((o) => o.is_network_flow).map((o) => o.object_id));
  const alerted = new Set(graph.alerts.flatMap((a) => (a.process_id ? [a.process_id] : [])));
  for (const p of graph.processes) {
    const matters = p.is_seed || p.is_cause || p.rose_to_root || p.typed || alerted.has(p.process_id) || pinned.has(p.process_id);
    // Of effects all are kept while one screen or two can show them.
    if (matters || (p.is_effect && (path_size <= 250 || p.flows > 0 || p.files_written > 0))) out.add(p.process_id);
  }
  const ids = new Set(graph.processes.map((p) => p.process_id));
  for (const edge of graph.edges) {
    if (network.has(edge.to_id) && ids.has(edge.from_id)) out.add(edge.from_id);
    if (network.has(edge.from_id) && ids.has(edge.to_id)) out.add(edge.to_id);
  }
  const parent = new Map(graph.processes.map((p) => [p.process_id, p.parent_process_id]));
  for (const id of [...out]) for (let up = parent.get(id) ?? null; up !== null && ids.has(up) && !out.has(up); up = parent.get(up) ?? null) out.add(up);
  return out;
}

function foldLabel(processes: Process[]): string {
  const counts = new Map<string, number>();
  for (const p of processes) counts.set(p.name, (counts.get(p.name) ?? 0) + 1);
  const names = [...counts].sort((a, b) => b[1] - a[1]);
  const text = names.slice(0, 4).map(([name, n]) => (n > 1 ? `${name} ×${n}` : name)).join("  ");
  return names.length > 4 ? `${text}  and ${names.length - 4} others` : text;
}

const short_list = 40;

export interface Options { open: Set<string>; closed: Set<string>; depth: number; pinned?: Set<string> }

export function build(graph: Graph, options: Options): Model {
  const by_id = new Map(graph.processes.map((p) => [p.process_id, p]));
  const kept = protectedOf(graph, options.pinned ?? new Set());
  const children = new Map<string, Process[]>();
  const roots = new Map<string, Process[]>();
  for (const p of graph.processes) {
    const parent = p.parent_process_id !== null && p.parent_process_id !== p.process_id ? by_id.get(p.parent_process_id) : undefined;
    const list = parent && parent.host_id === p.host_id ? children : roots;
    const key = list === children ? p.parent_process_id! : p.host_id;
    const there = list.get(key);
    if (there) there.push(p);
    else list.set(key, [p]);
  }
  // Of parents that go in a circle (nobody's record, but a store may say so) one is taken for the top.
  const reached = new Set<string>();
  const reach = (top: Process): void => {
    const stack = [top];
    while (stack.length) {
      const p = stack.pop()!;
      if (reached.has(p.process_id)) continue;
      reached.add(p.process_id);
      stack.push(...(children.get(p.process_id) ?? []));
    }
  };
  for (const list of roots.values()) list.forEach(reach);
  for (const p of graph.processes)
    if (!reached.has(p.process_id)) {
      roots.set(p.host_id, [...(roots.get(p.host_id) ?? []), p]);
      reach(p);
    }
  for (const list of [...children.values(), ...roots.values()]) list.sort((a, b) => begin(a) - begin(b) || a.pid - b.pid);
  const alerts_of = new Map<string, Alert[]>();
  for (const alert of graph.alerts) if (alert.process_id) alerts_of.set(alert.process_id, [...(alerts_of.get(alert.process_id) ?? []), alert]);
  const sides = ends(graph);
  const objects = new Map(graph.objects.map((o) => [o.object_id, o]));
  const files_of = new Map<string, Thing[]>();
  for (const edge of graph.edges)
    for (const [process, object] of [[edge.from_id, edge.to_id], [edge.to_id, edge.from_id]] as const) {
      const thing = by_id.has(process) ? objects.get(object) : undefined;
      if (!thing || thing.is_network_flow || !thing.path) continue;
      const list = files_of.get(process) ?? [];
      if (!list.includes(thing)) files_of.set(process, [...list, thing]);
    }

  const rows: Row[] = [];
  const row_of = new Map<string, string>();
  let folded = 0;
  const seen = new Set<string>();

  const wholeTree = (top: Process): Process[] => {
    const out: Process[] = [];
    const stack = [top];
    while (stack.length) {
      const p = stack.pop()!;
      if (seen.has(p.process_id)) continue;
      seen.add(p.process_id);
      out.push(p);
      stack.push(...(children.get(p.process_id) ?? []));
    }
    return out;
  };
  function place(list: Process[], under: string, depth: number, guides: boolean[]): void {
    const free = list.filter((p) => !kept.has(p.process_id));
    const key = `fold:${under}`;
    // Where nothing is known to matter more, a short list is read sooner than its fold is opened.
    const short = kept.size === 0 && free.length <= short_list;
    const fold = free.length > 0 && !short && !options.open.has(key) && (free.length > 1 || (children.get(free[0]!.process_id)?.length ?? 0) > 0 || depth > 1);
    const shown = fold ? list.filter((p) => kept.has(p.process_id)) : list;
    shown.forEach((p, i) => {
      if (seen.has(p.process_id)) return;
      seen.add(p.process_id);
      const mine = children.get(p.process_id) ?? [];
      const last = i === shown.length - 1 && !fold;
      const below_limit = options.depth > 0 && depth >= options.depth;
      const open = mine.length > 0 && (options.open.has(p.process_id) || (!options.closed.has(p.process_id) && !below_limit));
      rows.push({ kind: "process", key: p.process_id, process: p, depth, children: mine.length, open, guides, last, alerts: alerts_of.get(p.process_id) ?? [], span: spanOf(p), on_path: onPath(p), files: files_of.get(p.process_id) ?? [] });
      row_of.set(p.process_id, p.process_id);
      if (open) place(mine, p.process_id, depth + 1, [...guides, !last]);
      else
        for (const child of mine)
          for (const hidden of wholeTree(child)) {
            row_of.set(hidden.process_id, p.process_id);
            folded++;
          }
    });
    if (!fold) return;
    const inside = free.flatMap(wholeTree);
    if (inside.length === 0) return;
    const spans = inside.map(spanOf);
    const froms = spans.flatMap((s) => (s.from_us === null ? [] : [s.from_us]));
    const untils = spans.map((s) => s.until_us);
    rows.push({
      kind: "fold", key, depth, guides, last: true, processes: inside, label: foldLabel(inside), root: inside.some((p) => p.is_root), files_written: inside.reduce((n, p) => n + p.files_written, 0), files_read: inside.reduce((n, p) => n + p.files_read, 0),
      span: { from_us: froms.length === spans.length ? Math.min(...froms) : null, until_us: untils.every((u) => u !== null) ? Math.max(...(untils as number[])) : null },
    });
    for (const p of inside) row_of.set(p.process_id, key);
    folded += inside.length;
  }

  // Ends outside of all recorded hosts come first.
  const remotes = new Map<string, Thing[]>();
  for (const o of graph.objects) if (o.is_network_flow && o.remote_ip) remotes.set(o.remote_ip, [...(remotes.get(o.remote_ip) ?? []), o]);
  if (remotes.size > 0) {
    rows.push({ kind: "host", key: "outside", host: null, depth: 0, rank: "outside" });
    const edge_times = new Map<string, number[]>();
    for (const e of graph.edges) for (const id of [e.from_id, e.to_id]) if (objects.get(id)?.remote_ip) edge_times.set(id, [...(edge_times.get(id) ?? []), usOf(e.begin_wall_ns), usOf(e.end_wall_ns)]);
    const list = [...remotes].map(([ip, things]) => {
      const at = things.flatMap((o) => edge_times.get(o.object_id) ?? []);
      return { ip, things, from: at.length ? Math.min(...at) : null, until: at.length ? Math.max(...at) : null };
    }).sort((a, b) => (a.from ?? 0) - (b.from ?? 0));
    for (const { ip, things, from, until } of list) {
      rows.push({ kind: "remote", key: `remote:${ip}`, ip, things, span: { from_us: from, until_us: until }, depth: 1, on_path: things.some(onPath) });
      for (const o of things) row_of.set(o.object_id, `remote:${ip}`);
    }
  }
  for (const host of graph.hosts) {
    const list = roots.get(host.host_id) ?? [];
    if (list.length === 0) continue;
    rows.push({ kind: "host", key: `host:${host.host_id}`, host, depth: 0, rank: host.host_id });
    if (!options.closed.has(`host:${host.host_id}`)) place(list, `host:${host.host_id}`, 1, []);
  }

  const by_key = new Map(rows.map((row, i) => [row.key, i]));
  const arrows = new Map<string, Arrow>();
  // Several events go through one connection: it counts once.
  const flows_of = new Map<string, Set<string>>();
  const uncertain = Math.max(0, ...graph.hosts.map((h) => (h.clock ? Number(h.clock.uncertainty_ns) / 1000 : 0)));
  for (const [id, { writers, readers }] of sides) {
    const o = objects.get(id);
    if (!o) continue;
    const pairs: { from: string; to: string; w: Schemas["GraphEdge"] | null; r: Schemas["GraphEdge"] | null }[] = [];
    if (o.is_network_flow && o.remote_ip) {
      for (const r of readers) pairs.push({ from: `remote:${o.remote_ip}`, to: row_of.get(r.to_id) ?? "", w: null, r });
      for (const w of writers) pairs.push({ from: row_of.get(w.from_id) ?? "", to: `remote:${o.remote_ip}`, w, r: null });
    } else for (const w of writers) for (const r of readers) if (w.from_id !== r.to_id) pairs.push({ from: row_of.get(w.from_id) ?? "", to: row_of.get(r.to_id) ?? "", w, r });
    for (const { from, to, w, r } of pairs) {
      if (!from || !to || from === to) continue;
      // What was read before it was written did not come from there; between hosts the clocks may be why.
      const backwards = !!w && !!r && usOf(r.end_wall_ns) + uncertain < usOf(w.begin_wall_ns);
      if (backwards && !o.is_network_flow) continue;
      const key = `${from}>${to}>${o.is_network_flow ? "net" : id}`;
      const at_us = usOf((w ?? r)!.begin_wall_ns);
      const until_us = usOf((r ?? w)!.begin_wall_ns);
      const there = arrows.get(key);
      const bytes = (w ?? r)!.size_bytes ?? 0;
      if (there) {
        there.count = flows_of.get(key)!.add(o.flow_id ?? id).size;
        there.bytes += bytes;
        if (at_us < there.at_us) Object.assign(there, { at_us, until_us });
        there.on_path ||= onPath(o);
      } else {
        flows_of.set(key, new Set([o.flow_id ?? id]));
        arrows.set(key, { key, from, to, at_us, until_us, count: 1, bytes, network: o.is_network_flow, flow_id: o.flow_id, object_id: id, on_path: onPath(o), label: o.path ?? o.label, backwards });
      }
    }
  }
  return { rows, arrows: [...arrows.values()].sort((a, b) => a.at_us - b.at_us), by_key, shown: graph.processes.length - folded, folded, protected_ids: kept, row_of };
}

/** Moments that the time axis should show: what happened, not how long daemons had been there. */
export function momentsOf(graph: Graph, rows: Row[]): number[] {
  const out: number[] = [];
  const push = (t: number | null) => { if (t !== null && Number.isFinite(t)) out.push(t); };
  for (const row of rows)
    for (const process of row.kind === "process" ? [row.process] : row.kind === "fold" ? row.processes : [])
      if (!process.baseline) push(spanOf(process).from_us);
  for (const edge of graph.edges) push(us(edge.begin_wall_ns));
  for (const alert of graph.alerts) push(us(alert.wall_ns));
  push(us(graph.seed_wall_ns));
  return out.sort((a, b) => a - b);
}
