"""The reference as it is read from the code: what its tool shows otherwise than it was meant.

default   of a drift's field: its row, drift.sim.spec.fields.field(…), names it
doctest   an example in a docstring, shown as code, however far it is indented there
"""

import re
import textwrap
from typing import Any

from griffe import Attribute, ExprCall, ExprKeyword, Extension, Object

DOCTEST = re.compile(r"^ *>>> .*?(?=\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)


class Shown(Extension):
    """Show the defaults of fields, and examples as code."""

    def on_attribute_instance(self, *, attr: Attribute, **_: Any) -> None:
        """Replace a field's call by the default that it names, if any."""
        call = attr.value
        if isinstance(call, ExprCall) and str(call.function) == "field":
            named = [each for each in call.arguments if isinstance(each, ExprKeyword)]
            attr.value = next((each.value for each in named if each.name == "default"), None)

    def on_instance(self, *, obj: Object, **_: Any) -> None:
        """Fence the examples of a docstring."""
        if obj.docstring is not None:
            said = textwrap.dedent(obj.docstring.value)
            obj.docstring.value = DOCTEST.sub(fenced, said)


def fenced(example: re.Match[str]) -> str:
    """Return an example as a block of code."""
    return f"```pycon\n{textwrap.dedent(example[0])}\n```"
