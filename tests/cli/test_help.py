"""Every command explains itself, in Chinese and in English."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.processes import environment

# The whole tree in one process a language: the language is chosen when the program starts.
WALK = """
import functools, json, typer, typer.testing
from typer.testing import CliRunner
from kesu.cli import app

typer.testing._get_command = functools.cache(typer.testing._get_command)  # the tree is built once, not for every page

def walk(command, path):
    yield path
    for name, child in getattr(command, "commands", {}).items():
        yield from walk(child, [*path, name])

runner = CliRunner()
pages = {}
for path in walk(typer.main.get_command(app), []):
    result = runner.invoke(app, [*path, "--help"])
    pages[" ".join(path)] = [result.exit_code, result.output]
print(json.dumps(pages))
"""
SENTENCE = re.compile(r"[A-Z][a-z]+(?: [a-z]+){3,}")
OFFICIAL_NAME = re.compile(r"\([\u4e00-\u9fff]+\)")
OF_THE_LIBRARY = ("Show this message", "Install completion", "Show completion")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
COMMANDS = {
    *("serve", "web", "worker", "migrate", "demo", "sandbox", "sync", "doctor"),
    *("merchants add", "merchants list", "merchants check", "merchants import-sandbox"),
    *("channels add", "channels test", "channels list", "channels remove"),
    *("complaints list", "complaints show", "outbox list", "users add", "users list"),
}


@cache
def help_pages(language: str) -> dict[str, tuple[int, str]]:
    done = subprocess.run(
        [sys.executable, "-c", WALK],
        env=environment(Path(os.environ["KESU_DATA"]), KESU_LANGUAGE=language, COLUMNS="100"),
        capture_output=True,
        text=True,
        check=True,
    )
    return {path: (code, text) for path, (code, text) in json.loads(done.stdout).items()}


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_command_has_a_help_page_in_the_language_asked_for(language: str):
    pages = help_pages(language)
    assert set(pages) >= COMMANDS
    for path, (code, text) in pages.items():
        assert code == 0, path
        said = text.partition("╭")[0].strip().partition("\n")[2]
        said = said if language == "zh-hans" else OFFICIAL_NAME.sub("", said)
        assert bool(CHINESE.search(said)) == (language == "zh-hans"), f"{path}: {said}"


def test_every_option_is_explained_in_chinese():
    english, chinese = help_pages("en"), help_pages("zh-hans")
    untranslated = {
        (path, sentence)
        for path, (_, text) in chinese.items()
        for sentence in set(SENTENCE.findall(text)) & set(SENTENCE.findall(english[path][1]))
        if not sentence.startswith(OF_THE_LIBRARY)
    }
    assert untranslated == set()


def test_chinese_is_spoken_where_nothing_was_chosen(tmp_path: Path):
    env = environment(tmp_path) | {"LC_ALL": "C.UTF-8"}
    del env["KESU_LANGUAGE"]
    done = subprocess.run(
        [sys.executable, "-m", "kesu.cli", "--help"], env=env, capture_output=True, text=True, check=True
    )
    assert CHINESE.search(done.stdout)
