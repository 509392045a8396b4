internal import Cryptography
internal import LibP2P
internal import NIOCore

/// The way of a connection from its first byte to a multiplexed one: multistream-select for
/// security, the Noise handshake, and multistream-select for the muxer unless both sides sent
/// their muxers early.
///
/// Legal moves: security → handshake → muxer → done, or handshake → done; a failure ends it.
/// Source: network specification, section 4.
struct UpgradeInstance {
    static let security = "/noise"
    static let muxer = "/yamux/1.0.0"

    /// How an upgrade ended in failure.
    struct Failure: Error {
        let stage: UpgradeStage
        let reason: LibP2PError
    }

    /// A secured connection, and what was read beyond the upgrade.
    struct Upgraded {
        let noise: NoiseSession
        /// Decrypted bytes that belong to the muxer.
        let plaintext: [UInt8]
        /// Where in the records the connection is.
        let records: RecordReader
        /// Bytes behind `records`.
        let ciphertext: ByteBuffer
    }

    private enum Step {
        case security(NegotiationInstance)
        case handshake(NoiseHandshakeInstance)
        case muxer(NegotiationInstance, NoiseSession)
        case done
    }

    private let isDialer: Bool
    private let identity: SigningKey
    private let expectedPeer: PeerID?
    private let offersMuxers: Bool
    private var step: Step
    private var records = RecordReader()
    private(set) var stage = UpgradeStage.security

    /// `offersMuxers` is false only where the negotiated path is to be tested.
    init(isDialer: Bool, identity: SigningKey, expectedPeer: PeerID?, offersMuxers: Bool = true) {
        self.isDialer = isDialer
        self.identity = identity
        self.expectedPeer = expectedPeer
        self.offersMuxers = offersMuxers
        step = .security(isDialer ? .dialer([Self.security]) : .listener([Self.security]))
    }

    /// The bytes to send before anything is read: the dialler's whole first flight, the first
    /// handshake message behind the only proposal.
    mutating func start() throws(Failure) -> [UInt8] {
        guard isDialer, case .security(let negotiation) = step else { return [] }
        var handshake = makeHandshake()
        do {
            let output = Self.bytes(of: negotiation.start()) + Self.bytes(of: try handshake.start())
            earlyHandshake = handshake
            return output
        } catch {
            throw Failure(stage: .handshake, reason: error)
        }
    }

    /// The dialler's handshake, whose first message has left before the security was agreed on.
    private var earlyHandshake: NoiseHandshakeInstance?

    private func makeHandshake() -> NoiseHandshakeInstance {
        NoiseHandshakeInstance(
            role: isDialer ? .initiator : .responder, identity: identity,
            expectedPeer: expectedPeer, muxers: offersMuxers ? [Self.muxer] : []
        )
    }

    /// Takes bytes of the socket.
    ///
    /// - Returns: What to send, and the connection once it is upgraded; then nothing more may be
    ///   passed in.
    mutating func receive(
        _ input: ByteBuffer
    ) throws(Failure) -> (send: [UInt8], upgraded: Upgraded?) {
        var output: [UInt8] = []
        var rest = Array(input.readableBytesView)
        do throws(LibP2PError) {
            while true {
                switch step {
                case .security(var negotiation):
                    guard !rest.isEmpty else { return (output, nil) }
                    step = .done
                    let directives = try negotiation.receive(rest)
                    output += Self.bytes(of: directives)
                    guard let remainder = Self.selection(in: directives) else {
                        step = .security(negotiation)
                        return (output, nil)
                    }
                    rest = remainder
                    stage = .handshake
                    step = .handshake(earlyHandshake.take() ?? makeHandshake())
                case .handshake(var handshake):
                    guard !rest.isEmpty else { return (output, nil) }
                    step = .done
                    guard let noise = try shakeHands(&handshake, &rest, &output) else {
                        return (output, nil)
                    }
                    if noise.muxer != nil {
                        return (output, upgraded(noise, plaintext: [], ciphertext: rest))
                    }
                    stage = .muxer
                    let negotiation =
                        isDialer
                        ? NegotiationInstance.dialer([Self.muxer]) : .listener([Self.muxer])
                    output += try noise.sendCipher.seal(Self.bytes(of: negotiation.start()))
                    step = .muxer(negotiation, noise)
                case .muxer(let negotiation, let noise):
                    let upgraded = try negotiateMuxer(negotiation, noise, rest, &output)
                    return (output, upgraded)
                case .done:
                    throw .ended(.negotiation)
                }
            }
        } catch {
            throw Failure(stage: stage, reason: error)
        }
    }

    private mutating func shakeHands(
        _ handshake: inout NoiseHandshakeInstance, _ rest: inout [UInt8], _ output: inout [UInt8]
    ) throws(LibP2PError) -> NoiseSession? {
        for directive in try handshake.receive(rest) {
            switch directive {
            case .send(let bytes): output += bytes
            case .finished(let session, let remainder):
                rest = remainder
                return session
            }
        }
        step = .handshake(handshake)
        return nil
    }

    private mutating func negotiateMuxer(
        _ negotiation: NegotiationInstance, _ noise: NoiseSession, _ input: [UInt8],
        _ output: inout [UInt8]
    ) throws(LibP2PError) -> Upgraded? {
        var negotiation = negotiation
        var rest = ByteBuffer(bytes: input)
        step = .done
        while let record = records.next(from: &rest) {
            let plaintext = try noise.receiveCipher.open(record)
            guard !plaintext.isEmpty else { continue }
            let directives = try negotiation.receive(plaintext)
            let answer = Self.bytes(of: directives)
            if !answer.isEmpty { output += try noise.sendCipher.seal(answer) }
            if let remainder = Self.selection(in: directives) {
                return Upgraded(
                    noise: noise, plaintext: remainder, records: records, ciphertext: rest
                )
            }
        }
        step = .muxer(negotiation, noise)
        return nil
    }

    private func upgraded(
        _ noise: NoiseSession, plaintext: [UInt8], ciphertext: [UInt8]
    ) -> Upgraded {
        Upgraded(
            noise: noise, plaintext: plaintext, records: records,
            ciphertext: ByteBuffer(bytes: ciphertext)
        )
    }

    private static func bytes(of directives: [NegotiationInstance.Directive]) -> [UInt8] {
        directives.flatMap { directive -> [UInt8] in
            if case .send(let bytes) = directive { bytes } else { [] }
        }
    }

    private static func bytes(of directives: [NoiseHandshakeInstance.Directive]) -> [UInt8] {
        directives.flatMap { directive -> [UInt8] in
            if case .send(let bytes) = directive { bytes } else { [] }
        }
    }

    private static func selection(in directives: [NegotiationInstance.Directive]) -> [UInt8]? {
        guard case .selected(_, let remainder) = directives.last else { return nil }
        return remainder
    }
}
