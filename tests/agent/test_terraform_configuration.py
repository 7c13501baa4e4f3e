"""The configuration of the CLI in the sandbox."""

from pathlib import Path

from app.agent.terraform import cli_configuration


def test_what_is_in_the_mirror_is_not_asked_for_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "registry.terraform.io" / "hashicorp" / "null" / "3.2.4").mkdir(parents=True)
    (tmp_path / "registry.terraform.io" / "hashicorp" / 'odd"name').mkdir()
    text = cli_configuration("token", "https://terraform.example", ["terraform.example"], tmp_path)
    assert 'exclude = ["registry.terraform.io/hashicorp/null"]' in text
    assert "odd" not in text
