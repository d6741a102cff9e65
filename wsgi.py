"""The WSGI entry point: `app` for any server that speaks WSGI (PEP 3333)."""

import config
from lti_tool import logs
from lti_tool.app import create_app

settings = config.load()
logs.configure(settings)
app = create_app(settings)
