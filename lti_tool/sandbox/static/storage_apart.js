"use strict";

// Keeps nothing itself, but says to every tool which frame does, as Blackboard's pages do.
const { storage } = document.querySelector("script[data-storage]").dataset;

addEventListener("message", ({ data, source, origin }) => {
  if (data?.subject !== "lti.capabilities") return;
  const supported = ["lti.put_data", "lti.get_data"].map((subject) => ({ subject, frame: storage }));
  const answer = { subject: "lti.capabilities.response", message_id: data.message_id };
  source.postMessage({ ...answer, supported_messages: [{ subject: data.subject }, ...supported] }, origin);
});
