"""The commands of this folder, gathered for `app.py`."""

from config.commands.doctor import doctor
from query.commands.db import db_commands
from query.commands.inquiry import inquiry_commands
from query.commands.objection import objection_commands, watch_commands
from query.commands.person import person_commands
from query.commands.session import session_commands
from query.commands.stats import stats
from query.helps.models import help_offer
from query.models import inquiry
from query.objections.models import objection
from query.requests.models import request
from query.texts.models import conversation
from query.watches.models import watch
from sms_port.models import message

TABLES = (inquiry, objection, request, conversation, help_offer, watch, message)
"""One table of each file that defines some: `onecert doctor` compares the database with all that are loaded."""

COMMANDS = [
    doctor,
    inquiry_commands,
    objection_commands,
    watch_commands,
    person_commands,
    session_commands,
    db_commands,
    stats,
]
