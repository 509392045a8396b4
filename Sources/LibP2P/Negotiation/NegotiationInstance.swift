/// One multistream-select 1.0 negotiation, seen from one side.
///
/// Source: multiformats multistream-select.
///
/// Feed what is read to `receive` until it yields `selected`; the bytes that came after the answer
/// are in that directive and belong to the chosen protocol.
/// Legal moves: header awaited → answer or proposal awaited → ended.
public struct NegotiationInstance: Sendable {
    /// What the caller has to do, in order.
    public enum Directive: Hashable, Sendable {
        /// Write these bytes.
        case send([UInt8])
        /// A listener refused this proposal; the `send` that follows carries the answer `na`,
        /// which the caller may hold back from a peer that asks too often.
        case proposalRefused(String)
        /// Both sides agree. `remainder` was read after the answer and belongs to the protocol.
        case selected(protocolID: String, remainder: [UInt8])
    }

    /// The greatest message, newline included.
    public static let messageByteCountMax = 1024
    /// A dialer that proposes more is refused for good; honest ones have a handful.
    public static let proposalCountMax = 32
    /// The id of the negotiation itself.
    public static let header = "/multistream/1.0.0"

    private enum Role {
        /// The proposals, and the index of the one that is out.
        case dialer(proposals: [String], index: Int)
        case listener(supported: @Sendable (String) -> Bool)
    }

    private var role: Role
    private var decoder = LengthPrefixedDecoder(byteCountMax: messageByteCountMax)
    private var hasHeader = false
    private var isEnded = false
    private var refusedCount = 0

    /// The side that opens; the proposals come in order of preference, at least one.
    public static func dialer(_ proposals: [String]) -> NegotiationInstance {
        precondition(!proposals.isEmpty, "a dialer without proposals")
        precondition(
            proposals.allSatisfy { $0.utf8.count < messageByteCountMax && !$0.contains("\n") },
            "a protocol id that no message can carry"
        )
        return NegotiationInstance(role: .dialer(proposals: proposals, index: 0))
    }

    /// The side that was opened, with the ids that it accepts.
    public static func listener(_ supported: [String]) -> NegotiationInstance {
        let set = Set(supported)
        return listener { set.contains($0) }
    }

    /// The side that was opened, with a rule for what it accepts.
    public static func listener(
        accepting supported: @escaping @Sendable (String) -> Bool
    ) -> NegotiationInstance {
        NegotiationInstance(role: .listener(supported: supported))
    }

    private init(role: Role) {
        self.role = role
    }

    /// Whether the dialer may write the protocol's first bytes right behind `start`.
    ///
    /// True with a single proposal: where the listener refuses it, the stream is of no use anyway.
    public var mayWriteAtOnce: Bool {
        if case .dialer(let proposals, _) = role { proposals.count == 1 } else { false }
    }

    /// What to do before anything is read: the dialer's header and first proposal in one write.
    ///
    /// A listener says nothing yet, so that its header and its answer go out together.
    public func start() -> [Directive] {
        guard case .dialer(let proposals, let index) = role else { return [] }
        return [.send(Self.encode(Self.header) + Self.encode(proposals[index]))]
    }

    /// Takes bytes that were read.
    ///
    /// - Throws: `protocolsRefused` to a dialer without further proposals; `tooLarge`, `tooMany`,
    ///   `malformed` or `unexpectedNegotiation` for a peer that breaks the rules; `ended` after
    ///   any of these and after `selected`.
    public mutating func receive(_ bytes: [UInt8]) throws(LibP2PError) -> [Directive] {
        guard !isEnded else { throw .ended(.negotiation) }
        // Set back below when there is a next step; a throw leaves it ended.
        isEnded = true
        decoder.append(bytes)
        var directives: [Directive] = []
        while let message = try decoder.next() {
            let text = try Self.decode(message)
            guard hasHeader else {
                guard text == Self.header else { throw .unexpectedNegotiation(text) }
                hasHeader = true
                if case .listener = role { Self.append(Self.header, to: &directives) }
                continue
            }
            if let protocolID = try step(text, &directives) {
                directives.append(
                    .selected(protocolID: protocolID, remainder: decoder.takeRemainder())
                )
                return directives
            }
        }
        isEnded = false
        return directives
    }

    /// Handles one message after the header; returns the id when it is agreed on.
    private mutating func step(
        _ text: String, _ directives: inout [Directive]
    ) throws(LibP2PError) -> String? {
        switch role {
        case .dialer(let proposals, let index):
            if text == proposals[index] { return text }
            guard text == "na" else { throw .unexpectedNegotiation(text) }
            guard index + 1 < proposals.count else { throw .protocolsRefused(proposals) }
            role = .dialer(proposals: proposals, index: index + 1)
            Self.append(proposals[index + 1], to: &directives)
            return nil
        case .listener(let supported):
            // The old command `ls` is no id that anybody supports, so it is refused like one.
            if text != "na", text != "ls", supported(text) {
                Self.append(text, to: &directives)
                return text
            }
            refusedCount += 1
            guard refusedCount < Self.proposalCountMax else {
                throw .tooMany(.negotiation, countMax: Self.proposalCountMax)
            }
            directives.append(.proposalRefused(text))
            Self.append("na", to: &directives)
            return nil
        }
    }

    /// A message with its length in front and its newline behind.
    static func encode(_ text: String) -> [UInt8] {
        LengthPrefixedDecoder.encode(Array(text.utf8) + [0x0a])
    }

    private static func decode(_ message: [UInt8]) throws(LibP2PError) -> String {
        guard message.last == 0x0a,
            let text = String(validating: message.dropLast(), as: UTF8.self), !text.contains("\n")
        else { throw .malformed(.negotiation) }
        return text
    }

    /// Adds an answer, joined with the write before it.
    private static func append(_ text: String, to directives: inout [Directive]) {
        if case .send(let earlier) = directives.last {
            directives[directives.count - 1] = .send(earlier + encode(text))
        } else {
            directives.append(.send(encode(text)))
        }
    }
}
