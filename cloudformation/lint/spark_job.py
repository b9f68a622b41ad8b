"""Rules of cfn-lint for Custom::SparkJob: `cfn-lint --append-rules cloudformation/lint -- template.yaml`.

cfn-lint takes every `Custom::` type for the same open one, also with `--registry-schemas`, so that a misspelt property
would be found by the deployment only. These rules hold the type against its schema, intrinsic functions included.
"""

import difflib
import json
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import regex as re
from cfnlint.helpers import FUNCTIONS
from cfnlint.jsonschema import ValidationError, Validator
from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.rules.jsonschema import CfnLintJsonSchema

_TYPE = "Custom::SparkJob"
_SOURCE = "https://github.com/sparkwright/sparkwright"
_SCHEMA = json.loads((Path(__file__).parents[1] / "schemas" / "custom-sparkjob.json").read_text(encoding="utf-8"))
_READ_ONLY = [pointer.rpartition("/")[2] for pointer in _SCHEMA["readOnlyProperties"]]
_PROPERTIES = [name for name in _SCHEMA["properties"] if name not in _READ_ONLY]
_PARAMETERS = list(_SCHEMA["definitions"]["Parameters"]["properties"])
_ATTRIBUTES = list(_SCHEMA["definitions"]["Attributes"]["properties"])

# What a template may hold: the attributes are only there to be read, and of the token cfn-lint itself speaks.
_DECLARED = _SCHEMA | {
    "properties": {name: _SCHEMA["properties"][name] for name in _PROPERTIES},
    "readOnlyProperties": [],
    "required": [name for name in _SCHEMA["required"] if name != "ServiceToken"],
}


# What cfn-lint says of a function's value, other than of the function.
_WRONG_VALUE = re.compile(r" is resolved|is not of type ")


