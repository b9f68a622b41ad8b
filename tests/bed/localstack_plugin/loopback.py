"""LocalStack listens on every IPv4 interface, whatever GATEWAY_LISTEN says; here it listens on 127.0.0.1."""


def install() -> None:
    """Replaces the endpoint class that LocalStack's server uses."""
    from localstack.runtime.server import twisted

    plain = twisted.endpoints.TCP4ServerEndpoint
    twisted.endpoints.TCP4ServerEndpoint = lambda reactor, port: plain(reactor, port, interface="127.0.0.1")
