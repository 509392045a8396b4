/// Walks over a serialised frame and counts what it holds, so that a frame of a million empty parts
/// is refused before an object is made for any of them.
struct GossipRPCScanner {
    private static let subscriptionsField: UInt64 = 1
    private static let publishField: UInt64 = 2
    private static let controlField: UInt64 = 3
    /// IHAVE, IWANT, GRAFT, PRUNE.
    private static let knownControlFields: ClosedRange<UInt64> = 1...4

    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Checks the counts of the whole frame.
    ///
    /// - Throws: `malformed`, `tooManyParts`, `messageTooLong`.
    func check() throws(GossipRPCError) {
        var partCount = 0
        try forEachField(in: bytes.indices) { number, content throws(GossipRPCError) in
            switch number {
            case Self.subscriptionsField: partCount += 1
            case Self.publishField:
                partCount += 1
                guard content.count <= GossipRPC.messageByteCountMax else {
                    throw .messageTooLong(byteCount: content.count)
                }
            case Self.controlField:
                partCount += try controlPartCount(content, budget: Self.budget(after: partCount))
            default: break
            }
            try Self.require(partCount)
        }
    }

    /// Every kind of control holds a list or nothing but a topic; each field of it counts as one.
    ///
    /// What an unknown kind holds is kept as bytes and need not be a message.
    private func controlPartCount(
        _ range: Range<Int>, budget: Int
    ) throws(GossipRPCError) -> Int {
        var partCount = 0
        try forEachField(in: range) { number, content throws(GossipRPCError) in
            partCount += 1
            guard partCount <= budget else { throw .tooManyParts }
            guard Self.knownControlFields.contains(number) else { return }
            try forEachField(in: content) { _, _ throws(GossipRPCError) in
                partCount += 1
                guard partCount <= budget else { throw .tooManyParts }
            }
        }
        return partCount
    }

    private static func budget(after count: Int) -> Int { GossipRPC.partCountMax - count }

    private static func require(_ partCount: Int) throws(GossipRPCError) {
        guard partCount <= GossipRPC.partCountMax else { throw .tooManyParts }
    }

    /// Calls `body` with the number and the content of each field; numbers have empty contents.
    private func forEachField(
        in range: Range<Int>,
        _ body: (_ number: UInt64, _ content: Range<Int>) throws(GossipRPCError) -> Void
    ) throws(GossipRPCError) {
        var position = range.lowerBound
        while position < range.upperBound {
            let tag = try varint(at: &position, end: range.upperBound)
            var byteCount: UInt64 = 0
            switch tag & 7 {
            case 0: _ = try varint(at: &position, end: range.upperBound)
            case 1: byteCount = 8
            case 2: byteCount = try varint(at: &position, end: range.upperBound)
            case 5: byteCount = 4
            default: throw .malformed
            }
            guard byteCount <= UInt64(range.upperBound - position) else { throw .malformed }
            let content = position..<position + Int(byteCount)
            position = content.upperBound
            try body(tag >> 3, tag & 7 == 2 ? content : content.upperBound..<content.upperBound)
        }
    }

    /// A protobuf varint; unlike those of libp2p it may be longer than it needs to be.
    private func varint(at position: inout Int, end: Int) throws(GossipRPCError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard position < end else { throw .malformed }
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        throw .malformed
    }
}
