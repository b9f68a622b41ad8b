"""What LocalStack 4.7 lacks for this project, put into it when it starts. It plays what the vendor documents say.

- `custom_resources`, `requests`, `response_urls`, `ledger`: CloudFormation's custom-resource protocol.
- `stacks`, `operation`, `rollback`, `deletion`: operations on a stack: only what changed, side by side, called off when one
  fails, rollback, clean-up, deletion in order.
- `functions`, `runtime_api`: Lambda functions as processes on this machine, no container.
- `deliveries`: asynchronous events that come late, and more than once.
- `activities`: Step Functions activities answer for tasks that are over, and executions stop.
- `loopback`: nothing listens on another interface.

Limits that are known: native resources are not set back when an update rolls back (custom ones are); a stack's
resources are deleted one after the other; `1.50` in YAML reaches a custom resource as `1.5`.
"""
