"""What every app makes anew, though it comes out alike: made once for all apps of a test process.

A test has an app of its own; compiling templates and addresses, and finding primes, took most of its time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle
from typing import ClassVar

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask
from jinja2 import FileSystemBytecodeCache
from werkzeug.routing import Rule

from lti_tool.lti import keyring

KEYS = 16  # more than any test makes and tells apart

Builder = Callable[..., tuple[str, str]]


class RememberedRule(Rule):
    """An address whose builder, a function of the rule's text alone, is compiled once."""

    _builders: ClassVar[dict[tuple[str, str, bool], Builder]] = {}

    def _compile_builder(self, append_unknown: bool = True) -> Builder:
        key = (self.rule, repr(self.defaults), append_unknown)
        if key not in self._builders:
            self._builders[key] = super()._compile_builder(append_unknown)
        return self._builders[key]


@pytest.fixture(scope="session", autouse=True)
def compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Templates and addresses are compiled by the first app that has them."""
    cache = FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "url_rule_class", RememberedRule)
        patch.setattr(Flask, "jinja_options", {**Flask.jinja_options, "bytecode_cache": cache})
        yield


@pytest.fixture(scope="session", autouse=True)
def keys_of_a_store() -> Iterator[None]:
    """The tool's own key pairs are real, but each comes again after all others."""
    store = cycle(_keys())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keyring, "_generate", lambda: next(store))
        yield


def _keys() -> Iterator[rsa.RSAPrivateKey]:
    for _number in range(KEYS):
        yield rsa.generate_private_key(public_exponent=65537, key_size=keyring.KEY_BITS)
