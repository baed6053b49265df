"""Health checks: this process is alive; a request would be answered."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from redis import RedisError
from sqlalchemy import text

from config.db.engine import reading
from config.errors import RedisUnavailable
from config.ground import Ground
from config.processes.heartbeats import Heartbeat


def make_blueprint(ground: Ground, beat: Heartbeat | None = None) -> Blueprint:
    """`/health/live` says that the process serves; `/health/ready` that database, keys, catalogue and Redis do too.

    With `beat`, readiness also needs a write: a full disk or a read-only database is not ready.
    """
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/health/live")
    def live() -> Response:
        return jsonify(status="live")

    @blueprint.get("/health/ready")
    def ready() -> Response:
        check_health(ground)
        if beat:
            beat.write()
        return jsonify(status="ready")

    return blueprint


def check_health(ground: Ground) -> None:
    """Touch everything a request needs. Raises what is missing, all of it 503."""
    with reading(ground.engine) as db:
        db.execute(text("SELECT 1"))
    ground.catalogues.current()
    ground.keys.mac("health", b"")
    try:
        ground.redis.ping()
    except RedisError:
        raise RedisUnavailable("Redis does not answer") from None
