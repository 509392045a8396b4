import LibP2P
import Testing

@Suite struct PassiveViewTests {
    @Test func `a record replaces an older one and nothing else`() throws {
        let peer = try SamplePeer(1)
        var view = PassiveView()
        #expect(
            view.insert(try peer.record(sequence: 5), atMilliseconds: 1) == .added(evicted: nil))
        #expect(view.insert(try peer.record(sequence: 5), atMilliseconds: 2) == .stale)
        #expect(view.insert(try peer.record(sequence: 4), atMilliseconds: 3) == .stale)
        #expect(view[peer.id]?.lastSeenMilliseconds == 1)
        let newer = try peer.record(sequence: 6, addresses: ["/ip4/10.0.0.9/tcp/1"])
        #expect(view.insert(newer, atMilliseconds: 4) == .updated)
        #expect(view[peer.id]?.record == newer)
        #expect(
            view.insert(try peer.record(sequence: 7, addresses: []), atMilliseconds: 5)
                == .withoutAddress)
        #expect(view[peer.id]?.record == newer)
    }

    @Test func `full, the oldest success goes, and what never succeeded goes first`() throws {
        let peers = try (0..<PassiveView.countMax + 3).map { try SamplePeer($0) }
        var view = PassiveView()
        for (index, peer) in peers.prefix(PassiveView.countMax).enumerated() {
            view.insert(try peer.record(), atMilliseconds: UInt64(index))
            if index != 9 { view.noteSuccess(of: peer.id, atMilliseconds: 10_000 - UInt64(index)) }
        }
        let newcomers = peers.suffix(3).map(\.id)
        #expect(
            view.insert(try peers[256].record(), atMilliseconds: 20_000)
                == .added(evicted: peers[9].id))
        #expect(
            view.insert(try peers[257].record(), atMilliseconds: 20_001)
                == .added(evicted: newcomers[0]))
        view.noteSuccess(of: newcomers[1], atMilliseconds: 30_000)
        #expect(
            view.insert(try peers[258].record(), atMilliseconds: 20_002)
                == .added(evicted: peers[255].id))
        #expect(view.count == PassiveView.countMax)
    }

    @Test func `the persisted form reads back and leaves out what does not verify`() throws {
        var view = PassiveView()
        for index in 0..<20 {
            let peer = try SamplePeer(index)
            view.insert(try peer.record(), atMilliseconds: 1000 + UInt64(index))
            if index % 2 == 0 { view.noteSuccess(of: peer.id, atMilliseconds: 2000) }
            if index % 3 == 0 { view.noteFailure(of: peer.id) }
        }
        let bytes = view.bytes
        #expect(try PassiveView(bytes: bytes) == view)
        var bent = bytes
        // The first entry's envelope begins with the key, whose bytes its signature covers.
        bent[40] ^= 1
        let read = try PassiveView(bytes: bent)
        #expect(read.count == 19)
        #expect(Set(read.peers).isSubset(of: view.peers))
    }

    @Test func `what is no persisted view is refused by name`() {
        #expect(throws: PassiveViewError.version(0)) { try PassiveView(bytes: []) }
        #expect(throws: PassiveViewError.version(2)) { try PassiveView(bytes: [0x08, 2]) }
        #expect(throws: PassiveViewError.malformed) { try PassiveView(bytes: [0x12, 9]) }
        #expect(throws: PassiveViewError.tooManyEntries(257)) {
            try PassiveView(
                bytes: [0x08, 1] + Array(repeating: [0x12, 0], count: 257).flatMap { $0 })
        }
        let byteCount = PassiveView.byteCountMax + 1
        #expect(throws: PassiveViewError.tooLong(byteCount: byteCount)) {
            try PassiveView(bytes: Array(repeating: 0, count: byteCount))
        }
    }

    @Test func `a sample leaves out the peer that is told`() throws {
        var view = PassiveView()
        for index in 0..<30 { view.insert(try SamplePeer(index).record(), atMilliseconds: 1) }
        let told = try SamplePeer(3)
        var generator = SystemRandomNumberGenerator()
        let sample = view.sample(count: 15, excluding: told.id, using: &generator)
        #expect(Set(sample).count == 15)
        #expect(!sample.contains(try told.record().envelope))
        #expect(view.sample(count: 99, excluding: told.id, using: &generator).count == 29)
    }
}
