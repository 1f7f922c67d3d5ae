/** Tells those who run the server about a message. */

import { attempt, toast } from "../lib/announce.js";
import { dialog } from "../lib/dialog.js";
import { field, h } from "../lib/dom.js";

export function report(message) {
  const reason = h("textarea", { rows: "3", required: true, maxlength: "200", dir: "auto" });
  const send = async (event) => {
    event.preventDefault();
    if (await attempt(() => message.report(reason.value.trim()))) {
      node.close();
      toast("Thank you. The message was reported.");
    }
  };
  const node = dialog(
    "Report this message",
    h(
      "form",
      { class: "stack", onsubmit: send },
      field("What is wrong with it?", reason),
      h("footer", { class: "buttons" }, h("button", { class: "danger" }, "Report")),
    ),
  );
  reason.focus();
}
