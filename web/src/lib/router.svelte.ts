// SPDX-License-Identifier: Apache-2.0
// The address is the state of a page: what is in it is seen again by whoever opens it.
import { addressTime, timeOfAddress, type Range } from "./range";

export const route = $state({ path: location.pathname, query: new URLSearchParams(location.search), hash: location.hash });

function read(): void {
  route.path = location.pathname;
  route.query = new URLSearchParams(location.search);
}
addEventListener("popstate", read);

/** Goes to an address of ours. `replace`: the step before is not one to come back to. */
export function go(address: string, replace = false): void {
  if (address === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", address);
  const other = route.path !== location.pathname;
  read();
  if (other) window.scrollTo(0, 0);
}

export type Query = Record<string, string | number | boolean | null | undefined | string[]>;

function written(path: string, query: URLSearchParams): string {
  // Readable addresses: what need not be escaped in a query is not.
  const text = [...query].map(([k, v]) => `${k}=${encodeURIComponent(v).replace(/%3A/g, ":").replace(/%2F/g, "/").replace(/%2C/g, ",").replace(/%20/g, "+")}`).join("&");
  return text ? `${path}?${text}` : path;
}
function put(query: URLSearchParams, changes: Query): void {
  for (const [key, value] of Object.entries(changes)) {
    query.delete(key);
    if (value === null || value === undefined || value === "" || value === false) continue;
    if (Array.isArray(value)) for (const each of value) query.append(key, each);
    else query.set(key, value === true ? "1" : String(value));
  }
}

/** An address; the range travels along unless `query` has one of its own. */
export function to(path: string, query: Query = {}): string {
  const next = new URLSearchParams();
  for (const key of ["from", "until"]) {
    const value = route.query.get(key);
    if (value) next.set(key, value);
  }
  put(next, query);
  return written(path, next);
}
/** This page with some of its state changed. */
export function here(changes: Query): string {
  const next = new URLSearchParams(route.query);
  put(next, changes);
  return written(route.path, next);
}
export const setHere = (changes: Query, replace = false): void => go(here(changes), replace);
export const value = (key: string): string => route.query.get(key) ?? "";
export const values = (key: string): string[] => route.query.getAll(key);

export function range(): Range {
  return { from_us: timeOfAddress(route.query.get("from")), until_us: timeOfAddress(route.query.get("until")) };
}
export function rangeQuery(next: Range): Query {
  return { from: next.from_us === null ? null : addressTime(next.from_us), until: next.until_us === null ? null : addressTime(next.until_us) };
}

/** Links are followed without loading the application again. */
export function follow(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest("a");
  if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin || link.pathname.startsWith("/api/")) return;
  if (link.hash && link.pathname === location.pathname) return;
  event.preventDefault();
  go(link.pathname + link.search);
}
