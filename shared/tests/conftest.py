"""A small service through the real stack: real tokens, real SQLite."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from carport.shared import db, pagination, testing, web
from carport.shared.errors import Conflict
from carport.shared.kernel.clock import utc_now
from carport.shared.kernel.ids import new_id
from carport.shared.service import Service

metadata = sa.MetaData(naming_convention=db.CONVENTION)
note = db.table(
    "note",
    metadata,
    sa.Column("id", db.Text, primary_key=True),
    sa.Column("account_id", db.Text, nullable=False),
    sa.Column("text", db.Text, nullable=False),
    sa.Column("amount", db.Cents, nullable=False),
)
blp = web.Blueprint("notes", __name__, description="Notes")


class TooSad(Exception):
    """A domain refusal."""

    code = "too_sad"
    pointer = "/text"


class NewNote(web.Schema):
    text = web.TextField(required=True, max=20)
    amount = web.MoneyField(required=True)
    day = web.DayField(load_default=None)
    count = web.IntField(min=0, max=9, load_default=0)
    flag = web.FlagField(load_default=False)
    other_id = web.IdField(load_default=None)


class Filters(pagination.PageArgs):
    since = web.DayField(load_default=None)
    dry_run = web.QueryFlagField(load_default=False)


class Note(web.Schema):
    id = web.IdField()
    text = web.TextField()
    amount = web.MoneyField()


def insert(tx, account_id, fields):
    row = {
        "id": new_id(utc_now()),
        "account_id": account_id,
        "text": fields["text"],
        "amount": fields["amount"],
    }
    tx.execute(note.insert().values(row))
    if fields["text"] == "conflict":
        raise Conflict("not_now", "Not in this state.")
    if fields["text"] == "sad":
        raise TooSad("Cheer up and try again.")
    if fields["text"] == "defect":
        raise RuntimeError("secret internals")
    return {name: row[name] for name in ("id", "text", "amount")}


@blp.route("/v1/accounts/<account_id>/notes", methods=["POST"])
@web.access("customer", owns="account_id", idempotent=True, money=True)
@blp.arguments(NewNote)
@blp.returns(201, Note)
def add_note(fields, account_id):
    """Add a note"""
    return web.once(lambda tx: insert(tx, account_id, fields), status=201, body=fields)


@blp.route("/v1/accounts/<account_id>/notes", endpoint="list_notes")
@web.access("customer", owns="account_id")
@blp.arguments(Filters, location="query")
@blp.returns(200, Note(many=True))
def list_notes(args, account_id):
    """List notes"""
    with web.current().reading() as tx:
        query = sa.select(note).where(note.c.account_id == account_id)
        return pagination.page(
            tx,
            query,
            keys=[note.c.id],
            limit=args["limit"],
            cursor=args["cursor"],
            scope=account_id,
        )


@blp.route("/v1/echo", methods=["POST"])
@web.access("public", limit="100/minute", body_limit=1000)
@blp.arguments(NewNote)
@blp.returns(200)
def echo(fields):
    return {"text": fields["text"], "day": fields["day"]}


@blp.route("/v1/settings", methods=["GET"])
@web.access("user")
@blp.returns(200)
def read_settings():
    web.etag({"a": 1})
    return {"a": 1}


@blp.route("/v1/settings", methods=["PUT"], endpoint="put_settings")
@web.access("user")
@blp.arguments(NewNote)
@blp.returns(204)
def put_settings(fields):
    web.require_match({"a": 1})


@blp.route("/v1/touch", methods=["POST"])
@web.access("user", step_up=True)
@blp.returns(204)
def touch():
    pass


@blp.route("/v1/staff/notes")
@web.access("agent")
@blp.returns(200)
def staff_notes():
    return {"data": []}


@blp.route("/v1/staff/notes/<note_id>")
@web.access("agent")
@blp.returns(200)
def staff_note(note_id):
    return {"id": note_id}


@blp.route("/v1/sandbox/notes")
@web.access("sandbox")
@blp.returns(200)
def sandbox_notes():
    return {"data": []}


SERVICE = Service(
    name="payments",
    metadata=metadata,
    migrations="",
    blueprints=(blp,),
    errors={TooSad: 409},
)


@pytest.fixture
def make_runtime(tmp_path):
    made = []

    def make(**more):
        settings = testing.settings("payments", tmp_path, **more)
        runtime = db.Runtime(SERVICE, settings, db.make_engine(settings.database_url))
        metadata.create_all(runtime.engine)
        db.SPINE.create_all(runtime.engine)
        made.append(runtime)
        return runtime

    yield make
    for runtime in made:
        runtime.engine.dispose()


@pytest.fixture
def runtime(make_runtime):
    return make_runtime()


@pytest.fixture
def client(runtime):
    return web.create_app(runtime).test_client()


@pytest.fixture
def account_id():
    return new_id(utc_now())


@pytest.fixture
def customer(runtime, account_id):
    return testing.bearer(runtime, accounts=[account_id])
