extension Multiaddr {
    /// Those of a peer's addresses that can be read, at most so many; one bad address does not
    /// spoil the message that carries it.
    static func readable(_ list: [[UInt8]], countMax: Int) -> [Multiaddr] {
        var addresses: [Multiaddr] = []
        for bytes in list {
            if addresses.count == countMax { break }
            guard
                case .success(let address) = Result(catching: { () throws(LibP2PError) in
                    try Multiaddr(bytes: bytes)
                })
            else { continue }
            addresses.append(address)
        }
        return addresses
    }
}
