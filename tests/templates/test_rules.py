"""The rules of cloudformation/lint find what is wrong with a Custom::SparkJob, where it stands, and nothing else.

`make lint-templates` runs it in the linters' environment.
"""

import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

_HERE = Path(__file__).parent
_REPOSITORY = _HERE.parents[1]
_LINTER = Path(sys.executable).with_name("cfn-lint")
# What docs/templates.md shows the linter's words about.
_SAMPLE = """\
AWSTemplateFormatVersion: '2010-09-09'
Description: Counts clicks as they come, with three mistakes.
Parameters:
  ClusterId:
    Type: String
Resources:
  Clicks:
    Type: Custom::SparkJob
    Properties:
      ServiceToken: !ImportValue spark-job-submitter
      ClusterId: !Ref ClusterId
      UpdatePolicy: StopThenStart
      HealthySeconds: 901
      Parameters:
        File: s3://my-bucket/jobs/clicks.py
        NumExecutor: 4
Outputs:
  ApplicationId:
    Value: !GetAtt Clicks.AplicationId
"""


def _messages(template: Path) -> list[tuple[int, str]]:
    """What the linter says, each with its line."""
    rules = str(_REPOSITORY / "cloudformation" / "lint")
    command = [str(_LINTER), "--format", "json", "--append-rules", rules, "--", str(template)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if said.stderr:
        raise AssertionError(said.stderr)
    return [(one["Location"]["Start"]["LineNumber"], one["Message"]) for one in json.loads(said.stdout)]


class Rules(unittest.TestCase):
    """What they say of templates."""

    maxDiff = None

    def test_a_good_template_passes(self) -> None:
        self.assertEqual(_messages(_HERE / "good.yaml"), [])

    def test_the_good_template_holds_every_property_and_parameter(self) -> None:
        text = (_HERE / "good.yaml").read_text()
        schema = json.loads((_REPOSITORY / "cloudformation" / "schemas" / "custom-sparkjob.json").read_text())
        read_only = {pointer.rpartition("/")[2] for pointer in schema["readOnlyProperties"]}
        for name in (set(schema["properties"]) - read_only) | set(schema["definitions"]["Parameters"]["properties"]):
            self.assertRegex(text, rf"(?m)^ +{name}:")
        for name in schema["definitions"]["Attributes"]["properties"]:
            self.assertIn(f".{name}", text)

    def test_each_mistake_is_found_where_it_stands_and_once(self) -> None:
        template = _HERE / "mistakes.yaml"
        lines = enumerate(template.read_text().splitlines(), start=1)
        expected = {number: line.split("#! ")[1] for number, line in lines if "#! " in line}
        messages = _messages(template)
        said: dict[int, str] = dict(messages)
        self.assertEqual(sorted(number for number, _ in messages), sorted(expected), messages)
        for number, beginning in expected.items():
            self.assertEqual(said[number][: len(beginning)], beginning, f"line {number}")

    def test_the_readmes_template_passes(self) -> None:
        (block,) = re.findall(r"```yaml\n(AWSTemplateFormatVersion.*?)```", _text("README.md"), re.DOTALL)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as template:
            template.write(block)
            template.flush()
            self.assertEqual(_messages(Path(template.name)), [])

    def test_the_page_on_templates_shows_what_the_linter_says(self) -> None:
        page = _text("docs/templates.md")
        (shown,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
        (settings,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
        rules = str(_REPOSITORY / "cloudformation" / "lint")
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "my-stack.yaml").write_text(_SAMPLE)
            named = [str(_LINTER), "--append-rules", rules, "--", "my-stack.yaml"]
            self.assertEqual(_said(named, folder).strip(), shown.strip())
            # The same, in a project that holds a copy of this repository.
            (Path(folder) / "sparkwright").symlink_to(_REPOSITORY)
            (Path(folder) / ".cfnlintrc").write_text(settings)
            self.assertEqual(_said([str(_LINTER), "my-stack.yaml"], folder).strip(), shown.strip())


def _text(document: str) -> str:
    return (_REPOSITORY / document).read_text()


def _said(command: list[str], folder: str) -> str:
    """What the linter says to people."""
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120).stdout


if __name__ == "__main__":
    unittest.main()
