// SPDX-License-Identifier: Apache-2.0
// All keys in one table: what acts on them, and what `?` lists.
import { onMount } from "svelte";

export interface Key { keys: string; does: string; where: string }
interface Bound extends Key { act: (event: KeyboardEvent) => void | boolean }

export const bound = $state<{ list: Bound[] }>({ list: [] });
export const letters = $state({ on: localStorage.getItem("letters") !== "off" });
export function toggleLetters(): void {
  letters.on = !letters.on;
  localStorage.setItem("letters", letters.on ? "on" : "off");
}

/** Binds while the calling component is there. `keys`: alternatives separated by spaces; "g o" as "g+o". Later bindings win. */
export function keys(where: string, table: Record<string, [string, (event: KeyboardEvent) => void | boolean]>): void {
  onMount(() => {
    const mine: Bound[] = Object.entries(table).map(([k, [does, act]]) => ({ keys: k, does, where, act }));
    bound.list = [...mine, ...bound.list];
    return () => {
      bound.list = bound.list.filter((each) => !mine.some((m) => m.act === each.act && m.keys === each.keys));
    };
  });
}

let prefix = "";
let prefix_ms = 0;
const named = (event: KeyboardEvent): string => {
  const name = event.key === " " ? "Space" : event.key;
  return (event.ctrlKey || event.metaKey ? "Ctrl " : "") + (event.altKey ? "Alt " : "") + (event.shiftKey && name.length > 1 ? "Shift " : "") + name;
};

export function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const target = event.target as HTMLElement | null;
  const typing = !!target?.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true], .cm-editor, .ap-player");
  const name = named(event);
  const single = name.length === 1;
  if (typing && name !== "Escape" && !name.startsWith("Ctrl ")) return;
  if (single && !letters.on) return;
  // What a focused control does itself with these keys stays its own.
  if ((name === "Enter" || name === "Space") && target?.closest("a, button, summary, input")) return;
  const sequence = prefix && event.timeStamp - prefix_ms < 1200 ? `${prefix}+${name}` : "";
  prefix = "";
  for (const wanted of sequence ? [sequence, name] : [name])
    for (const each of bound.list)
      if (each.keys.split(" ").some((k) => k.replace("_", " ") === wanted)) {
        if (each.act(event) === false) continue;
        event.preventDefault();
        return;
      }
  if (name === "g") {
    prefix = "g";
    prefix_ms = event.timeStamp;
  }
}
