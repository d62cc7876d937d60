// SPDX-License-Identifier: Apache-2.0
// What arrives by itself. Pages never change under the reader: they show how much is new, and take it when told to.
import { identity, type Schemas } from "./api.svelte";

type Message = { state: boolean } | { kind: "alert"; id: string; data: Schemas["Alert"] } | { kind: "session"; id: string; data: Schemas["FirstInput"] } | { kind: "gap"; data: Schemas["Gap"] } | { kind: "evidence"; data: Schemas["Evidence"] } | { kind: "stored"; data: unknown };

export const live = $state({
  state: "off" as "off" | "connecting" | "live" | "lost" | "paused",
  lost_since_ms: 0,
  alerts: [] as Schemas["Alert"][],
  sessions: [] as Schemas["FirstInput"][],
  evidence: null as Schemas["Evidence"] | null,
  /** How often something was stored: pages offer what is new when it grows. */
  stored: 0,
});

let worker: SharedWorker | null = null;
export function listen(): void {
  if (worker || !identity.now?.live || typeof SharedWorker === "undefined") return;
  live.state = "connecting";
  worker = new SharedWorker(new URL("./live_worker.ts", import.meta.url), { type: "module", name: "spoor-live" });
  worker.port.onmessage = (event: MessageEvent<Message>) => {
    const message = event.data;
    if ("state" in message) {
      if (live.state === "paused") return;
      live.state = message.state ? "live" : "lost";
      if (!message.state) live.lost_since_ms = Date.now();
      return;
    }
    if (live.state === "paused") return;
    live.state = "live";
    if (message.kind === "alert" || message.kind === "session") identity.heard = message.id;
    if (message.kind === "alert") live.alerts = [message.data, ...live.alerts].slice(0, 500);
    else if (message.kind === "session") live.sessions = [message.data, ...live.sessions].slice(0, 100);
    else if (message.kind === "evidence") live.evidence = message.data;
    else if (message.kind === "stored") live.stored++;
  };
  worker.port.start();
  addEventListener("pagehide", () => worker?.port.postMessage("bye"));
}
export function pauseOrResume(): void {
  live.state = live.state === "paused" ? "live" : "paused";
}
