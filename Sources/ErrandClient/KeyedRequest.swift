internal import ErrandCore
internal import ErrandWire

/// A change that carries an idempotency key (SPEC §6 `CALL-10`).
protocol KeyedRequest: RequestMessage {
    var idempotencyKey: IdempotencyKey? { get set }
    var expectedVersion: Int64? { get }
    /// Hashes what remembers the key: changes of the same one push each other's keys out.
    func hashSubject(into hasher: inout Hasher)
}

extension KeyedRequest {
    var expectedVersion: Int64? { nil }

    var subject: Int {
        var hasher = Hasher()
        hashSubject(into: &hasher)
        return hasher.finalize()
    }

    /// As it is sent: with a key of its own unless it has one or the client uses none.
    func keyed(_ configuration: ClientConfiguration) -> Self {
        guard idempotencyKey == nil, configuration.usesIdempotencyKeys else { return self }
        var request = self
        request.idempotencyKey = .random()
        return request
    }
}

extension UpdateJobExecutionRequest: KeyedRequest {
    func hashSubject(into hasher: inout Hasher) {
        hasher.combine(jobId)
        hasher.combine(thingName)
    }
}

extension CancelJobExecutionRequest: KeyedRequest {
    func hashSubject(into hasher: inout Hasher) {
        hasher.combine(jobId)
        hasher.combine(thingName)
    }
}

extension StartNextPendingJobExecutionRequest: KeyedRequest {
    func hashSubject(into hasher: inout Hasher) { hasher.combine(thingName) }
}

extension CancelJobRequest: KeyedRequest {
    func hashSubject(into hasher: inout Hasher) { hasher.combine(jobId) }
}

extension DeleteJobRequest: KeyedRequest {
    func hashSubject(into hasher: inout Hasher) { hasher.combine(jobId) }
}

extension UpdateJobRequest: KeyedRequest {
    func hashSubject(into hasher: inout Hasher) { hasher.combine(jobId) }
}

extension RemoveJobTargetsRequest: KeyedRequest {
    func hashSubject(into hasher: inout Hasher) { hasher.combine(jobId) }
}

extension DeleteJobExecutionRequest: KeyedRequest {
    func hashSubject(into hasher: inout Hasher) {
        hasher.combine(jobId)
        hasher.combine(thingName)
    }
}

/// A change that the server compares by content, so that it needs no key (SPEC §9.3, §9.4).
protocol ComparedByContent: RequestMessage {}

extension CreateJobRequest: ComparedByContent {}
extension AddJobTargetsRequest: ComparedByContent {}
