"""`python -m lti_tool` is `peerloop`."""

from lti_tool.cli import main

main(prog_name="peerloop")
