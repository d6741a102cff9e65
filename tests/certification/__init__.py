"""The cases of the 1EdTech certification of tools, each a test over real HTTP with really signed messages.

`docs/conformance.md` is the table of a run: each test says what it saw, and fails when the table says otherwise.
"""
