"""Links into the repository: a file at its commit, and a problem reported."""

import subprocess
from functools import cache
from urllib.parse import urlencode

BRANCH = "main"


def commit(project: str, name: str) -> str:
    """Return the last commit of a snippet file; "" if it is not committed as it is."""
    return commits(project).get(name, "")


@cache
def commits(project: str) -> dict[str, str]:
    """Return the last commit of each snippet file that is as committed; {} without git."""
    log = _git(project, "log", "--format=%x00%H", "--name-only", "--relative", "--", "snippets")
    changed = _git(project, "status", "--porcelain", "--", "snippets")
    prefix = _git(project, "rev-parse", "--show-prefix").strip()
    found: dict[str, str] = {}
    for entry in log.split("\0")[1:]:
        commit_id, *names = entry.split("\n")
        for name in filter(None, names):
            found.setdefault(name, commit_id)
    for line in changed.splitlines():
        found.pop(line[3:].split(" -> ")[-1].strip('"').removeprefix(prefix), None)
    return found


def _git(project: str, *arguments: str) -> str:
    command = ["git", "-c", "core.quotePath=false", *arguments]
    try:
        return subprocess.run(
            command, cwd=project, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def source(repository: str, name: str, commit_id: str) -> str:
    """Return where the file ``name`` can be read, as it was at a commit if that is known."""
    return f"{repository}/blob/{commit_id or BRANCH}/{name}"


def report(repository: str, claim_id: str, address: str, ran: str) -> str:
    """Return the address of a new issue about a claim, filled in but for what is wrong."""
    body = f"Claim: {address}\nRan on: {ran}\n\nWhat is wrong, and what shows it:\n\n"
    return f"{repository}/issues/new?{urlencode({'title': f'{claim_id}: ', 'body': body})}"
