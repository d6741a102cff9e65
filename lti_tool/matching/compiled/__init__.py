"""The part of the search that is compiled to machine code, by numba.

``lti_tool.matching.preparing`` compiles it ahead of time. The code is kept in a folder named after the content of
these files, so that no file meets the machine code of another version.
"""
