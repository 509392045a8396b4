import Testing

@testable import LibP2P

@Suite struct NegotiationTests {
    static let header = hex("13 2f6d756c746973747265616d2f312e302e300a")
    static let noise = hex("07 2f6e6f6973650a")
    static let yamux = hex("0d 2f79616d75782f312e302e300a")
    static let refusal = hex("03 6e610a")

    /// Feeds a machine and gathers what it writes and decides.
    private func feed(
        _ machine: inout NegotiationInstance, _ bytes: [UInt8], _ size: ReadSize
    ) throws -> (sent: [UInt8], selected: String?, remainder: [UInt8], refused: [String]) {
        var sent: [UInt8] = []
        var selected: String?
        var remainder: [UInt8] = []
        var refused: [String] = []
        for piece in size.cut(bytes) {
            guard selected == nil else {
                // The stage above gets the reads from here on.
                remainder += piece
                continue
            }
            for directive in try machine.receive(piece) {
                switch directive {
                case .send(let bytes): sent += bytes
                case .proposalRefused(let id): refused.append(id)
                case .selected(let id, let rest):
                    selected = id
                    remainder += rest
                }
            }
        }
        return (sent, selected, remainder, refused)
    }

    @Test func `the published messages are the ones on the wire`() {
        #expect(NegotiationInstance.encode(NegotiationInstance.header) == Self.header)
        #expect(NegotiationInstance.encode("/noise") == Self.noise)
        #expect(NegotiationInstance.encode("/yamux/1.0.0") == Self.yamux)
        #expect(NegotiationInstance.encode("/meshsub/1.1.0").first == 0x0f)
        #expect(NegotiationInstance.encode("na") == Self.refusal)
    }

    @Test(arguments: ReadSize.allCases)
    func `a dialer and a listener agree on one protocol`(size: ReadSize) throws {
        var dialer = NegotiationInstance.dialer(["/noise"])
        var listener = NegotiationInstance.listener(["/tls/1.0.0", "/noise"])
        #expect(dialer.mayWriteAtOnce)
        #expect(dialer.start() == [.send(Self.header + Self.noise)])
        #expect(listener.start().isEmpty)
        let early: [UInt8] = [0, 32, 1, 2, 3]
        let answer = try feed(&listener, Self.header + Self.noise + early, size)
        #expect(answer.sent == Self.header + Self.noise)
        #expect(answer.selected == "/noise")
        #expect(answer.remainder == early)
        let end = try feed(&dialer, answer.sent + [9, 9], size)
        #expect(end.sent.isEmpty)
        #expect(end.selected == "/noise")
        #expect(end.remainder == [9, 9])
    }

    @Test(arguments: ReadSize.allCases)
    func `refused proposals are followed by the next one`(size: ReadSize) throws {
        var dialer = NegotiationInstance.dialer(["/tls/1.0.0", "/b", "/noise"])
        var listener = NegotiationInstance.listener(["/noise"])
        #expect(!dialer.mayWriteAtOnce)
        guard case .send(let first) = dialer.start().first else {
            Issue.record("the dialer does not start")
            return
        }
        let one = try feed(&listener, first, size)
        #expect(one.sent == Self.header + Self.refusal)
        #expect(one.refused == ["/tls/1.0.0"])
        let two = try feed(&dialer, one.sent, size)
        #expect(two.sent == NegotiationInstance.encode("/b"))
        let three = try feed(&listener, two.sent, size)
        #expect(three.sent == Self.refusal)
        let four = try feed(&dialer, three.sent, size)
        let five = try feed(&listener, four.sent, size)
        #expect(five.selected == "/noise")
        #expect(try feed(&dialer, five.sent, size).selected == "/noise")
    }

