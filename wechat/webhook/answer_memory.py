"""One answer per push: WeChat sends a push up to three times and gets the same bytes each time.

An answer follows from its push alone wherever the push's time can be written into it (`push.answer_time`). This is for
the others: it remembers the answer.

The memory is Redis for a minute. Its keys are MACs and its values sealed, for an answer holds an openid and tickets.
Without Redis every try is answered by itself: the citizen may then see an answer twice, never none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from redis import RedisError

from config.crypto.stamps import Stamps
from config.errors import SealBroken
from config.ground import Ground
from config.queue.bell import another_client
from config.telemetry.log import get_logger
from wechat.webhook.message import Push
from wechat.webhook.push import NOTHING

KEEP_S = 60
REDIS_S = 0.3
"""WeChat waits five seconds in all, so a Redis that hangs gets less than one of them."""

_IN_FLIGHT = b"-"

log = get_logger(__name__)


class AnswerMemory:
    """Remembers the answers of this minute for all processes."""

    def __init__(self, ground: Ground) -> None:
        self._keys = ground.keys
        self._redis = another_client(ground.redis, REDIS_S)
        self._stamps = Stamps(ground.settings.data, ground.redis)

    def once(self, app_id: str, push: Push, compose: Callable[[], bytes]) -> bytes:
        """Compose the answer on the first try and give the same bytes on every other.

        A try that comes while the first is still composing gets `success`. If composing fails, the next try composes.
        """
        key = self._key(app_id, push)
        try:
            if not self._redis.set(key, _IN_FLIGHT, nx=True, ex=KEEP_S):
                return self._recall(key, compose)
        except RedisError:
            log.warning("answers_not_remembered", reason="redis is away")
            return compose()
        return self._compose_first(key, compose)

    def is_replay(self, app_id: str, signature: str, *content: str) -> bool:
        """Return whether this signature came before with other content, within the time for which it is fresh.

        The signature of a plain push does not cover its body: who has seen one signed address (in a log, say) could
        speak for anybody until it is stale.
        """
        content_mac = self._keys.mac("wechat stamped", app_id, signature, *content)
        return self._stamps.is_replay(hashlib.sha256(signature.encode()).digest(), content_mac)

    def _key(self, app_id: str, push: Push) -> str:
        return "wechat:push:" + self._keys.mac("wechat push", app_id, *push.identity).hex()

    def _compose_first(self, key: str, compose: Callable[[], bytes]) -> bytes:
        try:
            answer = compose()
        except BaseException:
            self._write(lambda: self._redis.delete(key))
            raise
        sealed = self._keys.seal(answer, table="redis", column="wechat_answer", row=key)
        self._write(lambda: self._redis.set(key, sealed, ex=KEEP_S))
        return answer

    def _recall(self, key: str, compose: Callable[[], bytes]) -> bytes:
        kept = self._redis.get(key)
        if kept == _IN_FLIGHT:
            return NOTHING
        if not isinstance(kept, bytes):
            return compose()  # it was forgotten between the two commands
        try:
            return self._keys.open(kept, table="redis", column="wechat_answer", row=key)
        except SealBroken:
            return compose()

    def _write(self, write: Callable[[], object]) -> None:
        try:
            write()
        except RedisError:
            log.warning("answer_not_remembered", reason="redis is away")
