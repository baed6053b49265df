"""A partner written from docs/lookup-protocol.md alone: standard library only, nothing of this project is imported.

partner_server.py KIND CODE APPLICATION,… ALGORITHM KEY_ID SECRET [CALLBACK_URL]; prints its port. It plays what the
reference partner (docs/examples/partner.py) does not: carriers, hmac-sm3, and answers that are called back.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import re
import secrets
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KIND, CODE, APPLICATIONS, ALGORITHM, KEY_ID, SECRET, *CALLBACK = sys.argv[1:]
HASH = {"hmac-sha256": "sha256", "hmac-sm3": "sm3"}[ALGORITHM]
COVERED = '("@method" "@path" "content-digest" "content-type")'
KINDS = {"enterprise": {"count"}, "carrier": {"count", "identity"}}
SEEN: dict[str, float] = {}
LOCK = threading.Lock()


def digest_of(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def mac_of(base: str) -> str:
    mac = hmac.new(SECRET.encode(), base.encode(), HASH).digest()
    return f":{base64.b64encode(mac).decode()}:"


def members(text: str) -> list[tuple[str, str]]:
    """(label, value) of each member of a dictionary header."""
    return re.findall(r'([a-z*][a-z0-9_.*-]*)=((?:"[^"]*"|\([^)]*\)|[^,"(])*)', text)


def why_refused(path: str, headers: Any, body: bytes) -> str | None:
    signed = [(label, text) for label, text in members(headers.get("Signature-Input", "")) if 'tag="onecert"' in text]
    if len(signed) != 1:
        return "no signature"
    ((label, text),) = signed
    given = dict(re.findall(r';([a-z]+)="?([^";]*)', text.partition(")")[2]))
    values = {"@method": "POST", "@path": path, "content-digest": headers["Content-Digest"]}
    values["content-type"] = headers["Content-Type"]
    names = re.findall(r'"([^"]+)"', text.partition(")")[0])
    if set(names) != set(values) or headers["Content-Digest"] != digest_of(body):
        return "components or digest"
    base = "\n".join([*(f'"{name}": {values[name]}' for name in names), f'"@signature-params": {text}'])
    sent = dict(members(headers.get("Signature", ""))).get(label, "")
    if (given.get("keyid"), given.get("alg")) != (KEY_ID, ALGORITHM) or not hmac.compare_digest(sent, mac_of(base)):
        return "key, algorithm or signature"
    if abs(time.time() - int(given.get("created", 0))) > 300 or not given.get("nonce"):
        return "not fresh"
    with LOCK:
        for nonce in [nonce for nonce, until in SEEN.items() if until < time.time()]:
            del SEEN[nonce]
        new = given["nonce"] not in SEEN
        SEEN[given["nonce"]] = time.time() + 660
    return None if new else "seen before"


def look_up(question: Any, item: Any) -> dict[str, Any]:
    if question["kind"] == "identity":
        end = item["id_tail"] if question["service"] == "internet-accounts" else item["id_number"]
        return {"verdict": "mismatch" if end.endswith("000000") else "match"}
    if question["service"] == "phone-cards":
        return {"counts": {CODE: len(item["name"])}}
    return {"counts": {code: int(item["phone"][-1]) for code in APPLICATIONS.split(",")}}


def call_back(url: str, answer: Any) -> None:
    time.sleep(0.05)
    body, path = json.dumps(answer).encode(), "/" + url.split("/", 3)[3]
    given = f';created={int(time.time())};keyid="{KEY_ID}";alg="{ALGORITHM}";nonce="{secrets.token_urlsafe(16)}"'
    text, digest = f'{COVERED}{given};tag="onecert"', digest_of(body)
    base = f'"@method": POST\n"@path": {path}\n"content-digest": {digest}\n"content-type": application/json\n'
    headers = {"Content-Type": "application/json", "Content-Digest": digest, "Signature-Input": f"far={text}"}
    headers["Signature"] = "far=" + mac_of(f'{base}"@signature-params": {text}')
    with contextlib.suppress(urllib.error.URLError):  # it is asked again
        request = urllib.request.Request(url, body, headers)  # noqa: S310 - the address is the test's
        urllib.request.urlopen(request, timeout=60).close()  # noqa: S310


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        reason = why_refused(self.path, self.headers, body)
        if reason:
            self.respond(401, {"detail": reason})
            return
        try:
            question = json.loads(body)
            items = [{"id": item["id"], **look_up(question, item)} for item in question["items"]]
            answer = {"batch": question["batch"], "items": items}
        except (ValueError, KeyError, TypeError):
            self.respond(400, {"detail": "not a question"})
            return
        if question["kind"] not in KINDS[KIND]:
            self.respond(400, {"detail": "not for us"})
        elif CALLBACK:
            self.respond(202, {"batch": question["batch"]})
            threading.Thread(target=call_back, args=(CALLBACK[0], answer)).start()
        else:
            self.respond(200, answer)

    def respond(self, status: int, given: Any) -> None:
        body = json.dumps(given).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: a partner logs no numbers."""


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
