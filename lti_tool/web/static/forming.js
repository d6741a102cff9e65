"use strict";

// A proposal: people can be dragged to another cohort, with what it would do shown before they are let go, and the
// search in the background tells how far it is. Without this, a person's name leads to the same choices as buttons.

const POLL_MS = 700;

let dragged = null;

// The search

function follow(search) {
  const { changes, mark } = search.dataset;
  if (changes) setTimeout(() => ask(search, changes, mark), POLL_MS);
}

async function ask(search, changes, mark) {
  if (dragged) return follow(search); // nothing moves under a hand
  try {
    const answer = await fetch(`${changes}?version=${encodeURIComponent(mark)}`);
    if (answer.status === 204) return follow(search);
    if (!answer.ok) return location.reload(); // the visit has ended, or there is no proposal any more: the page says so
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("search");
    if (!fresh.dataset.changes) return location.reload(); // it is over
    search.replaceWith(fresh);
    follow(fresh);
  } catch {
    follow(search); // no network for a moment
  }
}

// Dragging

function letDrag(board) {
  document.documentElement.classList.add("with-drag");
  for (const person of board.querySelectorAll("li[data-person]")) {
    person.draggable = true;
    for (const link of person.querySelectorAll("a")) link.draggable = false;
    person.addEventListener("dragstart", (event) => start(event, board, person));
    person.addEventListener("dragend", () => end(board));
  }
  for (const card of board.querySelectorAll("[id^='cohort-']")) {
    for (const kind of ["dragenter", "dragover"]) card.addEventListener(kind, (event) => over(event, board, card));
    card.addEventListener("drop", (event) => drop(event, board, card));
  }
}

function start(event, board, person) {
  dragged = { person: person.dataset.person, from: person.closest("[id^='cohort-']") };
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", person.textContent.trim());
  person.classList.add("dragged");
  for (const told of board.querySelectorAll(".drop-refused")) told.remove();
  dragged.effects = effectsOf(board, dragged.person);
  tell(dragged);
}

// Nothing where the server does not tell: then it decides when it is asked to do it.
async function effectsOf(board, person) {
  try {
    const answer = await fetch(`${board.dataset.effects}?person=${person}`);
    if (!answer.ok) return {};
    const { version, cohorts } = await answer.json();
    if (String(version) !== board.dataset.version) location.reload();
    return cohorts;
  } catch {
    return {};
  }
}

async function tell(moving) {
  const cohorts = await moving.effects;
  if (dragged !== moving) return;
  for (const [cohort, { may, text }] of Object.entries(cohorts)) {
    const effect = document.createElement("p");
    effect.className = `drop-effect ${may ? "tone-accent" : "tone-need"}`;
    effect.textContent = text;
    document.getElementById(`cohort-${cohort}`).querySelector(".people").before(effect);
  }
}

function over(event, board, card) {
  if (!dragged || card === dragged.from) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "move";
  for (const other of board.querySelectorAll(".over")) if (other !== card) other.classList.remove("over");
  card.classList.add("over");
}

// Where a move would break rules, the cohort says so until the next try.
async function drop(event, board, card) {
  if (!dragged || card === dragged.from) return;
  event.preventDefault();
  const cohort = card.id.replace("cohort-", "");
  const { person, effects } = dragged;
  const effect = (await effects)[cohort];
  if (effect?.may === false) return refuse(board, card, effect.text, person);
  const form = document.getElementById("move");
  form.elements.person.value = person;
  form.elements.to.value = cohort;
  form.requestSubmit();
}

function refuse(board, card, text, person) {
  const told = document.createElement("div");
  told.className = "drop-refused tone-need";
  told.role = "alert";
  const elsewhere = document.createElement("a");
  elsewhere.href = board.querySelector(`li[data-person="${person}"] a`).href;
  elsewhere.textContent = board.dataset.else;
  told.append(text, " ", elsewhere);
  card.querySelector(".people").before(told);
}

function end(board) {
  dragged = null;
  for (const effect of board.querySelectorAll(".drop-effect")) effect.remove();
  for (const marked of board.querySelectorAll(".over, .dragged")) marked.classList.remove("over", "dragged");
}

const search = document.getElementById("search");
if (search) follow(search);
const board = document.querySelector("[data-effects]");
if (board) letDrag(board);
