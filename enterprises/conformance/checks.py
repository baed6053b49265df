"""The checks of `onecert partner conformance`, which test a partner against docs/lookup-protocol.md, and their run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from config.errors import OneCertError
from enterprises.conformance import answer_checks as read
from enterprises.conformance import question_checks as see
from enterprises.conformance import request_checks as relay
from enterprises.conformance.findings import Failed, Skipped
from enterprises.conformance.request_checks import RequestTrial
from enterprises.conformance.trial import Trial


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the table: its name, advice when it fails, and the function that runs it."""

    name: str
    what_to_do: str
    run: Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one check; `seen` is empty when it passed."""

    check: Check
    state: str
    seen: str = ""


def run_checks(trial: Trial) -> Iterator[Result]:
    """Run every check in turn. A partner that cannot be reached fails the first, and the run ends.

    The checks of requests follow for a partner that takes any.
    """
    for number, check in enumerate(CHECKS):
        result = run_check(check, trial)
        yield result
        if number == 0 and result.state == "fail":
            return
    if trial.partner.requests:
        with RequestTrial(trial.partner, trial.secret, ca_file=trial.ca_file) as requests:
            yield from (run_check(check, requests) for check in REQUEST_CHECKS)


def run_check(check: Check, trial: Any) -> Result:
    """Run one check."""
    try:
        check.run(trial)
    except Skipped as reason:
        return Result(check, "skip", str(reason))
    except (Failed, OneCertError) as reason:
        return Result(check, "fail", getattr(reason, "detail", "") or str(reason))
    return Result(check, "pass")


_OTHER_SECRET: Final = "not-what-was-agreed-on"  # noqa: S105 - that is the point
_PLAIN: Final = ("@method", "@path", "content-type")
_TURNED: Final = ("content-type", "@path", "content-digest", "@method")


def _most(trial: Trial) -> int:
    return trial.partner.batch_size


CHECKS: Final = (
    Check("address answers", "is the service up, the address and its certificate right?", see.check_reachable),
    Check("TLS", "serve TLS 1.2 or newer with a certificate that public roots vouch for", see.check_tls),
    Check("no redirect", "answer at the base URL itself", see.check_no_redirect),
    Check("GET is no question", "answer 404 or 405", see.check_get),
    Check("signature accepted", "section 3: compare the signature base byte for byte", see.check_accepted()),
    Check(
        "components in another order accepted",
        "build the base in the order listed",
        see.check_accepted(covered=_TURNED),
    ),
    Check(
        "another label accepted",
        "find the signature by its tag",
        see.check_accepted(label="sig1"),
    ),
    Check("280 s old accepted", "allow 300 s between the clocks", see.check_accepted(shift_s=-280)),
    Check("no signature refused", "answer 401", see.check_no_signature),
    Check("wrong secret refused", "compare the HMAC", see.check_refused(secret=_OTHER_SECRET)),
    Check("unknown key id refused", "take keys by their id", see.check_refused(key_id="nobody-has-this-key")),
    Check("changed body refused", "compute the digest over the body as received", see.check_other_bytes),
    Check("exchanged digest refused", "cover content-digest with the signature", see.check_digest_follows),
    Check("another path refused", "cover the path as it was called", see.check_refused(path="/another/path")),
    Check("another tag refused", "the tag is onecert", see.check_refused(tag="another")),
    Check("missing component refused", "all four components must be covered", see.check_refused(covered=_PLAIN)),
    Check("no nonce refused", "a nonce is required", see.check_refused(nonce="")),
    Check("310 s old refused", "refuse what is older than 300 s", see.check_refused(shift_s=-310)),
    Check("310 s early refused", "refuse what is newer than 300 s", see.check_refused(shift_s=310)),
    Check("replay refused", "remember nonces for 660 s, shared by all servers", see.check_replayed),
    Check("nonce used again refused", "remember nonces, not requests", see.check_nonce_again),
    Check("batch of one", "answer every item", read.check_one),
    Check("batch of the maximum", "answer every item of the agreed batch size", see.check_many),
    Check("order changed", "answer by id, not by place", see.check_reversed),
    Check("asked again", "answer the same item again, alike", see.check_again),
    Check("duplicate ids", "answer, or refuse with a 4xx", see.check_duplicates),
    Check("unknown member of the question", "let it pass", see.check_with("top")),
    Check("unknown member of an item", "let it pass", see.check_with("item")),
    Check("held_since", "let it pass, or answer with before", see.check_held_since),
    Check("no items", "answer, or refuse with a 4xx", see.check_empty),
    Check("not JSON", "answer 400", see.check_body(b"{")),
    Check("unknown kind", "answer 400", see.check_kind_unknown),
    Check("identity for phone cards", "section 2: name and id_number", see.check_service("identity", "phone-cards")),
    Check("count for phone cards", "section 2: counts under your own code", see.check_service("count", "phone-cards")),
    Check("calls at once", "serve as many calls at once as agreed, or answer 429", see.check_at_once),
    Check("content type", "application/json, or application/jose where sealed", read.check_content_type),
    Check("batch named", "repeat the batch of the question", read.check_names_batch),
    Check("ids once and only those asked", "answer each id once", read.check_only_asked),
    Check("counts or verdicts in range", "integers from 0 to 999; the four verdicts", read.check_range),
    Check("every application", "say 0 where you looked and found none", read.check_applications),
    Check("errors of items", "retry or refused, beside nothing", read.check_errors),
    Check("number not repeated", "answer with ids only", read.check_no_echo),
    Check("not compressed", "send what Accept-Encoding allows", read.check_not_compressed),
    Check("time of one item", "answer faster, or agree on longer times", read.check_fast(lambda trial: 1)),
    Check(
        "time of the maximum",
        "answer faster, or agree on a smaller batch",
        read.check_fast(_most),
    ),
    Check("202 names the batch", "repeat the batch of the question", read.check_names_batch_later),
    Check("callback", "section 5: signed, with the body of section 4", read.check_called_back),
    Check("asked again after 202", "take it again, answer it again", read.check_again_after_202),
)

REQUEST_CHECKS: Final = (
    Check("requests: answered", "section 10: POST {base_url}/v1/requests", relay.check_answered),
    Check("requests: no signature refused", "answer 401", see.check_no_signature),
    Check("requests: wrong secret refused", "compare the HMAC", see.check_refused(secret=_OTHER_SECRET)),
    Check("requests: changed body refused", "compute the digest over the body as received", see.check_other_bytes),
    Check("requests: another path refused", "cover the path as it was called", see.check_refused(path="/v1/lookups")),
    Check("requests: replay refused", "remember nonces for 660 s, shared by all servers", see.check_replayed),
    Check("requests: every kind agreed on", "answer with a state of the kind", relay.check_each_kind),
    Check("requests: a batch", "answer every item", relay.check_batch),
    Check("requests: batch named", "repeat the batch of the request", relay.check_names_batch),
    Check("requests: due", "a date from today to 60 days ahead, or none", relay.check_due),
    Check("requests: sent again", "a repeated id is the same request", relay.check_same_request),
    Check("requests: unknown kind", "answer 400", relay.check_kind_unknown),
    Check("requests: unknown member", "let it pass", relay.check_member_unknown),
    Check("requests: field missing", "answer 400", relay.check_field_missing),
    Check("requests: application not yours", "answer none or refused", relay.check_application_unknown),
    Check("requests: number not repeated", "answer with ids only", relay.check_no_echo),
)
"""The checks of a partner that takes requests; `run` gets a RequestTrial."""
