"""A partner in ninety lines of code: the lookup protocol with Python's standard library, and nothing else.

KEY_ID=example KEY=the-secret-you-agreed-on python partner.py 8080
"""

import base64
import hashlib
import hmac
import json
import os
import re
import sys
import time
from wsgiref.simple_server import make_server

KEYS = {os.environ["KEY_ID"]: os.environ["KEY"].encode()}
COVERED = {"@method", "@path", "content-digest", "content-type"}
INPUT = re.compile(r'([a-z*][a-z0-9_.*-]*)=(\(("[a-z@-]+"(?: "[a-z@-]+")*)\)((?:;[a-z]+=(?:[0-9]+|"[^"\\]*"))+))')
SEEN = {}  # nonce -> when it may be forgotten; several servers must share this


def count_accounts(phone):
    """Your look-up: how many accounts of each of your applications are tied to this number."""
    return {"weixin": 2, "qq": int(phone[-1]) % 4}


KINDS = {"unbind": {"held"}, "dispute": set(), "watch": {"until"}, "unwatch": set()}
STATES = {}  # request id -> its state: sent again, it is the same request; keep it where all your servers see it


def take_request(kind, item):
    """Your work on one request: what is not final at once is reported later (POST /partners/<code>/reports)."""
    if kind in ("watch", "unwatch"):
        return {"state": "done"}
    if item["application"] not in ("weixin", "qq"):
        return {"state": "none"}
    return {"state": "accepted", "due": time.strftime("%Y-%m-%d", time.gmtime(time.time() + 5 * 86400))}


def read_requests(body):
    """The requests of a body, or None; members we do not know are let pass."""
    try:
        asked = json.loads(body)
        names = {"id", "phone", "application"} | KINDS[asked["kind"]]
        return asked if all(isinstance(item[name], str) for item in asked["items"] for name in names) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def answer_requests(asked):
    for item in asked["items"]:
        STATES.setdefault(item["id"], {"id": item["id"], **take_request(asked["kind"], item)})
    return {"batch": asked["batch"], "items": [STATES[item["id"]] for item in asked["items"]]}


def why_refused(environ, body, now):
    """None when OneCert signed this request, for us, just now and for the first time; else the reason."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    signed = INPUT.fullmatch(environ.get("HTTP_SIGNATURE_INPUT", ""))
    if environ.get("HTTP_CONTENT_DIGEST") != f"sha-256=:{digest}:" or not signed:
        return "digest or signature missing"
    label, text, components, parameters = signed.groups()
    names, told = components.replace('"', "").split(), dict(re.findall(r';([a-z]+)="?([^";]*)', parameters))
    if set(names) != COVERED or told.get("tag") != "onecert" or told.get("alg") != "hmac-sha256":
        return "components, tag or alg"
    values = {"@method": environ["REQUEST_METHOD"], "@path": environ["SCRIPT_NAME"] + environ["PATH_INFO"]}
    values |= {"content-digest": environ["HTTP_CONTENT_DIGEST"], "content-type": environ["CONTENT_TYPE"]}
    base = "\n".join([f'"{name}": {values[name]}' for name in names] + [f'"@signature-params": {text}']).encode()
    mac = base64.b64encode(hmac.digest(KEYS.get(told.get("keyid"), os.urandom(32)), base, "sha256")).decode()
    if not hmac.compare_digest(environ.get("HTTP_SIGNATURE", "").encode(), f"{label}=:{mac}:".encode()):
        return "signature or key id"
    if abs(now - int(told.get("created", 0))) > 300 or not told.get("nonce"):
        return "too old, too new, or no nonce"
    for nonce in [nonce for nonce, until in SEEN.items() if until < now]:
        del SEEN[nonce]
    if told["nonce"] in SEEN:
        return "seen before"
    SEEN[told["nonce"]] = now + 660
    return None


def read_question(body):
    """The question of a body, or None; members we do not know are let pass."""
    try:
        asked = json.loads(body)
        return (
            asked if asked["kind"] == "count" and all(item["id"] and item["phone"] for item in asked["items"]) else None
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def application(environ, start_response):
    body = environ["wsgi.input"].read(min(int(environ.get("CONTENT_LENGTH") or 0), 1_048_576))
    reason = why_refused(environ, body, time.time())
    if reason:
        status, answer = "401 Unauthorized", {"detail": reason}
    elif environ["PATH_INFO"].endswith("/v1/requests"):
        asked = read_requests(body)
        status = "200 OK" if asked else "400 Bad Request"
        answer = answer_requests(asked) if asked else {"detail": "not a request for us"}
    elif not (asked := read_question(body)):
        status, answer = "400 Bad Request", {"detail": "not a question for us"}
    else:
        items = [{"id": item["id"], "counts": count_accounts(item["phone"])} for item in asked["items"]]
        status, answer = "200 OK", {"batch": asked["batch"], "items": items}
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]


if __name__ == "__main__":
    make_server("", int(sys.argv[1]), application).serve_forever()
