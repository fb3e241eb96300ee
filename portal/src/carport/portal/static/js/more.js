// Older entries are added to the table instead of opening the next page.
import { parse } from "./fetching.js";

export function loadMore(link) {
  link.addEventListener("click", async (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    if (link.getAttribute("aria-disabled") === "true") return;
    link.setAttribute("aria-disabled", "true");
    try {
      const answer = await fetch(link.href);
      if (!answer.ok || answer.redirected) throw new Error("not the next page");
      const page = parse(await answer.text());
      const rows = [...page.querySelectorAll("[data-history] tbody tr")];
      document.querySelector("[data-history] tbody").append(...rows);
      const next = page.querySelector("[data-more]");
      if (next) link.href = next.getAttribute("href");
      else link.parentElement.remove();
      if (rows.length) {
        rows[0].tabIndex = -1;
        rows[0].focus();
      }
    } catch {
      window.location.assign(link.href);
    } finally {
      link.removeAttribute("aria-disabled");
    }
  });
}
