"use strict";

// Where a launch's state is kept: in the platform's storage, else in a cookie, else in a window of its own.
// Messages: LTI Client Side postMessages 0.1 and LTI postMessage Storage 0.1.

const ANSWER_MS = 1000;
const page = document.querySelector("[data-opening]");
const { endpoint, target, state, nonce, onward } = page.dataset;
const platform = new URL(endpoint).origin;
const stateKey = `state_${state}`;
const nonceKey = `nonce_${nonce}`;

function storageFrame() {
  const root = window.opener || window.parent;
  if (root === window) return null;
  if (target === "_parent") return root;
  try {
    return root.frames[target] || root;
  } catch {
    return root; // a window of another site denies knowing a name that none of its frames has
  }
}

function send(subject, key, value) {
  const message = { subject, message_id: crypto.randomUUID(), key };
  if (value !== undefined) message.value = value;
  storageFrame().postMessage(message, platform);
  return message;
}

// Resolves to the stored value; rejects where the platform refuses or says nothing in time.
function ask(subject, key, value) {
  return new Promise((resolve, reject) => {
    const ended = new AbortController();
    const hear = (event) => {
      const answer = event.data;
      if (event.origin !== platform || typeof answer !== "object" || answer === null) return;
      if (answer.subject !== `${subject}.response` || answer.message_id !== message.message_id) return;
      ended.abort();
      if (answer.error) reject(answer.error);
      else resolve(answer.value);
    };
    addEventListener("message", hear, { signal: ended.signal });
    setTimeout(() => {
      ended.abort();
      reject(new Error("no answer"));
    }, ANSWER_MS);
    const message = send(subject, key, value);
  });
}

async function storageKeepsState() {
  if (!target || !storageFrame()) return false;
  try {
    await Promise.all([ask("lti.put_data", stateKey, state), ask("lti.put_data", nonceKey, nonce)]);
    return true;
  } catch {
    return false;
  }
}

async function storageHasState() {
  try {
    return (await ask("lti.get_data", stateKey)) === state;
  } catch {
    return false;
  }
}

// The first answer may be the one that sets the cookie; only a second one tells whether it was kept.
async function cookieKeepsState() {
  try {
    for (let time = 0; time < 2; time += 1) {
      const answer = await fetch(page.dataset.cookie, { method: "POST", body: new URLSearchParams({ state }) });
      if (answer.ok && (await answer.json()).kept) return true;
    }
  } catch {
    return false;
  }
  return false;
}

function show(name) {
  for (const part of page.querySelectorAll("[data-waiting], [data-failed], [data-opened]")) {
    part.hidden = !(name in part.dataset);
  }
}

async function goToPlatform() {
  if ((await storageKeepsState()) || (await cookieKeepsState())) location.replace(onward);
  else show("failed");
}

async function comeBack(form) {
  if (!(await storageHasState())) {
    show("failed");
    return;
  }
  send("lti.put_data", stateKey, null);
  send("lti.put_data", nonceKey, null);
  form.elements.stored_state.value = state;
  form.submit();
}

page.querySelector("[data-failed] [data-window]").addEventListener("click", () => setTimeout(() => show("opened")));
if (onward) goToPlatform();
else comeBack(document.querySelector("form[data-found]"));
