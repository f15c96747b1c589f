"""Reads one direction of a connection: magic, HELLO or WELCOME, then segments. Nothing is answered."""

from errand_layout import CONTROL, FIRST_CALL_OPCODE, HAVE_A_STATUS, OF_WATCHES, OPCODE_NAMES, OPCODES
from errand_wire import FLAG_REPLY, HEADER, MAGIC, WireError, decode_message, decode_segment

TLS = [b"\x16\x03"]
HTTP = [b"GET ", b"POST", b"PUT ", b"HEAD", b"PRI ", b"HTTP"]
CLIENT_ONLY = ("HELLO", "CANCEL_CALL", "WATCH_CREDIT", "END_WATCH")
SERVER_ONLY = ("WELCOME", "GOAWAY", "EVENTS", "NOTIFY", "NOTIFY_NEXT", "WATCH_ENDED")


def check_magic(data):
    """True when it is there, False when more bytes are needed."""
    seen = data[:8]
    if MAGIC.startswith(seen):
        return len(seen) == 8
    for prefixes, reason in ((TLS, "TLS_ON_PLAINTEXT"), (HTTP, "HTTP_ON_PLAINTEXT")):
        if any(seen.startswith(prefix) for prefix in prefixes):
            raise WireError(reason)
        if any(prefix.startswith(seen) for prefix in prefixes):
            return False
    raise WireError("BAD_MAGIC", seen.hex())


class StreamReader:
    """direction: who sends. agreed: see CONFORMANCE.md. calls: {id: opcode name} in flight, for direction "server"."""

    def __init__(self, direction, agreed, calls=None):
        self.client, self.direction, self.agreed = direction == "client", direction, agreed
        self.data, self.magic_seen, self.opened, self.over = b"", False, False, False
        self.last_id, self.calls_waiting, self.bytes_waiting = 0, 0, 0
        self.calls, self.watches = dict(calls or {}), set()

    def feed(self, data):
        """The frames that these bytes complete."""
        self.data += data
        frames = []
        if not self.magic_seen:
            if not check_magic(self.data):
                return frames
            self.magic_seen, self.data = True, self.data[8:]
        while not self.over:
            if self.opened:
                found, used = decode_segment(self.data, self.agreed["zlib"], self.agreed["checksums"], self.agreed["segmentByteCountMax"])
            else:
                found, used = decode_segment(self.data, False, True, 4096)
            if found is None:
                break
            self.data = self.data[used:]
            self.accept(found)
            frames += found
        return frames

    def accept(self, frames):
        if not self.opened:
            if len(frames) != 1 or HEADER.unpack(frames[0][:16])[1] not in self.first_opcodes():
                raise WireError("FRAME_UNEXPECTED", "not the first frame")
        for data in frames:
            self.check_header(data)
        if self.client:
            calls = [f for f in frames if f[4] >= FIRST_CALL_OPCODE]
            self.calls_waiting += len(calls)
            self.bytes_waiting += sum(len(f) for f in calls)
            alone = self.calls_waiting == 1
            if self.calls_waiting > self.agreed["callsInFlightMax"] or (self.bytes_waiting > self.agreed["bytesInFlightMax"] and not alone):
                raise WireError("WINDOW_EXCEEDED")
        for data in frames:
            if data[4] < FIRST_CALL_OPCODE:
                decode_message(self.direction, data)
                self.over = data[4] == OPCODES["CONNECTION_ERROR"]
        self.opened = True

    def first_opcodes(self):
        return [OPCODES["HELLO"]] if self.client else [OPCODES["WELCOME"], OPCODES["CONNECTION_ERROR"]]

    def check_header(self, data):
        _, opcode, flags, status, _, request_id = HEADER.unpack(data[:16])
        name = OPCODE_NAMES.get(opcode)
        if opcode < FIRST_CALL_OPCODE:
            theirs = SERVER_ONLY if self.client else CLIENT_ONLY
            if name not in CONTROL or name in theirs or flags & FLAG_REPLY or (name in ("HELLO", "WELCOME") and self.opened):
                raise WireError("FRAME_UNEXPECTED", name)
            if status and name not in HAVE_A_STATUS:
                raise WireError("FRAME_UNEXPECTED", "status")
            if name in OF_WATCHES and not self.client:
                if request_id not in self.watches:
                    raise WireError("UNREQUESTED_REPLY", f"{name} of {request_id}")
                if name == "WATCH_ENDED":
                    self.watches.remove(request_id)
        elif self.client:
            if flags & FLAG_REPLY or status:
                raise WireError("FRAME_UNEXPECTED", "reply or status")
            if request_id <= self.last_id:
                raise WireError("REQUEST_ID_NOT_RISING", str(request_id))
            self.last_id = request_id
        else:
            if not flags & FLAG_REPLY:
                raise WireError("FRAME_UNEXPECTED", "call")
            if self.calls.pop(request_id, None) != opcode:
                raise WireError("UNREQUESTED_REPLY", str(request_id))
            if name == "Watch" and status == 0:
                self.watches.add(request_id)
