import Cryptography
import GossipLog
import Testing

@Suite struct LogLeafTests {
    @Test func `the bytes of a leaf are the specified ones`() throws {
        let entry = try LogEntry(
            kind: .updateReceived, timeMilliseconds: 0x0102_0304_0506_0708, payload: [0xAA, 0xBB],
            evidence: []
        )
        let expected =
            Array("starling/leaf/1\0".utf8) + [0, 17] + [1, 2, 3, 4, 5, 6, 7, 8] + [
                0, 2, 0xAA, 0xBB,
            ]
            + [1] + Vectors.bytes(Vectors.roots[0])
        #expect(entry.leaf.bytes == expected)
        #expect(entry.leaf.evidenceKey == Vectors.bytes(Vectors.roots[0]))
        #expect(try LogLeaf(bytes: expected) == entry.leaf)
    }

    @Test func `the greatest payload fits and one byte more does not`() throws {
        let payload = [UInt8](repeating: 7, count: LogLeaf.payloadByteCountMax)
        let entry = try LogEntry(kind: .note, timeMilliseconds: 0, payload: payload, evidence: [1])
        #expect(entry.leaf.bytes.count == LogLeaf.byteCountMax)
        #expect(try LogLeaf(bytes: entry.leaf.bytes) == entry.leaf)
        #expect(throws: LeafError.tooLong(byteCount: payload.count + 1, limit: payload.count)) {
            try LogLeaf(kind: .note, timeMilliseconds: 0, payload: payload + [7])
        }
    }

    @Test func `a leaf has one form of bytes`() throws {
        let leaf = try LogEntry(
            kind: .joined, timeMilliseconds: 5, payload: [1, 2, 3], evidence: [4]
        ).leaf.bytes
        for count in 0..<leaf.count {
            #expect(throws: LeafError.self) { try LogLeaf(bytes: Array(leaf.prefix(count))) }
        }
        #expect(throws: LeafError.trailingBytes(count: 1)) { try LogLeaf(bytes: leaf + [0]) }
        // Every change is either refused or read as another leaf with exactly those bytes.
        for index in leaf.indices {
            var changed = leaf
            changed[index] ^= 0x40
            if let read = try? LogLeaf(bytes: changed) {
                #expect(read.bytes == changed)
            }
        }
        var flagged = leaf
        flagged[leaf.count - 33] = 2
        #expect(throws: LeafError.evidenceFlag(2)) { try LogLeaf(bytes: flagged) }
        #expect(throws: LeafError.domain) { try LogLeaf(bytes: [0x53] + leaf.dropFirst()) }
        let long = leaf + [UInt8](repeating: 0, count: 65_536)
        #expect(throws: LeafError.tooLong(byteCount: long.count, limit: 65_535)) {
            try LogLeaf(bytes: long)
        }
    }

    @Test func `the numbers of the kinds do not change`() {
        let kinds: [LeafKind] = [
            .joined, .roster, .certificate, .result, .acrossGroups, .equivocation, .membership,
            .treeHeadSeen, .evidence, .charged, .updateAnnounced, .updateReceived, .updateRefused,
            .updateLate, .aggregated, .note,
        ]
        #expect(
            kinds.map(\.rawValue) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 17, 18, 19, 20, 32]
        )
        #expect(LeafKind.updateLate.description == "updateLate")
        #expect(LeafKind(rawValue: 999).description == "kind 999")
    }
}
