// Where the money would go, while the amount is chosen; and only the fields in sight are required.
import { fetchJson, replaceContent } from "./fetching.js";

const PAUSE_MS = 350;

export function previewPayment(form) {
  const place = form.querySelector("[data-preview-here]");
  let timer = null;
  let asked = 0;

  async function show() {
    const chosen = form.elements.choice.value;
    const amount = chosen === "other" ? form.elements.other_amount.value : chosen;
    const extra = chosen === "other" ? form.elements.extra?.value : "";
    const mine = ++asked;
    if (!amount.trim()) return place.replaceChildren();
    const body = new URLSearchParams({ account_id: form.elements.account_id.value, amount, extra: extra ?? "" });
    try {
      const news = await fetchJson(form.dataset.preview, {
        method: "POST",
        body,
        headers: { "X-CSRF-Token": form.elements.csrf_token.value },
      });
      if (mine === asked) replaceContent(place, news.html);
    } catch {
      if (mine === asked) place.replaceChildren();
    }
  }

  function requireWhatIsSeen() {
    for (const part of form.querySelectorAll(".when-new")) {
      const seen = form.elements.payment_method_id.value === "new";
      for (const field of part.querySelectorAll("input")) field.disabled = !seen;
    }
  }

  form.addEventListener("input", () => {
    requireWhatIsSeen();
    clearTimeout(timer);
    timer = setTimeout(show, PAUSE_MS);
  });
  requireWhatIsSeen();
  show();
}
