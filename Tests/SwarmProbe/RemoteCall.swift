import LibP2P
import Transports

/// The request and response of Lattica, one of each on a stream, each ended by half-closing it.
///
/// A message is a variant (0 request, 1 response, 2 error) and its fields in bincode's standard
/// encoding: a length below 251 is one byte, above it 251 and 2 bytes or 252 and 4 bytes, little
/// endian; texts and byte arrays begin with their length; an absent option is 0. A request has an
/// id, a method, data and an option; a response has no method.
enum RemoteCall {
    static let protocolID = "/rpc/req-resp/1.0.0"
    static let method = "Echo.echo"
    static let byteCountMax = 1 << 20

    enum Failure: Error {
        case malformed
        case refused(String)
    }

    /// Calls the peer's echo.
    ///
    /// - Returns: The data of its answer.
    static func make(_ swarm: Swarm, _ peer: PeerID, _ data: [UInt8]) async throws -> [UInt8] {
        let stream = try await swarm.openStream(to: peer, protocol: protocolID)
        let request =
            [0] + encode(Array("1".utf8)) + encode(Array(method.utf8)) + encode(data) + [0]
        try await stream.write(request)
        await stream.closeWrite()
        var reader = Reader(bytes: try await SwarmProbe.readAll(stream)[...])
        switch try reader.byte() {
        case 1:
            _ = try reader.block()
            return try reader.block()
        case 2:
            _ = try reader.block()
            throw Failure.refused(String(decoding: try reader.block(), as: UTF8.self))
        default: throw Failure.malformed
        }
    }

    /// Answers a request with its own data, after the caller has closed its side.
    static func serve(_ stream: SwarmStream) async {
        do {
            var bytes: [UInt8] = []
            while let piece = try await stream.read(), bytes.count < byteCountMax { bytes += piece }
            var reader = Reader(bytes: bytes[...])
            guard try reader.byte() == 0 else { throw Failure.malformed }
            let id = try reader.block()
            let method = String(decoding: try reader.block(), as: UTF8.self)
            let data = try reader.block()
            SwarmProbe.line("served", ["method": method, "bytes": "\(data.count)"])
            try await stream.write([1] + encode(id) + encode(data) + [0])
        } catch {
            SwarmProbe.line("served", ["error": "\(error)"])
            stream.reset()
        }
    }

    private static func encode(_ bytes: [UInt8]) -> [UInt8] {
        switch bytes.count {
        case ..<251: [UInt8(bytes.count)] + bytes
        case ..<65_536: [251] + littleEndian(bytes.count, 2) + bytes
        default: [252] + littleEndian(bytes.count, 4) + bytes
        }
    }

    private static func littleEndian(_ value: Int, _ byteCount: Int) -> [UInt8] {
        (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private struct Reader {
        var bytes: ArraySlice<UInt8>

        mutating func byte() throws -> UInt8 {
            guard let byte = bytes.popFirst() else { throw Failure.malformed }
            return byte
        }

        mutating func block() throws -> [UInt8] {
            let first = try byte()
            var count = Int(first)
            if first >= 251 {
                guard first <= 252 else { throw Failure.malformed }
                count = 0
                for place in 0..<(first == 251 ? 2 : 4) { count |= Int(try byte()) << (8 * place) }
            }
            guard count <= bytes.count else { throw Failure.malformed }
            defer { bytes = bytes.dropFirst(count) }
            return Array(bytes.prefix(count))
        }
    }
}
