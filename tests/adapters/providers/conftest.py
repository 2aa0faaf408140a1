from tests.sandbox_process import running_sandbox, sandbox  # noqa: F401
