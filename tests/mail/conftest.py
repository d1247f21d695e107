"""The desk of one user, without and with a mail system behind it."""
import pathlib
import shutil
import tempfile

import pytest

from desk import Desk, Submission


@pytest.fixture
def desk():
    # short: a unix socket's path holds 107 bytes
    path = pathlib.Path(tempfile.mkdtemp(prefix="pbm"))
    d = Desk(path)
    yield d
    if d.server:
        d.server.close()
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def post(desk):
    """A desk whose mail system is there."""
    desk.server = Submission(desk.run_dir / "submit")
    return desk
