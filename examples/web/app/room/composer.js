/** Where messages are written, answered and changed. */

import { graphemes } from "../../mvchat-client/url.js";
import { attempt } from "../lib/announce.js";
import { fill, h, icon, iconButton } from "../lib/dom.js";
import { pickEmoji } from "../lib/emoji.js";
import { menu } from "../lib/menu.js";
import { preview } from "../lib/names.js";
import { span } from "../lib/time.js";
import { senderName } from "./body.js";
import { Mentions } from "./mentions.js";

/** What becomes of a message by itself. */
const LIVES = [
  { label: "It stays" },
  { label: "It can be seen once", options: { viewOnce: true } },
  ...[60, 3_600, 86_400].map((expiresIn) => ({ label: `It is gone after ${span(expiresIn)}`, options: { expiresIn } })),
];
const DRAFTS = "mvchat-draft-";

/** Forgets what was begun in this tab: the next one to log in is perhaps someone else. */
export function forgetDrafts() {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(DRAFTS)) sessionStorage.removeItem(key);
}

/** Makes the composer. What was begun is kept in this tab, for each conversation. */
export function composer(chat, conv, scope) {
  const DRAFT = DRAFTS + conv.id;
  let replying;
  let editing;
  const input = h("textarea", {
    rows: "1",
    dir: "auto",
    placeholder: "Message",
    "aria-label": "Message",
    autocomplete: "off",
    enterkeyhint: matchMedia("(pointer: coarse)").matches ? "enter" : "send",
  });
  const about = h("div", { class: "about", hidden: true });
  const left = h("span", { class: "left", role: "status" });
  const choices = h("ul", { class: "mention-list", role: "listbox", "aria-label": "People to mention", id: "mentions", hidden: true });
  const mentions = new Mentions(chat, conv, input, choices);
  const send = h("button", { class: "icon-button primary", "aria-label": "Send", title: "Send" }, icon("send"));
  const smile = iconButton("smile", "Insert an emoji", () => pickEmoji(smile, insert));
  const timer = iconButton("timer", "How long the message lives", pickLife, { "aria-haspopup": "menu" });
  const node = h("form", { class: "composer", onsubmit: submit }, choices, about, h("div", { class: "composer-line" }, smile, input, left, timer, send));
  let life = LIVES[0];

  input.value = sessionStorage.getItem(DRAFT) ?? "";
  requestAnimationFrame(grow);
  input.addEventListener("input", () => {
    changed();
    if (input.value !== "" && !editing) conv.setTyping();
  });
  input.addEventListener("keydown", keys);
  scope.add(() => mentions.end());
  return { node, reply, edit, slow, focus: () => input.focus() };

  /** Says how often one may write, where that is limited. */
  function slow(seconds) {
    input.placeholder = seconds ? `Message, one every ${span(seconds)}` : "Message";
  }

  function changed() {
    if (!editing) sessionStorage.setItem(DRAFT, input.value);
    grow();
    const most = chat.limits.value.maxText ?? 5_000;
    // Counting is dear, and only needed when it is getting close.
    const rest = input.value.length > most * 0.8 ? most - graphemes(input.value) : most;
    fill(left, rest < most * 0.1 ? String(rest) : undefined);
    left.classList.toggle("bad", rest < 0);
    send.disabled = rest < 0;
  }

  function grow() {
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight + 2, 180)}px`;
  }

  function insert(text) {
    input.setRangeText(text, input.selectionStart, input.selectionEnd, "end");
    changed();
    input.focus();
  }

  function keys(event) {
    if (event.isComposing || mentions.key(event)) return;
    const touch = matchMedia("(pointer: coarse)").matches;
    if (event.key === "Enter" && !event.shiftKey && !touch) {
      event.preventDefault();
      node.requestSubmit();
    } else if (event.key === "Escape" && (replying || editing)) {
      event.preventDefault();
      stop();
    } else if (event.key === "ArrowUp" && input.value === "") {
      const last = conv.messages.value.findLast((message) => message.mine && message.editableUntil > Date.now());
      if (last) {
        event.preventDefault();
        edit(last);
      }
    }
  }

  function submit(event) {
    event.preventDefault();
    const text = input.value.trim();
    if (text === "" || send.disabled) return;
    const named = mentions.of(text);
    const content = named.length > 0 ? { text, mentions: named } : text;
    if (editing) {
      const message = editing;
      const { content: old } = message;
      const changedContent = old?.media || named.length > 0 ? { ...old, text, mentions: named } : text;
      if (text !== message.text) attempt(() => message.edit(changedContent));
    } else conv.send(content, { ...life.options, replyTo: replying?.seq });
    setLife(LIVES[0]);
    stop();
    input.value = "";
    changed();
    input.focus();
  }

  /** For the next message only. */
  function pickLife() {
    menu(timer, "How long the message lives", LIVES.map((choice) => ({ label: choice.label, note: choice === life ? "now" : undefined, onclick: () => (setLife(choice), input.focus()) })));
  }

  function setLife(choice) {
    life = choice;
    timer.classList.toggle("on", choice.options !== undefined);
    timer.title = choice.label;
    timer.setAttribute("aria-label", `How long the message lives: ${choice.label.toLowerCase()}`);
  }

  function reply(message) {
    stop();
    replying = message;
    show(`Reply to ${senderName(chat, message)}`, preview(message), "Don't reply");
  }

  function edit(message) {
    stop();
    editing = message;
    input.value = message.text;
    mentions.learn(message);
    show("Edit message", preview(message), "Don't edit");
    changed();
  }

  function stop() {
    if (editing) input.value = sessionStorage.getItem(DRAFT) ?? "";
    replying = editing = undefined;
    about.hidden = true;
    fill(about);
    changed();
  }

  function show(title, text, cancel) {
    const close = iconButton("close", cancel, () => (stop(), input.focus()), { class: "icon-button small" });
    fill(about, h("div", { class: "about-text" }, h("strong", { dir: "auto" }, title), h("span", { dir: "auto" }, text)), close);
    about.hidden = false;
    input.focus();
  }
}
