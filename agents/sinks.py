"""The sink of an installation without a hospital record: it says so, and writes nothing."""

from data_schemas import WriteReceipt, WriteRequest, WriteState


class NoSink:
    """Answers ``not-configured`` to every write, so that no case is ever shown as written."""

    async def propose(self, request: WriteRequest) -> tuple[WriteReceipt, ...]:
        """One receipt that says nothing was written."""
        return (_RECEIPT,)

    async def finalize(self, request: WriteRequest) -> tuple[WriteReceipt, ...]:
        """One receipt that says nothing was written."""
        return (_RECEIPT,)

    async def read_back(self, request: WriteRequest) -> int | None:
        """None: there is no record to read."""
        return None


_RECEIPT = WriteReceipt(
    resource_type="Observation",
    state=WriteState.NOT_CONFIGURED,
    detail="no hospital record is configured; the decision is kept here only",
)
