import Cryptography
import Testing

@testable import LibP2P

@Suite struct RelayHopInstanceTests {
    private static let peers = (1...40).map {
        PeerID(publicKey: Fixtures.identity(seedByte: UInt8($0)).publicKey)
    }

    private static func make(_ change: (inout RelayHopSettings) -> Void = { _ in })
        -> RelayHopInstance
    {
        var settings = RelayHopSettings()
        settings.reservationSeconds = 100
        change(&settings)
        return RelayHopInstance(settings: settings)
    }

    @Test func `a circuit needs a reservation of its target that has not expired`() {
        var relay = Self.make()
        let (a, b) = (Self.peers[0], Self.peers[1])
        #expect(
            relay.open(from: a, to: b, isRelayed: false, nowSeconds: 5) == .refused(.noReservation))
        #expect(relay.reserve(b, host: nil, isRelayed: false, nowSeconds: 5) == .granted(105))
        guard case .granted = relay.open(from: a, to: b, isRelayed: false, nowSeconds: 104) else {
            Issue.record("refused before its end")
            return
        }
        #expect(
            relay.open(from: a, to: b, isRelayed: false, nowSeconds: 105)
                == .refused(.noReservation))
        #expect(relay.reserve(b, host: nil, isRelayed: false, nowSeconds: 105) == .granted(205))
        relay.disconnected(b)
        #expect(
            relay.open(from: a, to: b, isRelayed: false, nowSeconds: 106)
                == .refused(.noReservation))
    }

    @Test func `nobody comes through another relay, nor to itself`() {
        var relay = Self.make()
        let (a, b) = (Self.peers[0], Self.peers[1])
        #expect(
            relay.reserve(b, host: nil, isRelayed: true, nowSeconds: 0)
                == .refused(.permissionDenied))
        _ = relay.reserve(b, host: nil, isRelayed: false, nowSeconds: 0)
        #expect(
            relay.open(from: a, to: b, isRelayed: true, nowSeconds: 0)
                == .refused(.permissionDenied))
        #expect(
            relay.open(from: b, to: b, isRelayed: false, nowSeconds: 0)
                == .refused(.permissionDenied))
    }

    @Test func `reservations are bounded in all and by address, renewals are not`() {
        var relay = Self.make {
            $0.reservationCountMax = 3
            $0.reservationCountMaxPerAddress = 2
        }
        func reserve(_ index: Int, _ host: String?, at now: UInt64 = 0) -> Bool {
            relay.reserve(Self.peers[index], host: host, isRelayed: false, nowSeconds: now)
                == .granted(now + 100)
        }
        #expect(reserve(0, "192.0.2.1") && reserve(1, "192.0.2.1"))
        #expect(!reserve(2, "192.0.2.1"))
        #expect(reserve(3, "192.0.2.2"))
        #expect(!reserve(4, "192.0.2.3"))
        #expect(reserve(0, "192.0.2.1", at: 50) && relay.reservedPeers.count == 3)
        // Two of the three have expired.
        #expect(reserve(4, nil, at: 120) && relay.reservedPeers.count == 2)
    }

    @Test func `circuits are bounded in all and by peer, and free their places`() throws {
        var relay = Self.make {
            $0.circuitCountMax = 3
            $0.circuitCountMaxPerPeer = 2
        }
        for peer in Self.peers {
            _ = relay.reserve(peer, host: nil, isRelayed: false, nowSeconds: 0)
        }
        func open(_ from: Int, _ to: Int) -> RelayHopInstance.CircuitID? {
            switch relay.open(
                from: Self.peers[from], to: Self.peers[to], isRelayed: false, nowSeconds: 1)
            {
            case .granted(let id): return id
            case .refused(let status):
                #expect(status == .resourceLimitExceeded)
                return nil
            }
        }
        let first = try #require(open(0, 1))
        #expect(open(0, 2) != nil)
        #expect(open(0, 3) == nil, "its source has two")
        #expect(open(4, 0) == nil, "its target has two")
        #expect(open(4, 5) != nil)
        #expect(open(6, 7) == nil, "there are three")
        relay.close(first)
        relay.close(first)
        #expect(relay.circuitCount == 2)
        #expect(open(0, 3) != nil)
    }

    @Test func `a meter lets through what its bound says`() {
        var meter = CircuitMeter(byteCountMax: 10)
        #expect(meter.take(4) == 4 && meter.take(6) == 6 && meter.isExhausted)
        #expect(meter.take(1) == 0 && meter.byteCount == 10)
        var cut = CircuitMeter(byteCountMax: 10)
        #expect(cut.take(11) == 10)
        var open = CircuitMeter(byteCountMax: nil)
        #expect(open.take(.max) == .max && !open.isExhausted)
    }
}
