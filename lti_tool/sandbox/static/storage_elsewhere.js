"use strict";

// Tells the tool what it wants to hear, in the LMS's words but from another origin.
addEventListener("message", (event) => {
  const { subject, message_id, key, value } = event.data;
  const answer = { subject: `${subject}.response`, message_id, key, value: value ?? key?.replace(/^\w+?_/, "") };
  top.frames.tool.postMessage(answer, "*");
});
