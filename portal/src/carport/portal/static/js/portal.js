// Every page works without this; it makes some of them quicker. No inline script, no third party.
import { followPayment } from "./follow.js";
import { loadMore } from "./more.js";
import { submitOnce } from "./once.js";
import { passwordField } from "./password.js";
import { previewPayment } from "./preview.js";

const parts = {
  "[data-follow]": followPayment,
  "[data-more]": loadMore,
  "form[data-once]": submitOnce,
  "input[type=password]": passwordField,
  "form[data-preview]": previewPayment,
};

for (const [selector, enhance] of Object.entries(parts)) {
  document.querySelectorAll(selector).forEach(enhance);
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

const menu = document.querySelector("details.menu");
if (menu) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

document.querySelector("[data-problem]")?.focus();
