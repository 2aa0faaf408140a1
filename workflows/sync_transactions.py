"""SyncTransactions: everything that is new on one account elsewhere, page by page."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.feeds import Feeds, Fetched, Sync
    from workflows.patience import A_FEED_PAGE, FEED_PATIENCE, UNTIL_PATIENCE_ENDS

PAGES_A_RUN = 200  # some two thousand entries of history


@workflow.defn(name="SyncTransactions")
class SyncTransactions:
    @workflow.run
    async def run(self, sync: Sync) -> Sync:
        for _ in range(PAGES_A_RUN):
            fetched = await self._fetch(sync)
            sync = _with(sync, fetched)
            if not fetched.has_more:
                return sync
            workflow.set_current_details(f"{sync.pages} pages, {sync.new} new")
        workflow.continue_as_new(sync)

    async def _fetch(self, sync: Sync) -> Fetched:
        """A feed that asks for patience gets it; one that is away for longer is for the next run of the schedule."""
        return await workflow.execute_activity_method(
            Feeds.fetch,
            sync,
            start_to_close_timeout=A_FEED_PAGE,
            schedule_to_close_timeout=FEED_PATIENCE,
            retry_policy=UNTIL_PATIENCE_ENDS,
        )


def _with(sync: Sync, fetched: Fetched) -> Sync:
    return sync.model_copy(
        update={
            "pages": sync.pages + 1,
            "new": sync.new + fetched.new,
            "repeated": sync.repeated + fetched.repeated,
            "rejected": sync.rejected + fetched.rejected,
        }
    )
