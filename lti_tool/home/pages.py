"""The first page of each role."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from lti_tool.web.gate import Access, allow

blueprint = Blueprint("home", __name__, template_folder="templates")


@blueprint.get("/v/<visit>/")
@allow(Access.VISITOR)
def index() -> ResponseReturnValue:
    """What this person needs first."""
    return render_template("home/nothing.html")
