"""Runs errand_client.py's connection code against a tiny server in this process (Health, PING, one failure)."""

import socket
import threading
import zlib

from errand_client import Client, refused
from errand_layout import OPCODES
from errand_stream import StreamReader
from errand_wire import MAGIC, decode_message, encode_message, segment
from vector_operations import CASES

WELCOME = {"version": 1, "features": "0", "segmentByteCountMax": 262144, "callsInFlightMax": 1024, "bytesInFlightMax": 1048576,
           "batchItemCountMax": 256, "pingIntervalMilliseconds": 10000, "idleTimeoutMilliseconds": 60000, "bootId": "1",
           "nowMilliseconds": "0", "serverName": "fake", "serverVersion": "1", "thingArnPrefix": ""}


def serve(listener, terms):
    connection, _ = listener.accept()
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
            elif OPCODES[opcode] >= 0x10:
                answers.append(encode_message(opcode, {"applied": 0, "message": "none here"}, number, True, "NOT_FOUND"))
        raw = b"".join(answers)
        if raw:
            packed = zlib.compress(raw) if terms["zlib"] and len(raw) > 512 else raw
            connection.sendall(segment(packed, len(raw), packed is not raw, terms["checksums"]))
    connection.close()


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
            client.close()
            thread.join()
            listener.close()
    print("the client works against the fake server")


if __name__ == "__main__":
    main()
