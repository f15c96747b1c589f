"""Runs errand_client.py's connection code against a tiny server in this process (Health, PING, one failure, watches)."""

import socket
import threading
import zlib

from errand_client import Client, Refused, refused
from errand_layout import OPCODES
from errand_stream import StreamReader
from errand_wire import MAGIC, WireError, decode_message, encode_message, segment
from vector_watches import CASES, created, events, execution, queued

WELCOME = {"version": 1, "features": "0", "segmentByteCountMax": 262144, "callsInFlightMax": 1024, "bytesInFlightMax": 1048576,
           "batchItemCountMax": 256, "pingIntervalMilliseconds": 10000, "idleTimeoutMilliseconds": 60000, "bootId": "1",
           "nowMilliseconds": "0", "serverName": "fake", "serverVersion": "1", "thingArnPrefix": ""}


PENDING = {"totalCount": 1, "inProgressCount": 0, "queuedCount": 1, "executions": [execution]}


def begun_watch(number, fields):
    """The reply and what follows it: of scope 1 one event, then one for each WATCH_CREDIT; scope 3 falls behind at once;
    with scope 2 the server makes a fault."""
    scope, reply = fields["scope"], encode_message("Watch", {"revision": fields.get("fromRevision", "0")}, number, True)
    if scope == 1:
        return [reply, encode_message("EVENTS", events(created), number), encode_message("EVENTS", events(revision="1"), number)]
    if scope == 5:
        return [reply, encode_message("NOTIFY", PENDING, number), encode_message("NOTIFY_NEXT", {**execution, "jobDocument": "{}"}, number)]
    if scope == 3:
        return [reply, encode_message("WATCH_ENDED", {"applied": 0, "message": "too far behind"}, number, status="SLOW_CONSUMER")]
    end = encode_message("WATCH_ENDED", {"applied": 0, "message": ""}, number, status="CANCELLED")
    return [reply, end, encode_message("EVENTS", events(), number)]


def serve(listener, terms):
    connection, _ = listener.accept()
    live = set()
    reader = StreamReader("client", {**terms, "segmentByteCountMax": 262144, "callsInFlightMax": 1024, "bytesInFlightMax": 1 << 20})
    while data := connection.recv(7):
        answers, asked = [], reader.feed(data)
        for frame in asked:
            message = decode_message("client", frame)
            number, opcode = message["requestId"], message["opcode"]
            if opcode == "HELLO":
                connection.sendall(MAGIC + segment(encode_message("WELCOME", {
                    **WELCOME, "compression": int(terms["zlib"]), "checksums": int(terms["checksums"])})))
            elif opcode == "PING":
                answers += [encode_message("PING", {"opaque": "1"}), encode_message("PONG", message["fields"])]
            elif opcode == "Health":
                answers.insert(0, encode_message(opcode, {"state": 1}, number, True))
            elif opcode == "Watch" and message["fields"]["scope"] != 4:
                live.add(number)
                answers += begun_watch(number, message["fields"])
            elif opcode in ("WATCH_CREDIT", "END_WATCH") and number not in live:
                pass
            elif opcode == "WATCH_CREDIT":
                answers.append(encode_message("EVENTS", events(queued), number))
            elif opcode == "END_WATCH":
                live.remove(number)
                answers.append(encode_message("WATCH_ENDED", {"applied": 0, "message": ""}, number, status="CANCELLED"))
            elif OPCODES[opcode] >= 0x10:
                answers.append(encode_message(opcode, {"applied": 0, "message": "none here"}, number, True, "NOT_FOUND"))
        raw = b"".join(answers)
        if raw:
            packed = zlib.compress(raw) if terms["zlib"] and len(raw) > 512 else raw
            connection.sendall(segment(packed, len(raw), packed is not raw, terms["checksums"]))
    connection.close()


def watches(client):
    number, begins = client.watch(1)
    assert begins == 0 and client.call("Health") == {"state": 1}  # what came before the answer waits for its watch
    seen = client.watched(number)
    assert [next(seen) for _ in range(3)] == [("EVENTS", events(created)), ("EVENTS", events(revision="1")), ("EVENTS", events(queued))]
    client.end_watch(number)
    assert list(seen) == [] and number not in client.watches
    number, begins = client.watch(5, thingName="thing-1")
    client.end_watch(number)
    assert list(client.watched(number, gives_back=False)) == [("NOTIFY", PENDING), ("NOTIFY_NEXT", {**execution, "jobDocument": "{}"})]
    number, begins = client.watch(3, thingName="thing-1", fromRevision="7")
    assert begins == 7
    try:
        list(client.watched(number))
        raise AssertionError("the watch should have ended badly")
    except Refused as error:
        assert error.status == "SLOW_CONSUMER", error
    try:
        client.watch(2, jobId="job-1")
        raise AssertionError("the message after the end should have been refused")
    except WireError as error:
        assert error.name == "UNREQUESTED_REPLY", error


def main():
    for compress in (False, True):
        for checksums in (False, True):
            listener = socket.create_server(("127.0.0.1", 0))
            thread = threading.Thread(target=serve, args=(listener, {"zlib": compress, "checksums": checksums}))
            thread.start()
            client = Client("127.0.0.1", listener.getsockname()[1], compress, checksums)
            assert client.call("Health") == {"state": 1}
            client.ping(99)
            ids = client.send(*(("Health", {}) for _ in range(100)))
            assert all(client.receive(number) == {"state": 1} for number in ids)
            assert refused(lambda: client.call("DescribeJob", jobId="job-1")).status == "NOT_FOUND"
            for case in CASES:
                if case.direction == "client" and OPCODES[case.opcode] >= 0x11:
                    assert refused(lambda: client.call(case.opcode, **case.full)).fields["message"] == "none here", case.label
            watches(client)
            client.close()
            thread.join()
            listener.close()
    print("the client works against the fake server")


if __name__ == "__main__":
    main()
