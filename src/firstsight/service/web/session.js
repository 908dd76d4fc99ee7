// Who is using the page: the role of the key, and the dialog that asks for one.

import { ApiError, refusals } from "./api.js";
import { button, busy, el, field } from "./dom.js";
import { forgetKey, keepKey, readKey } from "./key.js";
import { problem } from "./problem.js";
import * as routes from "./routes.js";

const RANKS = ["read", "write", "admin"];
let me = null;

/** Whether the key's role may do what a role may. */
export const may = (role) => me !== null && RANKS.indexOf(me.role) >= RANKS.indexOf(role);

/** Name and role of the key, for the top of the page. */
export const whoIs = () => (me ? `${me.key} · ${me.role}` : "");

/** Forget the key and everything that was loaded with it: a fresh page holds nothing. */
export function leave() {
  forgetKey();
  location.reload();
}

/** Ask for a key over everything else on the page until the service accepts one. */
function ask(reason) {
  const key = el("input", {
    type: "password",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    autofocus: true,
    name: "key",
  });
  const enter = button("Open", null, { kind: "main", type: "submit" });
  const trouble = el("div", { class: "trouble", role: "alert" }, reason ?? "");
  const form = el(
    "form",
    { method: "dialog", class: "stack" },
    el("p", { class: "lead" }, "Know a person from one photograph."),
    field("API key", key, "Kept in this tab only, until you close it or press “Forget key”."),
    trouble,
    enter,
  );
  const dialog = el(
    "dialog",
    { class: "gate", "aria-label": "Enter the API key" },
    el("h1", {}, "firstsight"),
    form,
    el(
      "p",
      { class: "fine" },
      el("strong", {}, "No liveness detection: "),
      "a photo held to the camera passes as the person it shows.",
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    let settled = false;
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    // Browsers let a second Escape through: the page stays closed without a key all the same.
    dialog.addEventListener("close", () => {
      if (!settled) dialog.showModal();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      trouble.replaceChildren();
      void busy(enter, async () => {
        try {
          me = await routes.me(key.value.trim());
          keepKey(key.value.trim());
          settled = true;
          dialog.close();
          dialog.remove();
          resolve();
        } catch (error) {
          trouble.replaceChildren(problem(error));
          key.select();
        }
      }).then(() => {
        if (!settled) key.focus();
      });
    });
  });
}

/** Come back once a key is accepted; `changed` hears of each later one. */
export async function enter(changed) {
  let asking = null;
  const gate = (reason) => {
    asking ??= ask(reason).finally(() => {
      asking = null;
    });
    return asking;
  };
  let reason = null;
  if (readKey()) {
    try {
      me = await routes.me();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) forgetKey();
      reason = problem(error);
    }
  }
  if (me === null) await gate(reason);
  refusals.addEventListener("refused", (event) => {
    if (asking) return;
    void gate(problem(event.detail)).then(changed);
  });
}
