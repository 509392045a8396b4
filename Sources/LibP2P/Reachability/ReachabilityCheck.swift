internal import FoundationEssentials
internal import SwiftProtobuf

/// The protocol by which a node learns from another whether it can be dialled, what time it is
/// there, and who else uses its identity.
///
/// Whoever asks proves with a signed peer record that it holds the identity in question; the
/// connection may be of another one. Source: docs/protocol/transport.md, section on checks.
public enum ReachabilityCheck {
    /// The protocol id that a stream negotiates.
    public static let protocolID = "/starling/check/1.0.0"
    /// The greatest question and the greatest answer.
    public static let messageByteCountMax = 8_192
    /// Addresses that are tried of one record.
    public static let addressCountMax = 4
    /// Connections that an answer tells of.
    public static let sessionCountMax = 4
    /// The longest name of a program that an answer repeats.
    public static let agentByteCountMax = 128

    /// What came of dialling an address; the numbers are on the wire.
    public enum Outcome: UInt32, Hashable, Sendable {
        /// The node in question answered.
        case reached = 0
        /// Not tried: the address is not of the host that asks.
        case foreignHost = 1
        /// No TCP connection came about.
        case notConnected = 2
        /// Another peer answered.
        case otherPeer = 3
        /// What answered was no node of this network.
        case otherProgram = 4
        /// Not tried: there are too many questions.
        case busy = 5
    }

    /// An address and what came of it.
    public struct Trial: Hashable, Sendable {
        /// The address.
        public let address: Multiaddr
        /// What came of it.
        public let outcome: Outcome

        /// Pairs the two.
        public init(address: Multiaddr, outcome: Outcome) {
            self.address = address
            self.outcome = outcome
        }
    }

    /// A connection that the answering node has with the identity in question.
    public struct Session: Hashable, Sendable {
        /// The other end of the socket.
        public let address: Multiaddr
        /// What it calls its program; empty if it has not said.
        public let agent: String

        /// Pairs the two.
        public init(address: Multiaddr, agent: String) {
            self.address = address
            self.agent = agent
        }
    }

    /// What is asked.
    public struct Question: Hashable, Sendable {
        /// The record of the node to be dialled; nil where only time and address are asked for.
        public let record: SignedPeerRecord?

        /// Asks about a node, or about time and address alone.
        public init(record: SignedPeerRecord?) {
            self.record = record
        }

        /// Reads a question from a peer.
        ///
        /// - Throws: `tooLarge`, `malformed`, and what is wrong with the record.
        public init(bytes: [UInt8]) throws(LibP2PError) {
            let message: Starling_Check_Question = try ReachabilityCheck.read(bytes)
            record =
                message.record.isEmpty
                ? nil : try SignedPeerRecord(envelope: [UInt8](message.record))
        }

        /// The serialised question.
        public var bytes: [UInt8] {
            var message = Starling_Check_Question()
            if let record { message.record = Data(record.envelope) }
            return message.wireBytes
        }
    }

    /// What is answered.
    public struct Answer: Hashable, Sendable {
        /// The answering node's clock, in Unix milliseconds.
        public let unixMilliseconds: UInt64
        /// Where the answering node sees whoever asks; nil if it did not say.
        public let observedAddress: Multiaddr?
        /// The addresses that were asked about, at most ``addressCountMax``.
        public let trials: [Trial]
        /// Connections of the identity in question, at most ``sessionCountMax``.
        public let sessions: [Session]

        /// Makes an answer; what is beyond the bounds is left out.
        public init(
            unixMilliseconds: UInt64, observedAddress: Multiaddr?, trials: [Trial],
            sessions: [Session]
        ) {
            self.unixMilliseconds = unixMilliseconds
            self.observedAddress = observedAddress
            self.trials = Array(trials.prefix(addressCountMax))
            self.sessions = Array(sessions.prefix(sessionCountMax))
        }

        /// Reads an answer from a peer; addresses and outcomes that are not known are left out.
        ///
        /// - Throws: `tooLarge`, `malformed`.
        public init(bytes: [UInt8]) throws(LibP2PError) {
            let message: Starling_Check_Answer = try ReachabilityCheck.read(bytes)
            self.init(
                unixMilliseconds: message.unixMs,
                observedAddress: try? Multiaddr(bytes: [UInt8](message.observedAddress)),
                trials: message.trials.prefix(addressCountMax).compactMap { trial in
                    guard let outcome = Outcome(rawValue: trial.outcome),
                        let address = try? Multiaddr(bytes: [UInt8](trial.address))
                    else { return nil }
                    return Trial(address: address, outcome: outcome)
                },
                sessions: message.sessions.prefix(sessionCountMax).compactMap { session in
                    guard let address = try? Multiaddr(bytes: [UInt8](session.address)) else {
                        return nil
                    }
                    return Session(
                        address: address, agent: String(session.agent.prefix(agentByteCountMax)))
                })
        }

        /// The serialised answer.
        public var bytes: [UInt8] {
            var message = Starling_Check_Answer()
            message.unixMs = unixMilliseconds
            if let observedAddress { message.observedAddress = Data(observedAddress.bytes) }
            message.trials = trials.map { trial in
                var entry = Starling_Check_Trial()
                entry.address = Data(trial.address.bytes)
                entry.outcome = trial.outcome.rawValue
                return entry
            }
            message.sessions = sessions.map { session in
                var entry = Starling_Check_Session()
                entry.address = Data(session.address.bytes)
                entry.agent = String(
                    decoding: session.agent.utf8.prefix(agentByteCountMax), as: UTF8.self)
                return entry
            }
            return message.wireBytes
        }
    }

    private static func read<Message: SwiftProtobuf.Message>(
        _ bytes: [UInt8]
    ) throws(LibP2PError) -> Message {
        guard bytes.count <= messageByteCountMax else {
            throw .tooLarge(
                .check, byteCount: bytes.count, byteCountMax: messageByteCountMax)
        }
        return try Message(wireBytes: bytes, reading: .check)
    }
}
