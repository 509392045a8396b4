internal import Cryptography
internal import FoundationEssentials
internal import SwiftProtobuf

extension TransferFrame {
    /// The serialised frame.
    ///
    /// - Complexity: O(n) in the bytes of the chunk or manifest.
    public var bytes: [UInt8] {
        var frame = Starling_Transfer_Frame()
        switch self {
        case .request(let request): frame.request = request.message
        case .manifest(let manifest): frame.manifest.manifest = Data(manifest)
        case .have(let presence):
            frame.have.bitmap = Data(presence.bitmap)
            frame.have.count = UInt32(presence.count)
        case .chunk(let index, let bytes):
            frame.chunk.index = UInt32(index)
            frame.chunk.data = Data(bytes)
        case .busy(let retryMilliseconds, let requestID):
            frame.busy.retryMs = UInt32(clamping: retryMilliseconds)
            frame.busy.id = requestID
        case .gone: frame.gone = Starling_Transfer_Gone()
        case .miss(let indices): frame.miss.indices = indices.map { UInt32($0) }
        }
        guard let bytes: [UInt8] = try? frame.serializedBytes() else {
            preconditionFailure("a transfer frame does not serialise")
        }
        return bytes
    }

    /// Reads a frame from a peer.
    ///
    /// - Throws: ``TransferFrameError``; every count is checked before anything is kept.
    public init(bytes: [UInt8]) throws(TransferFrameError) {
        guard bytes.count <= TransferProtocol.frameByteCountMax else {
            throw .tooLong(byteCount: bytes.count)
        }
        guard let frame = try? Starling_Transfer_Frame(serializedBytes: bytes) else {
            throw .malformed
        }
        guard let kind = frame.kind else { throw .unknownKind }
        switch kind {
        case .request(let message): self = .request(try ObjectRequest(message))
        case .manifest(let message):
            guard message.manifest.count <= ObjectManifest.byteCountMax else {
                throw .tooLong(byteCount: message.manifest.count)
            }
            self = .manifest([UInt8](message.manifest))
        case .have(let message):
            let presence = ChunkPresence(
                bitmap: [UInt8](message.bitmap), count: Int(message.count))
            guard let presence else {
                throw .bitmap(byteCount: message.bitmap.count, chunkCount: message.count)
            }
            self = .have(presence)
        case .chunk(let message):
            guard (1...TransferProtocol.chunkByteCount).contains(message.data.count) else {
                throw .chunkByteCount(message.data.count)
            }
            self = .chunk(
                index: try Self.chunkIndex(message.index), bytes: [UInt8](message.data))
        case .busy(let message):
            self = .busy(retryMilliseconds: Int(message.retryMs), requestID: message.id)
        case .gone: self = .gone
        case .miss(let message): self = .miss(try Self.indices(message.indices))
        }
    }

    private static func indices(_ values: [UInt32]) throws(TransferFrameError) -> [Int] {
        guard values.count <= TransferProtocol.chunkCountMax else {
            throw .tooManyIndices(values.count)
        }
        var indices: [Int] = []
        for value in values { indices.append(try chunkIndex(value)) }
        return indices
    }

    fileprivate static func chunkIndex(_ value: UInt32) throws(TransferFrameError) -> Int {
        guard value < UInt32(TransferProtocol.chunkCountMax) else {
            throw .chunkIndex(UInt64(value))
        }
        return Int(value)
    }
}

extension ObjectRequest {
    fileprivate var message: Starling_Transfer_Request {
        var message = Starling_Transfer_Request()
        message.objectID = Data(objectID.bytes)
        message.manifest = wantsManifest
        message.ranges = ranges.map { range in
            var part = Starling_Transfer_ChunkRange()
            part.start = UInt32(range.lowerBound)
            part.count = UInt32(range.count)
            return part
        }
        message.id = id
        return message
    }

    fileprivate init(_ message: Starling_Transfer_Request) throws(TransferFrameError) {
        guard let objectID = Digest(bytes: message.objectID) else {
            throw .objectIDByteCount(message.objectID.count)
        }
        guard message.ranges.count <= TransferProtocol.chunkCountMax else {
            throw .tooManyIndices(message.ranges.count)
        }
        var ranges: [Range<Int>] = []
        for part in message.ranges {
            guard part.count > 0 else { throw .emptyRange }
            let end = UInt64(part.start) + UInt64(part.count)
            guard end <= UInt64(TransferProtocol.chunkCountMax) else { throw .chunkIndex(end - 1) }
            ranges.append(Int(part.start)..<Int(end))
        }
        self.init(
            objectID: objectID, wantsManifest: message.manifest, ranges: ranges, id: message.id)
    }
}
