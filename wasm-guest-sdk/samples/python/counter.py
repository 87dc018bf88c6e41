"""A counter: `add` with an integer is answered with `count`. Ends with the count when it is asked to finish."""

import wit_world
from wit_world.imports import mailbox, processes
from wit_world.imports.mailbox import Event_Cancel, Incoming_Event, Incoming_Message, Sources
from wit_world.imports.types import Payload_Integer, Target_Pid


class WitWorld(wit_world.WitWorld):
    def run(self, args):
        count = number(args)
        while True:
            match mailbox.receive(Sources.INBOX | Sources.EVENTS, [], [], None):
                case Incoming_Message(message) if message.topic == "add" and message.sender:
                    count += number(message.payloads)
                    processes.send(Target_Pid(message.sender), "count", [Payload_Integer(count)])
                case Incoming_Event(Event_Cancel()):
                    return Payload_Integer(count)


def number(payloads):
    """The integer that comes first, or 0."""
    match payloads:
        case [Payload_Integer(n), *_]:
            return n
        case _:
            return 0
