"""Everything that the scenes need, set up once: the bed, the provider's stack, the activity's stack, the worker."""

import dataclasses
import hashlib
import secrets
from pathlib import Path

from bed.cluster import Cluster
from bed.demo import programs
from bed.demo.aws import TROUBLE, Aws, Stack
from bed.process import Process
from bed.progress import BedError
from bed.settings import REPOSITORY, Settings

_TEMPLATES = REPOSITORY / "cloudformation"
PROVIDER = _TEMPLATES / "spark-job-provider.yaml"
_BUCKET = "sparkwright-artifacts"
_DEFINITION = REPOSITORY / "statemachines" / "spark-job.asl.json"


@dataclasses.dataclass(frozen=True)
class Stage:
    """Where the scenes play."""

    settings: Settings
    aws: Aws
    cluster: Cluster
    # In every name, so that a bed that stays up can be used again.
    suffix: str
    export_name: str
    state_machine_arn: str
    activity_arn: str

    @property
    def jobs(self) -> Path:
        """The folder of the jobs' files."""
        return self.settings.folders.jobs

    def job(self, name: str) -> str:
        """The URI of one job's file."""
        return f"file://{self.jobs / name}"

    def example(self, name: str) -> Path:
        """One of the repository's example templates."""
        return _TEMPLATES / "examples" / name

    def example_parameters(self, **more: str) -> dict[str, str]:
        """What every example has to be told, and more."""
        return {
            "ProviderExportName": self.export_name,
            "LivyUrl": self.settings.url("livy"),
            "ResourceManagerUrl": self.settings.url("resource_manager"),
            **more,
        }


def set_up(settings: Settings) -> Stage:
    """Deploys what the programs need, as a user would, and starts the worker."""
    try:
        return _set_up(settings)
    except TROUBLE as error:
        raise BedError(f"could not deploy the programs: {error}. The logs are in {settings.folders.logs}") from error


def tear_down(stage: Stage) -> None:
    """Stops the worker. The stacks end with the bed."""
    Process("worker", stage.settings.folders.run).stop(patience=10)


def deploy_provider(aws: Aws, name: str, export_name: str, archive: bytes, template: Path = PROVIDER) -> Stack:
    """Begins to create the provider's stack from the repository's template, with this zip as its function."""
    return aws.create_stack(name, template, {
        "CodeBucket": _BUCKET, "CodeKey": _upload(aws, "bootstrap.zip", archive),
        "ExportName": export_name, "Settle": programs.SETTLE,
    })


def _set_up(settings: Settings) -> Stage:
    aws, suffix = Aws(settings.url("localstack")), secrets.token_hex(3)
    export_name = f"spark-job-submitter-{suffix}"
    provider = deploy_provider(aws, f"provider-{suffix}", export_name, programs.function_archive())
    definition_key = _upload(aws, "spark-job.asl.json", _DEFINITION.read_bytes())
    activity = aws.create_stack(f"activity-{suffix}", _TEMPLATES / "activity-worker.yaml", {
        "ActivityName": f"spark-job-{suffix}", "DefinitionBucket": _BUCKET, "DefinitionKey": definition_key,
    })
    for stack in (provider, activity):
        _require_complete(settings, stack)
    outputs = activity.outputs()
    programs.start_worker(settings, outputs["ActivityArn"])
    cluster = Cluster(settings.url("resource_manager"))
    return Stage(settings, aws, cluster, suffix, export_name, outputs["StateMachineArn"], outputs["ActivityArn"])


def _upload(aws: Aws, name: str, content: bytes) -> str:
    key = f"{hashlib.sha256(content).hexdigest()[:16]}/{name}"
    aws.s3.create_bucket(Bucket=_BUCKET)
    aws.s3.put_object(Bucket=_BUCKET, Key=key, Body=content)
    return key


def _require_complete(settings: Settings, stack: Stack) -> None:
    status = stack.follow(120)
    if status != "CREATE_COMPLETE":
        reasons = "\n".join(f"  {event.logical_id}: {event.reason}" for event in stack.events() if event.reason)
        raise BedError(f"the stack {stack.name} is {status}:\n{reasons}\nThe logs are in {settings.folders.logs}")
