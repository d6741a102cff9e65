"use strict";

document.querySelector("form[data-auto-submit]")?.submit();

// Canvas, Moodle and others let a tool in a frame ask for its height, as an object or as a JSON string.
const frame = document.querySelector("iframe[data-tool-origin]");

function messageOf(event) {
  if (!frame || event.origin !== frame.dataset.toolOrigin || event.source !== frame.contentWindow) return null;
  if (typeof event.data !== "string") return event.data;
  try {
    return JSON.parse(event.data);
  } catch {
    return null;
  }
}

addEventListener("message", (event) => {
  const message = messageOf(event);
  // The tool has registered itself and asks to be closed (Dynamic Registration 1.0).
  if (message?.subject === "org.imsglobal.lti.close" && frame.dataset.closed) location.assign(frame.dataset.closed);
  if (message?.subject !== "lti.frameResize") return;
  const height = Number(message.height);
  if (height > 0 && height < 30000) frame.style.height = `${Math.ceil(height)}px`;
});
