// SPDX-License-Identifier: Apache-2.0
// What was recorded when: asked for once for each range, read by all pages.
import type { Schemas } from "./api.svelte";
import type { Range } from "./range";
import { usOf } from "./time.svelte";

export type Coverage = Schemas["Coverage"];
export const coverage = $state<{ now: Coverage | null; evidence: Schemas["Evidence"] | null }>({ now: null, evidence: null });

export interface Span { from_us: number; until_us: number }

/** First and last moment of a range, the open sides being those of the store. Null: nothing is stored. */
export function spanOf(range: Range, c: Coverage | null = coverage.now): Span | null {
  const first = c?.first_wall_ns ? usOf(c.first_wall_ns) : null;
  const last = c?.last_wall_ns ? usOf(c.last_wall_ns) + 1 : null;
  const from_us = range.from_us ?? first;
  const until_us = range.until_us ?? last;
  return from_us === null || until_us === null ? null : { from_us, until_us: Math.max(until_us, from_us + 1) };
}

export const hostName = (host_id: string | null): string => coverage.now?.hosts.find((h) => h.host_id === host_id)?.name ?? "";
export const hostIdOf = (name: string): string | null => coverage.now?.hosts.find((h) => h.name === name)?.host_id ?? null;

/** How much of `span` was recorded, of one host or of any. */
export function recorded(span: Span, host_id: string | null): { share: "whole" | "part" | "none"; gaps: Schemas["Gap"][] } {
  const hosts = (coverage.now?.hosts ?? []).filter((h) => !host_id || h.host_id === host_id);
  const last = coverage.now?.last_wall_ns ? usOf(coverage.now.last_wall_ns) : span.until_us;
  let share: "whole" | "part" | "none" = "none";
  for (const host of hosts) {
    let reached = span.from_us;
    let any = false;
    const parts = host.recordings.map((r) => ({ from: usOf(r.begin_wall_ns), until: r.end_wall_ns ? usOf(r.end_wall_ns) + 1 : last + 1 })).sort((a, b) => a.from - b.from);
    for (const part of parts) {
      if (part.until <= span.from_us || part.from >= span.until_us) continue;
      any = true;
      if (part.from <= reached) reached = Math.max(reached, part.until);
    }
    if (reached >= span.until_us) share = "whole";
    else if (any && share === "none") share = "part";
  }
  const gaps = hosts.flatMap((h) => h.gaps).filter((g) => usOf(g.until_wall_ns) >= span.from_us && usOf(g.from_wall_ns) <= span.until_us);
  return { share, gaps };
}
