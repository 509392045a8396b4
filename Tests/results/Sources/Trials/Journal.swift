internal import FoundationEssentials
internal import Glibc

/// Tells how far a trial is, on standard error, and measures its time.
struct Journal {
    private let clock = ContinuousClock()
    private let start = ContinuousClock().now
    private let processorStart = Journal.processorSeconds

    /// Seconds since the trial began.
    var seconds: Double { (clock.now - start) / .seconds(1) }
    /// Processor time of all threads since the trial began, in seconds.
    var processorSeconds: Double { Journal.processorSeconds - processorStart }

    func note(_ text: String) {
        let line = "[\(Int(seconds)) s] \(text)\n"
        _ = unsafe line.utf8.withContiguousStorageIfAvailable {
            unsafe write(STDERR_FILENO, $0.baseAddress, $0.count)
        }
    }

    private static var processorSeconds: Double {
        Double(Glibc.clock()) / Double(CLOCKS_PER_SEC)
    }
}
