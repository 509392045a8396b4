/// The frames that wait to be sent to one peer, in their order and within bounds.
///
/// Where they do not fit, announcements are dropped first, then forwarded messages, then the node's
/// own, always the oldest of a kind first. Control is never dropped: a peer that does not even take
/// that much has stalled.
///
/// Source: docs/protocol/gossipsub.md, section on sending.
public struct GossipSendQueue: Sendable {
    /// What became of a frame.
    public enum Insertion: Hashable, Sendable {
        /// It is queued, and so many others are dropped for it.
        case queued(droppedCount: Int)
        /// There is no room for it.
        case dropped
        /// Nothing but control waits, and it fills the queue.
        case stalled
    }

    private struct Frame {
        let bytes: [UInt8]
        let precedence: GossipPrecedence
    }

    /// The greatest number of frames.
    public static let frameCountMax = 256
    /// The greatest number of their bytes.
    public static let byteCountMax = 4 << 20

    private var frames: [Frame] = []
    /// The bytes that wait.
    public private(set) var byteCount = 0

    /// Makes an empty queue.
    public init() {}

    /// The frames that wait.
    public var count: Int { frames.count }

    /// Queues a serialised frame.
    public mutating func push(_ bytes: [UInt8], _ precedence: GossipPrecedence) -> Insertion {
        var droppedCount = 0
        while frames.count >= Self.frameCountMax || byteCount + bytes.count > Self.byteCountMax {
            let worst = frames.min { $0.precedence < $1.precedence }?.precedence
            guard let worst, worst < .control, worst <= precedence,
                let index = frames.firstIndex(where: { $0.precedence == worst })
            else {
                return precedence == .control ? .stalled : .dropped
            }
            byteCount -= frames.remove(at: index).bytes.count
            droppedCount += 1
        }
        frames.append(Frame(bytes: bytes, precedence: precedence))
        byteCount += bytes.count
        return .queued(droppedCount: droppedCount)
    }

    /// Takes out the frame to send next.
    public mutating func pop() -> [UInt8]? {
        guard !frames.isEmpty else { return nil }
        let frame = frames.removeFirst()
        byteCount -= frame.bytes.count
        return frame.bytes
    }
}
