import Cryptography
import LibP2P
import Testing

@testable import Transports

@Suite struct ResourceScopeTests {
    static func limits(_ change: (inout TransportLimits) -> Void) -> TransportLimits {
        var limits = TransportLimits()
        change(&limits)
        return limits
    }

    @Test func `a stream needs room with its peer and in the whole node`() {
        let limits = Self.limits {
            $0.streamCountMax = 3
            $0.streamCountMaxPerPeer = 2
        }
        let node = ResourceScope(limits: limits)
        let (a, b) = (
            ResourceScope(peerIn: node, limits: limits), ResourceScope(peerIn: node, limits: limits)
        )
        #expect(a.openStream() == nil && a.openStream() == nil)
        #expect(a.openStream() == .streamsPerPeer(2))
        #expect(b.openStream() == nil)
        #expect(b.openStream() == .streams(3))
        #expect(node.streamCount == 3 && b.streamCount == 1)
        a.closeStream()
        #expect(b.openStream() == nil)
        for scope in [a, b, b] { scope.closeStream() }
        #expect(node.streamCount == 0 && a.streamCount == 0 && b.streamCount == 0)
    }

    @Test func `windows take up to half of what unread bytes may take`() {
        let limits = Self.limits {
            $0.memoryByteCountMax = 1_000
            $0.memoryByteCountMaxPerPeer = 800
        }
        let node = ResourceScope(limits: limits)
        let (a, b) = (
            ResourceScope(peerIn: node, limits: limits), ResourceScope(peerIn: node, limits: limits)
        )
        #expect(a.growthRemaining == 400 && a.remaining == 800)
        a.adjustWindows(by: 400)
        #expect(a.growthRemaining == 0 && a.remaining == 400)
        #expect(b.growthRemaining == 100 && b.remaining == 600)
        b.adjustUnread(by: 600)
        #expect(b.remaining == 0 && a.remaining == 0 && node.usedByteCount == 1_000)
        b.adjustUnread(by: -600)
        a.adjustWindows(by: -400)
        #expect(node.usedByteCount == 0 && a.remaining == 800)
    }

    @Test func `of a node that holds too much, whoever has more than its share goes`() {
        let limits = Self.limits {
            $0.memoryByteCountMax = 1_000
            $0.memoryByteCountMaxPerPeer = 800
        }
        let node = ResourceScope(limits: limits)
        let scopes = (0..<4).map { _ in ResourceScope(peerIn: node, limits: limits) }
        scopes[0].adjustUnread(by: 801)
        #expect(scopes[0].exceeded == .memoryPerPeer(byteCount: 800))
        scopes[0].adjustUnread(by: -101)
        #expect(scopes.allSatisfy { $0.exceeded == nil })
        scopes[1].adjustUnread(by: 200)
        scopes[2].adjustUnread(by: 200)
        #expect(scopes[0].exceeded == .memory(byteCount: 1_000))
        #expect(scopes[1...].allSatisfy { $0.exceeded == nil })
        scopes[0].adjustUnread(by: -700)
        #expect(scopes.allSatisfy { $0.exceeded == nil })
    }

    @Test func `bytes beyond a rate are waited for`() {
        let limits = Self.limits {
            $0.sentBytesPerSecondMax = 1_000
            $0.sentBytesPerSecondMaxPerPeer = 600
        }
        let node = ResourceScope(limits: limits)
        let (a, b) = (
            ResourceScope(peerIn: node, limits: limits), ResourceScope(peerIn: node, limits: limits)
        )
        #expect(a.move(600, .sent, now: .seconds(1)) == .zero)
        #expect(a.move(300, .sent, now: .seconds(1)) == .milliseconds(500))
        #expect(a.move(1_000_000, .received, now: .seconds(1)) == .zero)
        // The node's rate holds for whoever comes next.
        #expect(b.move(200, .sent, now: .seconds(1)) == .milliseconds(100))
        #expect(b.move(300, .sent, now: .seconds(2)) == .zero)
        #expect(node.byteCounts == (1_400, 1_000_000))
    }

    @Test func `a pause earns a second's worth and no more`() {
        var rate = ByteRate(bytesPerSecond: 100)
        #expect(rate.take(100, now: .seconds(10)) == .zero)
        #expect(rate.take(1, now: .seconds(10)) == .milliseconds(10))
        #expect(rate.take(100, now: .seconds(1_000)) == .zero)
        #expect(rate.take(50, now: .seconds(1_000)) == .milliseconds(500))
        // A clock that stands still or goes back gives nothing.
        #expect(rate.take(50, now: .seconds(999)) == .seconds(1))
    }

    @Test func `penalties double, end, and are forgotten`() throws {
        var penalties = Penalties()
        let peer = PeerID(publicKey: SigningKey.generate().publicKey)
        #expect(penalties.remaining(peer, now: .zero) == nil)
        var waits: [Duration] = []
        for _ in 0..<8 { waits.append(penalties.note(peer, now: .seconds(100))) }
        #expect(waits == [10, 20, 40, 80, 160, 320, 600, 600].map { .seconds($0) })
        #expect(penalties.remaining(peer, now: .seconds(101)) == .seconds(599))
        #expect(penalties.remaining(peer, now: .seconds(700)) == nil)
        #expect(penalties.note(peer, now: .seconds(1_900)) == .seconds(10))
        for _ in 0..<Penalties.countMax + 10 {
            _ = penalties.note(
                PeerID(publicKey: SigningKey.generate().publicKey), now: .seconds(1_901))
        }
        #expect(penalties.count == Penalties.countMax)
    }

    @Test func `a flood becomes one line a second with its count`() {
        var throttle = LogThrottle()
        #expect(throttle.add(1, now: .zero) == 1)
        #expect(throttle.add(5, now: .milliseconds(10)) == nil)
        #expect(throttle.add(1, now: .milliseconds(999)) == nil)
        #expect(throttle.add(1, now: .seconds(1)) == 7)
        #expect(throttle.add(1, now: .seconds(3)) == 1)
    }

    @Test func `a bound on received bytes bounds what windows promise`() {
        var limits = TransportLimits()
        #expect(ResourceScope(limits: limits).growthMax == .max)
        limits.receivedBytesPerSecondMax = 4_000_000
        let node = ResourceScope(limits: limits)
        #expect(node.growthMax == 1_000_000)
        #expect(ResourceScope(peerIn: node, limits: limits).growthMax == 1_000_000)
        limits.receivedBytesPerSecondMaxPerPeer = 400_000
        #expect(ResourceScope(peerIn: node, limits: limits).growthMax == 100_000)
    }
}
