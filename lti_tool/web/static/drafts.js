"use strict";

// A form with data-save keeps what is typed on the server, and in this browser until that has worked. Without script
// the form works as any other does.

const PAUSE = 1500; // ms after the last key
const AGAIN = 10_000; // ms after a try that failed

function keepAsTyped(form) {
  const key = form.dataset.keep;
  const version = form.elements.draft_version;
  const status = form.querySelector("[role=status]");
  const elsewhere = form.querySelector("[data-elsewhere]");
  let timer = 0;
  let saving = false;
  let changed = false;

  const tell = (what) => (status.textContent = status.dataset[what]);
  const store = {
    read: () => attempt(() => JSON.parse(sessionStorage.getItem(`draft:${key}`))),
    keep: () => attempt(() => sessionStorage.setItem(`draft:${key}`, JSON.stringify({ version: version.value, said: said(form) }))),
    drop: () => attempt(() => sessionStorage.removeItem(`draft:${key}`)),
    // The next page drops the draft, unless it tells of an error (see peerloop.js).
    sent: () => attempt(() => sessionStorage.setItem(`sent:${key}`, "1")),
  };

  const later = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(() => save(), wait);
  };

  async function save(replace = false) {
    clearTimeout(timer);
    if (saving || (!elsewhere.hidden && !replace)) return;
    saving = true;
    changed = false;
    const body = new FormData(form);
    for (const [name, value] of [...body]) if (value instanceof File) body.delete(name);
    if (replace) body.set("replace", "1");
    try {
      const answer = await fetch(form.dataset.save, { method: "POST", body, keepalive: document.hidden });
      if (answer.ok) {
        version.value = (await answer.json()).version;
        elsewhere.hidden = true;
        if (!changed) store.drop();
        tell("saved");
      } else if (answer.status === 409) {
        elsewhere.hidden = false;
        status.textContent = "";
      } else if (answer.status === 401) {
        tell("ended");
      } else {
        throw new Error(String(answer.status));
      }
    } catch {
      tell("offline");
      later(AGAIN);
    } finally {
      saving = false;
    }
    if (changed) later(PAUSE);
  }

  form.addEventListener("input", () => {
    changed = true;
    store.keep();
    later(PAUSE);
  });
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    store.keep();
    store.sent();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && changed) save();
  });
  form.querySelector("[data-take-mine]").addEventListener("click", () => save(true));
  form.querySelector("[data-take-other]").addEventListener("click", () => {
    store.drop();
    window.location.reload();
  });

  tell("told");
  const left = store.read();
  if (left && JSON.stringify(left.said) !== JSON.stringify(said(form))) {
    say(form, left.said);
    if (left.version === version.value) save();
    else elsewhere.hidden = false;
  }
}

const NOT_SAID = new Set(["csrf_token", "seen", "tab", "draft_version"]);

function said(form) {
  return [...new FormData(form)].filter(([name, value]) => !NOT_SAID.has(name) && typeof value === "string");
}

function say(form, values) {
  const told = new Map(values);
  for (const field of form.elements) {
    if (!field.name || NOT_SAID.has(field.name) || field.type === "file") continue;
    if (field.type === "checkbox") field.checked = told.has(field.name);
    else if (told.has(field.name)) field.value = told.get(field.name);
  }
}

// Nobody should send for minutes what will not be taken.
function weigh(input) {
  input.addEventListener("change", () => {
    const large = [...input.files].some((file) => file.size > Number(input.dataset.largest));
    input.setCustomValidity(large ? input.dataset.tooLarge : "");
    input.reportValidity();
  });
}

// A frame may be denied storage.
function attempt(deed) {
  try {
    return deed();
  } catch {
    return null;
  }
}

document.querySelectorAll("form[data-save]").forEach(keepAsTyped);
document.querySelectorAll("input[data-largest]").forEach(weigh);
