internal import FoundationEssentials
internal import SwiftProtobuf

/// What a node and a peer that dials it back say to each other, in the words of other libp2p
/// programs.
///
/// Source: libp2p, AutoNAT v1.
public enum AutoNATMessage: Hashable, Sendable {
    /// The protocol id that a stream negotiates.
    public static let protocolID = "/libp2p/autonat/1.0.0"
    /// The greatest message; go-libp2p's figure.
    public static let messageByteCountMax = 4_096
    /// Addresses that are read of one question.
    public static let addressCountMax = 16
    /// The longest text of an answer that is kept.
    public static let textByteCountMax = 256

    /// What came of a question; the numbers are on the wire.
    public enum Status: UInt32, Hashable, Sendable {
        /// An address was reached.
        case ok = 0
        /// None was reached.
        case dialError = 100
        /// None was tried.
        case dialRefused = 101
        /// The question could not be read.
        case badRequest = 200
        /// The answering side failed.
        case internalError = 300
    }

    /// Dial this peer at one of these addresses.
    case dial(PeerID, [Multiaddr])
    /// What came of it, in a few words, and the address that was reached.
    case response(Status, text: String, Multiaddr?)

    /// Reads a message from a peer; addresses that cannot be read are left out.
    ///
    /// - Throws: `tooLarge`, `malformed`, and what is wrong with a peer id.
    public init(bytes: [UInt8]) throws(LibP2PError) {
        guard bytes.count <= Self.messageByteCountMax else {
            throw .tooLarge(
                .autonat, byteCount: bytes.count, byteCountMax: Self.messageByteCountMax)
        }
        let message = try AutoNATWireMessage(wireBytes: bytes, reading: .autonat)
        switch (message.hasType, message.type) {
        case (true, 0):
            guard message.hasDial, message.dial.hasPeer, message.dial.peer.hasID else {
                throw .malformed(.autonat)
            }
            self = .dial(
                try PeerID(multihash: Array(message.dial.peer.id)),
                Multiaddr.readable(
                    message.dial.peer.addrs.map { Array($0) }, countMax: Self.addressCountMax))
        case (true, 1):
            guard message.hasDialResponse, message.dialResponse.hasStatus,
                let status = Status(rawValue: message.dialResponse.status)
            else { throw .malformed(.autonat) }
            let response = message.dialResponse
            self = .response(
                status,
                text: String(
                    decoding: response.statusText.utf8.prefix(Self.textByteCountMax),
                    as: UTF8.self),
                response.hasAddr
                    ? Multiaddr.readable([Array(response.addr)], countMax: 1).first : nil)
        default: throw .malformed(.autonat)
        }
    }

    /// The serialised message.
    public var bytes: [UInt8] {
        var message = AutoNATWireMessage()
        switch self {
        case .dial(let peer, let addresses):
            message.type = 0
            message.dial.peer.id = Data(peer.bytes)
            message.dial.peer.addrs = addresses.prefix(Self.addressCountMax).map {
                Data($0.bytes)
            }
        case .response(let status, let text, let address):
            message.type = 1
            message.dialResponse.status = status.rawValue
            if !text.isEmpty { message.dialResponse.statusText = text }
            if let address { message.dialResponse.addr = Data(address.bytes) }
        }
        return message.wireBytes
    }
}
