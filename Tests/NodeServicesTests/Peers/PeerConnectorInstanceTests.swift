import Cryptography
import LibP2P
import NodeServices
import Testing
import Transports

@Suite struct PeerConnectorInstanceTests {
    typealias Instance = PeerConnectorInstance

    /// An instance with its clock and generator.
    struct Bench {
        var instance: Instance
        var now = Duration.zero
        var generator = SeededGenerator(seed: 7)

        init(
            view: PassiveView = PassiveView(),
            settings: PeerConnectorSettings = PeerConnectorSettings()
        ) throws {
            instance = Instance(
                localPeer: try MemoryNetwork.peer(0), view: view, settings: settings)
        }

        mutating func handle(_ event: Instance.Event) -> [Instance.Directive] {
            instance.handle(
                event, now: now, unixMilliseconds: 1_000_000 + UInt64(now.components.seconds),
                using: &generator)
        }

        mutating func dials(_ event: Instance.Event) -> [(key: DialKey, address: Multiaddr)] {
            handle(event).compactMap {
                if case .dial(let key, let address) = $0 { (key, address) } else { nil }
            }
        }

        /// Lets time pass until the next dial; returns how long that took.
        mutating func waitForDial() throws -> (wait: Duration, address: Multiaddr) {
            let start = now
            for _ in 0..<1000 {
                now = max(
                    try #require(instance.nextWake(now: now)), now + .nanoseconds(1))
                if let dial = dials(.tick).first { return (now - start, dial.address) }
            }
            throw Never()
        }

        struct Never: Error {}
    }

    static func address(_ number: Int, _ peer: PeerID? = nil) throws -> Multiaddr {
        let address = try Multiaddr("/ip4/10.0.0.\(number)/tcp/7411")
        return try peer.map { try address.appending($0) } ?? address
    }

    static func record(_ number: UInt8, sequence: UInt64 = 1) throws -> SignedPeerRecord {
        let key = try #require(SigningKey(seed: Array(repeating: number, count: 32)))
        let record = PeerRecord(
            peerID: PeerID(publicKey: key.publicKey), sequenceNumber: sequence,
            addresses: [try address(Int(number))])
        return try SignedPeerRecord(envelope: record.sealed(by: key).bytes)
    }

    @Test func `the configured list is dialled at once, a bounded number at a time`() throws {
        var bench = try Bench()
        let addresses = try (1...30).map { try Self.address($0) }
        let first = bench.dials(.configured(addresses))
        #expect(first.count == 8)
        #expect(Set(first.map(\.address)).count == 8)
        var connected = 0
        var queue = first
        while let dial = queue.popLast() {
            connected += 1
            let peer = try MemoryNetwork.peer(UInt8(connected))
            queue += bench.dials(.dialled(dial.key, dial.address, peer))
            queue += bench.dials(.connected(peer, address: dial.address, isDialer: true))
        }
        #expect(connected == 20)
    }

    @Test func `waits double from five seconds to five minutes with jitter`() throws {
        var bench = try Bench()
        let address = try Self.address(1)
        #expect(bench.dials(.configured([address])).count == 1)
        for expected in [5.0, 10, 20, 40, 80, 160, 300, 300] {
            _ = bench.handle(
                .dialFailed(DialKey(address), address, reason: "refused", isHopeless: false))
            let seconds = try bench.waitForDial().wait / .seconds(1)
            #expect(seconds >= expected * 0.8 - 0.001 && seconds <= min(expected * 1.2, 300.001))
        }
    }

    @Test func `a loopback address is tried again after a second, then as any other`() throws {
        var bench = try Bench()
        let address = try Multiaddr("/ip4/127.0.0.1/tcp/7411")
        _ = bench.dials(.configured([address]))
        for expected in [1.0, 5, 10] {
            _ = bench.handle(
                .dialFailed(DialKey(address), address, reason: "refused", isHopeless: false))
            let seconds = try bench.waitForDial().wait / .seconds(1)
            #expect((expected * 0.8 - 0.001...expected * 1.2 + 0.001).contains(seconds))
        }
    }

