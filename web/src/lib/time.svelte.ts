// SPDX-License-Identifier: Apache-2.0
// Times. The API gives ns since 1970 as decimal strings; pages reckon in microseconds, which a number holds exactly until 2255.

export type WallNs = string;

export const zone = $state({ local: localStorage.getItem("zone") === "local" });
export function toggleZone(): void {
  zone.local = !zone.local;
  localStorage.setItem("zone", zone.local ? "local" : "utc");
}
export function zoneName(): string {
  if (!zone.local) return "UTC";
  const minutes = -new Date().getTimezoneOffset();
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `UTC${minutes < 0 ? "−" : "+"}${hours}${rest ? ":" + String(rest).padStart(2, "0") : ""}`;
}

export const usOf = (ns: WallNs): number => Number(BigInt(ns) / 1000n);
export const nsOf = (us: number): WallNs => String(BigInt(Math.round(us)) * 1000n);

interface Parts {
  year: number; month: number; day: number; hour: number; minute: number; second: number; ms: number; us: number;
}
export function partsOf(us: number): Parts {
  const date = new Date(Math.floor(us / 1000));
  const rest = ((us % 1000) + 1000) % 1000;
  const ms = date.getUTCMilliseconds();
  return zone.local
    ? { year: date.getFullYear(), month: date.getMonth() + 1, day: date.getDate(), hour: date.getHours(), minute: date.getMinutes(), second: date.getSeconds(), ms, us: rest }
    : { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(), hour: date.getUTCHours(), minute: date.getUTCMinutes(), second: date.getUTCSeconds(), ms, us: rest };
}
const two = (n: number) => String(n).padStart(2, "0");
const three = (n: number) => String(n).padStart(3, "0");

export const dateText = (us: number): string => {
  const p = partsOf(us);
  return `${p.year}-${two(p.month)}-${two(p.day)}`;
};
/** "18:06:51.410"; digits: 0 seconds, 3 ms, 6 µs. */
export function clockText(us: number, digits: 0 | 3 | 6 = 3): string {
  const p = partsOf(us);
  const base = `${two(p.hour)}:${two(p.minute)}:${two(p.second)}`;
  return digits === 0 ? base : digits === 3 ? `${base}.${three(p.ms)}` : `${base}.${three(p.ms)}${three(p.us)}`;
}
export const stampText = (us: number, digits: 0 | 3 | 6 = 3): string => `${dateText(us)} ${clockText(us, digits)}`;

/** What a time of the API reads like. Nothing known and the epoch itself are not times. */
export function wallText(ns: WallNs | null | undefined, digits: 0 | 3 | 6 = 3): string {
  return ns === null || ns === undefined ? "not known" : ns === "0" ? "never" : stampText(usOf(ns), digits);
}

export function durationText(us: number): string {
  const s = Math.abs(us) / 1e6;
  if (s < 0.001) return `${Math.round(Math.abs(us))} µs`;
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 60) return `${s.toFixed(s < 10 ? 2 : 1)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${two(Math.floor(s % 60))} s`;
  if (s < 172800) return `${Math.floor(s / 3600)} h ${two(Math.floor((s % 3600) / 60))} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

export function bytesText(n: number | null | undefined): string {
  if (n === null || n === undefined) return "–";
  if (n < 1000) return `${n} B`;
  for (const [unit, size] of [["kB", 1e3], ["MB", 1e6], ["GB", 1e9], ["TB", 1e12]] as const)
    if (n < size * 1000) return `${(n / size).toFixed(n / size < 10 ? 1 : 0)} ${unit}`;
  return `${(n / 1e15).toFixed(1)} PB`;
}
export const countText = (n: number): string => n.toLocaleString("en-US");
