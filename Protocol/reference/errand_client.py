"""A small blocking Errand client, and a smoke scenario: python3 errand_client.py HOST:PORT"""

import secrets
import socket
import sys
import time
import zlib

from errand_layout import FIRST_CALL_OPCODE, OF_WATCHES, OPCODES
from errand_wire import HEADER, MAGIC, WireError, decode_message, decode_segment, encode_message, segment

SEGMENT_MAX = 262144


class Refused(Exception):
    """A reply with a status other than OK."""

    def __init__(self, status, fields):
        super().__init__(f"{status}: {fields}")
        self.status, self.fields = status, fields


class Closed(Exception):
    pass


class Client:
    def __init__(self, host, port, compress=False, checksums=False, timeout=10):
        self.socket = socket.create_connection((host, port), timeout)
        self.data, self.last_id, self.in_flight, self.answers = b"", 0, {}, {}
        self.watches = {}  # {id of the Watch call: messages not yet taken}
        self.zlib = self.checksums = self.opened = False
        hello = encode_message("HELLO", {
            "versionMin": 1, "versionMax": 1, "features": "0", "segmentByteCountMax": SEGMENT_MAX, "compressions": int(compress),
            "checksums": int(checksums), "credentialKind": 0, "clientName": "errand-python", "clientVersion": "1", "credential": ""})
        self.socket.sendall(MAGIC + segment(hello))
        while len(self.data) < 8:
            self._more()
        if self.data[:8] != MAGIC:
            raise WireError("BAD_MAGIC", self.data[:8].hex())
        self.data = self.data[8:]
        first = decode_message("server", self._segment()[0])
        if first["opcode"] != "WELCOME":
            raise Closed(str(first))
        self.welcome = first["fields"]
        self.zlib, self.checksums, self.opened = self.welcome["compression"] == 1, self.welcome["checksums"] == 1, True

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise Closed("the server closed the connection")
        self.data += data

    def _segment(self):
        while True:
            most = SEGMENT_MAX if self.opened else 4096
            frames, used = decode_segment(self.data, self.zlib, self.checksums or not self.opened, most)
            if frames is not None:
                self.data = self.data[used:]
                return frames
            self._more()

    def _send(self, frames):
        raw = b"".join(frames)
        packed = zlib.compress(raw) if self.zlib and len(raw) >= 512 else raw
        small = len(packed) < len(raw)
        self.socket.sendall(segment(packed if small else raw, len(raw), small, self.checksums))

    def send(self, *calls):
        """Sends (opcode, fields) pairs in one segment; the request ids."""
        frames, ids = [], []
        for opcode, fields in calls:
            self.last_id += 1
            self.in_flight[self.last_id] = opcode
            frames.append(encode_message(opcode, fields, self.last_id))
            ids.append(self.last_id)
        self._send(frames)
        return ids

    def cancel_call(self, request_id):
        self._send([encode_message("CANCEL_CALL", {}, request_id)])

    def ping(self, opaque):
        self._send([encode_message("PING", {"opaque": str(opaque)})])
        while self.answers.pop(("PONG", str(opaque)), None) is None:
            self._read()

    def _read(self):
        for data in self._segment():
            _, opcode, _, _, _, request_id = HEADER.unpack(data[:16])
            if opcode >= FIRST_CALL_OPCODE:
                expected = self.in_flight.pop(request_id, None)
                if expected is None or OPCODES[expected] != opcode:
                    raise WireError("UNREQUESTED_REPLY", str(request_id))
                self.answers[request_id] = decode_message("server", data)
                if expected == "Watch" and self.answers[request_id]["status"] == "OK":
                    self.watches[request_id] = []
                continue
            if OPCODES["EVENTS"] <= opcode <= OPCODES["WATCH_ENDED"] and not self._lives(request_id):
                raise WireError("UNREQUESTED_REPLY", str(request_id))
            message = decode_message("server", data)
            if message["opcode"] == "PING":
                self._send([encode_message("PONG", message["fields"])])
            elif message["opcode"] == "PONG":
                self.answers["PONG", message["fields"]["opaque"]] = message
            elif message["opcode"] == "CONNECTION_ERROR":
                raise Closed(str(message["fields"]))
            elif message["opcode"] in OF_WATCHES:
                self.watches[request_id].append(message)

    def _lives(self, number):
        messages = self.watches.get(number)
        return messages is not None and not (messages and messages[-1]["opcode"] == "WATCH_ENDED")

    def receive(self, request_id):
        while request_id not in self.answers:
            self._read()
        answer = self.answers.pop(request_id)
        if answer["status"] != "OK":
            raise Refused(answer["status"], answer["fields"])
        return answer["fields"]

    def call(self, opcode, **fields):
        return self.receive(self.send((opcode, fields))[0])

    def watch(self, scope, credit=256, **more):
        """Begins a watch: its id, and the revision where it begins."""
        number = self.send(("Watch", {"scope": scope, "credit": credit, **more}))[0]
        return number, int(self.receive(number)["revision"])

    def watched(self, number, gives_back=True):
        """(opcode, fields) of all that the watch brings, to its end; Refused unless END_WATCH was the cause."""
        while True:
            while not self.watches[number]:
                self._read()
            message = self.watches[number].pop(0)
            opcode, fields = message["opcode"], message["fields"]
            if opcode == "WATCH_ENDED":
                del self.watches[number]
                if message["status"] != "CANCELLED":
                    raise Refused(message["status"], fields)
                return
            yield opcode, fields
            taken = fields["count"] if opcode == "EVENTS" else 1
            if taken and gives_back and self._lives(number):
                self._send([encode_message("WATCH_CREDIT", {"credit": taken}, number)])

    def end_watch(self, number):
        self._send([encode_message("END_WATCH", {}, number)])

    def close(self):
        self.socket.close()


