/// The 12 bytes in front of every yamux frame.
///
/// Source: network specification, section 6.1.
public struct YamuxHeader: Hashable, Sendable {
    /// What a frame is; the raw value is the byte on the wire.
    public enum Kind: UInt8, Hashable, Sendable {
        /// Bytes of a stream; `length` counts them.
        case data = 0
        /// More credit for a stream; `length` is the increase.
        case windowUpdate = 1
        /// A ping or its answer; `length` is an opaque value.
        case ping = 2
        /// The end of the session; `length` is a code.
        case goAway = 3
    }

    /// What else a frame says of its stream.
    public struct Flags: OptionSet, Hashable, Sendable {
        /// The bits on the wire.
        public let rawValue: UInt16

        /// Takes the bits as they are, unknown ones included.
        public init(rawValue: UInt16) {
            self.rawValue = rawValue
        }

        /// Opens a stream, or asks for the answer to a ping.
        public static let syn = Flags(rawValue: 1)
        /// Accepts a stream, or answers a ping.
        public static let ack = Flags(rawValue: 2)
        /// Ends the sender's direction.
        public static let fin = Flags(rawValue: 4)
        /// Ends both directions at once.
        public static let rst = Flags(rawValue: 8)
    }

    /// The bytes of a header.
    public static let byteCount = 12

    /// What the frame is.
    public var kind: Kind
    /// The flags.
    public var flags: Flags
    /// The stream, 0 for the session itself.
    public var streamID: YamuxStreamID
    /// The field whose meaning depends on the kind.
    public var length: UInt32

    /// Makes a header.
    public init(kind: Kind, flags: Flags = [], streamID: YamuxStreamID, length: UInt32) {
        self.kind = kind
        self.flags = flags
        self.streamID = streamID
        self.length = length
    }

    /// The bytes that follow the header.
    var bodyByteCount: Int { kind == .data ? Int(length) : 0 }

    /// Reads the first 12 of the bytes.
    ///
    /// - Throws: `unsupportedVersion` or `unknownFrameKind`.
    init(bytes: ArraySlice<UInt8>) throws(YamuxError) {
        precondition(bytes.count >= Self.byteCount, "\(bytes.count) bytes are no yamux header")
        let start = bytes.startIndex
        func integer(at offset: Int, count: Int) -> UInt32 {
            bytes[(start + offset)..<(start + offset + count)].reduce(0) { $0 << 8 | UInt32($1) }
        }
        guard bytes[start] == 0 else { throw .unsupportedVersion(bytes[start]) }
        guard let kind = Kind(rawValue: bytes[start + 1]) else {
            throw .unknownFrameKind(bytes[start + 1])
        }
        self.kind = kind
        flags = Flags(rawValue: UInt16(truncatingIfNeeded: integer(at: 2, count: 2)))
        streamID = integer(at: 4, count: 4)
        length = integer(at: 8, count: 4)
    }

    /// Whether the frame changes nothing for any stream: a ping, or an empty frame without flags.
    var isIdle: Bool {
        switch kind {
        case .ping: true
        case .goAway: false
        case .data, .windowUpdate: length == 0 && flags.isEmpty
        }
    }

    /// The 12 bytes on the wire.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = [0, kind.rawValue]
        bytes.reserveCapacity(Self.byteCount)
        bytes.append(UInt8(truncatingIfNeeded: flags.rawValue >> 8))
        bytes.append(UInt8(truncatingIfNeeded: flags.rawValue))
        for value in [streamID, length] {
            for shift in [24, 16, 8, 0] {
                bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift)))
            }
        }
        return bytes
    }
}

/// The number of a stream within its session.
public typealias YamuxStreamID = UInt32
