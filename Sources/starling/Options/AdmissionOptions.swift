internal import ArgumentParser
internal import Cryptography
internal import LibP2P

/// Who may take part in a new federation.
struct AdmissionOptions: ParsableArguments {
    /// The modes, as the command line has them.
    enum Mode: String, CaseIterable, ExpressibleByArgument {
        case open, members
    }

    @Option(
        help: """
            open: whoever has the manifest may take part; members: nodes with a certificate of an \
            issuer, see 'starling members'.
            """)
    var admission = Mode.open

    @Option(
        name: .customLong("issuer"),
        help: """
            With --admission members: the peer id of another node that may issue certificates; may \
            be repeated. This node may in any case.
            """)
    var issuers: [String] = []

    func validate() throws {
        guard admission == .members || issuers.isEmpty else {
            throw ValidationError("--issuer goes with --admission members.")
        }
        _ = try keys
    }

    /// The keys of the named issuers; beside this node's, nil for an open federation.
    var settings: [PublicKey]? {
        get throws { admission == .open ? nil : try keys }
    }

    private var keys: [PublicKey] {
        get throws {
            try issuers.map { text in
                guard let key = PeerID(text: text)?.publicKey else {
                    throw ValidationError("'\(text)' (--issuer) is no peer id.")
                }
                return key
            }
        }
    }
}
