"""Reader and writer keep the engine's protocols to the letter, although neither room imports the other."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.engine.ports import JiraReader, JiraWriter
from jira_backup_pipeline.jira.reader import CloudReader
from jira_backup_pipeline.jira.writer import CloudWriter

if TYPE_CHECKING:

    def reads(reader: CloudReader) -> JiraReader:
        """The type checker's own proof."""
        return reader

    def writes(writer: CloudWriter) -> JiraWriter:
        """The type checker's own proof."""
        return writer


@pytest.mark.parametrize(("ours", "promised"), [(CloudReader, JiraReader), (CloudWriter, JiraWriter)])
def test_every_promised_method_is_there_with_the_same_parameters(ours: type, promised: type) -> None:
    names = [name for name, member in vars(promised).items() if inspect.isfunction(member) and name[0] != "_"]

    assert len(names) >= 5
    for name in names:
        wanted = inspect.signature(getattr(promised, name)).parameters
        found = inspect.signature(getattr(ours, name)).parameters
        assert list(wanted) == list(found), name
        assert [one.default for one in wanted.values()] == [one.default for one in found.values()], name
