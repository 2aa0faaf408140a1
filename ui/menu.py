"""The pages there are: where each is, what it is called, and what one must be allowed to read it."""

from typing import NamedTuple


class Page(NamedTuple):
    path: str
    title: str
    permission: str
    in_menu: bool = True  # otherwise reached by a link

    @property
    def file(self) -> str:
        return f"app_pages/{self.path}.py"


MENU = (
    Page("overview", "Overview", "applications:read"),
    Page("queue", "Queue", "reviews:read"),
    Page("workflows", "Workflows", "workflows:read"),
    Page("policies", "Policies", "policies:read"),
    Page("models", "Models", "models:read"),
    Page("performance", "Performance", "models:read"),
    Page("experiments", "Experiments", "models:read"),
    Page("releases", "Releases", "models:read"),
    Page("drift", "Drift", "models:read"),
    Page("customers", "Customers", "customers:read"),
    Page("interventions", "Interventions", "customers:read"),
    Page("collectors", "Calls", "customers:read"),
    Page("messages", "Messages", "customers:read"),
    Page("strategies", "Strategies", "customers:read"),
    Page("stream", "Stream", "customers:read"),
    Page("trace", "Decision trace", "applications:read"),
    Page("audit", "Audit", "ledger:read"),
    Page("schedules", "Schedules", "schedules:read"),
    Page("keys", "Keys", "keys:manage"),
    Page("case", "Case", "applications:read", in_menu=False),
)
