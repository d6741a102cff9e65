"use strict";

// An open room: the clock runs by the server's time, what changes elsewhere appears, forms are sent in the background.
// Without this the page still works: forms lead to the page again, and a reload shows what is new.

const POLL_MS = 3000;
const SAID_MS = 6000;

const said = document.getElementById("room-said");
const offline = document.getElementById("room-offline");
const sentBy = new Map(); // fragment's id -> how the server drew it last
let ahead = 0; // by how many milliseconds the server's time is ahead of ours
let waiting = 0;
let turn = Promise.resolve();

const state = () => document.getElementById("room-state").dataset;
const serverNow = () => Date.now() + ahead;

// Parts of the page that follow the server

function fragments(root) {
  return [...root.querySelectorAll("[id^='room-']")].filter(({ id }) => id !== said.id && id !== offline.id);
}

function take(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  for (const part of fragments(fresh)) {
    const shown = document.getElementById(part.id);
    if (!shown || sentBy.get(part.id) === part.outerHTML) continue;
    sentBy.set(part.id, part.outerHTML);
    replace(shown, document.importNode(part, true));
  }
  document.dispatchEvent(new Event("parts-taken"));
  readClock();
}

// What somebody is typing, has opened or is about to press stays as it is.
function replace(shown, part) {
  const focused = shown.contains(document.activeElement) ? document.activeElement : null;
  for (const opened of shown.querySelectorAll("details[id][open]")) {
    const same = part.querySelector(`#${CSS.escape(opened.id)}`);
    if (same) same.open = true;
  }
  for (const typed of shown.querySelectorAll("input.input[id], textarea[id]")) {
    const same = part.querySelector(`#${CSS.escape(typed.id)}`);
    if (same) same.value = typed.value;
  }
  for (const chosen of shown.querySelectorAll("select[id]")) keepChoice(chosen, part);
  const again = focused && twin(part, focused);
  const before = focused?.getBoundingClientRect().top;
  shown.replaceWith(part);
  if (!again) return;
  for (let fold = again.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  again.focus({ preventScroll: true });
  window.scrollBy(0, again.getBoundingClientRect().top - before);
}

// Only what somebody chose: else the server's own choice may be a better one by now.
function keepChoice(chosen, part) {
  if (chosen.selectedOptions[0]?.defaultSelected) return;
  const same = part.querySelector(`#${CSS.escape(chosen.id)}`);
  const option = [...(same?.options ?? [])].find(({ value }) => value === chosen.value);
  if (option) option.selected = true;
}

function twin(part, element) {
  if (element.id) return part.querySelector(`#${CSS.escape(element.id)}`);
  if (element.name) return part.querySelector(`[name="${CSS.escape(element.name)}"][value="${CSS.escape(element.value)}"]`);
  return null;
}

// The clock

function readClock() {
  ahead = Date.parse(state().now) - Date.now();
  tick();
}

function told(milliseconds) {
  const seconds = Math.trunc(milliseconds / 1000);
  const minutes = Math.trunc(Math.abs(seconds) / 60);
  const rest = String(Math.abs(seconds) % 60).padStart(2, "0");
  return milliseconds > -1000 ? `${String(minutes).padStart(2, "0")}:${rest}` : `+${minutes}:${rest}`;
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function tick() {
  const now = serverNow();
  const clock = document.getElementById("room-clock");
  if (clock.dataset.until) runClock(clock, now);
  for (const part of document.querySelectorAll("main [data-until]:not(.clock)")) {
    const { since, until } = part.dataset;
    part.hidden = (since && now < Date.parse(since)) || (until && now >= Date.parse(until));
  }
  for (const left of document.querySelectorAll("[data-countdown]")) {
    write(left, told(Math.max(0, Date.parse(left.dataset.countdown) - now)));
  }
}

function runClock(clock, now) {
  const { since, until, redAt } = clock.dataset;
  const left = Date.parse(until) - now;
  write(clock.querySelector(".clock-time"), told(left));
  if (!since) return;
  clock.querySelector("progress").value = Math.min(1, (now - Date.parse(since)) / (Date.parse(until) - Date.parse(since)));
  const late = left >= 0 ? "" : now < Date.parse(redAt) ? "risk" : "need";
  if (clock.dataset.late !== late) clock.dataset.late = late;
  const words = clock.querySelector(".clock-late");
  write(words, late ? words.dataset[late] : "");
}

// What others do

// One after the other, so that nothing is sent twice.
function poll() {
  turn = turn.then(once);
  return turn;
}

async function once() {
  clearTimeout(waiting);
  try {
    await sendKept();
    if (!document.hidden) await ask();
    write(offline, "");
  } catch {
    write(offline, offline.dataset.text);
  }
  // A page that is left open must not keep its visit alive all day.
  if (!("closed" in state()) || kept.length) waiting = setTimeout(poll, POLL_MS);
}

async function ask() {
  const { changes, version, again } = state();
  const known = again && serverNow() >= Date.parse(again) ? "" : version;
  const answer = await fetch(`${changes}?version=${known}`);
  if (answer.status === 204) return;
  if (answer.ok) take(await answer.text());
  else if (answer.status < 500) location.reload(); // the visit has ended: the page says so
  else throw new Error(`answered ${answer.status}`);
}

// What is done here. A form that finds no network waits for it, and survives a reload.

const KEPT = `room:${location.pathname}`;
let kept = remembered();

function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
  } catch {
    return []; // a frame may be denied storage
  }
}

