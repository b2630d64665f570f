// Renews what changes on a page, from the same address, and says so. Without this the page is whole, and as old as its loading.
"use strict";

(() => {
  const place = document.getElementById("renewal");
  const seconds = Number(place && place.dataset.seconds);
  if (!seconds) return;

  // What moves by itself must be possible to stop.
  let stopped = false;
  const state = document.createElement("span");
  const button = document.createElement("button");
  button.type = "button";
  place.append(state, button);

  const clock = () => new Date().toISOString().slice(11, 19);
  let renewed = clock();
  let failing = false;

  const tell = () => {
    button.textContent = stopped ? "Resume" : "Pause";
    if (failing) {
      state.textContent = `The sensor does not answer: this is as of ${renewed} UTC. `;
    } else {
      state.textContent = stopped ? `Paused at ${renewed} UTC. ` : `Renewed at ${renewed} UTC. `;
    }
    place.classList.toggle("failing", failing);
  };

  button.addEventListener("click", () => {
    stopped = !stopped;
    tell();
    if (!stopped) renew();
  });

  // Where the reader is in a part: what has the focus, which details are open, how far tables are scrolled.
  const standing = (part) => {
    const active = document.activeElement;
    const all = [...part.querySelectorAll("a, summary, [tabindex]")];
    return {
      focus: part.contains(active) ? { at: all.indexOf(active), href: active.getAttribute("href") } : null,
      open: [...part.querySelectorAll("details")].map((details) => details.open),
      scrolled: [...part.querySelectorAll(".scroll")].map((box) => box.scrollLeft),
    };
  };

  const restore = (part, was) => {
    part.querySelectorAll("details").forEach((details, at) => { details.open = was.open[at] || false; });
    part.querySelectorAll(".scroll").forEach((box, at) => { box.scrollLeft = was.scrolled[at] || 0; });
    if (!was.focus) return;
    const all = [...part.querySelectorAll("a, summary, [tabindex]")];
    const same = was.focus.href && all.find((link) => link.getAttribute("href") === was.focus.href);
    const next = same || all[was.focus.at];
    if (next) next.focus({ preventScroll: true });
  };

  const selects = (part) => {
    const selection = document.getSelection();
    return selection && !selection.isCollapsed && part.contains(selection.anchorNode);
  };

  const take = (fresh) => {
    document.title = fresh.title;
    for (const part of document.querySelectorAll("[data-renewed]")) {
      const other = fresh.getElementById(part.id);
      // Nobody wants to lose what they are about to copy.
      if (!other || selects(part)) continue;
      const was = standing(part);
      // Details that were opened differ from those that come.
      part.querySelectorAll("details[open]").forEach((details) => { details.open = false; });
      if (part.innerHTML !== other.innerHTML) {
        part.replaceChildren(...document.importNode(other, true).childNodes);
      }
      restore(part, was);
    }
  };

  let asking = false;
  const renew = async () => {
    if (stopped || asking || document.hidden) return;
    asking = true;
    try {
      const answer = await fetch(location.pathname + location.search, {
        cache: "no-store",
        signal: AbortSignal.timeout(seconds * 1000),
      });
      if (!answer.ok) throw new Error(String(answer.status));
      take(new DOMParser().parseFromString(await answer.text(), "text/html"));
      renewed = clock();
      failing = false;
    } catch {
      failing = true;
    }
    asking = false;
    tell();
  };

  tell();
  setInterval(renew, seconds * 1000);
  document.addEventListener("visibilitychange", renew);
})();
