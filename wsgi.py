"""The WSGI entry point: `app` for any server that speaks WSGI (PEP 3333)."""

import config
from lti_tool.app import create_app

app = create_app(config.load())
