// SPDX-License-Identifier: Apache-2.0
// The little of Markdown that notes need, as parts that a page makes elements of. No HTML anywhere.
export interface Inline { kind: "text" | "bold" | "code"; text: string }
export interface Block { kind: "heading" | "item" | "paragraph"; inline: Inline[] }

function inlineOf(text: string): Inline[] {
  const out: Inline[] = [];
  let from = 0;
  for (const hit of text.matchAll(/\*\*([^*]+)\*\*|`([^`]+)`/g)) {
    if (hit.index > from) out.push({ kind: "text", text: text.slice(from, hit.index) });
    out.push(hit[1] !== undefined ? { kind: "bold", text: hit[1] } : { kind: "code", text: hit[2]! });
    from = hit.index + hit[0].length;
  }
  if (from < text.length) out.push({ kind: "text", text: text.slice(from) });
  return out;
}
export function blocksOf(markdown: string): Block[] {
  return markdown.split(/\n/).filter((line) => line.trim()).map((line) => {
    const heading = /^#{1,6}\s+(.*)/.exec(line);
    const item = /^\s*[-*]\s+(.*)/.exec(line);
    return heading ? { kind: "heading", inline: inlineOf(heading[1]!) } : item ? { kind: "item", inline: inlineOf(item[1]!) } : { kind: "paragraph", inline: inlineOf(line) };
  });
}
