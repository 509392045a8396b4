import LibP2P
import NodeServices
import Testing

@Suite struct ProviderRotationTests {
    let a: PeerID
    let b: PeerID
    var rotation: ProviderRotation

    init() throws {
        a = try MemoryNetwork.peer(1)
        b = try MemoryNetwork.peer(2)
        var settings = TransferSettings()
        settings.fruitlessAttemptCountMax = 3
        settings.busyCountMax = 2
        rotation = ProviderRotation(settings: settings)
        rotation.add([a, b, a])
    }

    func attempt(
        _ peer: PeerID, _ outcome: FetchAttempt.Outcome, byteCount: Int = 0
    ) -> FetchAttempt {
        FetchAttempt(
            provider: peer, outcome: outcome, receivedByteCount: byteCount,
            duration: .seconds(1))
    }

    @Test mutating func `providers are asked in turn with growing waits until none is left`() {
        var now = Duration.zero
        var asked: [PeerID] = []
        var waits: [Duration] = []
        while asked.count < 10 {
            switch rotation.next(now: now) {
            case .ask(let peer):
                asked.append(peer)
                rotation.record(attempt(peer, .broken(nil)), now: now)
                continue
            case .wait(let duration):
                waits.append(duration)
                now += duration
                continue
            case .giveUp, .allAsked: break
            }
            break
        }
        #expect(asked == [a, b, a, b, a, b])
        #expect(waits == [.seconds(1), .seconds(2)])
    }

    @Test mutating func `chunks received forgive the failures before`() {
        rotation.exclude(b)
        var now = Duration.zero
        for _ in 0..<20 {
            #expect(rotation.next(now: now) == .ask(a))
            rotation.record(attempt(a, .broken(nil), byteCount: 1), now: now)
            #expect(rotation.next(now: now) == .wait(.seconds(1)))
            now += .seconds(1)
        }
    }

    @Test mutating func `busy is waited for as long as asked, within bounds`() {
        rotation.record(attempt(b, .ended(.gone)), now: .zero)
        rotation.record(attempt(a, .ended(.busy(retryMilliseconds: 250))), now: .zero)
        #expect(rotation.next(now: .zero) == .wait(.milliseconds(250)))
        #expect(rotation.next(now: .milliseconds(250)) == .ask(a))
        rotation.record(
            attempt(a, .ended(.busy(retryMilliseconds: .max)), byteCount: 1), now: .zero)
        #expect(rotation.next(now: .zero) == .wait(.seconds(30)))
        rotation.record(attempt(a, .ended(.busy(retryMilliseconds: 0))), now: .zero)
        #expect(rotation.next(now: .zero) == .giveUp)
    }

    @Test mutating func `who lied or has nothing is not asked again`() {
        rotation.record(
            attempt(a, .ended(.providerFault(.wrongChunk(1))), byteCount: 9), now: .zero)
        #expect(rotation.next(now: .zero) == .ask(b))
        rotation.record(attempt(b, .ended(.gone)), now: .zero)
        #expect(rotation.next(now: .seconds(99)) == .giveUp)
    }

    @Test mutating func `who is being asked is not asked a second time meanwhile`() {
        rotation.begin(a)
        #expect(rotation.next(now: .zero) == .ask(b))
        rotation.begin(b)
        #expect(rotation.next(now: .zero) == .allAsked)
        rotation.record(attempt(a, .ended(.gone)), now: .zero)
        #expect(rotation.next(now: .zero) == .allAsked)
        rotation.record(attempt(b, .broken(nil)), now: .zero)
        #expect(rotation.next(now: .zero) == .wait(.seconds(1)))
        rotation.exclude(b)
        #expect(rotation.next(now: .zero) == .giveUp)
    }
}
