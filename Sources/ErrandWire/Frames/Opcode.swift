/// What a frame is (SPEC §5).
package enum Opcode: UInt8, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    case hello = 0x01
    case welcome = 0x02
    case connectionError = 0x03
    case ping = 0x04
    case pong = 0x05
    case goAway = 0x06
    case cancelCall = 0x07
    case events = 0x08
    case notify = 0x09
    case notifyNext = 0x0A
    case watchEnded = 0x0B
    case watchCredit = 0x0C
    case endWatch = 0x0D
    case health = 0x10
    case serverInfo = 0x11
    case createJob = 0x20
    case addJobTargets = 0x21
    case describeJob = 0x22
    case cancelJob = 0x23
    case deleteJob = 0x24
    case updateJob = 0x25
    case listJobs = 0x26
    case getJobDocument = 0x27
    case removeJobTargets = 0x28
    case describeJobExecution = 0x30
    case updateJobExecution = 0x31
    case cancelJobExecution = 0x32
    case startNextPendingJobExecution = 0x33
    case getPendingJobExecutions = 0x34
    case listJobExecutionsForJob = 0x35
    case listJobExecutionsForThing = 0x36
    case describeOwnJobExecution = 0x38
    case deleteJobExecution = 0x39
    case getJobExecutionHistory = 0x3A
    case batchDescribeJobExecution = 0x40
    case batchUpdateJobExecution = 0x41
    case batchCancelJobExecution = 0x42
    case watch = 0x50

    /// Opcodes below are control messages, this and above are calls.
    package static let firstCall: UInt8 = 0x10

    package var description: String {
        switch self {
        case .hello: "HELLO"
        case .welcome: "WELCOME"
        case .connectionError: "CONNECTION_ERROR"
        case .ping: "PING"
        case .pong: "PONG"
        case .goAway: "GOAWAY"
        case .cancelCall: "CANCEL_CALL"
        case .events: "EVENTS"
        case .notify: "NOTIFY"
        case .notifyNext: "NOTIFY_NEXT"
        case .watchEnded: "WATCH_ENDED"
        case .watchCredit: "WATCH_CREDIT"
        case .endWatch: "END_WATCH"
        case .health: "Health"
        case .serverInfo: "ServerInfo"
        case .createJob: "CreateJob"
        case .addJobTargets: "AddJobTargets"
        case .describeJob: "DescribeJob"
        case .cancelJob: "CancelJob"
        case .deleteJob: "DeleteJob"
        case .updateJob: "UpdateJob"
        case .listJobs: "ListJobs"
        case .getJobDocument: "GetJobDocument"
        case .removeJobTargets: "RemoveJobTargets"
        case .describeJobExecution: "DescribeJobExecution"
        case .updateJobExecution: "UpdateJobExecution"
        case .cancelJobExecution: "CancelJobExecution"
        case .startNextPendingJobExecution: "StartNextPendingJobExecution"
        case .getPendingJobExecutions: "GetPendingJobExecutions"
        case .listJobExecutionsForJob: "ListJobExecutionsForJob"
        case .listJobExecutionsForThing: "ListJobExecutionsForThing"
        case .describeOwnJobExecution: "DescribeOwnJobExecution"
        case .deleteJobExecution: "DeleteJobExecution"
        case .getJobExecutionHistory: "GetJobExecutionHistory"
        case .batchDescribeJobExecution: "BatchDescribeJobExecution"
        case .batchUpdateJobExecution: "BatchUpdateJobExecution"
        case .batchCancelJobExecution: "BatchCancelJobExecution"
        case .watch: "Watch"
        }
    }
}

extension Opcode {
    /// Whether the call changes anything.
    package var isMutation: Bool {
        switch self {
        case .createJob, .addJobTargets, .cancelJob, .deleteJob, .updateJob, .removeJobTargets, .deleteJobExecution,
            .updateJobExecution, .cancelJobExecution, .startNextPendingJobExecution,
            .batchUpdateJobExecution, .batchCancelJobExecution:
            true
        default: false
        }
    }
}
