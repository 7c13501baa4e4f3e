"""Terraform code: what is escaped, and how it stands."""

import json
import subprocess
from base64 import b64decode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.transfer.hcl import Block, Expression, Labels, block, quoted
from tests.transfer.conftest import check_format


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("plain", '"plain"'),
        ('a "b" \\ c', '"a \\"b\\" \\\\ c"'),
        ("${x} %{y} $x {z}", '"$${x} %%{y} $x {z}"'),
        ("two\nlines\tand\r", '"two\\nlines\\tand\\r"'),
        ("\x00\u2028\U000e0001", '"\\u0000\\u2028\\U000e0001"'),
        ("$${x}", '"$$${x}"'),
    ],
)
def test_texts_are_literals(text: str, literal: str) -> None:
    assert quoted(text) == literal


@given(st.lists(st.text(max_size=20), max_size=20))
def test_labels_are_identifiers_and_each_is_new(names: list[str]) -> None:
    labels = Labels()
    made = [labels.new("x", name) for name in names]
    assert len({each.casefold() for each in made}) == len(names)
    assert all(each.replace("-", "_").isidentifier() for each in made)


@pytest.mark.needs("terraform")
def test_terraform_reads_what_was_meant(tmp_path: Path) -> None:
    texts = ["${x} %{y}", "$${x}", "$$${x} %%{if}", "\\${x}", "$", "${", 'a "b"\n\t\x00\u2028\U000e0001']
    (tmp_path / "main.tf").write_text(block("locals", {"texts": texts}))
    done = subprocess.run(  # noqa: S603 - terraform of the machine
        ["terraform", f"-chdir={tmp_path}", "console"],  # noqa: S607 - likewise
        input="base64encode(jsonencode(local.texts))\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(b64decode(done.stdout.strip().splitlines()[-1].strip('"'))) == texts


@pytest.mark.needs("terraform")
def test_blocks_stand_as_terraform_formats_them(tmp_path: Path) -> None:
    code = block(
        'resource "x" "y"',
        {
            "a": 1,
            "long_name": [True, None, "b"],
            "tags": {"k": "v", "a key": "w", "longer": {"deep": "x", "deeper": {}}},
            "after": Expression("var.x"),
        },
        [Block("inner", {"one": 1, "eleven": 11}), Block("empty", {})],
    )
    (tmp_path / "main.tf").write_text(code)
    check_format(tmp_path / "main.tf")
