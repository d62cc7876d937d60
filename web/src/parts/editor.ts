// SPDX-License-Identifier: Apache-2.0
// The SQL editor; loaded with the Query page only.
import { autocompletion, closeBrackets, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { PostgreSQL, sql } from "@codemirror/lang-sql";
import { bracketMatching, defaultHighlightStyle, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, keymap, lineNumbers, placeholder, type DecorationSet } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const wrongAt = StateEffect.define<number | null>();
const wrong = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, change) {
    for (const effect of change.effects)
      if (effect.is(wrongAt)) {
        if (effect.value === null || change.newDoc.length === 0) return Decoration.none;
        const at = Math.max(0, Math.min(change.newDoc.length - 1, effect.value));
        const word = /^\w+/.exec(change.newDoc.sliceString(at, at + 80))?.[0].length ?? 1;
        return Decoration.set(Decoration.mark({ class: "sql-wrong" }).range(at, Math.min(change.newDoc.length, at + word)));
      }
    return change.docChanged ? Decoration.none : marks;
  },
  provide: (field) => EditorView.decorations.from(field),
});

const colors = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--link)", fontWeight: "600" },
  { tag: tags.string, color: "var(--good)" },
  { tag: tags.number, color: "var(--warn)" },
  { tag: tags.comment, color: "var(--dim)", fontStyle: "italic" },
]);

export interface Editor { text(): string; set(text: string): void; mark(position: number | null): void; schema(tables: Record<string, string[]>): void; focus(): void; destroy(): void }

export function makeEditor(parent: HTMLElement, text: string, run: () => void, changed: (text: string) => void): Editor {
  const language = new Compartment();
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(), history(), bracketMatching(), closeBrackets(), wrong, language.of(sql({ dialect: PostgreSQL })), syntaxHighlighting(colors), syntaxHighlighting(defaultHighlightStyle, { fallback: true }),
        autocompletion({ defaultKeymap: false }), placeholder("SELECT …"), EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": "SQL" }),
        keymap.of([{ key: "Ctrl-Enter", run: () => (run(), true) }, { key: "Mod-Enter", run: () => (run(), true) }, ...completionKeymap, ...defaultKeymap, ...historyKeymap]),
        EditorView.updateListener.of((update) => { if (update.docChanged) changed(update.state.doc.toString()); }),
        EditorView.theme({ "&": { fontSize: "13px", maxHeight: "320px", backgroundColor: "var(--card)", color: "var(--ink)" }, ".cm-scroller": { fontFamily: "var(--mono)" }, ".cm-gutters": { backgroundColor: "var(--code)", color: "var(--dim)", border: "0" }, ".cm-cursor": { borderLeftColor: "var(--ink)" }, "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--select) !important" }, ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--ink)", border: "1px solid var(--line-strong)" }, ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--select)", color: "var(--ink)" }, ".sql-wrong": { textDecoration: "underline wavy var(--bad)", backgroundColor: "var(--bad-paper)" }, ".cm-placeholder": { color: "var(--dim)" } }),
      ],
    }),
  });
  return {
    text: () => view.state.doc.toString(),
    set: (next) => { if (next !== view.state.doc.toString()) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: next } }); },
    mark: (position) => view.dispatch({ effects: wrongAt.of(position) }),
    schema: (tables) => view.dispatch({ effects: language.reconfigure(sql({ dialect: PostgreSQL, schema: tables, upperCaseKeywords: true })) }),
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}
