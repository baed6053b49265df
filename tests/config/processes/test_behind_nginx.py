"""Behind a real nginx that keeps its connections to us: a refused request takes no right one along.

door fault F7, row 54 (restlet #1377; cowboy #1219; gunicorn #3546): unsigned posts of 60 KB made 11 of 200 right
pushes end in nginx's 502, because we closed a connection of which a part of a body was unread and did not say so.
"""

from __future__ import annotations

import base64
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from config.ground import Ground
from tests.conftest import need, on_sqlite
from tests.support.instances import ONECERT, clean_environment
from tests.support.servers import free_port, running, wait_until
from wechat.webhook.account_keys import read_account
from wechat.webhook.player import build_event, build_push, make_openid

pytestmark = on_sqlite
RIGHT = 200
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
TAP = build_event("CLICK", "ONECERT")
CONF = """
{user}
daemon off; pid {directory}/nginx.pid; worker_processes 1; error_log {directory}/nginx.log;
events {{ worker_connections 256; }}
http {{
  access_log off; client_max_body_size 8m;
  client_body_temp_path {directory}/b; proxy_temp_path {directory}/p; fastcgi_temp_path {directory}/f;
  uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  upstream onecert {{ server 127.0.0.1:{upstream}; keepalive 2; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://onecert; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For "$remote_addr:$remote_port"; proxy_next_upstream off;
    }}
  }}
}}
"""


class Refused(NamedTuple):
    """A request that is refused early, with a body that nobody reads."""

    method: str
    path: str
    size: int
    statuses: tuple[int, ...]


REFUSED = {
    "unsigned push of 20 KB": Refused("POST", "/wechat/caict?a=1", 20_000, (403,)),
    "unsigned push of 60 KB": Refused("POST", "/wechat/caict?a=1", 60_000, (403,)),
    "unsigned push of 300 KB": Refused("POST", "/wechat/caict?a=1", 300_000, (403, 413)),
    "unsigned push of 3 MB": Refused("POST", "/wechat/caict?a=1", 3_000_000, (403, 413, 502)),
    "unknown account": Refused("POST", "/wechat/nobody", 60_000, (404,)),
    "no session": Refused("POST", "/api/v1/inquiries", 60_000, (401,)),
    "too large": Refused("POST", "/api/v1/sessions", 60_000, (413,)),
    "wrong type": Refused("POST", "/api/v1/sessions", 7_000, (415,)),
    "no such page": Refused("POST", "/nothing", 60_000, (404,)),
    "wrong method": Refused("PUT", "/wechat/caict", 60_000, (405,)),
    "a GET with a body": Refused("GET", "/health/live", 60_000, (200,)),
    "a control character": Refused("POST", "/nothing%0a", 60_000, (400,)),
    "an unsigned answer of a partner": Refused("POST", "/partners/jd/answers", 200_000, (401,)),
}


@contextmanager
def nginx(directory: Path, upstream: int) -> Iterator[str]:
    """nginx in front of that port; its address."""
    need("nginx")
    port, conf = free_port(), directory / "nginx.conf"
    user = "user root;" if os.getuid() == 0 else ""  # else its workers may not write into our directory
    conf.write_text(CONF.format(user=user, directory=directory, upstream=upstream, port=port))
    with running([NGINX, "-p", str(directory), "-c", str(conf)], directory / "nginx.out"):
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: reaches(url))
        yield url


def reaches(url: str) -> bool:
    try:
        return requests.get(f"{url}/health/live", timeout=5).status_code == 200
    except requests.RequestException:
        return False


@pytest.fixture
def served(ground: Ground, tmp_path: Path) -> Iterator[str]:
    """`onecert web` on the test's database and Redis, behind nginx."""
    port, settings = free_port(), ground.settings
    environment = clean_environment(
        settings.data,
        ONECERT_DATABASE_URL=settings.database_url,
        ONECERT_REDIS_URL=settings.redis_url,
        ONECERT_MASTER_KEY=base64.b64encode(settings.master_key).decode(),
        ONECERT_BIND=f"127.0.0.1:{port}",
        ONECERT_TRUSTED_PROXIES="1",
    )
    with ExitStack() as stack:
        stack.enter_context(running([ONECERT, "web"], tmp_path / "web.log", env=environment))
        yield stack.enter_context(nginx(tmp_path, port))


def push_once(ground: Ground, client: requests.Session, url: str) -> int:
    account = read_account(ground, "caict").keys
    now = int(time.time() * 1000)
    played = build_push(account, TAP, openid=make_openid(), mode="plain", form="xml", now=now)
    headers = {"Content-Type": played.media}
    return client.post(f"{url}/wechat/caict?{played.query}", data=played.body, headers=headers, timeout=30).status_code


def test_of_200_right_requests_none_is_lost_to_a_refused_one(ground: Ground, served: str) -> None:
    with requests.Session() as stranger, requests.Session() as wechat:
        kinds = list(REFUSED.items())
        for turn in range(RIGHT):
            name, refused = kinds[turn % len(kinds)]
            answer = stranger.request(
                refused.method, served + refused.path, data=b"x" * refused.size, timeout=30
            ).status_code
            assert answer in refused.statuses, name
            assert push_once(ground, wechat, served) == 200, f"turn {turn}, after {name}"
