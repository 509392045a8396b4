import Cryptography
import LibP2P
import Testing
import Transports

@Suite(.timeLimit(.minutes(1))) struct SwarmStreamTests {
    /// Two connected swarms; `a` dialled.
    func withPair(
        limits: TransportLimits = TransportLimits(),
        _ body: (Swarm, Swarm) async throws -> Void
    ) async throws {
        let a = try await SwarmFixture.make(limits: limits)
        let b = try await SwarmFixture.make(limits: limits)
        try await SwarmFixture.with(a, b) {
            try await a.dial(try b.address)
            _ = await b.connected()
            try await body(a, b)
        }
    }

    @Test func `half-close leaves the answer to come`() async throws {
        try await withPair { a, b in
            let stream = try await a.openStream(to: b.peerID, protocol: SwarmFixture.digest)
            try await stream.write([1, 2, 3])
            await stream.closeWrite()
            let expected = BLAKE2bHasher.digest([1, 2, 3])
            #expect(try await SwarmFixture.readAll(stream) == expected)
            await #expect(throws: TransportError.writeClosed) { try await stream.write([4]) }
            #expect(try await stream.read() == nil)
        }
    }

    @Test func `a lazy stream carries its first bytes with the proposal`() async throws {
        try await withPair { a, b in
            _ = await a.identified()
            let stream = try await a.openStream(to: b.peerID, protocol: SwarmFixture.echo)
            try await stream.write([7])
            await stream.closeWrite()
            #expect(try await SwarmFixture.readAll(stream) == [7])
        }
    }

    @Test func `an unknown protocol is refused and the connection goes on`() async throws {
        try await withPair { a, b in
            for index in 0..<3 {
                let id = "/test/unknown/\(index)"
                await #expect(throws: TransportError.protocolUnsupported(id)) {
                    try await a.openStream(to: b.peerID, protocol: id)
                }
            }
            try await expectPing(a, b)
        }
    }

    @Test func `messages keep their bounds`() async throws {
        try await withPair { a, b in
            let stream = try await a.openStream(to: b.peerID, protocol: SwarmFixture.echo)
            let long = SwarmFixture.pattern(0..<70_000)
            for message in [[], [9], long] {
                try await stream.writeLengthPrefixed(message)
                #expect(try await stream.readLengthPrefixed(maxByteCount: 70_000) == message)
            }
            try await stream.writeLengthPrefixed([1, 2, 3])
            await #expect(throws: TransportError.messageTooLarge(byteCount: 3, limit: 2)) {
                try await stream.readLengthPrefixed(maxByteCount: 2)
            }
            #expect(try await stream.readExactly(3) == [1, 2, 3])
            try await stream.write([0x80, 0x00])
            await #expect(throws: TransportError.malformedLength) {
                try await stream.readLengthPrefixed(maxByteCount: 2)
            }
            try await stream.write([5, 1, 2])
            await stream.closeWrite()
            await #expect(
                throws: TransportError.endedEarly(expectedByteCount: 5, receivedByteCount: 2)
            ) { try await stream.readLengthPrefixed(maxByteCount: 9) }
            #expect(try await stream.readExactly(1) == nil)
        }
    }

    @Test func `fifty megabytes arrive unchanged, both ways at once`() async throws {
        let count = 50_000_000
        try await withPair { a, b in
            async let up = send(count, from: a, to: b)
            async let down = receive(count, at: b, from: a)
            let digests = (try await up, try await down)
            #expect(digests.0 == digests.1)
            #expect(a.heldByteCount >= 0 && b.heldByteCount >= 0)
        }
    }

    /// Sends a pattern and returns the digest that the other side made of it.
    func send(_ count: Int, from a: Swarm, to b: Swarm) async throws -> [UInt8] {
        let stream = try await a.openStream(to: b.peerID, protocol: SwarmFixture.digest)
        for start in stride(from: 0, to: count, by: 100_000) {
            try await stream.write(SwarmFixture.pattern(start..<min(start + 100_000, count)))
        }
        await stream.closeWrite()
        return try await SwarmFixture.readAll(stream)
    }

    /// Asks for the pattern and returns its digest.
    func receive(_ count: Int, at a: Swarm, from b: Swarm) async throws -> [UInt8] {
        let stream = try await a.openStream(to: b.peerID, protocol: SwarmFixture.source)
        let request = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
        try await stream.writeLengthPrefixed(request)
        await stream.closeWrite()
        var hasher = BLAKE2bHasher()
        while let bytes = try await stream.read(max: 1 << 20) { hasher.update(bytes) }
        return hasher.finalize().bytes
    }

    @Test func `many streams at once do not mix`() async throws {
        try await withPair { a, b in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<120 {
                    group.addTask {
                        let bytes = SwarmFixture.pattern(index..<(index + 3_000 + index * 50))
                        let stream = try await a.openStream(
                            to: b.peerID, protocol: SwarmFixture.echo
                        )
                        try await stream.write(bytes)
                        await stream.closeWrite()
                        #expect(try await SwarmFixture.readAll(stream) == bytes)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `a stream that nobody reads stops its writer and nobody else`() async throws {
        try await withPair { a, b in
            let stalled = try await a.openStream(to: b.peerID, protocol: SwarmFixture.stall)
            let stuck = Task {
                while true { try await stalled.write([UInt8](repeating: 1, count: 50_000)) }
            }
            let digest = try await send(3_000_000, from: a, to: b)
            var hasher = BLAKE2bHasher()
            hasher.update(SwarmFixture.pattern(0..<3_000_000))
            #expect(digest == hasher.finalize().bytes)
            // What the other side holds is bounded by the window and its growth.
            #expect(b.heldByteCount <= 64 << 20)
            stalled.reset()
            await #expect(throws: TransportError.streamReset) { try await stuck.value }
            try await expectPing(a, b)
        }
    }

    @Test func `a cancelled reader and a cancelled writer stop waiting`() async throws {
        try await withPair { a, b in
            let stream = try await a.openStream(to: b.peerID, protocol: SwarmFixture.stall)
            let reader = Task { try await stream.read() }
            reader.cancel()
            await #expect(throws: TransportError.cancelled) { _ = try await reader.value }
            let writer = Task {
                while true { try await stream.write([UInt8](repeating: 1, count: 50_000)) }
            }
            writer.cancel()
            await #expect(throws: TransportError.cancelled) { try await writer.value }
        }
    }

    @Test func `a reset shows on the other side`() async throws {
        try await withPair { a, b in
            let stream = try await a.openStream(to: b.peerID, protocol: SwarmFixture.echo)
            try await stream.write([1])
            #expect(try await stream.readExactly(1) == [1])
            stream.reset()
            await #expect(throws: TransportError.streamReset) { try await stream.read() }
            await #expect(throws: TransportError.streamReset) { try await stream.write([1]) }
            try await expectPing(a, b)
        }
    }

    @Test func `streams that are dropped are released on both sides`() async throws {
        var limits = TransportLimits()
        limits.inboundPingStreamCountMax = 2
        try await withPair(limits: limits) { a, b in
            // More than the 256 that may be open at once, and within the rate of opening.
            for _ in 0..<180 {
                let stream = try await a.openStream(to: b.peerID, protocol: SwarmFixture.stall)
                _ = stream.protocolID
            }
            for _ in 0..<15 { try await expectPing(a, b) }
        }
    }
}

extension BLAKE2bHasher {
    static func digest(_ bytes: [UInt8]) -> [UInt8] {
        var hasher = BLAKE2bHasher()
        hasher.update(bytes)
        return hasher.finalize().bytes
    }
}
