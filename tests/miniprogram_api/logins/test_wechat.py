"""WeChat's word on a number: whom it was given to, when, and of which country."""

from __future__ import annotations

import pytest

from miniprogram_api.errors import PhoneCredentialInvalid
from miniprogram_api.logins.wechat import PhoneInfo, judge_phone
from query.errors import PhoneInvalid
from tests.miniprogram_api.citizens import PHONE
from tests.support.factories import LAUNCH_DAY

MINUTE = 60_000


@pytest.mark.parametrize("age_ms", [-6 * MINUTE, 6 * MINUTE])
def test_a_watermark_of_another_app_or_another_time_is_refused(age_ms: int) -> None:
    def info(app_id: str, at: int) -> PhoneInfo:
        mark = {"timestamp": at // 1000, "appid": app_id}
        return PhoneInfo.model_validate({"purePhoneNumber": PHONE, "countryCode": 86, "watermark": mark})

    assert judge_phone(info("wx1", LAUNCH_DAY), "wx1", LAUNCH_DAY) == PHONE
    for wrong in (info("wx2", LAUNCH_DAY), info("wx1", LAUNCH_DAY - age_ms)):
        with pytest.raises(PhoneCredentialInvalid):
            judge_phone(wrong, "wx1", LAUNCH_DAY)


@pytest.mark.parametrize("country", [86, "86"])
def test_the_country_comes_as_number_or_text(country: int | str) -> None:
    mark = {"timestamp": LAUNCH_DAY // 1000, "appid": "wx1"}
    told = PhoneInfo.model_validate({"purePhoneNumber": PHONE, "countryCode": country, "watermark": mark})
    assert judge_phone(told, "wx1", LAUNCH_DAY) == PHONE
    with pytest.raises(PhoneInvalid):
        judge_phone(told.model_copy(update={"country": 852}), "wx1", LAUNCH_DAY)
