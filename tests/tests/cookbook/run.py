"""Checks the syntax of programs, and runs them with PySide2 if it is installed.

usage: run.py FOLDER

Each NAME.py in the folder runs in a process of its own, which writes its output to NAME.out. Prints
"failed: NAME" for each program that fails. Without PySide2, prints "skipped: " and the reason.
"""

import os
import pathlib
import signal
import sys
import traceback

LIMIT = 20  # seconds for a program


def run(path, code):
    """Runs a program in a child process and returns whether it ended well."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    signal.alarm(LIMIT)
    out = os.open(path.with_suffix(".out"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    sys.argv = [str(path)]
    raised = []

    def hook(*exception):
        raised.append(exception)
        traceback.print_exception(*exception)

    # PySide2 prints an exception of a slot and goes on.
    sys.excepthook = hook
    status = 0
    try:
        exec(code, {"__name__": "__main__"})
    except SystemExit as end:
        status = end.code or 0
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # Without Python's clean-up, in which PySide2 destroys objects in no particular order.
    os._exit(1 if raised else status)


def main():
    folder = pathlib.Path(sys.argv[1])
    programs = {path: path.read_text() for path in sorted(folder.glob("*.py"))}
    codes = {path: compile(text, path.name, "exec") for path, text in programs.items()}
    try:
        import PySide2.QtNetwork  # noqa: F401
    except ImportError as error:
        print(f"skipped: {error}")
        return
    for path, code in codes.items():
        sys.stdout.flush()
        if not run(path, code):
            print(f"failed: {path.stem}")


main()
