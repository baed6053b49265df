from config import metrics
from config.outgoing import Outgoing
from tests.servers import free_port


def test_the_backlog_is_told_in_seconds_and_numbers():
    metrics.set_backlog(now=1_795_327_500_000, oldest_due_ms=1500, messages_owed=3, inquiries_open=7)
    text = metrics.render()[0].decode()
    assert "onecert_oldest_due_question_seconds 1.5\n" in text
    assert "onecert_messages_owed 3.0\n" in text
    assert "onecert_inquiries_open 7.0\n" in text
    assert "onecert_last_sweep_timestamp_seconds 1.7953275e+09\n" in text


def test_what_happened_is_counted():
    named = [
        ("onecert_inquiries_accepted_total", {"service": "phone-cards"}),
        ("onecert_partner_calls_total", {"outcome": "ok", "partner": "tencent"}),
        ("onecert_messages_total", {"lane": "code", "outcome": "accepted"}),
        ("onecert_reply_seconds_bucket", {"le": "0.3"}),
    ]

    def counted():
        return [metrics.registry.get_sample_value(name, labels) or 0 for name, labels in named]

    before = counted()
    metrics.count_accepted("phone-cards")
    metrics.count_call("tencent", "ok")
    metrics.count_call("tencent", "ok")
    metrics.count_message("code", "accepted")
    metrics.observe_reply(250)
    assert [after - earlier for after, earlier in zip(counted(), before, strict=True)] == [1, 2, 1, 1]


def test_the_numbers_are_served_on_the_internal_bind():
    bind, http = f"127.0.0.1:{free_port()}", Outgoing()
    stop = metrics.serve(bind)
    answer = http.get(f"http://{bind}/metrics")
    http.close()
    stop()
    assert answer.status == 200
    assert b"onecert_messages_owed" in answer.body
