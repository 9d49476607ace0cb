"""Where the commands run: an installed plug-in, and a folder with its scenario."""

import pytest
from robustness.plugin import install, write_files


@pytest.fixture
def site(tmp_path):
    return install(tmp_path / "site")


@pytest.fixture
def here(tmp_path):
    folder = tmp_path / "here"
    write_files(folder)
    return folder
