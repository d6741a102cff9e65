"""Peerloop: a peer-learning tool that any LMS can launch through LTI 1.3."""

__version__ = "0.1.0"
