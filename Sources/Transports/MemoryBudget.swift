internal import Synchronization

/// The bytes that all connections of a swarm together hold for their peers: grown windows and
/// received data that nobody has read yet.
final class MemoryBudget: Sendable {
    let limit: Int
    private let used = Atomic<Int>(0)

    init(limit: Int) {
        self.limit = limit
    }

    /// What may still be taken; never negative.
    var remaining: Int {
        max(0, limit - used.load(ordering: .relaxed))
    }

    var usedByteCount: Int {
        used.load(ordering: .relaxed)
    }

    /// Records bytes taken, or given back where the count is negative.
    ///
    /// Data within its window is always recorded, so the budget may be exceeded by what was
    /// promised before.
    func adjust(by byteCount: Int) {
        used.add(byteCount, ordering: .relaxed)
    }
}
