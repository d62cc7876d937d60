// SPDX-License-Identifier: Apache-2.0
// One event stream for all tabs of a browser: each tab of its own would use up the six connections that HTTP/1.1 gets.
interface Port { postMessage(message: unknown): void; onmessage: ((event: MessageEvent) => void) | null }

const ports = new Set<Port>();
let source: EventSource | null = null;
let connected = false;

function tell(message: unknown): void {
  for (const port of ports) port.postMessage(message);
}
function open(): void {
  source = new EventSource("/api/v1/stream");
  source.onopen = () => tell({ state: (connected = true) });
  source.onerror = () => {
    if (connected) tell({ state: (connected = false) });
    // The browser tries again by itself, with Last-Event-ID, but for refusals: those it takes for the end.
    if (source?.readyState === EventSource.CLOSED) setTimeout(() => ports.size && open(), 3000);
  };
  for (const kind of ["alert", "session", "gap", "evidence", "stored"])
    source.addEventListener(kind, (event) => tell({ kind, id: (event as MessageEvent).lastEventId, data: JSON.parse(String((event as MessageEvent).data)) }));
}
(self as unknown as { onconnect: (event: MessageEvent) => void }).onconnect = (event) => {
  const port = event.ports[0] as unknown as Port;
  ports.add(port);
  port.onmessage = (message) => {
    if (message.data === "bye") ports.delete(port);
    if (ports.size === 0) {
      source?.close();
      source = null;
      connected = false;
    }
  };
  if (!source) open();
  else port.postMessage({ state: connected });
};