class SparkJobProperties(CfnLintJsonSchema):
    """Properties of a Spark job."""

    id = "E9701"
    shortdesc = "Properties of Custom::SparkJob are invalid"
    description = "Holds the properties of Custom::SparkJob against its schema"
    source_url = _SOURCE
    tags = ["resources", "sparkwright"]

    def __init__(self) -> None:
        super().__init__(keywords=["Resources/*"])

    def validate(self, validator: Validator, _: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        """Says of each wrong property, once, what is wrong."""
        if not isinstance(instance, dict) or instance.get("Type") != _TYPE:
            return
        properties = instance.get("Properties") or {}
        if not isinstance(properties, dict):
            return  # cfn-lint's own E3012 and E3001 say so.
        conditions = validator.context.conditions
        if isinstance(instance.get("Condition"), str):
            conditions = conditions.evolve({instance["Condition"]: True})
        context = validator.context.evolve(functions=list(FUNCTIONS), strict_types=False, conditions=conditions)
        context = context.evolve(path=context.path.descend(path="Properties"))
        own = self.extend_validator(
            # The functions themselves are checked by cfn-lint's own rules.
            validator.evolve(function_filter=validator.function_filter.evolve(add_cfn_lint_keyword=False)),
            _DECLARED,
            context,
        )
        told: set[str] = set()
        for error in own.iter_errors(properties):
            subject, message = _explained(error)
            if getattr(error, "unknown", False) or subject in told:  # An earlier cfn-lint has no such word.
                continue
            told.add(subject)
            error.message, error.context = message, []
            error.rule = error.rule if _is_of_a_function(error) else self
            error.path.appendleft("Properties")
            yield error
        yield from self._unresolved(properties, deque(["Properties"]))

    def _unresolved(self, value: Any, path: deque[Any]) -> Iterator[ValidationError]:
        """References to secrets, which CloudFormation hands to a custom resource as they stand."""
        if isinstance(value, str) and re.search(r"{{resolve:(secretsmanager|ssm-secure):", value):
            message = (
                f"`{_name(path)}` holds a reference that CloudFormation does not resolve for a custom resource: "
                "let the job read the secret itself"
            )
            yield ValidationError(message, path=path, rule=self)
        elif isinstance(value, (dict, list)):
            for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
                yield from self._unresolved(inner, path + deque([key]))


class SparkJobAttributes(CloudFormationLintRule):
    """Attributes of a Spark job."""

    id = "E9702"
    shortdesc = "Attribute of Custom::SparkJob does not exist"
    description = "Holds Fn::GetAtt and Fn::Sub of Custom::SparkJob against its attributes"
    source_url = _SOURCE
    tags = ["resources", "sparkwright"]

    def match(self, cfn: Any) -> list[RuleMatch]:
        """Every reference to an attribute that no answer has."""
        jobs = cfn.get_resources([_TYPE])
        return [
            RuleMatch(path, _no_attribute(job, attribute))
            for path, job, attribute in (*_get_atts(cfn), *_subs(cfn))
            if job in jobs and attribute not in _ATTRIBUTES
        ]


def _get_atts(cfn: Any) -> Iterator[tuple[list[Any], str, str]]:
    for *path, value in cfn.search_deep_keys("Fn::GetAtt"):
        parts = value.split(".", 1) if isinstance(value, str) else value
        if isinstance(parts, list) and len(parts) == 2 and all(isinstance(part, str) for part in parts):
            yield path, parts[0], parts[1]


def _subs(cfn: Any) -> Iterator[tuple[list[Any], str, str]]:
    for *path, value in cfn.search_deep_keys("Fn::Sub"):
        text = value[0] if isinstance(value, list) and value else value
        if isinstance(text, str):
            for job, attribute in re.findall(r"\${([A-Za-z0-9]+)\.([A-Za-z0-9.]+)}", text):
                yield path, job, attribute


def _explained(error: ValidationError) -> tuple[str, str]:
    """What an error is about, so that it is told once, and what to tell a person."""
    name = _name(error.path)
    what = error.message
    match error.validator:
        case "additionalProperties":
            return name, _unknown(name)
        case "required":
            missing = next(word for word in error.validator_value if what.startswith(repr(word)))
            missing = f"{name}.{missing}" if name else missing
            return missing, f"`{missing}` is missing"
        case "requiredXor":
            words = ", ".join(f"`{word}`" for word in error.validator_value)
            error.path.clear()  # All of them are at fault.
            return words, f"give one of {words}, and only one"
        case "dependentExcluded":
            return name, f"`{name}` is said by `LivyUrl` already: leave it out"
        case "pattern" | "not":
            what = f"{error.instance!r} will not do"
        case "enum":
            what = f"{error.instance!r} is not one of {', '.join(error.validator_value)}"
        case _ if _is_of_a_function(error):
            if not _WRONG_VALUE.search(what):
                return what, what  # A wrong use of the function itself, of which cfn-lint's own rule says the same.
            what = re.sub(r" does not match '.*'(?= when )", " will not do", what)
    described = error.schema.get("description") if isinstance(error.schema, dict) else None
    return name, f"`{name}`: {what}" + (f"; it is {described}" if described else "")


def _unknown(path: str) -> str:
    inner, _, name = path.rpartition(".")
    if not inner and name in _PARAMETERS:
        return f"`{name}` belongs into `Parameters`"
    if inner and name in _PROPERTIES:
        return f"`{name}` belongs beside `Parameters`, not into it"
    if not inner and name in _READ_ONLY:
        return f"`{name}` is an attribute: it can be read with Fn::GetAtt, not be set"
    known, noun = (_PARAMETERS, "parameter") if inner else (_PROPERTIES, "property")
    suggestion = _suggestion(name, known) or _suggestion(name, _PARAMETERS, " in `Parameters`")
    return f"`{name}` is not a {noun} of {_TYPE}{suggestion}"


def _no_attribute(job: str, attribute: str) -> str:
    suggestion = _suggestion(attribute, _ATTRIBUTES) or f": it has {', '.join(_ATTRIBUTES)}"
    return f"`{job}` has no attribute `{attribute}`{suggestion}"


def _suggestion(name: str, known: list[str], where: str = "") -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return f"; did you mean `{near[0]}`{where}?" if near else ""


def _name(path: Any) -> str:
    """A path as people write it: without functions, their branches and `Properties`."""
    name, is_branch = "", False
    for part in path:
        is_function = part == "Ref" or part in FUNCTIONS
        if isinstance(part, int):
            name += "" if is_branch else f"[{part}]"
        elif not is_function and part != "Properties":
            name += f".{part}" if name else part
        is_branch = is_function
    return name


def _is_of_a_function(error: ValidationError) -> bool:
    return isinstance(error.validator, str) and (error.validator.startswith("fn") or error.validator == "ref")
