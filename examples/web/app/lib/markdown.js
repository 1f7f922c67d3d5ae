/**
 * A small part of Markdown, as elements: paragraphs, quotes, lists, code, bold, italic, struck, links, mentions.
 * Nothing is ever parsed as HTML, and links lead to http, https and mailto only.
 */

import { h } from "./dom.js";

const LINK = /^(?:https?:\/\/|mailto:)[^\s<>"]+/i;
const MARKS = [["**", "strong"], ["__", "strong"], ["~~", "s"], ["*", "em"], ["_", "em"]];
/** How deep marks may be nested; what is deeper is shown as it was written. */
const DEPTH = 6;

/**
 * Renders a text. `mentions` are `{ start, end, node() }` in UTF-16 units, sorted; each becomes what its `node` makes.
 */
export function markdown(text, mentions = []) {
  const lines = [];
  for (let at = 0; at <= text.length; ) {
    const end = text.indexOf("\n", at);
    const stop = end < 0 ? text.length : end;
    lines.push([at, stop]);
    at = stop + 1;
  }
  const out = document.createDocumentFragment();
  const source = { text, mentions };
  for (let at = 0; at < lines.length; ) at = block(source, lines, at, out);
  return out;
}

/** Renders the block that begins on a line; returns the line after it. */
function block(source, lines, at, out) {
  const line = (index) => source.text.slice(...lines[index]);
  const first = line(at);
  if (first.trim() === "") return at + 1;
  if (first.startsWith("```")) {
    let end = at + 1;
    while (end < lines.length && !line(end).startsWith("```")) end++;
    const code = lines.slice(at + 1, end).map((_, index) => line(at + 1 + index)).join("\n");
    out.append(h("pre", { tabindex: "0", dir: "ltr" }, h("code", {}, code)));
    return end + 1;
  }
  for (const [pattern, tag, item] of [[/^> ?/, "blockquote", "p"], [/^[-*+] /, "ul", "li"], [/^\d{1,9}[.)] /, "ol", "li"]]) {
    if (!pattern.test(first)) continue;
    const node = h(tag, tag === "ol" ? { start: parseInt(first, 10) } : {});
    for (; at < lines.length && pattern.test(line(at)); at++) {
      const [start, end] = lines[at];
      node.append(h(item, { dir: "auto" }, inline(source, start + line(at).match(pattern)[0].length, end)));
    }
    out.append(node);
    return at;
  }
  const node = h("p", { dir: "auto" });
  const begun = at;
  for (; at < lines.length && line(at).trim() !== "" && (at === begun || !/^(?:```|> |[-*+] |\d{1,9}[.)] )/.test(line(at))); at++) {
    if (at > begun) node.append("\n");
    node.append(inline(source, ...lines[at]));
  }
  out.append(node);
  return at;
}

/** Renders what stands between two places of a line. */
function inline(source, start, end, depth = 0) {
  const { text, mentions } = source;
  const out = document.createDocumentFragment();
  let plain = start;
  let at = start;
  const put = (node, next) => {
    if (plain < at) out.append(text.slice(plain, at));
    if (node) out.append(node);
    plain = at = next;
  };
  while (at < end) {
    const mention = mentions.find((candidate) => candidate.start === at && candidate.end <= end);
    if (mention) {
      put(mention.node(), mention.end);
      continue;
    }
    const found = code(text, at, end) ?? link(source, at, end, depth) ?? marked(source, at, end, depth);
    if (found) put(found.node, found.next);
    else if (text[at] === "\\" && at + 1 < end && /[\\`*_~[\]()>#+.!-]/.test(text[at + 1])) {
      put(undefined, at + 1);
      at++;
    } else at++;
  }
  put(undefined, end);
  return out;
}

function code(text, at, end) {
  if (text[at] !== "`") return undefined;
  const close = text.indexOf("`", at + 1);
  if (close < 0 || close >= end || close === at + 1) return undefined;
  return { node: h("code", { dir: "auto" }, text.slice(at + 1, close)), next: close + 1 };
}

function link(source, at, end, depth) {
  const { text } = source;
  const named = text[at] === "[" && /^\[([^[\]\n]+)\]\(([^\s()]+)\)/.exec(text.slice(at, end));
  if (named && LINK.test(named[2])) {
    return { node: anchor(named[2], inline(source, at + 1, at + 1 + named[1].length, DEPTH)), next: at + named[0].length };
  }
  if (depth >= DEPTH || (at > 0 && /[\p{L}\p{N}]/u.test(text[at - 1]))) return undefined;
  const bare = LINK.exec(text.slice(at, end))?.[0].replace(/[.,;:!?'")\]]+$/, "");
  if (!bare || /^(?:https?:\/\/|mailto:)$/i.test(bare)) return undefined;
  return { node: anchor(bare, bare), next: at + bare.length };
}

function anchor(href, content) {
  return h("a", { href, target: "_blank", rel: "noopener noreferrer" }, content);
}

function marked(source, at, end, depth) {
  const { text } = source;
  if (depth >= DEPTH) return undefined;
  for (const [mark, tag] of MARKS) {
    if (!text.startsWith(mark, at)) continue;
    const inner = at + mark.length;
    // An opening mark is followed by a word. Names and sums have underscores and single stars inside of words.
    const joins = mark[0] === "_" ? /[\p{L}\p{N}]/u : mark === "*" ? /[A-Za-z0-9]/ : undefined;
    if (inner >= end || /\s/.test(text[inner]) || (at > 0 && joins?.test(text[at - 1]))) continue;
    const close = closing(text, mark, inner + 1, end);
    if (close < 0) continue;
    return { node: h(tag, {}, inline(source, inner, close, depth + 1)), next: close + mark.length };
  }
  return undefined;
}

function closing(text, mark, from, end) {
  for (let at = text.indexOf(mark, from); at >= 0 && at + mark.length <= end; at = text.indexOf(mark, at + 1)) {
    const next = at + mark.length < end ? text[at + mark.length] : undefined;
    const doubled = next === mark[0] || (mark.length === 1 && text[at - 1] === mark);
    const inside = mark[0] === "_" && next !== undefined && /[\p{L}\p{N}]/u.test(next);
    if (!/\s/.test(text[at - 1]) && !doubled && !inside) return at;
  }
  return -1;
}
