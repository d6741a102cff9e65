"""Every component in every state, with made-up data, on one page for those who build pages."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Flask, current_app, render_template

from lti_tool.web.gate import Access, allow

blueprint = Blueprint("gallery", __name__)


@blueprint.get("/dev/components")
@allow(Access.PUBLIC)
def components() -> str:
    """Draw the gallery."""
    now = current_app.jinja_env.globals["viewer_now"]()  # type: ignore[operator]  # set by face.register
    return render_template(
        "gallery.html",
        program_name="Giving feedback",
        nav=[
            {"label": "Board", "href": "#board", "current": True},
            {"label": "Cohorts", "href": "#cohorts", "current": False},
            {"label": "Plan", "href": "#plan", "current": False},
            {"label": "Gradebook", "href": "#gradebook", "current": False},
        ],
        notices=[("good", "Session 4 is planned."), ("need", "The LMS refused one grade.")],
        times=[now - timedelta(days=1), now, now + timedelta(days=1), now + timedelta(days=40)],
        names=["Amara Okafor", "Tomasz Kowalski", "林 伟", "نور حداد", "प्रिया वर्मा", "Sukarno", "김하나"],
        departments=[("Sales", 5), ("Customer Success", 4), ("Support", 2), ("Product", 1)],
    )


def register(app: Flask) -> None:
    """Add the gallery; for development only, as it shows nobody's data but tells of every component."""
    app.register_blueprint(blueprint)
