"""Delivers one outbox item to the hospital's record, and says honestly what came of it."""

import asyncio
import logging
from datetime import timedelta

from agents.alerts import Raised, record_less_urgent
from agents.context import AgentContext
from agents.store.outbox import OutboxItem
from agents.values import Delivery, DeliveryKind
from data_schemas import WriteReceipt, WriteRequest, WriteState

logger = logging.getLogger(__name__)

_WORST_FIRST = (
    WriteState.CONFLICT,
    WriteState.REFUSED,
    WriteState.UNKNOWN,
    WriteState.PENDING,
    WriteState.NOT_CONFIGURED,
    WriteState.WRITTEN,
)


async def deliver(context: AgentContext, item: OutboxItem, request: WriteRequest | None = None) -> Delivery:
    """Try once, and keep the result. The sink may fail in any way; the store may not.

    A final write counts as written only when every receipt says so and, with ``confirm_writes``, the record
    was read back and holds the level decided. ``request`` is read from the store where it is not at hand.
    A sink that does not serve this visit's record leaves an item that is owed to that record as it was.
    """
    settings, store = context.settings, context.store
    final = item.kind is DeliveryKind.FINAL
    if request is None:
        request = await store.reads.request(item.assessment_id)
    if not final:
        request = request.model_copy(update={"review": None})
    error: str | None = None
    held: int | None = None
    receipts: tuple[WriteReceipt, ...] = ()
    try:
        async with asyncio.timeout(settings.write_timeout if final else settings.propose_timeout):
            receipts = await (context.sink.finalize(request) if final else context.sink.propose(request))
            state = worst(receipts)
            if final and state is WriteState.WRITTEN and settings.confirm_writes:
                state, held = await _confirmed(context, request)
                error = None if state is WriteState.WRITTEN else "read-back"
    except Exception as failure:  # whatever the sink did, the decision stays here and is tried again
        error, state = type(failure).__name__, WriteState.UNKNOWN
        logger.warning("case %s: %s not delivered (%s)", item.case_id, item.kind.value, error)
    if error is None and state not in {WriteState.WRITTEN, WriteState.NOT_CONFIGURED}:
        error = state.value
    unserved = bool(receipts) and all(receipt.state is WriteState.NOT_CONFIGURED for receipt in receipts)
    if unserved and item.delivery is not None and await _is_owed(context, item):
        return item.delivery
    delivery = Delivery(kind=item.kind, state=state, receipts=receipts)
    now = context.clock()
    wait = min(settings.retry_base * 2.0 ** min(item.attempts, 16), settings.retry_most)
    alerts = _escalated(request, receipts, held, context)
    await store.outbox.settle(item, delivery, error, now, now + timedelta(seconds=wait), alerts)
    return delivery


def _escalated(
    request: WriteRequest, receipts: tuple[WriteReceipt, ...], held: int | None, context: AgentContext
) -> tuple[Raised, ...]:
    """An alert where the record keeps a less urgent signed level than ours: it is not overwritten, a person decides."""
    review = request.review
    level = request.assessment.level if review is None else review.level
    levels = [receipt.held_level for receipt in receipts if receipt.state is WriteState.CONFLICT]
    found = [other for other in (*levels, held) if other is not None and other > level]
    if not found:
        return ()
    return (record_less_urgent(max(found), level, decided=review is not None, since=context.clock()),)


async def _is_owed(context: AgentContext, item: OutboxItem) -> bool:
    """Whether a record waits for this item that is not the one at hand, so that it must stay in the outbox.

    Any command may find it: one without a server, or with another server than the visit's. What was tried at a
    record is owed to it, and so is the decision on a suggestion that was.
    """
    if item.delivery is None or item.delivery.state is WriteState.NOT_CONFIGURED or item.attempts > 0:
        return True
    if item.kind is not DeliveryKind.FINAL:
        return False
    proposal = await context.store.outbox.find(DeliveryKind.PROPOSAL, item.assessment_id)
    return (
        proposal is not None
        and proposal.attempts > 0
        and (proposal.delivery is None or proposal.delivery.state is not WriteState.NOT_CONFIGURED)
    )


def worst(receipts: tuple[WriteReceipt, ...]) -> WriteState:
    """The state of a delivery: that of its worst receipt; no receipt at all is ``unknown``."""
    states = {receipt.state for receipt in receipts}
    return next((state for state in _WORST_FIRST if state in states), WriteState.UNKNOWN)


async def _confirmed(context: AgentContext, request: WriteRequest) -> tuple[WriteState, int | None]:
    """The state after reading back, and the level that the record holds where it is another one."""
    if request.review is None:
        return WriteState.UNKNOWN, None
    held = await context.sink.read_back(request)
    if held is None:
        return WriteState.UNKNOWN, None
    if held == request.review.level:
        return WriteState.WRITTEN, None
    return WriteState.CONFLICT, held
