import LibP2P
import Testing

@Suite struct GossipSendQueueTests {
    static func filled(_ precedences: [GossipPrecedence]) -> GossipSendQueue {
        var queue = GossipSendQueue()
        for index in 0..<GossipSendQueue.frameCountMax {
            let precedence = precedences[index % precedences.count]
            _ = queue.push([UInt8(precedence.rawValue), UInt8(index)], precedence)
        }
        return queue
    }

    static func drain(_ queue: GossipSendQueue) -> [[UInt8]] {
        var queue = queue
        var frames: [[UInt8]] = []
        while let frame = queue.pop() { frames.append(frame) }
        return frames
    }

    @Test func `frames leave in the order in which they came`() {
        let frames = Self.drain(Self.filled(GossipPrecedence.allCases))
        #expect(frames.map { $0[1] } == (0...255).map { UInt8($0) })
    }

    @Test func `announcements go first, then forwarded messages, then own ones`() {
        var queue = Self.filled([.announcement, .forwarded, .own, .control])
        for kind in [GossipPrecedence.announcement, .forwarded, .own] {
            for _ in 0..<64 {
                #expect(queue.push([3, 0], .control) == .queued(droppedCount: 1))
            }
            let left = Set(Self.drain(queue).map { $0[0] })
            #expect(left.min().map(Int.init) == kind.rawValue + 1)
        }
        // Nothing but control is left.
        #expect(queue.push([3, 0], .control) == .stalled)
        #expect(queue.push([2, 0], .own) == .dropped)
        #expect(queue.count == GossipSendQueue.frameCountMax)
    }

    @Test func `of a kind the oldest goes, and never one that is worth more`() {
        var queue = Self.filled([.own])
        #expect(queue.push([1, 0], .forwarded) == .dropped)
        #expect(queue.push([2, 99], .own) == .queued(droppedCount: 1))
        #expect(queue.pop() == [2, 1])
    }

    @Test func `bytes are bounded too`() {
        var queue = GossipSendQueue()
        let frame = [UInt8](repeating: 0, count: 60_000)
        for _ in 0..<200 { _ = queue.push(frame, .forwarded) }
        #expect(queue.byteCount <= GossipSendQueue.byteCountMax && queue.count == 69)
        let long = [UInt8](repeating: 0, count: 100_000)
        #expect(queue.push(long, .own) == .queued(droppedCount: 1))
        #expect(queue.byteCount == Self.drain(queue).map(\.count).reduce(0, +))
    }
}