    @Test func `wanted peers are dialled beyond the target, and by each address in turn`() throws {
        var settings = PeerConnectorSettings()
        settings.connectionCountTarget = 0
        var bench = try Bench(settings: settings)
        let peer = try MemoryNetwork.peer(1)
        let addresses = [try Self.address(1, peer), try Self.address(2, peer)]
        #expect(bench.dials(.configured(addresses)).isEmpty)
        #expect(
            bench.dials(.wanted([peer, bench.instance.localPeer])).map(\.address) == [addresses[0]])
        _ = bench.handle(
            .dialFailed(.peer(peer), addresses[0], reason: "refused", isHopeless: false))
        #expect(try bench.waitForDial().address == addresses[1])
        _ = bench.handle(.dialled(.peer(peer), addresses[1], peer))
        _ = bench.handle(.connected(peer, address: addresses[1], isDialer: true))
        #expect(bench.dials(.tick).isEmpty)
        bench.now += .seconds(60)
        #expect(bench.dials(.disconnected(peer, reason: "closed")).isEmpty)
        let again = try bench.waitForDial()
        #expect(again.address == addresses[1])
        #expect((4.0...6.0).contains(again.wait / .seconds(1)))
    }

    @Test func `a connection that keeps breaking at once is no reason to knock faster`() throws {
        var bench = try Bench()
        let peer = try MemoryNetwork.peer(1)
        let address = try Self.address(1, peer)
        _ = bench.dials(.configured([address]))
        for expected in [5.0, 10, 20] {
            _ = bench.handle(.dialled(.peer(peer), address, peer))
            _ = bench.handle(.connected(peer, address: address, isDialer: true))
            bench.now += .seconds(1)
            _ = bench.handle(.disconnected(peer, reason: "refused"))
            let seconds = try bench.waitForDial().wait / .seconds(1)
            #expect((expected * 0.8 - 0.001...expected * 1.2 + 0.001).contains(seconds))
        }
    }

    @Test func `this node is not dialled, and an address that proved to be its own no more`() throws
    {
        var bench = try Bench()
        let own = try Self.address(1, bench.instance.localPeer)
        #expect(bench.dials(.configured([own])).isEmpty)
        let hidden = try Self.address(2)
        #expect(bench.dials(.configured([hidden])).count == 1)
        _ = bench.handle(.dialFailed(DialKey(hidden), hidden, reason: "self", isHopeless: true))
        bench.now += .seconds(1000)
        #expect(bench.dials(.tick).isEmpty)
    }

    @Test func `the view fills up what the list cannot`() throws {
        var view = PassiveView()
        for number in UInt8(1)...5 {
            view.insert(try Self.record(number), atMilliseconds: 1)
        }
        var settings = PeerConnectorSettings()
        settings.connectionCountTarget = 3
        var bench = try Bench(view: view, settings: settings)
        let dials = bench.dials(.configured([try Self.address(99)]))
        #expect(dials.count == 3)
        #expect(dials.first?.address == (try Self.address(99)))
        for dial in dials.dropFirst() {
            guard case .peer(let peer) = dial.key else {
                Issue.record("\(dial.key)")
                continue
            }
            #expect(view[peer]?.record.dialableAddresses == [dial.address])
            _ = bench.handle(.dialFailed(dial.key, dial.address, reason: "x", isHopeless: false))
            #expect(bench.instance.view[peer]?.failureCount == 1)
        }
    }

