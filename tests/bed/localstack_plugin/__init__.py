"""What LocalStack 4.7 lacks for this project, put into it when it starts. It plays what the vendor documents say.

- `custom_resources`, `requests`, `response_urls`, `ledger`: CloudFormation's custom-resource protocol.
- `stacks`: operations on a stack: only what changed, roll-back, clean-up, deletion in order.
- `functions`, `runtime_api`: Lambda functions as processes on this machine, no container.
- `activities`: Step Functions activities answer for tasks that are over, and executions stop.
- `loopback`: nothing listens on another interface.

Limits that are known: native resources are not set back when an update rolls back (custom ones are); resources of a
stack are handled one after the other; `1.50` in YAML reaches a custom resource as `1.5`.
"""
