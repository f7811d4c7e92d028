"""A page as HTML: what the templates make of its blocks, with its style sheet and its script."""

import base64
import hashlib
from importlib import resources

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from drift.experiments.report.blocks import Page
from drift.experiments.report.svg import inlined
from drift.sim.errors import printable

_SHEETS = ("page.css", "tables.css", "lattice.css")
_SCRIPTS = ("codes.js", "view.js", "draw.js", "panel.js")
_LONGEST = 10_000
"""Characters of a text that are shown."""


def rendered(page: Page) -> str:
    """The page as one HTML document; the same page gives the same one."""
    environment = Environment(
        loader=FunctionLoader(_file),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["legible"] = lambda text: printable(str(text), _LONGEST)
    environment.globals["inlined"] = inlined
    body = environment.get_template("body.html").render(page=page)
    style, script = "".join(map(_file, _SHEETS)), "".join(map(_file, _SCRIPTS))
    allowed = {"style-src": _hash(style), "script-src": _hash(script), "img-src": "data:"}
    none = dict.fromkeys(("default-src", "base-uri", "form-action"), "'none'")
    policy = "; ".join(f"{name} {value}" for name, value in (none | allowed).items())
    ours = {"style": Markup(style), "script": Markup(script), "body": Markup(body)}
    return environment.get_template("page.html").render(page=page, policy=policy, **ours)


def _file(name: str) -> str:
    """A file of the package."""
    return resources.files("drift.experiments.report").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """A source as a Content-Security-Policy names it."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