def refused(action):
    try:
        action()
    except Refused as error:
        return error
    raise AssertionError("the call should have been refused")


def update_of(job, thing, status, **more):
    return {"status": status, "mergeStatusDetails": False, "includeJobExecutionState": False, "includeJobDocument": False,
            "jobId": job, "thingName": thing, **more}


def scenario(client, job):
    assert client.call("Health") == {"state": 1}
    client.ping(12345)
    things = [f"{job}-thing-{n}" for n in range(30)]
    made = client.call("CreateJob", targetCount=30, jobId=job, document='{"step":1}', targets=things)
    assert made == {"targetsReceived": 30, "isComplete": True}, made
    began = client.call("StartNextPendingJobExecution", thingName=things[0], statusDetails=[["phase", "start"]])
    assert began["status"] == "IN_PROGRESS" and began["versionNumber"] == "2" and began["jobDocument"] == '{"step":1}', began
    changed = client.call("UpdateJobExecution", **update_of(job, things[0], "IN_PROGRESS", expectedVersion="2", statusDetails=[["phase", "half"]]))
    assert changed["versionNumber"] == "3", changed
    stale = refused(lambda: client.call("UpdateJobExecution", **update_of(job, things[0], "SUCCEEDED", expectedVersion="2")))
    assert stale.status == "VERSION_MISMATCH" and stale.fields["applied"] == 0, stale
    assert (stale.fields["versionNumber"], stale.fields["status"]) == ("3", "IN_PROGRESS"), stale
    assert stale.fields["statusDetails"] == [["phase", "half"]], stale
    busy = refused(lambda: client.call("CancelJobExecution", force=False, jobId=job, thingName=things[0]))
    assert busy.status == "INVALID_STATE_TRANSITION", busy
    gone = client.call("CancelJobExecution", force=True, expectedVersion="3", jobId=job, thingName=things[0])
    assert gone["status"] == "CANCELED" and gone["versionNumber"] == "4", gone
    seen = client.call("DescribeJobExecution", jobId=job, thingName=things[0])
    assert seen["forceCanceled"] is True and seen["status"] == "CANCELED", seen
    own = refused(lambda: client.call("DescribeOwnJobExecution", includeJobDocument=False, jobId=job, thingName=things[0]))
    assert own.status == "TERMINAL_STATE" and own.fields["status"] == "CANCELED", own
    assert client.call("StartNextPendingJobExecution", thingName=things[0]) == {}
    pending = client.call("GetPendingJobExecutions", thingName=things[1])
    assert pending["totalCount"] == 1 and pending["executions"][0]["jobId"] == job, pending
    found, token = [], {}
    while True:
        page = client.call("ListJobExecutionsForJob", jobId=job, maxResults=7, **token)
        found += [entry["thingName"] for entry in page["executions"]]
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert sorted(found) == sorted(things), found
    items = [{"status": "OK", "fields": {"jobId": job, "thingName": name}} for name in [*things, "nobody"]]
    batch = client.call("BatchDescribeJobExecution", itemCount=31, items=items)["items"]
    assert [item["status"] for item in batch] == ["OK"] * 30 + ["NOT_FOUND"], batch
    ids = client.send(*(("DescribeJobExecution", {"jobId": job, "thingName": name}) for name in things))
    assert [client.receive(number)["thingName"] for number in reversed(ids)] == things[::-1]
    assert refused(lambda: client.call("DescribeJob", jobId=job + "-none")).status == "NOT_FOUND"
    counts = client.call("DescribeJob", jobId=job)
    assert (counts["queuedCount"], counts["canceledCount"]) == (29, 1), counts
    retries_with_keys(client, job, things[1])
    operations(client, job, things)
    controlled_job(client, job + "-controlled")


