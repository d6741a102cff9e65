"""The pages of micro-assignments, a learner's (`pages`) and those of staff (`staff_pages`)."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("work", __name__, url_prefix="/v/<visit>", template_folder="templates")
