"""A folder that another account can reach: pytest's own it cannot."""

import pathlib
import shutil
import tempfile

import pytest


@pytest.fixture
def open_path():
    path = pathlib.Path(tempfile.mkdtemp(prefix="mb"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)
