/** Begins: with the session that this device remembers, or with the door. */

import { connect, hasSession } from "../mvchat-client/url.js";
import { door } from "./door.js";
import { explain } from "./lib/announce.js";
import { fill, h } from "./lib/dom.js";
import { applyTheme } from "./lib/theme.js";
import { forgetDrafts } from "./room/composer.js";
import { mustChange } from "./settings/must-change.js";
import { shell } from "./shell.js";

const SERVER = `${location.origin.replace(/^http/, "ws")}/v0/ws`;
const OPTIONS = { remember: true, userAgent: "mvchat-web/0.1", device: device() };

const app = document.getElementById("app");
applyTheme();
start();
// The page also opens without a network; where it can't be kept, it comes from the server as ever.
navigator.serviceWorker?.register("/sw.js").catch(() => {});

async function start() {
  fill(app, h("main", { class: "splash" }, h("p", { role: "status" }, "Opening…")));
  let note;
  try {
    if (await hasSession(SERVER)) return show(await connect(SERVER, OPTIONS));
  } catch (error) {
    note = error.code === "no_session" ? undefined : explain(error);
  }
  knock(note);
}

/** Shows the door, until someone has come in. */
function knock(note) {
  document.title = "mvchat";
  door(app, note, async (login) => {
    const chat = await connect(SERVER, { ...OPTIONS, ...login });
    // The account was made with the invitation, so it is used up.
    if (login.signUp?.inviteCode) history.replaceState(null, "", "#/");
    show(chat);
  });
}

function show(chat) {
  let end = () => {};
  const open = () => (end = shell(app, chat));
  if (chat.me.value.mustChangePassword) mustChange(app, chat, open);
  else open();
  const stop = chat.status.subscribe(async ({ state, error }) => {
    if (state !== "ended") return;
    stop();
    end();
    forgetDrafts();
    await chat.close();
    history.replaceState(null, "", location.pathname);
    knock(error ? explain(error) : "You are logged out.");
  });
}

/** Names this device as its owner would recognise it in the list of sessions. */
function device() {
  const agent = navigator.userAgent;
  const browser = /Edg\//.test(agent) ? "Edge" : /Firefox\//.test(agent) ? "Firefox" : /Chrome\//.test(agent) ? "Chrome" : "Safari";
  const system = [["Android", /Android/], ["iOS", /iPhone|iPad/], ["Windows", /Windows/], ["macOS", /Mac OS/], ["Linux", /Linux/]];
  return `${browser} on ${system.find(([, pattern]) => pattern.test(agent))?.[0] ?? "this device"}`;
}
