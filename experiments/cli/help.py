"""The look of help pages.

example  a command that works when it is pasted; it has a line of its own, of 78
         characters at most, since a terminal of 80 columns would break a longer one

Newer versions of typer write a type behind every flag and argument, <bool> and
<Address>. A flag takes nothing, and what an argument is stands in its help. Options
without a panel would come before those with one; in a verb that has panels they get
a last one.
"""

from typing import Any

from typer.core import TyperCommand, TyperGroup


def example(command: str) -> str:
    """The end of a help: `command` as its example."""
    return f"Example:\n\n{command}"


_PANEL = "rich_help_panel"
"""The attribute in which typer keeps the part of a help page that an option stands in."""


class Verb(TyperCommand):
    """A verb, whose help shows no types."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options and arguments of the verb."""
        return _without_types(super().get_params(ctx))


class Verbs(TyperGroup):
    """Verbs of one name, whose help shows no types."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options of the group."""
        return _without_types(super().get_params(ctx))


def _without_types(params: list[Any]) -> list[Any]:
    grouped = any(getattr(each, _PANEL, None) for each in params)
    for each in params:
        if grouped and not getattr(each, _PANEL, None):
            vars(each)[_PANEL] = "Execution and output"
        if each.param_type_name == "argument" or each.is_flag:
            vars(each)["display_type_rich"] = lambda ctx: None
    return params
