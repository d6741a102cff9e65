"""The demo: a whole course played over HTTP."""
