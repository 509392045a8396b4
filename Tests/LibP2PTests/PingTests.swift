import Testing

@testable import LibP2P

@Suite struct PingTests {
    static let payload = (0..<32).map(UInt8.init)

    @Test(arguments: ReadSize.allCases)
    func `a ping comes back, several times`(size: ReadSize) throws {
        var opener = PingInstance.opener()
        var listener = PingInstance.listener()
        for round in 0..<3 as Range<UInt8> {
            let payload = Self.payload.map { $0 ^ round }
            #expect(try opener.ping(payload: payload) == [.send(payload)])
            var echo: [UInt8] = []
            for piece in size.cut(payload) {
                for case .send(let bytes) in try listener.receive(piece) { echo += bytes }
            }
            #expect(echo == payload)
            var pongs = 0
            for piece in size.cut(echo) { pongs += try opener.receive(piece).count }
            #expect(pongs == 1)
        }
    }

    @Test func `a wrong echo is noticed at its first wrong byte`() throws {
        var opener = PingInstance.opener()
        _ = try opener.ping(payload: Self.payload)
        #expect(try opener.receive([0, 1]).isEmpty)
        #expect(throws: LibP2PError.wrongEcho) { try opener.receive([3]) }
        #expect(throws: LibP2PError.ended(.ping)) { try opener.receive([2]) }
        #expect(throws: LibP2PError.ended(.ping)) { try opener.ping(payload: Self.payload) }
    }

    @Test func `an echo that nobody asked for, or that is longer, is refused`() throws {
        var opener = PingInstance.opener()
        #expect(throws: LibP2PError.wrongEcho) { try opener.receive([0]) }
        var other = PingInstance.opener()
        _ = try other.ping(payload: Self.payload)
        #expect(throws: LibP2PError.wrongEcho) { try other.receive(Self.payload + [0]) }
    }

    @Test func `one ping is out at a time, and only from the opener`() throws {
        var opener = PingInstance.opener()
        _ = try opener.ping(payload: Self.payload)
        #expect(throws: LibP2PError.ended(.ping)) { try opener.ping(payload: Self.payload) }
        var listener = PingInstance.listener()
        #expect(throws: LibP2PError.ended(.ping)) { try listener.ping(payload: Self.payload) }
    }

    @Test func `a listener keeps less than one ping`() throws {
        var listener = PingInstance.listener()
        let stream = Self.payload + Self.payload + [7]
        #expect(try listener.receive(stream) == [.send(Self.payload + Self.payload)])
        #expect(
            try listener.receive([UInt8](repeating: 7, count: 31))
                == [.send([UInt8](repeating: 7, count: 32))]
        )
    }
}
