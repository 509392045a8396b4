internal import FoundationEssentials
internal import SwiftProtobuf

extension PassiveView {
    /// The version of the persisted form.
    static let version: UInt32 = 1

    /// The longest persisted form that is read: every entry at its greatest.
    public static let byteCountMax = 16 + countMax * (PeerExchange.recordByteCountMax + 64)

    /// The form in which a node keeps its view, ascending by peer.
    public var bytes: [UInt8] {
        var view = Starling_Peers_View()
        view.version = Self.version
        view.entries = peers.compactMap { peer in
            guard let entry = entries[peer] else { return nil }
            var message = Starling_Peers_ViewEntry()
            message.record = Data(entry.record.envelope)
            message.lastSeenMs = entry.lastSeenMilliseconds
            message.lastSuccessMs = entry.lastSuccessMilliseconds ?? 0
            message.successCount = entry.successCount
            message.failureCount = entry.failureCount
            return message
        }
        guard let bytes: [UInt8] = try? view.serializedBytes() else {
            preconditionFailure("a view of \(entries.count) peers does not serialise")
        }
        return bytes
    }

    /// Reads the persisted form.
    ///
    /// Records are verified once more; those that do not verify are left out.
    ///
    /// - Throws: ``PassiveViewError``.
    public init(bytes: [UInt8]) throws(PassiveViewError) {
        guard bytes.count <= Self.byteCountMax else { throw .tooLong(byteCount: bytes.count) }
        guard let view = try? Starling_Peers_View(serializedBytes: bytes) else {
            throw .malformed
        }
        guard view.version == Self.version else { throw .version(view.version) }
        guard view.entries.count <= Self.countMax else {
            throw .tooManyEntries(view.entries.count)
        }
        self.init()
        for message in view.entries {
            guard let record = try? SignedPeerRecord(envelope: [UInt8](message.record)),
                entries[record.peerID] == nil, !record.dialableAddresses.isEmpty
            else { continue }
            let success = message.lastSuccessMs
            entries[record.peerID] = Entry(
                record: record, lastSeenMilliseconds: message.lastSeenMs,
                lastSuccessMilliseconds: success == 0 ? nil : success,
                successCount: message.successCount, failureCount: message.failureCount)
        }
    }
}

/// Why bytes are not a persisted passive view.
public enum PassiveViewError: Error, Hashable, Sendable {
    /// More bytes than the greatest view has.
    case tooLong(byteCount: Int)
    /// The bytes are no view.
    case malformed
    /// The version is not known.
    case version(UInt32)
    /// More peers than ``PassiveView/countMax``.
    case tooManyEntries(Int)
}
