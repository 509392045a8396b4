import Testing

@testable import LibP2P

@Suite struct AutoNATMessageTests {
    private static let peer = Fixtures.responderID
    private static let address = Fixtures.address("/ip4/203.0.113.5/tcp/7411")

    @Test func `messages come back as they were`() throws {
        let messages: [AutoNATMessage] = [
            .dial(Self.peer, [Self.address]), .dial(Self.peer, []),
            .response(.ok, text: "", Self.address),
            .response(.dialRefused, text: "not from there", nil),
        ]
        for message in messages {
            #expect(try AutoNATMessage(bytes: message.bytes) == message)
        }
        #expect(
            AutoNATMessage.dial(Self.peer, []).bytes
                == hex("0800 122a 0a28 0a26") + Self.peer.bytes)
        #expect(AutoNATMessage.response(.dialError, text: "", nil).bytes == hex("0801 1a02 0864"))
    }

    @Test(arguments: ["", "0800", "08001200", "080012020a00", "0801", "08011a00", "08011a020805"])
    func `a message that lacks what it needs is refused`(text: String) {
        #expect(throws: LibP2PError.malformed(.autonat)) { try AutoNATMessage(bytes: hex(text)) }
    }

    @Test func `what is beyond the bounds is refused or left out`() throws {
        #expect(throws: LibP2PError.self) {
            try AutoNATMessage(bytes: [UInt8](repeating: 0, count: 4_097))
        }
        let long = AutoNATMessage.response(.ok, text: String(repeating: "x", count: 900), nil)
        guard case .response(_, let text, _) = try AutoNATMessage(bytes: long.bytes) else {
            Issue.record("another message")
            return
        }
        #expect(text.utf8.count == 256)
        let many = AutoNATMessage.dial(
            Self.peer, Array(repeating: Self.address, count: 40))
        #expect(
            try AutoNATMessage(bytes: many.bytes)
                == .dial(Self.peer, Array(repeating: Self.address, count: 16)))
    }
}
