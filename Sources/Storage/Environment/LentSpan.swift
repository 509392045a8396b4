internal import Synchronization

/// The part of a memory map that readers were lent, and how much of it they read.
final class LentSpan: Sendable {
    private struct State {
        var addresses: Range<UInt>?
        var readByteCount = 0
    }

    private let state = Mutex(State())

    /// The bytes from the first to the last that were lent; none before anything was.
    var bytes: UnsafeRawBufferPointer {
        guard let addresses = state.withLock(\.addresses) else {
            return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return unsafe UnsafeRawBufferPointer(
            start: UnsafeRawPointer(bitPattern: addresses.lowerBound),
            count: addresses.count
        )
    }

    /// Notes bytes that are lent from now on.
    ///
    /// - Parameter isRead: whether somebody reads all of them now.
    func add(_ bytes: UnsafeRawBufferPointer, isRead: Bool) {
        let lower = UInt(bitPattern: bytes.baseAddress)
        let upper = lower + UInt(bytes.count)
        state.withLock { state in
            let known = state.addresses ?? lower..<upper
            state.addresses = min(known.lowerBound, lower)..<max(known.upperBound, upper)
            if isRead { state.readByteCount += bytes.count }
        }
    }

    /// Whether so much was read since the last time that this was true.
    func hasRead(byteCount: Int) -> Bool {
        state.withLock { state in
            guard state.readByteCount >= byteCount else { return false }
            state.readByteCount = 0
            return true
        }
    }

    /// Forgets everything, before the map moves.
    func reset() {
        state.withLock { $0 = State() }
    }
}
