"""`onecert doctor`, with all tables loaded. The other commands of this folder are in `query/commands/`."""

from config.commands.doctor import doctor
from query.helps.models import help_offer
from query.models import inquiry
from query.objections.models import objection
from query.requests.models import request
from query.texts.models import conversation
from query.watches.models import watch
from sms_port.models import message

TABLES = (inquiry, objection, request, conversation, help_offer, watch, message)
"""One table of each file that defines some: `onecert doctor` compares the database with all that are loaded."""

COMMANDS = [doctor]
