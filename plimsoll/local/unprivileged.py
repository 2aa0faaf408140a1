"""Running as somebody who is not root, because Postgres refuses to run as root.

In order of preference: as ourselves, when we are not root · inside a user namespace,
where root is seen as user 1000 (no system user needed, works in a folder only root can
open) · as a system user of our own, where namespaces are barred, as in most containers.
The first two leave files where they are; the third needs a folder that user can reach.
"""

import os
import pwd
import shutil
import subprocess
from enum import StrEnum
from functools import cache
from pathlib import Path

ACCOUNT = "plimsoll-postgres"
NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
ACCOUNT_HOME = Path("/var/lib/plimsoll")


class Way(StrEnum):
    OURSELVES = "ourselves"
    NAMESPACE = "namespace"
    ACCOUNT = "account"


@cache
def way() -> Way:
    if os.geteuid() != 0:
        return Way.OURSELVES
    return Way.NAMESPACE if _namespaces_allowed() else Way.ACCOUNT


def prefix() -> tuple[str, ...]:
    """The words to put before a command. Each of them replaces itself by the command, so its id is ours."""
    if way() is Way.OURSELVES:
        return ()
    if way() is Way.NAMESPACE:
        return NAMESPACE
    # `setpriv`, not `runuser`: that one stays as a parent in between and would be the one we signal.
    account = _account()
    return ("setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups")


def give(path: Path) -> None:
    """Makes our own system user the owner; nothing to do for the other two ways."""
    if way() is Way.ACCOUNT:
        os.chown(path, _account().pw_uid, _account().pw_gid)


def can_open(path: Path) -> bool:
    """Whether that user may read it; always so for the other two ways."""
    if way() is not Way.ACCOUNT:
        return True
    return subprocess.run((*prefix(), "test", "-r", str(path)), capture_output=True).returncode == 0


def _namespaces_allowed() -> bool:
    if not shutil.which(NAMESPACE[0]):
        return False
    return subprocess.run((*NAMESPACE, "true"), capture_output=True).returncode == 0


def _account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        options = ("--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin")
        subprocess.run(("useradd", *options, ACCOUNT), check=True, capture_output=True)
        return pwd.getpwnam(ACCOUNT)
