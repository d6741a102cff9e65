"use strict";

// Keeps what tools put here, each origin's apart. Limits and error codes are those that Canvas documents.
const MOST_KEYS = 500;
const LONGEST = 4096;
const { tools } = document.querySelector("script[data-tools]").dataset;
const instead = document.querySelector("iframe[data-answers-instead]");

const answers = {
  "lti.capabilities": () => ({
    supported_messages: Object.keys(answers).map((subject) => ({ subject, frame: window.name || "_parent" })),
  }),
  "lti.put_data": (prefix, { key, value }) => {
    const name = prefix + key;
    if (value === null || value === undefined) {
      localStorage.removeItem(name);
      return { key, value: null };
    }
    const held = Object.keys(localStorage).filter((other) => other.startsWith(prefix) && other !== name);
    if (held.length >= MOST_KEYS || String(value).length > LONGEST) return failed("storage_exhaustion", "too much");
    localStorage.setItem(name, String(value));
    return { key, value };
  },
  "lti.get_data": (prefix, { key }) => ({ key, value: localStorage.getItem(prefix + key) }),
};

function failed(code, message) {
  return { error: { code, message } };
}

function answerTo(origin, message) {
  if (!tools.split(" ").includes(origin)) return failed("wrong_origin", "no tool of this origin is registered");
  if (!Object.hasOwn(answers, message.subject)) return failed("unsupported_subject", "no such subject");
  if (!message.message_id) return failed("bad_request", "message_id is missing");
  if (message.subject !== "lti.capabilities" && !message.key) return failed("bad_request", "key is missing");
  return answers[message.subject](`${origin} `, message);
}

addEventListener("message", (event) => {
  const message = event.data;
  if (typeof message?.subject !== "string" || !message.subject.startsWith("lti.")) return;
  if (event.source === window || message.subject === "lti.frameResize") return;
  if (instead) {
    instead.contentWindow.postMessage(message, "*");
    return;
  }
  const answer = { subject: `${message.subject}.response`, message_id: message.message_id };
  event.source.postMessage({ ...answer, ...answerTo(event.origin, message) }, event.origin);
});
