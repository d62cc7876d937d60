// SPDX-License-Identifier: Apache-2.0
// Pins and notes: saved as they are made, the same in all tabs and for all analysts.
import { get, identity, send, type Schemas } from "./api.svelte";
import { say } from "./announce.svelte";

export type Pin = Schemas["Pin"];
export const pins = $state<{ list: Pin[]; failure: string }>({ list: [], failure: "" });
const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("spoor-pins");
if (channel) channel.onmessage = () => void load(false);

export async function load(tell = false): Promise<void> {
  try {
    pins.list = (await get("/pins")).pins;
    pins.failure = "";
    if (tell) channel?.postMessage("changed");
  } catch (error) {
    pins.failure = (error as Error).message;
  }
}
export const mayWrite = (): boolean => identity.now?.role !== "viewer";
export const pinOf = (subject: string): Pin | undefined => pins.list.find((pin) => pin.subject === subject);

export async function add(content: Schemas["PinContent"]): Promise<void> {
  try {
    await send("POST", "/pins", {}, content);
    await load(true);
    say(content.subject ? "Pinned for the report" : "Note added");
  } catch (error) {
    say(`Not saved: ${(error as Error).message}`);
  }
}
export async function change(pin: Pin, text: string, title = pin.title): Promise<boolean> {
  try {
    await send("PUT", "/pins/{pin_id}", { pin_id: pin.pin_id }, { subject: pin.subject, wall_ns: pin.wall_ns, title, text, revision: pin.revision });
    await load(true);
    return true;
  } catch (error) {
    say(`Not saved: ${(error as Error).message}`);
    return false;
  }
}
export async function remove(pin: Pin): Promise<void> {
  try {
    await send("DELETE", "/pins/{pin_id}", { pin_id: pin.pin_id });
    await load(true);
    say("Pin removed");
  } catch (error) {
    say(`Not removed: ${(error as Error).message}`);
  }
}
export async function toggle(subject: string, title: string, wall_ns: string | null): Promise<void> {
  const there = pinOf(subject);
  if (there) await remove(there);
  else await add({ subject, title, wall_ns, text: "" });
}
