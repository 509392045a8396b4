import Cryptography
import GossipLog
import Testing

@Suite struct SignedNoteTests {
    static let exampleKey =
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    static let exampleNote =
        "This is an example message.\n\n— example.com/foo "
        + "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"

    @Test func `the keys and signatures are the published ones`() throws {
        let signer = try Vectors.logSigner()
        let witness = try Vectors.witnessSigner()
        #expect(signer.key.description == Vectors.logKeyText)
        #expect(witness.key.description == Vectors.witnessKeyText)
        #expect(try NoteKey(text: Vectors.logKeyText) == signer.key)
        #expect(try NoteKey(text: Vectors.witnessKeyText) == witness.key)

        var note = signer.treeHead(of: Vectors.tree(of: Vectors.leaves)).note
        #expect(note.text == Array(Vectors.treeHeadText.utf8))
        note.append(witness.signature(over: note.text, timeSeconds: 1_700_000_000))
        let expected =
            Vectors.treeHeadText + "\n— \(Vectors.origin) \(Vectors.logSignature)\n"
            + "— \(Vectors.witnessName) \(Vectors.witnessSignature)\n"
        #expect(String(decoding: note.bytes, as: UTF8.self) == expected)

        let read = try SignedNote(bytes: Array(expected.utf8))
        #expect(read == note)
        let verified = try read.verified(by: [signer.key, witness.key])
        #expect(verified.map(\.key) == [signer.key, witness.key])
        #expect(verified.map(\.timeSeconds) == [nil, 1_700_000_000])
    }

    @Test func `the example of the format's specification verifies`() throws {
        let key = try NoteKey(text: Self.exampleKey)
        #expect(key.description == Self.exampleKey)
        let note = try SignedNote(bytes: Array(Self.exampleNote.utf8))
        #expect(note.bytes == Array(Self.exampleNote.utf8))
        #expect(try note.verified(by: [key]).map(\.key.name) == ["example.com/foo"])
    }

    @Test func `a text may hold blank lines`() throws {
        let signer = try Vectors.logSigner()
        let note = try SignedNote(bytes: Self.note("first\n\nsecond\n\n", by: [signer]))
        #expect(note.text == Array("first\n\nsecond\n\n".utf8))
        #expect(try note.verified(by: [signer.key]).count == 1)
    }

