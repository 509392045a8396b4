/// One row of the table of address protocols.
///
/// Source: multiformats protocols table.
struct AddressProtocol: Sendable {
    /// How the value lies in the binary form.
    enum Layout: Hashable, Sendable {
        case none
        case fixed(Int)
        case lengthPrefixed
    }

    /// What the value means in the text form.
    enum Content: Hashable, Sendable {
        case none, ipv4, ipv6, port, name, path, peerID, multibase
    }

    let code: UInt64
    let name: String
    let layout: Layout
    let content: Content

    private init(_ code: UInt64, _ name: String, _ layout: Layout, _ content: Content) {
        self.code = code
        self.name = name
        self.layout = layout
        self.content = content
    }

    static let ip4 = AddressProtocol(4, "ip4", .fixed(4), .ipv4)
    static let tcp = AddressProtocol(6, "tcp", .fixed(2), .port)
    static let ip6 = AddressProtocol(41, "ip6", .fixed(16), .ipv6)
    static let ip6zone = AddressProtocol(42, "ip6zone", .lengthPrefixed, .name)
    static let dns = AddressProtocol(53, "dns", .lengthPrefixed, .name)
    static let dns4 = AddressProtocol(54, "dns4", .lengthPrefixed, .name)
    static let dns6 = AddressProtocol(55, "dns6", .lengthPrefixed, .name)
    static let circuit = AddressProtocol(290, "p2p-circuit", .none, .none)
    static let p2p = AddressProtocol(421, "p2p", .lengthPrefixed, .peerID)

    private static let table: [AddressProtocol] = [
        ip4, tcp, ip6, ip6zone, dns, dns4, dns6, p2p, circuit,
        AddressProtocol(56, "dnsaddr", .lengthPrefixed, .name),
        AddressProtocol(273, "udp", .fixed(2), .port),
        AddressProtocol(400, "unix", .lengthPrefixed, .path),
        AddressProtocol(448, "tls", .none, .none),
        AddressProtocol(454, "noise", .none, .none),
        AddressProtocol(461, "quic-v1", .none, .none),
        AddressProtocol(465, "webtransport", .none, .none),
        AddressProtocol(466, "certhash", .lengthPrefixed, .multibase),
        AddressProtocol(477, "ws", .none, .none),
        AddressProtocol(478, "wss", .none, .none),
        AddressProtocol(777, "memory", .lengthPrefixed, .name),
    ]
    private static let byCode = Dictionary(uniqueKeysWithValues: table.map { ($0.code, $0) })
    private static let byName = Dictionary(uniqueKeysWithValues: table.map { ($0.name, $0) })

    static func find(code: UInt64) -> AddressProtocol? { byCode[code] }

    /// Finds by name; `ipfs` is the older spelling of `p2p`.
    static func find(name: String) -> AddressProtocol? { byName[name == "ipfs" ? "p2p" : name] }
}
