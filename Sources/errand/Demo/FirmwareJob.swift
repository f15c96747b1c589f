import ErrandClient

/// The job that the demo rolls out, and what its devices report.
struct FirmwareJob: Sendable {
    let jobId: JobId

    init() throws(InvalidField) {
        jobId = try JobId("firmware-2_4_1")
    }

    static let description = "Firmware 2.4.1 for press controllers, ring 3"
    /// Far longer than the demo runs: only devices that set a step timer time out.
    static let inProgressTimeoutInMinutes: Int64 = 7200
    /// What a minute of a timer lasts here, so that a silent device times out while one watches.
    static let minuteLengthMilliseconds: Int64 = 500

    static let imageByteCount = 8_388_608

    static let document = """
        {
          "operation": "firmware-update",
          "firmware": {
            "version": "2.4.1",
            "minimumVersion": "2.1.0",
            "url": "https://firmware.example.com/press-controller/2.4.1/image.bin",
            "byteCount": 8388608,
            "sha256": "6f1c8a7e0d2b4935a8f0c3d17be2964f5a70d81e3cb64297f08a1d5be93c4726",
            "signature": "MEUCIQDkX0mYp3sVgkq5h3y1Zk9a3r0C9d7H2mFqgU6tJwXb1wIgW2rVn8z4cPq0yJfE5uBvT7oL3sKxN6hD9mRaG1eQiYo="
          },
          "preconditions": {
            "batteryPercentMin": 30,
            "freeByteCountMin": 16777216,
            "maintenanceWindow": { "from": "01:00", "to": "05:00", "timeZone": "Europe/Berlin" }
          },
          "steps": ["download", "verify", "install", "reboot", "self-test"],
          "onFailure": { "rollback": true, "attemptsMax": 2, "reportLogs": true },
          "notes": "Fixes the drift of pressure sensor B after 40 days of uptime."
        }
        """

    /// A report on the way from 0 to 100 percent.
    func progress(_ percent: Int, step: String, device: Int) throws(InvalidField) -> StatusDetails {
        try StatusDetails([
            (key: "progress", value: "\(percent)/100"),
            (key: "step", value: step),
            (key: "bytes", value: "\(Self.imageByteCount / 100 * min(100, percent * 2))/\(Self.imageByteCount)"),
            (key: "battery", value: "\(40 + device % 60)%"),
            (key: "signal", value: "-\(50 + device % 40) dBm"),
        ])
    }

    func failure(device: Int) throws(InvalidField) -> StatusDetails {
        try StatusDetails([
            (key: "progress", value: "70/100"), (key: "step", value: "install"),
            (
                key: "error",
                value: "self-test: pressure sensor B reads \(device % 7).\(device % 10) bar without load; rolled back"
            ),
        ])
    }

    func rejection(device: Int) throws(InvalidField) -> StatusDetails {
        try StatusDetails([(key: "reason", value: "battery at \(5 + device % 25)%, 30% needed")])
    }

    func success() throws(InvalidField) -> StatusDetails {
        try StatusDetails([
            (key: "progress", value: "100/100"), (key: "step", value: "self-test"), (key: "firmware", value: "2.4.1"),
        ])
    }
}
