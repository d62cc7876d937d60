// SPDX-License-Identifier: Apache-2.0
// The time axis of Proc View: time to a place in [0, 1], in several ways, all without steps back.

export type AxisMode = "fit" | "all" | "order" | "cut";
export interface Axis {
  mode: AxisMode;
  at(t_us: number): number;
  time(place: number): number;
  /** Stretches that were cut out, as places. */
  breaks: { place: number; length_us: number }[];
}

function pieces(points: [number, number][]): { at(t: number): number; time(u: number): number } {
  const along = (from: 0 | 1, into: 0 | 1) => (x: number): number => {
    let low = 0, high = points.length - 1;
    while (low < high - 1) {
      const middle = (low + high) >> 1;
      if (points[middle]![from] <= x) low = middle;
      else high = middle;
    }
    const a = points[low]!, b = points[Math.min(low + 1, points.length - 1)]!;
    const width = b[from] - a[from];
    return width === 0 ? a[into] : a[into] + ((x - a[from]) / width) * (b[into] - a[into]);
  };
  return { at: along(0, 1), time: along(1, 0) };
}

export function makeAxis(mode: AxisMode, moments: number[], all: { from_us: number; until_us: number }): Axis {
  const first = moments[0] ?? all.from_us;
  const last = Math.max(first + 1000, moments[moments.length - 1] ?? all.until_us);
  const margin = Math.max(1000, (last - first) * 0.03);
  if (mode === "all") {
    const until = Math.max(all.until_us, all.from_us + 1000);
    return { mode, breaks: [], ...pieces([[all.from_us, 0], [until, 1]]) };
  }
  if (mode === "fit" || moments.length < 2) return { mode, breaks: [], ...pieces([[first - margin, 0], [last + margin, 1]]) };
  const distinct = [...new Set(moments)];
  if (mode === "order") {
    const points: [number, number][] = [[first - margin, 0]];
    distinct.forEach((t, i) => points.push([t, (i + 1) / (distinct.length + 1)]));
    points.push([last + margin, 1]);
    return { mode, breaks: [], ...pieces(points) };
  }
  // Stretches in which nothing happened for longer than a twentieth of all become a hundredth and a half of it.
  const long = (last - first) / 20;
  let busy = 2 * Math.min(margin, long);
  let cuts = 0;
  for (let i = 1; i < distinct.length; i++) {
    const step = distinct[i]! - distinct[i - 1]!;
    if (step > long) cuts++;
    else busy += step;
  }
  const cut_width = cuts > 0 ? Math.min(0.04, 0.5 / cuts) : 0;
  const scale = (1 - cuts * cut_width) / Math.max(1, busy);
  const edge = Math.min(margin, long);
  const points: [number, number][] = [[first - edge, 0], [first, edge * scale]];
  const breaks: Axis["breaks"] = [];
  for (let i = 1; i < distinct.length; i++) {
    const step = distinct[i]! - distinct[i - 1]!;
    const before = points[points.length - 1]![1];
    if (step > long) breaks.push({ place: before + cut_width / 2, length_us: step });
    points.push([distinct[i]!, before + (step > long ? cut_width : step * scale)]);
  }
  points.push([last + edge, 1]);
  return { mode, breaks, ...pieces(points) };
}

const steps_us = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 1.5e7, 3e7, 6e7, 1.2e8, 3e8, 6e8, 9e8, 1.8e9, 3.6e9, 7.2e9, 1.08e10, 2.16e10, 4.32e10, 8.64e10, 1.728e11, 6.048e11, 2.592e12];
/** Ticks of a stretch of the axis, at most about `most`. On the axis by order, at places instead of round times. */
export function ticks(axis: Axis, from: number, until: number, most: number): { place: number; us: number; step_us: number }[] {
  if (axis.mode === "order" || axis.mode === "cut") {
    const out = [];
    for (let i = 0; i <= most; i++) {
      const place = from + ((until - from) * (i + 0.5)) / (most + 1);
      out.push({ place, us: axis.time(place), step_us: 1000 });
    }
    return out;
  }
  const a = axis.time(from), b = axis.time(until);
  const step = steps_us.find((s) => (b - a) / s <= most) ?? steps_us[steps_us.length - 1]!;
  const out = [];
  for (let t = Math.ceil(a / step) * step; t <= b; t += step) out.push({ place: axis.at(t), us: t, step_us: step });
  return out;
}
