"use strict";

// The LMS opened this page in a frame or a tab, and closes it when it hears this (Dynamic Registration 1.0). Its
// origin is unknown to a page, and the message says nothing that is secret.
function offerToClose(button) {
  const lms = window.opener ?? (window.parent === window ? null : window.parent);
  if (!lms) return;
  button.hidden = false;
  button.addEventListener("click", () => lms.postMessage({ subject: "org.imsglobal.lti.close" }, "*"));
}

document.querySelectorAll("[data-close-registration]").forEach(offerToClose);
