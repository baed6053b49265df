"""One call by a partner's own terms: keys that change, sealed bodies, addresses that lead inside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from config.catalogue.schema import Partner
from config.crypto.http_signatures import verify
from config.db.engine import begin
from config.errors import SignatureInvalid
from config.ground import Ground
from enterprises.circuit_breaker import partner_health
from enterprises.client import ask
from enterprises.content import SEALED_TYPE
from enterprises.errors import EnterpriseError
from enterprises.protocol import Answer, Counts, Item, Pending
from enterprises.sealed_body import open_body, seal_body
from tests.enterprises.server import patient
from tests.support.factories import LAUNCH_DAY
from tests.support.servers import serve, wsgi_method

NEXT = "the-next-secret-of-this-partner"
pytestmark = pytest.mark.usefixtures("logged")


class Strict:
    """A partner that takes one key and one sealing, and tells who asked."""

    def __init__(self) -> None:
        self.url, self.key_id, self.secret, self.seal = "", "", "", "none"
        self.sealed_with: str | None = None
        self.statuses: list[int] = []

    @wsgi_method
    def answer(self, request: Request) -> Response:
        body = request.get_data()
        try:
            keys = {self.key_id: self.secret}
            headers = dict(request.headers)
            verify("POST", request.path, headers, body, secrets=keys, now=LAUNCH_DAY, seen=lambda _: False)
        except SignatureInvalid:
            self.statuses.append(401)
            return Response(status=401)
        self.statuses.append(200)
        asked = json.loads(body if self.seal == "none" else open_body(self.seal, [self.secret], body))
        answer_body = {
            "batch": asked["batch"],
            "items": [{"id": one["id"], "counts": {"weixin": 4}} for one in asked["items"]],
        }
        plain = json.dumps(answer_body).encode()
        seal = self.seal if self.sealed_with is None else self.sealed_with
        if seal == "none":
            return Response(plain, content_type="application/json")
        return Response(seal_body(seal, self.secret, self.key_id, plain), content_type=SEALED_TYPE)


@pytest.fixture
def strict(ground: Ground) -> Iterator[Strict]:
    partner = Strict()
    partner.secret = ground.secrets.get("tencent.key")
    partner.key_id = "onecert-tencent"
    with serve(partner.answer) as partner.url:
        yield partner


def tencent(ground: Ground, strict: Strict, **terms: Any) -> Partner:
    found = ground.catalogues.current().partner("tencent")
    assert found
    return patient(found).model_copy(update={"base_url": strict.url, **terms})


def put(ground: Ground, partner: Partner) -> Answer:
    items = [Item("a", phone="13912345678")]
    return ask(ground, partner, "count", "internet-accounts", items, LAUNCH_DAY + 60_000).by_id["a"]


def set_next(ground: Ground) -> None:
    with begin(ground.engine) as db:
        ground.secrets.set(db, "tencent.key.next", NEXT, LAUNCH_DAY)


def test_a_partner_that_changed_its_key_first_is_asked_with_the_next(ground: Ground, strict: Strict) -> None:
    set_next(ground)
    partner = tencent(ground, strict, next_key_id="onecert-tencent-2")
    assert isinstance(put(ground, partner), Counts)
    assert strict.statuses == [200]
    strict.key_id, strict.secret = "onecert-tencent-2", NEXT
    assert isinstance(put(ground, partner), Counts)
    assert strict.statuses == [200, 401, 200]
    assert partner_health(ground, partner).errors == 0


def test_the_id_may_stay_while_the_secret_changes(ground: Ground, strict: Strict) -> None:
    set_next(ground)
    strict.secret = NEXT
    assert isinstance(put(ground, tencent(ground, strict)), Counts)
    assert strict.statuses == [401, 200]


def test_no_key_of_ours_is_tried_twice(ground: Ground, strict: Strict) -> None:
    strict.secret = "a-secret-that-we-do-not-have"
    with pytest.raises(EnterpriseError) as failure:
        put(ground, tencent(ground, strict))
    assert (failure.value.code, strict.statuses) == ("bad_status", [401])


@pytest.mark.parametrize("seal", ["A256GCM", "SM4GCM"])
@pytest.mark.parametrize("algorithm", ["hmac-sha256", "hmac-sm3"])
def test_sealed_both_ways(ground: Ground, strict: Strict, seal: str, algorithm: str) -> None:
    strict.seal = seal
    assert put(ground, tencent(ground, strict, seal=seal, algorithm=algorithm)) == Counts({"weixin": 4})


@pytest.mark.parametrize(
    ("agreed", "sent"), [("A256GCM", "none"), ("A256GCM", "SM4GCM"), ("SM4GCM", "A256GCM"), ("none", "A256GCM")]
)
def test_an_answer_that_is_not_sealed_as_agreed_is_refused(
    ground: Ground, strict: Strict, agreed: str, sent: str
) -> None:
    strict.seal, strict.sealed_with = agreed, sent
    with pytest.raises(EnterpriseError) as failure:
        put(ground, tencent(ground, strict, seal=agreed))
    assert failure.value.code == "answer_invalid"


def test_a_base_url_that_leads_inside_is_refused_unless_allowed(ground: Ground, strict: Strict) -> None:
    partner = tencent(ground, strict, allow_private=False)
    with pytest.raises(EnterpriseError) as failure:
        put(ground, partner)
    assert (failure.value.code, failure.value.detail) == ("address_refused", "no answer: private")
    assert strict.statuses == []
    assert partner_health(ground, partner).last_error == "address_refused"
    assert not isinstance(put(ground, tencent(ground, strict)), Pending)
