"use strict";

// Where a launch's state is kept: in the platform's storage, else in a cookie, else in a window of its own.
// Messages: LTI Client Side postMessages 0.1 and LTI postMessage Storage 0.1.

const ANSWER_MS = 2500;
const page = document.querySelector("[data-opening]");
const { endpoint, target, state, nonce, onward } = page.dataset;
const platform = new URL(endpoint).origin;
const stateKey = `state_${state}`;
const nonceKey = `nonce_${nonce}`;
const browserKey = "browser";
const anew = page.querySelector("[data-failed] [data-window]");
const around = window.opener || window.parent;
const root = around === window ? null : around;

function storageFrame() {
  if (!target || target === "_parent") return root;
  try {
    return root.frames[target] || root;
  } catch {
    return root; // a window of another site denies knowing a name that none of its frames has
  }
}

// What is kept goes to the platform's origin alone. The page around this one may be of another (Blackboard's is the
// university's), so what it can do is asked of that window, whatever its origin.
const storage = { window: storageFrame, origin: platform, hasSent: ({ origin }) => origin === platform };
const pageAround = { window: () => root, origin: "*", hasSent: ({ source }) => source === root };

function send(subject, members, addressee = storage) {
  const message = { subject, message_id: crypto.randomUUID(), ...members };
  addressee.window().postMessage(message, addressee.origin);
  return message;
}

// Resolves to the addressee's answer; rejects where it refuses or says nothing in time.
function ask(subject, members, addressee = storage) {
  return new Promise((resolve, reject) => {
    const ended = new AbortController();
    const hear = (event) => {
      const answer = event.data;
      if (!addressee.hasSent(event) || typeof answer !== "object" || answer === null) return;
      if (answer.subject !== `${subject}.response` || answer.message_id !== message.message_id) return;
      ended.abort();
      if (answer.error) reject(answer.error);
      else resolve(answer);
    };
    addEventListener("message", hear, { signal: ended.signal });
    setTimeout(() => {
      ended.abort();
      reject(new Error("no answer"));
    }, ANSWER_MS);
    const message = send(subject, members, addressee);
  });
}

async function storageKeepsState() {
  if (!target || !root) return false;
  try {
    await Promise.all([
      ask("lti.put_data", { key: stateKey, value: state }),
      ask("lti.put_data", { key: nonceKey, value: nonce }),
    ]);
    return true;
  } catch {
    return false;
  }
}

// What stands for this browser in a visit, as a cookie does where there is one.
async function browserInStorage(fresh) {
  try {
    const { value } = await ask("lti.get_data", { key: browserKey });
    if (!value) await ask("lti.put_data", { key: browserKey, value: fresh });
    return value || fresh;
  } catch {
    return fresh;
  }
}

// A platform that named no frame may still keep the state: it says so if it is asked.
async function findStorage() {
  if (target || !root) return null;
  try {
    const { supported_messages: supported } = await ask("lti.capabilities", {}, pageAround);
    const [put, get] = ["put", "get"].map((verb) => supported.find(({ subject }) => subject === `lti.${verb}_data`));
    return put && get && (put.frame || "_parent");
  } catch {
    return null;
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
  if ((await storageKeepsState()) || (await cookieKeepsState())) {
    location.replace(onward);
    return;
  }
  const found = await findStorage();
  if (found) location.replace(`${anew.href}&${new URLSearchParams({ lti_storage_target: found })}`);
  else show("failed");
}

async function comeBack(form) {
  const { value } = await ask("lti.get_data", { key: stateKey });
  if (value !== state) throw new Error("another state");
  for (const key of [stateKey, nonceKey]) send("lti.put_data", { key, value: null });
  form.elements.stored_state.value = state;
  form.elements.stored_browser.value = await browserInStorage(form.elements.stored_browser.value);
  await sendInPlace(form);
}

// A form sent by itself would leave this page behind in the history, where going back would send it again.
async function sendInPlace(form) {
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  if (answer.redirected) {
    location.replace(answer.url);
    return;
  }
  document.open();
  document.write(await answer.text());
  document.close();
}

anew.addEventListener("click", () => setTimeout(() => show("opened")));
show("waiting");
const arriving = onward ? goToPlatform() : comeBack(document.querySelector("form[data-found]"));
arriving.catch(() => show("failed"));
