"use strict";

// Everything here only quickens or comforts; each page works without it.

// The LMS knows the frame's message by its subject; its origin is unknown to a page, and a height is no secret.
function fitFrame() {
  if (window.parent === window) return;
  let sent = 0;
  let timer = 0;
  const send = () => {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    if (height === sent) return;
    sent = height;
    window.parent.postMessage({ subject: "lti.frameResize", height }, "*");
  };
  new ResizeObserver(() => {
    clearTimeout(timer);
    timer = setTimeout(send, 100);
  }).observe(document.body);
}

function sendOnce() {
  const busy = new Set();
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (busy.has(form)) {
      event.preventDefault();
      return;
    }
    busy.add(form);
    // After this turn, so that the pressed button's own name and value are still sent.
    setTimeout(() => setDisabled(form, true));
  });
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    busy.forEach((form) => setDisabled(form, false));
    busy.clear();
  });
}

function setDisabled(form, disabled) {
  for (const element of form.elements) {
    if (element.type === "submit") element.disabled = disabled;
  }
}

// A text survives a reload, and a submission that ended on an error page. A frame may be denied storage.
function keepDrafts() {
  const PREFIX = "draft:";
  const SENT = "sent:";
  try {
    const store = window.sessionStorage;
    for (const mark of Object.keys(store).filter((key) => key.startsWith(SENT))) {
      if (!("keepDrafts" in document.body.dataset)) store.removeItem(PREFIX + mark.slice(SENT.length));
      store.removeItem(mark);
    }
    const kept = new WeakSet();
    const keep = () => {
      for (const area of document.querySelectorAll("textarea[data-draft]")) {
        if (kept.has(area)) continue;
        kept.add(area);
        const key = area.dataset.draft;
        const draft = store.getItem(PREFIX + key);
        if (draft && !area.value) area.value = draft;
        area.addEventListener("input", () => remember(store, PREFIX + key, area.value));
        area.form?.addEventListener("submit", () => remember(store, SENT + key, "1"));
      }
    };
    keep();
    document.addEventListener("parts-taken", keep); // an open room gets forms without being loaded again
  } catch {
    return;
  }
}

function remember(store, key, value) {
  try {
    store.setItem(key, value);
  } catch {
    return;
  }
}

// Not every page may write to the clipboard; there the text is selected by hand.
function offerToCopy() {
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
      button.textContent = button.dataset.copied;
    });
  }
}

function tellRelativeTime() {
  const times = [...document.querySelectorAll("time[data-relative]")];
  if (!times.length) return;
  const format = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const update = () => {
    for (const time of times) {
      const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
      const [unit, length] = units.find(([, size]) => Math.abs(seconds) >= size) ?? units.at(-1);
      time.textContent = format.format(Math.trunc(seconds / length), unit);
    }
  };
  setInterval(update, 30_000);
}

// On a narrow screen the navigation scrolls sideways, and where one is may lie beyond its edge.
function showWhereOneIs() {
  for (const link of document.querySelectorAll(".top-nav [aria-current], .tabs [aria-current]")) {
    const line = link.closest("nav");
    const [inner, outer] = [link.getBoundingClientRect(), line.getBoundingClientRect()];
    line.scrollLeft += inner.left - outer.left - (outer.width - inner.width) / 2;
  }
}

function dismissNotices() {
  for (const button of document.querySelectorAll("[data-dismiss]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      button.closest(".notice").remove();
      document.getElementById("main").focus({ preventScroll: true });
    });
  }
}

// A page that shows how far something is looks again by itself while it is under way.
function lookAgain() {
  const waiting = document.querySelector("[data-look-again]");
  if (waiting) setTimeout(() => window.location.reload(), Number(waiting.dataset.lookAgain) * 1000);
}

// An answer that the LMS waits for goes by itself; its button is for browsers that run no scripts.
function sendAnswer() {
  document.querySelector("form[data-auto-submit]")?.requestSubmit();
}

fitFrame();
sendOnce();
keepDrafts();
offerToCopy();
tellRelativeTime();
showWhereOneIs();
dismissNotices();
lookAgain();
sendAnswer();
