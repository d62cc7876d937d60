// SPDX-License-Identifier: Apache-2.0
// The range field: what a person types, as two moments.
import { stampText, usOf, zone, type WallNs } from "./time.svelte";

export interface Range {
  from_us: number | null;
  until_us: number | null;
}

const unit_us: Record<string, number> = { ms: 1e3, s: 1e6, sec: 1e6, min: 6e7, m: 6e7, h: 3.6e9, hour: 3.6e9, hours: 3.6e9, d: 8.64e10, day: 8.64e10, days: 8.64e10, w: 6.048e11, week: 6.048e11, weeks: 6.048e11 };

function momentOf(text: string): { us: number; width_us: number } | null {
  const found = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?)?\s*(Z|UTC|[+-]\d\d:?\d\d)?$/i.exec(text);
  if (!found) return /^\d{18,19}$/.test(text) ? { us: usOf(text), width_us: 1 } : null;
  const [, year, month, day, hour, minute, second, fraction, offset] = found;
  const numbers = [year, month, day, hour ?? "0", minute ?? "0", second ?? "0"].map(Number) as [number, number, number, number, number, number];
  const [y, mo, d, h, mi, s] = numbers;
  if (mo < 1 || mo > 12 || d < 1 || d > 31 || h > 23 || mi > 59 || s > 59) return null;
  let ms = Date.UTC(y, mo - 1, d, h, mi, s);
  if (offset && /^[+-]/.test(offset)) {
    const sign = offset.startsWith("-") ? 1 : -1;
    ms += sign * (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(-2))) * 60000;
  } else if (!offset && zone.local) ms = new Date(y, mo - 1, d, h, mi, s).getTime();
  const us = ms * 1000 + Math.floor(Number((fraction ?? "").padEnd(6, "0").slice(0, 6)));
  return { us, width_us: hour === undefined ? 8.64e10 : minute === undefined ? 3.6e9 : second === undefined ? 6e7 : 1e6 };
}

/** `all`, `last 24h` (back from `now_us`), `MOMENT ±5m`, `MOMENT → MOMENT` (also `..`, `to`), `MOMENT`. Null: not understood. */
export function parseRange(typed: string, now_us: number): Range | null {
  const text = typed.trim().replace(/\s+/g, " ");
  if (text === "" || /^(all|everything)$/i.test(text)) return { from_us: null, until_us: null };
  const last = /^(?:last )?(\d+(?:\.\d+)?) ?([a-z]+)$/i.exec(text);
  if (last) {
    const size = unit_us[last[2]!.toLowerCase()];
    return size === undefined ? null : { from_us: now_us - Number(last[1]) * size, until_us: now_us };
  }
  const about = /^(.*?) ?(?:±|\+\/-|\+-) ?(\d+(?:\.\d+)?) ?([a-z]+)$/i.exec(text);
  if (about) {
    const middle = momentOf(about[1]!.trim());
    const size = unit_us[about[3]!.toLowerCase()];
    if (!middle || size === undefined) return null;
    return { from_us: middle.us - Number(about[2]) * size, until_us: middle.us + Number(about[2]) * size };
  }
  const two = /^(.+?) ?(?:→|->|\.\.|–|\bto\b) ?(.+?)(?: (?:UTC|Z))?$/i.exec(text);
  if (two) {
    const from = momentOf(two[1]!.trim());
    let second = two[2]!.trim();
    // "2026-06-02 18:00 → 19:00" and "… → 06-03 19:00": the rest is as in the first.
    const day = /^(\d{4}-\d\d-\d\d)/.exec(two[1]!.trim())?.[1];
    if (day && /^\d\d:\d\d/.test(second)) second = `${day} ${second}`;
    else if (day && /^\d\d-\d\d /.test(second)) second = `${day.slice(0, 5)}${second}`;
    const until = momentOf(second);
    if (!from || !until || until.us <= from.us) return null;
    return { from_us: from.us, until_us: until.us };
  }
  const one = momentOf(text);
  return one ? { from_us: one.us, until_us: one.us + one.width_us } : null;
}

export function rangeText(range: Range): string {
  if (range.from_us === null && range.until_us === null) return "all that is stored";
  const side = (us: number | null, other: string) => (us === null ? other : stampText(us, us % 1e6 === 0 ? 0 : us % 1e3 === 0 ? 3 : 6));
  return `${side(range.from_us, "begin")} → ${side(range.until_us, "end")}`;
}

/** In the address: absolute, in UTC, exact to the microsecond. */
export const addressTime = (us: number): string =>
  new Date(Math.floor(us / 1000)).toISOString().replace("Z", us % 1000 ? String(((us % 1000) + 1000) % 1000).padStart(3, "0") + "Z" : "Z").replace(/\.000Z$/, "Z");
export const timeOfAddress = (text: string | null): number | null => {
  const moment = text ? momentOf(text) : null;
  return moment ? moment.us : null;
};
export type { WallNs };
