// SPDX-License-Identifier: Apache-2.0
// Asking the server. Types are made of src/api/openapi.yaml.
import type { components, paths } from "../../generated/api";
import { untrack } from "svelte";
import { during } from "./busy";
import { nsOf } from "./time.svelte";
import type { Range } from "./range";

export type Schemas = components["schemas"];

type Get = { [P in keyof paths]: paths[P] extends { get: { responses: { 200: { content: { "application/json": infer T } } } } } ? T : never };
type GetPath = { [P in keyof Get]: Get[P] extends never ? never : P }[keyof Get];
type Ask = Record<string, string | number | boolean | null | undefined | string[]>;

export class Failure extends Error {
  constructor(readonly status: number, readonly title: string, readonly detail: string, readonly request_id: string, readonly position: number | null = null) {
    super(detail || title);
  }
}

/** `heard`: the id of the last thing that the event stream told; what is asked from then on knows of it. */
export const identity: { now: Schemas["Identity"] | null; failure: Failure | null; heard: string } = $state({ now: null, failure: null, heard: "" });

export function url(path: string, ask: Ask = {}): string {
  const query = new URLSearchParams();
  let filled = path;
  for (const [key, value] of Object.entries(ask)) {
    if (value === null || value === undefined || value === "") continue;
    if (filled.includes(`{${key}}`)) filled = filled.replace(`{${key}}`, encodeURIComponent(String(value)));
    else if (Array.isArray(value)) for (const each of value) query.append(key, each);
    else query.append(key, String(value));
  }
  const text = query.toString();
  return `/api/v1${filled}${text ? "?" + text : ""}`;
}

export const inRange = (range: Range): Ask => ({
  from_wall_ns: range.from_us === null ? null : nsOf(range.from_us),
  until_wall_ns: range.until_us === null ? null : nsOf(range.until_us),
});

/** What the reader was told of is in the answer, if it is so new that the server has to wait for it. */
const hearsay = (): Record<string, string> => {
  const heard = untrack(() => identity.heard);
  return heard ? { "Spoor-Heard": heard } : {};
};

async function failureOf(response: Response): Promise<Failure> {
  const text = await response.text().catch(() => "");
  try {
    const problem = JSON.parse(text) as Partial<Schemas["Problem"]>;
    return new Failure(response.status, problem.title ?? response.statusText, problem.detail ?? "", problem.request_id ?? "", problem.position ?? null);
  } catch {
    return new Failure(response.status, response.statusText || `status ${response.status}`, text.slice(0, 200), "");
  }
}

const ask = (method: string, address: string, body: unknown, signal?: AbortSignal): Promise<unknown> => during(asked(method, address, body, signal));

async function asked(method: string, address: string, body: unknown, signal?: AbortSignal): Promise<unknown> {
  const headers: Record<string, string> = { Accept: "application/json", ...hearsay() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && identity.now?.csrf_token) headers["X-CSRF-Token"] = identity.now.csrf_token;
  let response: Response;
  try {
    response = await fetch(address, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: signal ?? null, credentials: "same-origin" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure(0, "The server does not answer", "It was stopped, or the connection to it was lost.", "");
  }
  if (!response.ok) {
    const failure = await failureOf(response);
    if (response.status === 401 && identity.now?.state === "signed_in") identity.now = { ...identity.now, state: "signed_out" };
    throw failure;
  }
  if (response.status === 204) return null;
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new Failure(response.status, "The answer cannot be read", "What the server sent is not JSON.", "");
  }
}

export const get = <P extends GetPath>(path: P, parameters: Ask = {}, signal?: AbortSignal): Promise<Get[P]> =>
  ask("GET", url(path, parameters), undefined, signal) as Promise<Get[P]>;
export const send = <T>(method: "POST" | "PUT" | "DELETE", path: keyof paths, parameters: Ask, body?: unknown, signal?: AbortSignal): Promise<T> =>
  ask(method, url(path, parameters), body, signal) as Promise<T>;

export const getText = (path: string, parameters: Ask, signal?: AbortSignal): Promise<string> => during(text(path, parameters, signal));

async function text(path: string, parameters: Ask, signal?: AbortSignal): Promise<string> {
  const response = await fetch(url(path, parameters), { headers: hearsay(), signal: signal ?? null, credentials: "same-origin" });
  if (!response.ok) throw await failureOf(response);
  return response.text();
}

/** An answer on its way: what a page knows of it at each moment. The last good one stays until the next is there. */
export class Resource<T> {
  data: T | null = $state.raw(null);
  failure: Failure | null = $state.raw(null);
  loading = $state(false);
  since_ms = $state(0);
  got_ms = $state(0);
  private round = $state(0);
  private abort: AbortController | null = null;

  /** `load` reads what it depends on before it waits; it is asked again when that changes. Null: there is nothing to ask. */
  constructor(load: (signal: AbortSignal) => Promise<T> | null) {
    $effect(() => {
      void this.round;
      this.abort?.abort();
      const abort = new AbortController();
      this.abort = abort;
      const promise = load(abort.signal);
      if (promise === null) {
        this.data = null;
        this.loading = false;
        return;
      }
      this.loading = true;
      this.since_ms = performance.now();
      promise.then(
        (data) => {
          if (abort.signal.aborted) return;
          this.data = data;
          this.failure = null;
          this.loading = false;
          this.got_ms = Date.now();
        },
        (error: unknown) => {
          if (abort.signal.aborted) return;
          this.failure = error instanceof Failure ? error : new Failure(0, "This page failed", String(error), "");
          this.loading = false;
        },
      );
      return () => abort.abort();
    });
  }
  retry(): void {
    this.round++;
  }
  cancel(): void {
    this.abort?.abort();
    this.loading = false;
    this.failure = new Failure(0, "Cancelled", "The question was cancelled.", "");
  }
}
