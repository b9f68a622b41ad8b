"use strict";
// Only what is inside the parts changes, so that windows, tables and texts stay where somebody has scrolled them.
const PERIOD = 2000;
const stale = document.getElementById("stale");
let heard = new Date();

async function refresh() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const now = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const newer = now.getElementById(part.id);
      if (newer) part.replaceChildren(...newer.childNodes);
    }
    heard = new Date();
    stale.hidden = true;
  } catch {
    stale.textContent = `${stale.dataset.text} since ${heard.toLocaleTimeString()}`;
    stale.hidden = false;
  }
}

(async () => {
  for (;;) {
    await new Promise((done) => setTimeout(done, PERIOD));
    // Nobody looks, or somebody is copying.
    if (!document.hidden && getSelection().isCollapsed) await refresh();
  }
})();
