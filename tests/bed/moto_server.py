"""moto's EMR and Secrets Manager on a free port of loopback, which it prints, with what moto lacks of EMR.

moto plays the shape of the APIs and little of the life behind them: a cluster is WAITING at once, or RUNNING with a step,
or TERMINATED; there are no instance fleets; and the primary node's public name is not the one that its instance has. So
a cluster's tags, which a test gives it when it makes it, say what it shall be:

- `state`: EMR's word for its state.
- `primary`: the name of its primary node, empty for none yet; else the public name of its primary instance.
- `instances`: `INSTANCE_GROUP` or `INSTANCE_FLEET`.
"""

from typing import Any

from moto.emr import models, responses
from moto.emr.exceptions import InvalidRequestException
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

# What comes before the address in the line that is printed.
ANNOUNCEMENT = "moto serves at "
_GROUP, _FLEET = "INSTANCE_GROUP", "INSTANCE_FLEET"


def main() -> None:
    """Serves until it is ended."""
    _let_tags_speak(models.Cluster)
    _tell_fleets_from_groups(responses.ElasticMapReduceResponse)
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler)
    print(f"{ANNOUNCEMENT}http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


def _let_tags_speak(cluster: Any) -> None:
    plain_status = cluster.status.fget
    cluster.status = property(lambda self: plain_status(self) | _said(self, "state", "State"))
    cluster.master_public_dns_name = property(lambda self: self._tags.get("primary", _public_name(self)))
    cluster.instance_collection_type = property(lambda self: self._tags.get("instances", _GROUP))


def _tell_fleets_from_groups(api: Any) -> None:
    plain = api.list_instances

    def list_instances(self: Any) -> Any:
        kind = self.backend.describe_cluster(self._get_param("ClusterId")).instance_collection_type
        other = "InstanceGroupTypes" if kind == _FLEET else "InstanceFleetType"
        if self._get_param(other):
            raise InvalidRequestException(
                f"Instance fleets and instance groups are mutually exclusive. The cluster in the request uses {kind}."
            )
        return plain(self)

    api.list_instances = list_instances


def _said(cluster: Any, tag: str, field: str) -> dict[str, str]:
    return {field: cluster._tags[tag]} if tag in cluster._tags else {}


def _public_name(cluster: Any) -> str:
    primaries = (instance for instance in cluster.ec2_instances if instance.instance_group.role == "MASTER")
    return next((instance.public_dns_name for instance in primaries), "")


if __name__ == "__main__":
    main()
