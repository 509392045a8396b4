@testable internal import LibP2P

/// What a peer sends while protocols are negotiated, to a dialer and to a listener.
enum NegotiationDecoder: PeerDecoder {
    private static let proposals = ["/yamux/1.0.0", "/noise"]

    static var seeds: [[UInt8]] {
        func conversation(_ texts: String...) -> [UInt8] {
            ([NegotiationInstance.header] + texts).flatMap { NegotiationInstance.encode($0) }
        }
        return [
            [0xFF] + conversation("/yamux/1.0.0"), [0x04] + conversation("/unknown", "/noise"),
            [0xFC] + conversation("na", "/noise"), [0] + conversation("ls"),
            [0xFC] + conversation("na", "na"), [0xFF] + conversation("/noise") + [1, 2, 3],
        ]
    }

    static func read(_ input: [UInt8]) {
        let (choice, pieces) = pieces(input)
        var instance =
            choice == 0 ? NegotiationInstance.dialer(proposals) : .listener(proposals)
        _ = instance.start()
        var hasFailed = false
        for piece in pieces {
            guard let directives = try? instance.receive(piece) else {
                hasFailed = true
                continue
            }
            precondition(!hasFailed, "a negotiation goes on after its end")
            for case .selected(let id, let remainder) in directives {
                precondition(proposals.contains(id), "\(id) was never offered")
                precondition(remainder.count < input.count, "more bytes than came")
                hasFailed = true
            }
        }
    }
}
