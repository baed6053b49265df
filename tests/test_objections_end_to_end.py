"""From outside, over real processes: an objection's whole way, its reopening by text, and an alert."""

from __future__ import annotations

import itertools
import time

import pytest
import requests

from tests.support.instances import Citizen, Instance
from tests.support.servers import wait_until

numbers = itertools.count(13_710_000_000)


@pytest.fixture
def citizen(instance: Instance) -> Citizen:
    return Citizen(instance, str(next(numbers)))


def receive_code(instance: Instance, citizen: Citizen, seen: int) -> str:
    answer = citizen.call("POST", "/verification-codes", {"service": "objection", "phone": citizen.phone})
    assert answer.status_code == 202, answer.text
    return str(instance.wait_for_messages(citizen.phone, seen + 1)[-1]["text"].partition("验证码")[2][:6])


def test_an_objection_is_relayed_reported_settled_and_reopened(instance: Instance, citizen: Citizen) -> None:
    requests.post(f"{instance.sandbox_url}/behaviour", json={"side": "jd", "requests": "accept"}, timeout=60)
    code = receive_code(instance, citizen, 0)
    form = {"wish": "dispute", "applications": ["weixin", "jd"], "phone": citizen.phone, "id_tail": "12345X"}
    accepted = citizen.call("POST", "/objections", {**form, "code": code, "consent": True}).json()
    texts = [one["text"] for one in instance.wait_for_messages(citizen.phone, 3)]
    assert f"受理编号{accepted['reference']}" in texts[1]
    assert "微信、京东已解绑。已解决回1，未解决回2。" in texts[2]
    path = f"/objections/{accepted['reference']}"
    wait_until(lambda: citizen.call("GET", path).json()["status"] == "closed")
    told = citizen.call("GET", path).json()
    assert set(told) == {"reference", "phone", "wish", "applications", "status", "accepted_at", "due", "closed_at"}
    text = {"text": "没解决"}
    requests.post(f"{instance.sandbox_url}/phone/{citizen.phone}/texts", json=text, timeout=60)
    texts = [one["text"] for one in instance.wait_for_messages(citizen.phone, 5)]
    assert "已请企业重新处理" in texts[3]
    assert "已重新处理：微信、京东已解绑" in texts[4]
    time.sleep(3)  # a sweep, which must find nothing more to tell
    assert len(instance.messages(citizen.phone)) == 5
    requests.post(f"{instance.sandbox_url}/behaviour", json={"side": "jd", "requests": "done"}, timeout=60)


def test_a_watch_from_a_closed_inquiry_alerts_at_once_and_ends_by_tx(instance: Instance, citizen: Citizen) -> None:
    accepted = citizen.submit(citizen.receive_code()).json()
    wait_until(lambda: citizen.call("GET", f"/inquiries/{accepted['reference']}").json()["status"] == "closed")
    assert citizen.call("POST", "/watches", {"reference": accepted["reference"]}).status_code == 202
    assert "已开启新账号提醒" in instance.wait_for_messages(citizen.phone, 3)[-1]["text"]
    play = {"event": {"phone": citizen.phone, "application": "weixin"}}
    url = f"{instance.sandbox_url}/partners/tencent/play"
    wait_until(lambda: requests.post(url, json=play, timeout=60).status_code == 202)
    assert "微信新关联了1个账号" in instance.wait_for_messages(citizen.phone, 4)[-1]["text"]
    requests.post(url, json=play, timeout=60)  # one alert a day
    requests.post(f"{instance.sandbox_url}/phone/{citizen.phone}/texts", json={"text": "ｔｘ"}, timeout=60)
    assert "已停止新账号提醒" in instance.wait_for_messages(citizen.phone, 5)[-1]["text"]
    wait_until(lambda: requests.post(url, json=play, timeout=60).status_code == 404)  # the company was told to stop
    assert len(instance.messages(citizen.phone)) == 5
