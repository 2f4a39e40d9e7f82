"""The command line: parse, one call of the api, print, an exit code.

Data go to stdout, everything said to a person about the work to stderr.  What a command needs is imported
when it runs: `roadworthy --help` stays quick and works without torch.
"""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.models import TyperPath

from roadworthy import __version__
from roadworthy.cli import bench, data, doctor, drive, hub, label, listing, predict, study, train
from roadworthy.cli.options import command_line, examples
from roadworthy.cli.printing import INTERRUPTED, close_stdout, print_line, say, say_error, say_note
from roadworthy.core.errors import RoadworthyError
from roadworthy.core.notes import aloud
from roadworthy.core.paths import as_path
from roadworthy.core.words import visible

FIRST = (
    "predict",
    "drive",
    "train",
    "evaluate",
    "export",
    "hub",
    "serve",
    "bench",
    "data",
    "label",
    "render",
    "study",
    "profile",
    "compare",
)


class _Commands(TyperGroup):
    """The commands, those first that a newcomer wants."""

    def list_commands(self, ctx: Any) -> list[str]:
        """`predict`, and what makes and ships a model, before the rest."""
        return sorted(super().list_commands(ctx), key=lambda name: [*FIRST, name].index(name))


app = typer.Typer(
    name="roadworthy",
    cls=_Commands,
    help="Train, stress-test and ship road-sign classifiers.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples("roadworthy predict photo.jpg", "roadworthy COMMAND --help"),
)
for group in (predict, bench, drive, train, hub, data, label, study, listing, doctor):
    app.add_typer(group.verbs)

# Not ours: a disk that is full, over its quota, read-only or broken.
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG}
DENIED = {errno.EACCES, errno.EPERM}  # nor these: a file or folder of somebody else


def _version(wanted: bool) -> None:
    if wanted:
        print_line(f"roadworthy {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def _checked_commands() -> Any:
    """The commands, every path among their arguments checked before anything is done with it."""
    root = typer.main.get_command(app)
    commands: list[Any] = [root]
    for command in commands:
        commands += getattr(command, "commands", {}).values()
        for parameter in command.params:
            if isinstance(parameter.type, TyperPath):
                parameter.type = _CheckedPath(parameter.type)
    return root


class _CheckedPath(TyperPath):
    """A path that a file system can hold; what cannot be one is refused in one line."""

    def __init__(self, kind: TyperPath) -> None:
        self.__dict__.update(kind.__dict__)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """The path, as typer has it."""
        as_path(os.fspath(value))
        return super().convert(value, param, ctx)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; nothing but KeyboardInterrupt's kin escapes."""
    try:
        with aloud(say_note):
            code = _checked_commands().main(arguments, prog_name="roadworthy", standalone_mode=False)
        sys.stdout.flush()
    except RoadworthyError as error:
        say_error(" ".join(str(error).split()))
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        say("stopped")
        return INTERRUPTED
    except BrokenPipeError:
        close_stdout()
        return 0
    except USAGE_ERRORS as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            say(error.format_message())
        else:
            say_error(_usage_line(error))
        return 2
    except OSError as error:
        if error.errno in DENIED and error.filename is not None:
            say_error(f"{visible(str(error.filename))} cannot be opened: {error.strerror}")
            return 2
        if error.errno not in NO_ROOM:
            say(f"this is our bug, please report it: {_our_bug(error)}")
            return 1
        if error.filename is None:
            close_stdout()  # which Python would flush once more
        say_error(f"{visible(str(error.filename or 'the output'))} cannot be written: {error.strerror}")
        return 2
    except Exception as error:
        say(f"this is our bug, please report it: {_our_bug(error)}")
        return 1
    return code if isinstance(code, int) else 0


# typer keeps its parser's errors to itself; this is their common base, which typer.BadParameter has too.
USAGE_ERRORS: type[Any] = typer.BadParameter.__mro__[1]


def _usage_line(error: Any) -> str:
    message = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    return f"{message}; see {context.command_path if context else 'roadworthy'} --help"


def _our_bug(error: BaseException) -> str:
    """Where the traceback of a bug went, in one line."""
    trace = "".join(traceback.format_exception(error))
    if os.environ.get("ROADWORTHY_TRACEBACK") == "1":
        return trace
    from platformdirs import user_log_path

    name = f"traceback-{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.txt"
    for folder in (user_log_path("roadworthy"), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(
                f"{command_line()}\n{trace}", encoding="utf-8", errors="backslashreplace"
            )
        except OSError:
            continue
        return f"{type(error).__name__}: {' '.join(str(error).split())}; the traceback is in {folder / name}"
    return f"{type(error).__name__}: {error}; set ROADWORTHY_TRACEBACK=1 to see the traceback"


def main() -> None:
    """The entry point."""
    for stream in (sys.stdout, sys.stderr):
        # A file name need not be printable in the terminal's encoding; saying it roughly beats failing.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