    @Test func `records are exchanged after identify and every half minute`() throws {
        var bench = try Bench()
        let (peer, other) = (try MemoryNetwork.peer(1), try MemoryNetwork.peer(2))
        for id in [peer, other] {
            _ = bench.handle(.connected(id, address: try Self.address(1), isDialer: false))
        }
        let identified = Instance.Event.identified(peer, addresses: [], servesExchange: true)
        #expect(bench.handle(identified) == [.exchange(peer)])
        #expect(bench.handle(identified) == [])
        #expect(
            bench.handle(.identified(other, addresses: [], servesExchange: false)) == [])
        _ = bench.handle(.exchangeEnded(peer))
        var last = bench.now
        for round in 0..<20 {
            bench.now = try #require(bench.instance.nextWake(now: bench.now))
            #expect(bench.handle(.tick) == [.exchange(peer)])
            let seconds = (bench.now - last) / .seconds(1)
            #expect((25.0...35.0).contains(seconds), "round \(round)")
            last = bench.now
            _ = bench.handle(.exchangeEnded(peer))
        }
        let admitted = [0, 9, 10, 11].map { seconds in
            bench.instance.admitExchange(from: peer, now: bench.now + .seconds(seconds))
        }
        #expect(admitted == [true, false, true, false])
    }

    @Test func `the view is written when it has changed, not more often than allowed`() throws {
        var bench = try Bench()
        _ = bench.handle(.tick)
        let sender = try MemoryNetwork.peer(1)
        var writeCount = 0
        for number in UInt8(1)...20 {
            bench.now += .seconds(1)
            let directives = bench.handle(.received([try Self.record(number)], from: sender))
            if directives.contains(.persist) { writeCount += 1 }
        }
        #expect(writeCount == 2)
        #expect(bench.instance.view.count == 20)
    }

    @Test(arguments: UInt64(1)...20)
    func `no order of events breaks the bounds`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var settings = PeerConnectorSettings()
        settings.connectionCountTarget = 5
        settings.dialCountMax = 3
        var bench = try Bench(settings: settings)
        let peers = try (UInt8(1)...9).map { try MemoryNetwork.peer($0) }
        let records = try (UInt8(1)...9).map { try Self.record($0) }
        var dialling: [(DialKey, Multiaddr)] = []
        var connected: Set<PeerID> = []
        for _ in 0..<400 {
            bench.now += .milliseconds(Int.random(in: 0...3000, using: &random))
            let index = Int.random(in: 0..<9, using: &random)
            let peer = peers[index]
            let event: Instance.Event
            switch Int.random(in: 0..<8, using: &random) {
            case 0:
                event = .connected(peer, address: try Self.address(index + 1), isDialer: index > 4)
                connected.insert(peer)
            case 1:
                event = .disconnected(peer, reason: "x")
                connected.remove(peer)
            case 2: event = .identified(peer, addresses: [], servesExchange: index % 2 == 0)
            case 3 where !dialling.isEmpty:
                let (key, address) = dialling.removeLast()
                event = .dialFailed(key, address, reason: "x", isHopeless: index == 0)
            case 4 where !dialling.isEmpty:
                let (key, address) = dialling.removeFirst()
                event = .dialled(key, address, peer)
            case 5: event = .wanted(Array(peers.prefix(index)))
            case 6: event = .received([records[index]], from: peer)
            case 7: event = .configured([try Self.address(index + 1)])
            default: event = .tick
            }
            for dial in bench.dials(event) {
                #expect(!dialling.contains { $0.0 == dial.key })
                if case .peer(let peer) = dial.key {
                    #expect(!connected.contains(peer) && peer != bench.instance.localPeer)
                }
                dialling.append((dial.key, dial.address))
            }
            #expect(dialling.count <= 3)
            if let wake = bench.instance.nextWake(now: bench.now) {
                #expect(wake >= bench.now && wake <= bench.now + .seconds(300))
            }
        }
    }

    @Test func `the list that comes last is the one that counts`() throws {
        var bench = try Bench()
        let (first, second) = (try Self.address(1), try Self.address(2))
        #expect(bench.dials(.configured([first])).map(\.address) == [first])
        #expect(bench.dials(.configured([second])).map(\.address) == [second])
        for address in [first, second] {
            _ = bench.handle(
                .dialFailed(DialKey(address), address, reason: "refused", isHopeless: false))
        }
        bench.now += .seconds(1_000)
        #expect(bench.dials(.tick).map(\.address) == [second])
    }

    @Test func `a banned peer is neither dialled nor told of, and an unbanned one is`() throws {
        var view = PassiveView()
        for number in UInt8(1)...3 { view.insert(try Self.record(number), atMilliseconds: 1) }
        var bench = try Bench(view: view)
        let banned = try MemoryNetwork.peer(1)
        let range = try #require(IPNetwork("10.0.0.2"))
        _ = bench.handle(.banned(Bans(peers: [banned], networks: [range])))
        var dialled: Set<Multiaddr> = []
        bench.now += .seconds(1)
        for dial in bench.dials(.wanted([banned])) { dialled.insert(dial.address) }
        #expect(!dialled.contains { $0.description.contains("/10.0.0.1/") })
        #expect(!dialled.contains { $0.description.contains("/10.0.0.2/") })
        #expect(bench.instance.view[banned] == nil)
        _ = bench.handle(.received([try Self.record(1)], from: try MemoryNetwork.peer(3)))
        #expect(bench.instance.view[banned] == nil)
        #expect(bench.instance.nextWake(now: bench.now).map { $0 >= bench.now } ?? true)
        _ = bench.handle(.banned(Bans()))
        let after = bench.dials(
            .received([try Self.record(1)], from: try MemoryNetwork.peer(3)))
        #expect(after.contains { $0.key == .peer(banned) })
    }

    @Test func `surplus connections go, the youngest that others dialled first`() throws {
        var settings = PeerConnectorSettings()
        settings.connectionCountTarget = 0
        settings.connectionCountHigh = 4
        var bench = try Bench(settings: settings)
        let peers = try (UInt8(1)...9).map { try MemoryNetwork.peer($0) }
        _ = bench.handle(.wanted([peers[0]]))
        _ = bench.handle(.protected([peers[1]]))
        var closed: [PeerID] = []
        func closings(_ directives: [Instance.Directive]) -> [PeerID] {
            directives.compactMap { if case .close(let peer, _) = $0 { peer } else { nil } }
        }
        for (index, peer) in peers.enumerated() {
            bench.now = .seconds(index)
            closed += closings(
                bench.handle(
                    .connected(
                        peer, address: try Self.address(index + 1), isDialer: index == 8)))
        }
        // Eight besides the wanted one, four too many; but none is old enough yet.
        #expect(closed.isEmpty)
        let wake = try #require(bench.instance.nextWake(now: bench.now))
        #expect(wake == .seconds(32))
        bench.now = .seconds(60)
        closed += closings(bench.handle(.tick))
        #expect(closed == [peers[7], peers[6], peers[5], peers[4]])
        #expect(closings(bench.handle(.tick)).isEmpty)
        for peer in closed { _ = bench.handle(.disconnected(peer, reason: "surplus")) }
        #expect(closings(bench.handle(.tick)).isEmpty)
        #expect(bench.instance.nextWake(now: bench.now) == nil)
    }

    @Test func `strangers that come by themselves take no place of a peer that was reached`() throws
    {
        var bench = try Bench()
        let (reached, member) = (try MemoryNetwork.peer(1), try MemoryNetwork.peer(2))
        _ = bench.handle(.wanted([member]))
        for (peer, isDialer) in [(reached, true), (member, false)] {
            _ = bench.handle(
                .connected(peer, address: try Self.address(1), isDialer: isDialer))
        }
        _ = bench.handle(.received([try Self.record(1)], from: reached))
        _ = bench.handle(.received([try Self.record(2)], from: member))
        for number in 0..<(2 * PassiveView.countMax) {
            bench.now += .seconds(1)
            var seed = [UInt8](repeating: 0xee, count: 32)
            (seed[0], seed[1]) = (UInt8(number >> 8), UInt8(number & 0xff))
            let key = try #require(SigningKey(seed: seed))
            let stranger = PeerID(publicKey: key.publicKey)
            let record = PeerRecord(
                peerID: stranger, sequenceNumber: 1, addresses: [try Self.address(9)])
            _ = bench.handle(
                .connected(stranger, address: try Self.address(9), isDialer: false))
            _ = bench.handle(
                .received(
                    [try SignedPeerRecord(envelope: record.sealed(by: key).bytes)],
                    from: stranger))
            _ = bench.handle(.disconnected(stranger, reason: "test"))
        }
        let view = bench.instance.view
        #expect(view.count == PassiveView.countMax)
        #expect(view[reached]?.lastSuccessMilliseconds != nil)
        #expect(view[member]?.lastSuccessMilliseconds != nil)
        let proven = view.peers.filter { view[$0]?.lastSuccessMilliseconds != nil }
        #expect(Set(proven) == [reached, member])
    }
}
