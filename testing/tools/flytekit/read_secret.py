"""Prints a secret as a task of Flyte gets it: a workflow that runs here, with flytekit's own secrets manager.

Usage: read_secret GROUP KEY
"""

import sys

from flytekit import Secret, current_context, task, workflow

GROUP, KEY = sys.argv[1:]


@task(secret_requests=[Secret(group=GROUP, key=KEY)])
def read() -> str:
    return current_context().secrets.get(GROUP, KEY)


@workflow
def run() -> str:
    return read()


sys.stdout.write(run())
