"use strict";

// The form works without this; here it can be painted, walked by arrow keys, and is not lost by a reload.

function paintWeek(table) {
  const rows = [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll("input")]);
  const cells = rows.flat();
  let paints = null; // what a drag makes of each box that it meets
  const set = (box, checked) => {
    if (!box || box.checked === checked) return;
    box.checked = checked;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  };

  table.classList.add("is-painted");
  table.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !cells.includes(event.target)) return;
    event.target.releasePointerCapture?.(event.pointerId);
    paints = { checked: !event.target.checked, began: event.target, moved: false };
  });
  table.addEventListener("pointermove", (event) => {
    if (!paints) return;
    const box = document.elementFromPoint(event.clientX, event.clientY);
    if (!cells.includes(box) || (box === paints.began && !paints.moved)) return;
    paints.moved = true;
    set(paints.began, paints.checked);
    set(box, paints.checked);
  });
  // A click that ends a drag where it began would take the first box back.
  table.addEventListener("click", (event) => {
    if (paints?.moved && cells.includes(event.target)) event.preventDefault();
    paints = null;
  }, true);
  window.addEventListener("pointerup", () => setTimeout(() => (paints = null)));
  window.addEventListener("pointercancel", () => (paints = null));

  walkByArrows(table, rows, set);
  fillByHeadings(table, rows, set);
}

// One stop for the tab key, as in every grid (WAI-ARIA, "grid" pattern).
function walkByArrows(table, rows, set) {
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const stop = (box) => rows.flat().forEach((each) => (each.tabIndex = each === box ? 0 : -1));
  stop(rows[0][0]);
  table.addEventListener("focusin", (event) => {
    if (event.target.matches("input")) stop(event.target);
  });
  table.addEventListener("keydown", (event) => {
    const move = moves[event.key];
    if (!move || !event.target.matches("input")) return;
    event.preventDefault();
    const row = rows.findIndex((each) => each.includes(event.target));
    const next = rows[row + move[0]]?.[rows[row].indexOf(event.target) + move[1]];
    if (!next) return;
    if (event.shiftKey) set(next, event.target.checked);
    next.focus();
  });
}

function fillByHeadings(table, rows, set) {
  const offer = (heading, boxes) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.setAttribute("aria-label", heading.dataset.all);
    button.addEventListener("click", () => {
      const checked = !boxes.every((box) => box.checked);
      boxes.forEach((box) => set(box, checked));
    });
    heading.append(button);
  };
  [...table.tHead.querySelectorAll("th")].forEach((heading, day) => offer(heading, rows.map((row) => row[day])));
  rows.forEach((boxes, number) => offer(table.tBodies[0].rows[number].querySelector("th"), boxes));
}

// The browser knows the zone where the LMS does not tell it.
function guessZone(select) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...select.options].some((option) => option.value === zone)) select.value = zone;
}

// As for the drafts of texts in peerloop.js, which also drops what was sent. A frame may be denied storage.
function keepForm(form) {
  const key = form.dataset.draft;
  try {
    const draft = window.sessionStorage.getItem(`draft:${key}`);
    if (draft) restore(form, JSON.parse(draft));
    const keep = () => {
      const said = [...new FormData(form)].filter(([name]) => name !== "csrf_token");
      window.sessionStorage.setItem(`draft:${key}`, JSON.stringify(said));
    };
    form.addEventListener("change", keep);
    form.addEventListener("submit", () => window.sessionStorage.setItem(`sent:${key}`, "1"));
  } catch {
    return;
  }
}

function restore(form, said) {
  const left = said.map(([name, value]) => `${name}=${value}`);
  for (const field of form.elements) {
    if (field.type === "checkbox" || field.type === "radio") {
      field.checked = left.includes(`${field.name}=${field.value}`);
    } else if (field.matches("select")) {
      const found = left.findIndex((each) => each.startsWith(`${field.name}=`));
      if (found >= 0) field.value = left.splice(found, 1)[0].slice(field.name.length + 1);
    }
  }
}

document.querySelectorAll("[data-week]").forEach(paintWeek);
document.querySelectorAll("select[data-guess]").forEach(guessZone);
document.querySelectorAll("form[data-draft]").forEach(keepForm);
document.querySelectorAll("[data-scripted]").forEach((words) => (words.hidden = false));
