"""Checks of connection, signature and question in `onecert partner conformance`. Each returns, or raises."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from config.catalogue.fields import LOOPBACK
from enterprises.conformance.expectations import by_id, expect_all_answered, expect_no_5xx, expect_status, question_of
from enterprises.conformance.findings import Failed, Skipped
from enterprises.conformance.trial import Trial, digest_of

# --- connection ------------------------------------------------------------------------------------------------------


def check_reachable(trial: Trial) -> None:
    """Check that the partner answers at all."""
    trial.ask()


def check_tls(trial: Trial) -> None:
    """Check for TLS 1.2 or newer with a certificate that public roots vouch for."""
    parts = urlsplit(trial.url)
    if parts.scheme != "https":
        if parts.hostname in LOOPBACK:
            raise Skipped("plain http on loopback: for trying out only")
        raise Failed("the address is plain http")
    context = ssl.create_default_context(cafile=str(trial.ca_file) if trial.ca_file else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        with (
            socket.create_connection((parts.hostname or "", parts.port or 443), trial.partner.connect_s) as peer,
            context.wrap_socket(peer, server_hostname=parts.hostname),
        ):
            return
    except OSError as error:
        raise Failed(f"TLS: {getattr(error, 'verify_message', '') or type(error).__name__}") from None


def check_no_redirect(trial: Trial) -> None:
    """Check that the base URL itself answers."""
    status = trial.ask().answer.status
    if 300 <= status < 400:
        raise Failed(f"answered {status}; a redirect is never followed")


def check_get(trial: Trial) -> None:
    """Check that a GET is refused."""
    expect_status(trial.get(), 401, 404, 405, 501)


# --- signature -------------------------------------------------------------------------------------------------------


def check_accepted(**change: Any) -> Callable[[Trial], None]:
    """Check that a question signed like this is answered."""
    return lambda trial: expect_status(trial.ask(**change).answer, 200, 202)


def check_refused(**change: Any) -> Callable[[Trial], None]:
    """Check that a question signed like this is refused."""
    return lambda trial: expect_status(trial.ask(**change).answer, 401)


def check_other_bytes(trial: Trial) -> None:
    """Check that the digest is compared with the body as received."""
    body, headers = trial.sealed(question_of(trial))
    expect_status(trial.post(body + b" ", headers), 401)


def check_digest_follows(trial: Trial) -> None:
    """Check that the signature covers the digest: body and digest are exchanged together."""
    body, headers = trial.sealed(question_of(trial))
    expect_status(trial.post(body + b" ", {**headers, "Content-Digest": digest_of(body + b" ")}), 401)


def check_replayed(trial: Trial) -> None:
    """Check that the same request is accepted once."""
    body, headers = trial.sealed(question_of(trial))
    expect_status(trial.post(body, headers), 200, 202)
    expect_status(trial.post(body, headers), 401)


def check_nonce_again(trial: Trial) -> None:
    """Check that a nonce is accepted once."""
    nonce = "conformance-" + trial.ask().batch
    expect_status(trial.ask(nonce=nonce).answer, 200, 202)
    expect_status(trial.ask(nonce=nonce).answer, 401)


def check_no_signature(trial: Trial) -> None:
    """Check that nothing is answered without a signature."""
    body, headers = trial.sealed(question_of(trial))
    expect_status(trial.post(body, {"Content-Type": headers["Content-Type"]}), 401)


# --- question --------------------------------------------------------------------------------------------------------


def check_with(where: str) -> Callable[[Trial], None]:
    """Check that members of a later version are ignored."""

    def edit(body: bytes) -> bytes:
        question = json.loads(body)
        target = question if where == "top" else question["items"][0]
        target["a_member_of_a_later_version"] = {"any": ["thing", 1]}
        return json.dumps(question, ensure_ascii=False).encode()

    return lambda trial: expect_all_answered(trial, trial.ask(edit=edit))


def check_held_since(trial: Trial) -> None:
    """Check that `held_since` is accepted."""
    if trial.partner.kind == "carrier":
        raise Skipped("carriers get no held_since")

    def edit(body: bytes) -> bytes:
        question = json.loads(body)
        question["items"][0]["held_since"] = "2024-05"
        return json.dumps(question).encode()

    expect_all_answered(trial, trial.ask(edit=edit))


def check_many(trial: Trial) -> None:
    """Check that a batch of the agreed size is answered in full."""
    expect_all_answered(trial, trial.ask(trial.items(trial.partner.batch_size)))


def check_reversed(trial: Trial) -> None:
    """Check that answers belong to ids, not to places."""
    items = trial.items(5)
    first, second = trial.ask(items), trial.ask(items[::-1])
    if by_id(trial.answer_of(first)) != by_id(trial.answer_of(second)):
        raise Failed("the order of the items changes the answers")


def check_again(trial: Trial) -> None:
    """Check that the same item may be asked again."""
    items = trial.items(3)
    first, second = trial.ask(items), trial.ask(items)
    if by_id(trial.answer_of(first)) != by_id(trial.answer_of(second)):
        raise Failed("the same items, asked again, have other answers")


def check_duplicates(trial: Trial) -> None:
    """Check that a repeated id causes no server error."""
    item = trial.items()[0]
    expect_no_5xx(trial.ask([item, item]).answer)


def check_body(body: bytes) -> Callable[[Trial], None]:
    """Check that a body that is not a question is refused."""
    return lambda trial: expect_status(trial.send(body), 400, 413, 415, 422)


def check_empty(trial: Trial) -> None:
    """Check that a question without items causes no server error."""
    expect_no_5xx(trial.ask(edit=lambda body: json.dumps({**json.loads(body), "items": []}).encode()).answer)


def check_kind_unknown(trial: Trial) -> None:
    """Check that a kind of a later version is refused."""

    def edit(body: bytes) -> bytes:
        return json.dumps({**json.loads(body), "kind": "gossip"}).encode()

    expect_status(trial.ask(edit=edit).answer, 400, 422)


def check_service(kind: str, service: str) -> Callable[[Trial], None]:
    """Check that a carrier answers every kind and service."""

    def check(trial: Trial) -> None:
        if trial.partner.kind != "carrier":
            raise Skipped("asked of carriers only")
        expect_all_answered(trial, trial.ask(kind=kind, service=service), kind)

    return check


def check_at_once(trial: Trial) -> None:
    """Check that the agreed number of simultaneous calls is answered."""
    count = min(trial.partner.concurrency, 8)
    with ThreadPoolExecutor(count) as pool:
        for asked in list(pool.map(lambda _: trial.ask(), range(count))):
            expect_status(asked.answer, 200, 202, 429)
