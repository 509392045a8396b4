/// A decoder of bytes that another peer sends.
protocol PeerDecoder: SendableMetatype {
    /// Good inputs, made by the writers of the same format.
    static var seeds: [[UInt8]] { get }
    /// Reads an input to its end; that the decoder refuses it is as good as that it takes it.
    static func read(_ input: [UInt8])
}

/// The decoders by the names that run.sh takes.
let peerDecoders: [String: any PeerDecoder.Type] = [
    "multistream": NegotiationDecoder.self,
    "noise-handshake": NoiseHandshakeDecoder.self,
    "noise-payload": NoisePayloadDecoder.self,
    "noise-record": NoiseStreamDecoder.self,
    "yamux": YamuxDecoder.self,
    "identify": IdentifyDecoder.self,
    "gossip": GossipDecoder.self,
    "peers": PeerExchangeDecoder.self,
    "record": PeerRecordDecoder.self,
    "multiaddr": AddressDecoder.self,
    "transfer": TransferDecoder.self,
    "check": ReachabilityDecoder.self,
    "message": MessageDecoder.self,
    "statement": StatementDecoder.self,
    "manifest": ManifestDecoder.self,
    "update": UpdateDecoder.self,
    "secure": SecureDecoder.self,
    "secure-object": SecureObjectDecoder.self,
    "membership": MembershipDecoder.self,
    "relay": RelayDecoder.self,
    "note": NoteDecoder.self,
    "proof": ProofDecoder.self,
    "leaf": LeafDecoder.self,
    "witness": WitnessDecoder.self,
]

extension PeerDecoder {
    /// The input in the pieces in which a socket may give it: their length is the first byte's.
    static func pieces(_ input: [UInt8]) -> (choice: UInt8, pieces: [[UInt8]]) {
        guard let choice = input.first else { return (0, []) }
        let rest = input.dropFirst()
        let size = max(1, Int(choice >> 2) * 4)
        return (
            choice & 3,
            stride(from: rest.startIndex, to: rest.endIndex, by: size).map {
                Array(rest[$0..<min($0 + size, rest.endIndex)])
            }
        )
    }
}
