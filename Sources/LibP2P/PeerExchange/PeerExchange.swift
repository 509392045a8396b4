internal import FoundationEssentials
internal import SwiftProtobuf

/// The message of `/starling/peers/1.0.0`: each side sends one, then closes.
///
/// Source: docs/protocol/transfer.md, section on peer exchange.
public struct PeerExchange: Hashable, Sendable {
    /// The protocol id that a stream negotiates.
    public static let protocolID = "/starling/peers/1.0.0"

    /// The greatest number of records in one message.
    public static let recordCountMax = 16

    /// The greatest message without its length prefix.
    public static let messageByteCountMax = 16_384

    /// The greatest record that is kept and passed on: an id and key, and a dozen addresses.
    public static let recordByteCountMax = 4096

    /// Serialised signed envelopes, the sender's own first.
    public let records: [[UInt8]]

    /// Makes the message of the sender's own record and as many others, in order, as fit.
    public init(own: [UInt8], others: [[UInt8]]) {
        precondition(
            own.count <= Self.recordByteCountMax, "an own record of \(own.count) bytes")
        var records = [own]
        var byteCount = Self.byteCount(of: own)
        for record in others where records.count < Self.recordCountMax {
            let added = Self.byteCount(of: record)
            guard byteCount + added <= Self.messageByteCountMax else { continue }
            byteCount += added
            records.append(record)
        }
        self.records = records
    }

    /// Reads a message from a peer.
    ///
    /// - Throws: ``PeerExchangeError``; no record is opened yet.
    public init(bytes: [UInt8]) throws(PeerExchangeError) {
        guard bytes.count <= Self.messageByteCountMax else {
            throw .tooLong(byteCount: bytes.count)
        }
        guard let message = try? Starling_Peers_Peers(serializedBytes: bytes) else {
            throw .malformed
        }
        guard message.records.count <= Self.recordCountMax else {
            throw .tooManyRecords(message.records.count)
        }
        records = message.records.map { [UInt8]($0) }
    }

    /// The serialised message.
    public var bytes: [UInt8] {
        var message = Starling_Peers_Peers()
        message.records = records.map { Data($0) }
        guard let bytes: [UInt8] = try? message.serializedBytes() else {
            preconditionFailure("a message of \(records.count) records does not serialise")
        }
        return bytes
    }

    /// Opens the records that a peer sent: those that verify, and what is wrong with the others.
    ///
    /// - Complexity: O(n); one signature check for each record.
    public func open(
        from sender: PeerID
    ) -> (records: [SignedPeerRecord], faults: [PeerExchangeError]) {
        var opened: [SignedPeerRecord] = []
        var faults: [PeerExchangeError] = []
        for (index, bytes) in records.enumerated() {
            do {
                let record = try SignedPeerRecord(envelope: bytes)
                if index == 0, record.peerID != sender {
                    faults.append(.firstIsNotSender(record.peerID))
                }
                opened.append(record)
            } catch {
                faults.append(.record(index: index, error))
            }
        }
        return (opened, faults)
    }

    /// The bytes of a record in the message: a tag, a length of up to three bytes, the record.
    private static func byteCount(of record: [UInt8]) -> Int {
        record.count + 4
    }
}

/// What is wrong with a peer exchange message or one of its records.
public enum PeerExchangeError: Error, Hashable, Sendable {
    /// The message is longer than ``PeerExchange/messageByteCountMax``.
    case tooLong(byteCount: Int)
    /// The bytes are no message.
    case malformed
    /// More records than ``PeerExchange/recordCountMax``.
    case tooManyRecords(Int)
    /// The first record is another peer's than the sender's.
    case firstIsNotSender(PeerID)
    /// A record does not verify.
    case record(index: Int, LibP2PError)
}
