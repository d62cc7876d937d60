// SPDX-License-Identifier: Apache-2.0
// The same nodes as Tree, as boxes: a lane for each host, parents to the left of children, flows in red between lanes.
import { visible } from "../lib/visible";
import type { Model, Row } from "./model";

export interface Box { key: string; x: number; y: number; w: number; h: number; kind: "process" | "fold" | "remote" | "file"; title: string; sub: string; root: boolean; rose: boolean; seed: boolean; alerts: number; row: Row | null }
export interface Lane { key: string; name: string; y: number; h: number }
export interface Wire { key: string; path: string; kind: "fork" | "flow" | "data"; from: string; to: string; label: string; lx: number; ly: number }
export interface Lanes { boxes: Box[]; lanes: Lane[]; wires: Wire[]; width: number; height: number }

const box_w = 160, box_h = 34, step_x = 182, step_y = 45, top = 30;
const cut = (text: string, most: number): string => (text.length > most ? text.slice(0, most - 1) + "…" : text);

/** Of flows through files and pipes only those of `selected` are drawn: all at once hide the boxes. */
export function layout(model: Model, selected: string): Lanes {
  const boxes: Box[] = [];
  const lanes: Lane[] = [];
  const wires: Wire[] = [];
  const place = new Map<string, Box>();
  let y = 8;
  let lane: Lane | null = null;
  const stack: { key: string; depth: number }[] = [];
  let line = 0;
  let before_depth = 0;
  const close = (): void => {
    if (!lane) return;
    lane.h = top + (line + 1) * step_y + 8;
    y = lane.y + lane.h + 26;
  };
  for (const row of model.rows) {
    if (row.kind === "host") {
      close();
      lane = { key: row.key, name: row.host ? visible(row.host.name) : "outside", y, h: 0 };
      lanes.push(lane);
      line = -1;
      before_depth = 99;
      stack.length = 0;
      continue;
    }
    while (stack.length && stack[stack.length - 1]!.depth >= row.depth) stack.pop();
    const parent = stack[stack.length - 1];
    // A first child goes on in the line of its parent.
    if (row.depth <= before_depth) line++;
    before_depth = row.depth;
    const base = { x: 12 + (row.depth - 1) * step_x, y: (lane?.y ?? 0) + top + line * step_y, w: box_w, h: box_h, key: row.key, row };
    const box: Box =
      row.kind === "process" ? { ...base, kind: "process", title: cut(visible(`${row.process.name} ${row.process.pid}`), 17), sub: cut(visible(row.process.label), 22), root: row.process.is_root, rose: row.process.rose_to_root, seed: row.process.is_seed, alerts: row.alerts.length }
      : row.kind === "fold" ? { ...base, kind: "fold", title: `${row.processes.length} folded`, sub: cut(visible(row.label), 22), root: row.root, rose: false, seed: false, alerts: 0 }
      : { ...base, kind: "remote", title: visible(row.ip), sub: `${row.things.length} flows`, root: false, rose: false, seed: false, alerts: 0 };
    boxes.push(box);
    place.set(row.key, box);
    if (parent && row.kind !== "remote") {
      const from = place.get(parent.key)!;
      const x1 = from.x + box_w, y1 = from.y + box_h / 2, x2 = box.x, y2 = box.y + box_h / 2, middle = x1 + (x2 - x1) / 2;
      wires.push({ key: `${parent.key}-${row.key}`, kind: "fork", from: parent.key, to: row.key, path: y1 === y2 ? `M${x1} ${y1}H${x2}` : `M${x1} ${y1}H${middle}V${y2}H${x2}`, label: "", lx: 0, ly: 0 });
    }
    stack.push({ key: row.key, depth: row.depth });
  }
  close();
  let n = 0;
  for (const arrow of model.arrows) {
    if (!arrow.network && arrow.from !== selected && arrow.to !== selected) continue;
    const a = place.get(arrow.from), b = place.get(arrow.to);
    if (!a || !b) continue;
    n++;
    // Flows leave below or above, and run in the gutter on the right of the farther box.
    const down = b.y > a.y;
    const x1 = a.x + 26 + (n % 5) * 9, y1 = down ? a.y + box_h : a.y;
    const x2 = b.x + 26 + (n % 5) * 9, y2 = down ? b.y - 2 : b.y + box_h + 2;
    const gutter = (down ? y1 : y2) + 6 + (n % 3) * 2;
    wires.push({ key: arrow.key, kind: arrow.network ? "flow" : "data", from: arrow.from, to: arrow.to, path: `M${x1} ${y1}V${down ? gutter : y1 - 5}H${x2}V${y2}`, label: arrow.count > 1 ? `×${arrow.count}` : "", lx: x2 + 4, ly: down ? y2 - 6 : y2 + 14 });
  }
  return { boxes, lanes, wires, width: Math.max(600, ...boxes.map((b) => b.x + b.w)) + 24, height: y };
}