def key():
    return secrets.token_hex(16)


def retries_with_keys(client, job, thing):
    """The same key gives the same answer; then a late report, and all of it in the history."""
    start = {"thingName": thing, "idempotencyKey": key()}
    began = client.call("StartNextPendingJobExecution", **start)
    report = update_of(job, thing, "IN_PROGRESS", expectedVersion="2", idempotencyKey=key(), statusDetails=[["phase", "half"]])
    changed = client.call("UpdateJobExecution", **report)
    assert changed["versionNumber"] == "3", changed
    assert client.call("UpdateJobExecution", **report) == changed
    assert client.call("UpdateJobExecution", **{**report, "timeoutMilliseconds": 60000}) == changed
    assert client.call("StartNextPendingJobExecution", **start) == began
    other = refused(lambda: client.call("UpdateJobExecution", **{**report, "status": "FAILED"}))
    assert other.status == "IDEMPOTENCY_CONFLICT" and other.fields["applied"] == 0, other
    done = client.call("UpdateJobExecution", **update_of(job, thing, "SUCCEEDED"))
    assert done["versionNumber"] == "4", done
    assert client.call("UpdateJobExecution", **report) == changed  # still the first outcome
    late = refused(lambda: client.call("UpdateJobExecution", **update_of(job, thing, "FAILED")))
    assert late.status == "INVALID_STATE_TRANSITION" and late.fields["status"] == "SUCCEEDED", late
    entries, token = [], {}
    while True:
        page = client.call("GetJobExecutionHistory", jobId=job, thingName=thing, maxResults=2, **token)
        assert page["droppedCount"] == 0 and page["count"] == len(page["entries"]) <= 2, page
        entries += page["entries"]
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    seen = [(e["kind"], e.get("fromStatus"), e["toStatus"], e["versionNumber"]) for e in entries]
    assert seen == [(1, None, "QUEUED", "1"), (1, "QUEUED", "IN_PROGRESS", "2"), (1, "IN_PROGRESS", "IN_PROGRESS", "3"),
                    (1, "IN_PROGRESS", "SUCCEEDED", "4"), (2, "SUCCEEDED", "FAILED", "4")], seen


def operations(client, job, things):
    """Job operations on 30 things: [0] is CANCELED, [1] SUCCEEDED, the others are QUEUED."""
    assert client.call("GetJobDocument", jobId=job) == {"document": '{"step":1}'}
    rename = {"configuration": {}, "endsRetries": False, "jobId": job, "description": "renamed", "idempotencyKey": key()}
    renamed = client.call("UpdateJob", **rename)
    assert renamed["description"] == "renamed" and client.call("UpdateJob", **rename) == renamed, renamed
    remove = {"jobId": job, "targets": [*things[2:4], things[1], "nobody"], "idempotencyKey": key()}
    assert client.call("RemoveJobTargets", **remove) == {"removedCount": 2}
    assert client.call("RemoveJobTargets", **remove) == {"removedCount": 2}
    assert client.call("RemoveJobTargets", jobId=job, targets=things[1:4]) == {"removedCount": 0}
    assert client.call("DescribeJobExecution", jobId=job, thingName=things[2])["status"] == "REMOVED"
    delete = {"executionNumber": "1", "force": False, "jobId": job}
    assert client.call("DeleteJobExecution", thingName=things[4], **delete) == {}
    assert refused(lambda: client.call("DescribeJobExecution", jobId=job, thingName=things[4])).status == "NOT_FOUND"
    client.call("StartNextPendingJobExecution", thingName=things[5])
    busy = refused(lambda: client.call("DeleteJobExecution", thingName=things[5], **delete))
    assert busy.status == "INVALID_STATE_TRANSITION" and busy.fields["status"] == "IN_PROGRESS", busy
    early = refused(lambda: client.call("DeleteJob", force=False, jobId=job))
    assert early.status == "INVALID_STATE_TRANSITION" and "status" not in early.fields, early
    cancel = {"force": False, "jobId": job, "reasonCode": "SMOKE", "comment": "enough – stop", "idempotencyKey": key()}
    ended = client.call("CancelJob", **cancel)
    assert (ended["status"], ended["reasonCode"], ended["comment"]) == ("CANCELED", "SMOKE", "enough – stop"), ended
    counts = [ended[name + "Count"] for name in ("queued", "inProgress", "succeeded", "removed", "canceled")]
    assert counts == [0, 1, 1, 2, 25], ended
    forced = client.call("CancelJob", force=True, jobId=job)
    assert (forced["inProgressCount"], forced["canceledCount"]) == (0, 26), forced
    assert client.call("CancelJob", **cancel) == ended
    assert client.call("DescribeJobExecution", jobId=job, thingName=things[5])["forceCanceled"] is True
    assert listed(client, status="CANCELED")[job] == "CANCELED" and job not in listed(client, status="COMPLETED")
    gone = {"force": False, "jobId": job, "idempotencyKey": key()}
    assert client.call("DeleteJob", **gone) == {} and client.call("DeleteJob", **gone) == {}
    until = time.monotonic() + 10
    while job in listed(client):
        assert time.monotonic() < until and listed(client).get(job, "DELETION_IN_PROGRESS") == "DELETION_IN_PROGRESS"
        time.sleep(0.05)
    assert refused(lambda: client.call("DescribeJob", jobId=job)).status == "NOT_FOUND"


