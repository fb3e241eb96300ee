// A receipt that turns from accepted to posted while one looks at it.
import { fetchJson, replaceContent } from "./fetching.js";

const ASKS_MAX = 60;
const FAILURES_MAX = 5;
const SLOWER = 1.15;
const WAIT_MS_MAX = 15000;

export function followPayment(section) {
  let wait = Number(section.dataset.wait);
  let asks = 0;
  let failures = 0;
  let state = section.dataset.state;

  const later = () => setTimeout(ask, wait);
  const stop = () => {
    const words = document.querySelector("[data-follow-lost]");
    if (words) words.hidden = false;
  };

  async function ask() {
    if (document.hidden) return later();
    asks += 1;
    try {
      const news = await fetchJson(section.dataset.follow);
      failures = 0;
      if (news.state !== state) {
        replaceContent(section, news.html);
        state = news.state;
        wait = news.wait_ms;
      }
      if (news.wait_ms === 0) return;
    } catch {
      failures += 1;
    }
    if (asks >= ASKS_MAX || failures >= FAILURES_MAX) return stop();
    wait = Math.min(wait * SLOWER, WAIT_MS_MAX);
    later();
  }

  later();
}
