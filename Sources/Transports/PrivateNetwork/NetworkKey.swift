public import Cryptography
internal import FoundationEssentials

/// The key that all nodes of a private network share; without it no connection comes about.
///
/// Its file has three lines: `/key/swarm/psk/1.0.0/`, the encoding, and 32 bytes in it.
/// Source: libp2p, Private Networks: Pre-Shared Key V1.
public struct NetworkKey: Sendable, Equatable {
    /// The first line of a key file.
    public static let fileHeader = "/key/swarm/psk/1.0.0/"
    /// The longest key file that is read.
    public static let fileByteCountMax = 1_024

    let bytes: SecretBytes

    /// Takes a key of 32 bytes; nil for any other count.
    public init?(bytes: SecretBytes) {
        guard bytes.count == XSalsa20Stream.keyByteCount else { return nil }
        self.bytes = bytes
    }

    /// Draws a fresh key.
    public static func generate() -> NetworkKey {
        guard let key = NetworkKey(bytes: .random(count: XSalsa20Stream.keyByteCount)) else {
            preconditionFailure("a fresh key has another length")
        }
        return key
    }

    /// Reads the bytes of a key file.
    ///
    /// - Throws: ``NetworkKeyError``.
    public init(file: [UInt8]) throws(NetworkKeyError) {
        guard file.count <= Self.fileByteCountMax else { throw .tooLong(byteCount: file.count) }
        let newline = UInt8(ascii: "\n")
        let lines = file.split(
            separator: newline, maxSplits: 2, omittingEmptySubsequences: false)
        guard lines.count == 3, Self.text(lines[0]) == Self.fileHeader else { throw .noHeader }
        let encoding = Self.text(lines[1])
        let body = Array(lines[2])
        let decoded: [UInt8]?
        switch encoding {
        case "/bin/": decoded = body
        case "/base16/": decoded = Self.text(body[...]).flatMap(Hexadecimal.decode)
        case "/base64/":
            decoded = Self.text(body[...]).flatMap { text in
                Data(base64Encoded: text).map { [UInt8]($0) }
            }
        default: throw .unknownEncoding(encoding ?? "")
        }
        guard let decoded else { throw .malformed }
        guard decoded.count == XSalsa20Stream.keyByteCount else {
            throw .keyByteCount(decoded.count)
        }
        bytes = SecretBytes(copying: decoded)
    }

    /// The key as a file of other programs holds it, in base 16.
    public var file: [UInt8] {
        Array("\(Self.fileHeader)\n/base16/\n\(Hexadecimal.encode(bytes.copyBytes()))\n".utf8)
    }

    /// Eight bytes that tell keys apart and tell nothing else of them.
    public var fingerprint: String {
        let prefix = Array("starling/network-key-fingerprint/1".utf8)
        return Hexadecimal.encode(Hashing.blake2b256(prefix + bytes.copyBytes()).bytes.prefix(8))
    }

    /// Whether both hold the same bytes, in constant time.
    public static func == (left: NetworkKey, right: NetworkKey) -> Bool {
        left.bytes.isEqual(to: right.bytes)
    }

    private static func text(_ line: ArraySlice<UInt8>) -> String? {
        var line = line
        while let last = line.last, last == 0x0a || last == 0x0d { line.removeLast() }
        return String(validating: line, as: UTF8.self)
    }
}

/// Why bytes are no network key file.
public enum NetworkKeyError: Error, Hashable, Sendable {
    /// More bytes than ``NetworkKey/fileByteCountMax``.
    case tooLong(byteCount: Int)
    /// The first line is not ``NetworkKey/fileHeader``.
    case noHeader
    /// The second line names none of `/base16/`, `/base64/` and `/bin/`.
    case unknownEncoding(String)
    /// What follows is not in that encoding.
    case malformed
    /// The key has another length than 32 bytes.
    case keyByteCount(Int)
}
