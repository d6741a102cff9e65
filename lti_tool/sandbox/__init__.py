"""A small LMS that speaks the platform side of LTI 1.3 Advantage, for the demo and the tests.

It is written from the standard alone and shares no code with the tool: an error copied to both sides would
hide itself. Run it with ``python -m lti_tool.sandbox --help``.
"""
