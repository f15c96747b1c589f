import ErrandCore

@testable import ErrandStore

/// One call to a store. A describe travels in a batch's lane, everything else as a command.
enum Asked {
    case describe(DescribeJobExecutionRequest)
    case command(StoreCommand)
}

extension CommandBatch {
    func ask(_ asked: Asked) {
        switch asked {
        case .describe(let request): add(request)
        case .command(let command): commands = [command]
        }
    }

    /// What the one call was answered with.
    var answer: StoreOutcome {
        guard case .describe(let call) = commands[0], case .described(let place) = outcomes[0] else { return outcomes[0] }
        return .execution(describes.view(of: call, at: place))
    }
}
