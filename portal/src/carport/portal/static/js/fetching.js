// What the modules ask the portal with: same origin, JSON or a page, parsed without running scripts.
export async function fetchJson(url, options = {}) {
  const answer = await fetch(url, { ...options, headers: { Accept: "application/json", ...options.headers } });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.json();
}

export function parse(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

export function replaceContent(element, html) {
  element.replaceChildren(...parse(html).body.childNodes);
}
