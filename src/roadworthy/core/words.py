"""Figures and names as a person reads them, the same on the terminal and in reports."""

from __future__ import annotations

from collections.abc import Sequence


def percent(fraction: float | None, digits: int = 2) -> str:
    """`0.98361` as `98.36 %`; None as a dash.

    What is not all but rounds to it is `>99.99 %`, what is not nothing `<0.01 %`.
    """
    return "–" if fraction is None else f"{hundredths(fraction, digits)} %"


def interval(pair: Sequence[float] | None, digits: int = 2) -> str:
    """A 95 % interval in words; None as a dash."""
    if pair is None:
        return "–"
    return f"{hundredths(pair[0], digits)} to {hundredths(pair[1], digits)} %"


def hundredths(fraction: float, digits: int = 2) -> str:
    """`percent` without its sign, where the heading has it."""
    text, least = f"{100 * fraction:.{digits}f}", 10**-digits
    if fraction < 1 and text == f"{100:.{digits}f}":
        return f">{100 - least:.{digits}f}"
    if fraction > 0 and text == f"{0:.{digits}f}":
        return f"<{least:.{digits}f}"
    return text


def points(difference: float | None, digits: int = 2, *, signed: bool = True) -> str:
    """A difference of two fractions in points of a percent: `0.0123` as `+1.23`; None as a dash."""
    return "–" if difference is None else f"{100 * difference:{'+' if signed else ''}.{digits}f}"


def points_interval(pair: Sequence[float] | None, digits: int = 2) -> str:
    """The interval of a difference, `-0.10 to +1.23`; None as a dash."""
    return "–" if pair is None else f"{points(pair[0], digits)} to {points(pair[1], digits)}"


def duration(seconds: float | None) -> str:
    """Seconds as a person would say them."""
    if seconds is None:
        return "–"
    if seconds < 90:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def clock(seconds: float, digits: int = 0) -> str:
    """A second of a film as a player shows it: `75.4` as `1:15`, `3675` as `1:01:15`.

    digits: after the point.  Like players it cuts and does not round, so that no moment is yet to come.
    """
    parts = 10**digits
    whole = int(max(seconds, 0) * parts + 1e-6)
    rest = f"{whole // parts % 60:02d}" + (f".{whole % parts:0{digits}d}" if digits else "")
    minutes, hours = whole // parts // 60 % 60, whole // parts // 3600
    return f"{hours}:{minutes:02d}:{rest}" if hours else f"{minutes}:{rest}"


def plural(n: int, noun: str) -> str:
    """A count and its noun."""
    plural = f"{noun}es" if noun.endswith(("s", "x")) else f"{noun}s"
    return f"{n:,} {noun if n == 1 else plural}"


def loss_names(
    *, l2: float, label_smoothing: float = 0.0, class_weights: bool = False, consistency: float = 0.0
) -> dict[str, str]:
    """What history.csv's columns of losses are called, with what each contains beside the cross-entropy."""
    terms = {
        "label smoothing": label_smoothing,
        "class weights": class_weights,
        "consistency": consistency,
        "L2": l2,
    }
    *first, last = [name for name, there in terms.items() if there] or [""]
    if not last:
        return {"train_loss": "training loss (cross-entropy)", "val_loss": "validation loss (cross-entropy)"}
    contents = f"{', '.join(first)} and {last}" if first else last
    names = {
        "train_loss": f"training loss (with {contents})",
        "val_loss": "validation loss (cross-entropy alone)",
    }
    return names | ({"val_objective": "validation loss (with L2)"} if l2 else {})


def visible(text: str) -> str:
    """A name that came out of a file, without what acts on a terminal: `\\n`, `\\x1b`, `\\u202e` are shown.

    Line breaks, control characters and what turns the direction of writing become escapes.  Letters stay,
    and so do bytes that are no text, which whoever writes them escapes or gives back as they were.
    """
    return "".join(
        c if c.isprintable() or "\udc80" <= c <= "\udcff" else c.encode("unicode_escape").decode()
        for c in text
    )


def csv_cell(text: str) -> str:
    """A text as a cell of a table that people open: in one line, and no formula for a spreadsheet.

    What a spreadsheet would take for a formula, for it begins with = + - or @, gets an apostrophe before it.
    """
    shown = visible(text)
    return f"'{shown}" if shown.startswith(("=", "+", "-", "@")) else shown
