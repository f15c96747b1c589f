import ErrandCore

/// The fields of a message as a vector lists them (CONFORMANCE §1.2).
typealias Fields = [String: JSONValue]

/// 64-bit integers are decimal strings; smaller ones are numbers.
func field(_ value: Int64) -> JSONValue { .text(String(value)) }
func field(_ value: UInt64) -> JSONValue { .text(String(value)) }
func field(_ value: UInt32) -> JSONValue { .number(Int(value)) }
func field(_ value: UInt16) -> JSONValue { .number(Int(value)) }
func field(_ value: UInt8) -> JSONValue { .number(Int(value)) }
func field(_ value: Bool) -> JSONValue { .bool(value) }
func field(_ value: String) -> JSONValue { .text(value) }
func field(_ value: [UInt8]) -> JSONValue { .text(hex(value)) }
func field(_ value: JobId) -> JSONValue { .text(value.description) }
func field(_ value: ThingName) -> JSONValue { .text(value.description) }
func field(_ value: JobExecutionStatus) -> JSONValue { .text(value.description) }
func field(_ value: JobStatus) -> JSONValue { .text(value.description) }
func field(_ value: IdempotencyKey) -> JSONValue { .text(value.description) }
func field(_ value: StatusDetails) -> JSONValue {
    .array(value.pairs.map { .array([.text($0.key), .text($0.value)]) })
}

extension Fields {
    /// Lists an optional field only if it is there.
    mutating func list<T>(_ name: String, _ value: T?, _ make: (T) -> JSONValue) {
        if let value { self[name] = make(value) }
    }
}