    @Test func `unknown keys are ignored and a wrong signature of a known one is not`() throws {
        let signer = try Vectors.logSigner()
        let bytes = Self.note("text\n", by: [signer, try Vectors.witnessSigner()])
        let note = try SignedNote(bytes: bytes)
        #expect(try note.verified(by: [signer.key]).count == 1)
        let stranger = try NoteKey(text: Self.exampleKey)
        #expect(throws: NoteError.noKnownSignature) { try note.verified(by: [stranger]) }

        let other = try SignedNote(
            bytes: Array("Text\n".utf8) + bytes.dropFirst("text\n".utf8.count)
        )
        #expect(throws: NoteError.invalidSignature(name: Vectors.witnessName)) {
            try other.verified(by: [Vectors.witnessSigner().key])
        }
        // Right for the log's key, and still refused for the witness's known and wrong line.
        #expect(throws: NoteError.invalidSignature(name: Vectors.origin)) {
            try other.verified(by: [Vectors.witnessSigner().key, signer.key])
        }
    }

    @Test func `sixteen signatures are read and more than the limit are not`() throws {
        let signer = try Vectors.logSigner()
        let sixteen = try SignedNote(
            bytes: Self.note("text\n", by: Array(repeating: signer, count: 16))
        )
        #expect(sixteen.signatures.count == 16)
        #expect(try sixteen.verified(by: [signer.key]).count == 1)
        let many = Self.note("text\n", by: Array(repeating: signer, count: 65))
        #expect(throws: NoteError.tooManySignatures(count: 65, limit: 64)) {
            try SignedNote(bytes: many)
        }
    }

    @Test(arguments: [
        ("", NoteError.missingBlankLine),
        ("\n", .missingBlankLine),
        ("\n\n", .missingBlankLine),
        ("text\n", .missingBlankLine),
        ("text\n\n", .malformedSignatureLine(index: 0)),
        ("text\n\n— a AAAAAAA=", .malformedSignatureLine(index: 0)),
        ("text\n\n- a AAAAAAA=\n", .malformedSignatureLine(index: 0)),
        ("text\n\n— a AAAAAA==\n", .malformedSignatureLine(index: 0)),
        ("text\n\n— a AAAAAAA=\n— b\n", .malformedSignatureLine(index: 1)),
        ("text\n\n— a AAAAAAA=\n—  AAAAAAA=\n", .malformedSignatureLine(index: 1)),
        ("text\n\n— a+b AAAAAAA=\n", .malformedSignatureLine(index: 0)),
        ("text\n\n— a AAAAAAA= \n", .malformedSignatureLine(index: 0)),
        ("text\n\n— a AAAAAAB=\n", .malformedSignatureLine(index: 0)),
        ("te\txt\n\n— a AAAAAAA=\n", .controlCharacter(offset: 2)),
        ("text\r\n\n— a AAAAAAA=\n", .controlCharacter(offset: 4)),
    ])
    func `a malformed note is refused by name`(text: String, error: NoteError) {
        #expect(throws: error) { try SignedNote(bytes: Array(text.utf8)) }
    }

    @Test func `a note that is no text or too long is refused`() {
        let tail = Array("\n\n— a AAAAAAA=\n".utf8)
        #expect(throws: NoteError.notUTF8) { try SignedNote(bytes: [0xFF] + tail) }
        let long = [UInt8](repeating: 0x61, count: 65_536) + tail
        #expect(throws: NoteError.tooLong(byteCount: long.count, limit: 65_536)) {
            try SignedNote(bytes: long)
        }
    }

    @Test(arguments: [
        "", "name", "name+079cbca1",
        "example.org/fed/node0+079CBCA1+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
        "example.org/fed/node0+079cbca1+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG",
        "example.org/fed/node0+079cbca1+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVQ==",
        "example.org/fed/node0+079cbca1+",
    ])
    func `a malformed key is refused`(text: String) {
        #expect(throws: NoteError.malformedKey(text)) { try NoteKey(text: text) }
    }

    @Test func `a key with another ID, type or name is refused by name`() {
        let key = "AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
        #expect(throws: NoteError.keyIDMismatch(expected: 0x079c_bca1, found: 0x079c_bca2)) {
            try NoteKey(text: "example.org/fed/node0+079cbca2+\(key)")
        }
        #expect(throws: NoteError.unknownAlgorithm(2)) {
            try NoteKey(text: "example.org/fed/node0+079cbca1+Ag\(key.dropFirst(2))")
        }
        #expect(throws: NoteError.invalidName("a b")) {
            try NoteKey(text: "a b+079cbca1+\(key)")
        }
    }

    private static func note(_ text: String, by signers: [NoteSigner]) -> [UInt8] {
        var lines = text + "\n"
        for signer in signers {
            let signature = signer.signature(over: Array(text.utf8), timeSeconds: 1)
            let id = (0..<4).map { UInt8(truncatingIfNeeded: signature.keyID >> (24 - 8 * $0)) }
            lines += "— \(signature.name) \(base64(id + signature.bytes))\n"
        }
        return Array(lines.utf8)
    }

    /// A second encoder, so that the tests don't share one with what they test.
    private static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        let bits = bytes.flatMap { byte in (0..<8).map { byte >> (7 - $0) & 1 } }
        var text = ""
        for start in stride(from: 0, to: bits.count, by: 6) {
            let group = bits[start..<min(start + 6, bits.count)]
            let value = group.reduce(0) { $0 << 1 | Int($1) } << (6 - group.count)
            text.append(alphabet[value])
        }
        return text + String(repeating: "=", count: (4 - text.count % 4) % 4)
    }
}