    @Test func `a listener's header may come alone and before anything else`() throws {
        var dialer = NegotiationInstance.dialer(["/noise"])
        #expect(try dialer.receive(Self.header).isEmpty)
        #expect(
            try dialer.receive(Self.noise) == [.selected(protocolID: "/noise", remainder: [])]
        )
    }

    @Test func `pipelined proposals are answered in one write`() throws {
        var listener = NegotiationInstance.listener(["/noise"])
        let bytes = Self.header + NegotiationInstance.encode("/x") + Self.noise + [1]
        #expect(
            try listener.receive(bytes) == [
                .send(Self.header), .proposalRefused("/x"), .send(Self.refusal + Self.noise),
                .selected(protocolID: "/noise", remainder: [1]),
            ]
        )
    }

    @Test func `the last refusal ends the dialer`() throws {
        var dialer = NegotiationInstance.dialer(["/a", "/b"])
        #expect(
            try dialer.receive(Self.header + Self.refusal)
                == [.send(NegotiationInstance.encode("/b"))]
        )
        #expect(throws: LibP2PError.protocolsRefused(["/a", "/b"])) {
            try dialer.receive(Self.refusal)
        }
        #expect(throws: LibP2PError.ended(.negotiation)) { try dialer.receive(Self.refusal) }
    }

    @Test func `ls and na are answered with na, even by a listener for everything`() throws {
        var listener = NegotiationInstance.listener(accepting: { _ in true })
        for text in ["ls", "na"] {
            let bytes = NegotiationInstance.encode(text)
            let directives = try listener.receive(text == "ls" ? Self.header + bytes : bytes)
            #expect(directives.contains(.proposalRefused(text)))
        }
        #expect(
            try listener.receive(Self.noise) == [
                .send(Self.noise), .selected(protocolID: "/noise", remainder: []),
            ]
        )
    }

    @Test func `nothing is taken after the end`() throws {
        var listener = NegotiationInstance.listener(["/noise"])
        _ = try listener.receive(Self.header + Self.noise)
        #expect(throws: LibP2PError.ended(.negotiation)) { try listener.receive([1]) }
    }

    @Test(arguments: [
        "07 2f6e6f6973650a", "13 2f6d756c746973747265616d2f322e302e300a", "00", "01 0a", "02 0a0a",
        "06 2f6e6f697365", "02 ff0a", "8108", "ffff03", "8100", "ffffffffffffffffff01",
    ])
    func `a wrong first message is refused`(bytes: String) {
        for size in ReadSize.allCases {
            var listener = NegotiationInstance.listener(["/noise"])
            #expect(throws: LibP2PError.self) { _ = try feed(&listener, hex(bytes), size) }
            var dialer = NegotiationInstance.dialer(["/noise"])
            #expect(throws: LibP2PError.self) { _ = try feed(&dialer, hex(bytes), size) }
        }
    }

    @Test func `an answer that is neither the proposal nor na is refused`() {
        var dialer = NegotiationInstance.dialer(["/noise"])
        #expect(throws: LibP2PError.unexpectedNegotiation("/yamux/1.0.0")) {
            try dialer.receive(Self.header + Self.yamux)
        }
    }

    @Test func `a message may have 1 KiB and not a byte more`() throws {
        let longest = "/" + String(repeating: "x", count: 1022)
        var listener = NegotiationInstance.listener([longest])
        let directives = try listener.receive(Self.header + NegotiationInstance.encode(longest))
        #expect(directives.last == .selected(protocolID: longest, remainder: []))
        var other = NegotiationInstance.listener(["/noise"])
        #expect(
            throws: LibP2PError.tooLarge(.lengthPrefix, byteCount: 1025, byteCountMax: 1024)
        ) { try other.receive(Self.header + [0x81, 0x08]) }
    }

    @Test func `a dialer that proposes without end is refused`() throws {
        var listener = NegotiationInstance.listener(["/noise"])
        _ = try listener.receive(Self.header)
        for _ in 1..<NegotiationInstance.proposalCountMax {
            _ = try listener.receive(NegotiationInstance.encode("/x"))
        }
        #expect(
            throws: LibP2PError.tooMany(
                .negotiation, countMax: NegotiationInstance.proposalCountMax
            )
        ) { try listener.receive(NegotiationInstance.encode("/x")) }
    }

    @Test func `damaged conversations end in an agreement or an error`() {
        let input = Self.header + NegotiationInstance.encode("/a") + Self.refusal + Self.noise
        var generator = SeededGenerator(seed: 0x8e)
        Mutations.run(seed: 0x8d, count: 3000, inputs: [input, Self.header + Self.noise]) { bytes in
            let size = ReadSize.allCases.randomElement(using: &generator) ?? .everything
            var listener = NegotiationInstance.listener(["/noise"])
            _ = try? feed(&listener, bytes, size)
            var dialer = NegotiationInstance.dialer(["/a", "/noise"])
            _ = try? feed(&dialer, bytes, size)
        }
    }
}
