"""The payments service, assembled."""

from __future__ import annotations

from carport.payments import events
from carport.payments.api import BLUEPRINTS
from carport.payments.commands.lockbox import DuplicateItem
from carport.payments.commands.methods import InvalidCard
from carport.payments.domain.bank_accounts import InvalidBankAccount
from carport.payments.domain.dates import InvalidDate
from carport.payments.domain.limits import (
    AccountNotPayable,
    CurrencyMismatch,
    ExceedsPayoff,
    ExtraRefused,
)
from carport.payments.domain.payment import FundingSourceUnusable, MethodInUse, TooLateToCancel
from carport.payments.domain.returns import UnknownReturnCode
from carport.payments.effects import EFFECTS
from carport.payments.handlers import HANDLERS
from carport.payments.jobs import JOBS
from carport.payments.queries.verify import findings
from carport.payments.tables import metadata
from carport.shared.service import Service

ERRORS: dict[type[Exception], int] = {
    AccountNotPayable: 409,
    DuplicateItem: 409,
    FundingSourceUnusable: 409,
    MethodInUse: 409,
    TooLateToCancel: 409,
    CurrencyMismatch: 422,
    ExceedsPayoff: 422,
    ExtraRefused: 422,
    InvalidBankAccount: 422,
    InvalidCard: 422,
    InvalidDate: 422,
    UnknownReturnCode: 422,
}

SERVICE = Service(
    name="payments",
    metadata=metadata,
    migrations="carport.payments.migrations",
    blueprints=BLUEPRINTS,
    errors=ERRORS,
    handlers=HANDLERS,
    publishes=events.PUBLISHES,
    jobs=JOBS,
    effects=EFFECTS,
    verify=findings,
)
