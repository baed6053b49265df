"""The commands of this folder, gathered for `app.py`."""

from query.commands.db import db_commands
from query.commands.inquiry import inquiry_commands
from query.commands.objection import objection_commands, watch_commands
from query.commands.stats import stats

COMMANDS = [inquiry_commands, objection_commands, watch_commands, db_commands, stats]
