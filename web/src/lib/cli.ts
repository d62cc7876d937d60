// SPDX-License-Identifier: Apache-2.0
// The same answer on the command line.
import { identity } from "./api.svelte";

const quoted = (word: string): string => (/^[A-Za-z0-9_.,:=/@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

export function cli(subcommand: string, ...words: (string | null | undefined | false)[]): string {
  const store = identity.now?.store || "STORE";
  return ["spoor", subcommand, "--store", store, ...words.filter((w): w is string => !!w)].map(quoted).join(" ");
}
/** `name=value` of what was chosen; nothing for what was not. */
export const given = (name: string, value: string | null | undefined): string | null => (value ? `${name}=${value}` : null);
/** A text as a SQL literal. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