function keep(forms) {
  kept = forms;
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(kept));
  } catch {
    return;
  }
}

async function sendKept() {
  while (kept.length) {
    const [first] = kept;
    await send(first);
    keep(kept.slice(1));
  }
}

async function send({ action, fields }) {
  const headers = { "X-Room": "1" };
  const answer = await fetch(action, { method: "POST", headers, body: new URLSearchParams(fields) });
  if (answer.status >= 500) throw new Error(`answered ${answer.status}`);
  if (answer.headers.get("Content-Type")?.startsWith("text/plain")) say(await answer.text(), answer.ok);
  else location.reload();
}

function say(text, well) {
  write(said, text);
  said.classList.toggle("wrong", !well);
  clearTimeout(said.timer);
  if (well) said.timer = setTimeout(() => write(said, ""), SAID_MS);
}

function sendSoon(action, fields) {
  keep([...kept, { action, fields: [...fields] }]);
  poll();
}

document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    const button = event.submitter;
    if (!form.hasAttribute("data-room") || button?.hasAttribute("data-whole-page")) return;
    event.preventDefault();
    sendSoon(button?.hasAttribute("formaction") ? button.formAction : form.action, new FormData(form, button));
  },
  true,
);

// A mark is saved as soon as it is made.
document.addEventListener("change", ({ target }) => {
  const form = target.form;
  if (!form?.hasAttribute("data-at-once") || target.type !== "radio") return;
  sendSoon(form.action, [["csrf_token", form.elements.csrf_token.value], [target.name, target.value]]);
});

// Nobody unlocks a phone to see the time. A frame is denied this, and browsers complain of those that ask.
async function stayAwake() {
  try {
    if (window.parent === window && !document.hidden && !("closed" in state())) await navigator.wakeLock?.request("screen");
  } catch {
    return;
  }
}

function ready() {
  for (const part of fragments(document)) sentBy.set(part.id, part.outerHTML);
  document.documentElement.classList.add("with-script");
  document.documentElement.classList.toggle("in-frame", window.parent !== window);
  readClock();
  setInterval(tick, 250);
  stayAwake();
  document.addEventListener("visibilitychange", stayAwake);
  document.addEventListener("visibilitychange", poll);
  addEventListener("online", poll);
  addEventListener("pageshow", poll); // a page that comes back from the history shows what was
}

ready();
