"""Two web processes of one deployment: what a partner called back at one of them is refused by the other."""

from __future__ import annotations

import json
import time
from pathlib import Path

import requests

from config.crypto.http_signatures import sign
from tests.support.instances import ONECERT, private_instance
from tests.support.servers import free_port, running, wait_until

SECRET = "a-secret-for-two-hosts-and-one-nonce"
PATH = "/partners/tencent/answers"


def is_up(url: str) -> bool:
    try:
        return requests.get(f"{url}/health/ready", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def test_one_nonce_is_taken_by_one_of_two_processes(tmp_path: Path) -> None:
    with private_instance(tmp_path) as first:
        first.onecert("config", "secret", "set", "tencent.key", "--yes", stdin=SECRET)
        bind = f"127.0.0.1:{free_port()}"
        second = f"http://{bind}"
        with running([ONECERT, "web"], tmp_path / "second.log", {**first.environment, "ONECERT_BIND": bind}):
            wait_until(lambda: is_up(second))

            def call_back(*urls: str) -> list[int]:
                body = json.dumps({"batch": "b-1", "items": [{"id": "nobodys", "counts": {"weixin": 1}}]}).encode()
                headers = sign(
                    "POST",
                    PATH,
                    body,
                    content_type="application/json",
                    key_id="onecert-tencent",
                    secret=SECRET,
                    now=time.time_ns() // 1_000_000,
                )
                return [requests.post(url + PATH, data=body, headers=headers, timeout=60).status_code for url in urls]

            wait_until(lambda: call_back(first.url) == call_back(second) == [200])  # both know the new secret
            assert call_back(first.url, second, first.url) == [200, 401, 401]
            assert call_back(second, first.url) == [200, 401]
    assert SECRET not in (tmp_path / "second.log").read_text()