def listed(client, **only):
    """{job id: status} of every page."""
    found, token = {}, {}
    while True:
        page = client.call("ListJobs", maxResults=100, **only, **token)
        found |= {entry["jobId"]: entry["status"] for entry in page["jobs"]}
        if "nextToken" not in page:
            return found
        token = {"nextToken": page["nextToken"]}


def controlled_job(client, job):
    """One retry, then an abort criterion."""
    things = [f"{job}-{n}" for n in range(3)]
    content = {"targetCount": 3, "targetSelection": 0, "jobId": job, "document": "{}", "targets": things,
               "configuration": {"retryCriteria": [{"failureType": "FAILED", "numberOfRetries": 1}], "rollout": {"maximumPerMinute": 1000}},
               "abortCriteria": [{"failureType": "FAILED", "thresholdPercentageHundredths": 5000, "minNumberOfExecutedThings": 1}]}
    client.call("CreateJob", **content)
    client.call("CreateJob", **content)
    other = refused(lambda: client.call("CreateJob", **{**content, "abortCriteria": []}))
    assert other.status == "ALREADY_EXISTS", other
    until = time.monotonic() + 10
    while client.call("DescribeJob", jobId=job)["queuedCount"] < 3:  # a rollout may take its time
        assert time.monotonic() < until
        time.sleep(0.05)
    client.call("UpdateJobExecution", **update_of(job, things[0], "FAILED"))
    again = client.call("DescribeJobExecution", jobId=job, thingName=things[0])
    assert (again["status"], again["executionNumber"], again["retryAttempt"], again["versionNumber"]) == ("QUEUED", "2", 1, "1"), again
    seen = client.call("DescribeJob", jobId=job)
    assert seen["configuration"] == content["configuration"] and seen["abortCriteria"] == content["abortCriteria"], seen
    assert [seen[name] for name in ("status", "queuedCount", "failedCount", "queuedAttemptCount", "failedAttemptCount")] == ["IN_PROGRESS", 3, 0, 3, 1], seen
    client.call("UpdateJobExecution", **update_of(job, things[0], "FAILED"))
    seen = client.call("DescribeJob", jobId=job)
    assert (seen["status"], seen["reasonCode"], seen["failedCount"], seen["canceledCount"]) == ("CANCELED", "ABORT_CRITERION", 1, 2), seen
    assert client.call("DeleteJob", force=False, jobId=job) == {}


def main(address):
    host, _, port = address.rpartition(":")
    for compress in (False, True):
        for checksums in (False, True):
            client = Client(host, int(port), compress, checksums)
            job = f"smoke-{client.welcome['nowMilliseconds']}-{int(compress)}{int(checksums)}"
            scenario(client, job)
            client.close()
            print(f"ok: zlib {'on' if client.zlib else 'off'}, checksums {'on' if client.checksums else 'off'}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
