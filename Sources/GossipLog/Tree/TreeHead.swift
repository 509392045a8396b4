public import Cryptography

/// Why the text of a tree head was refused.
public enum TreeHeadError: Error, Hashable, Sendable {
    /// The note around it is wrong.
    case note(NoteError)
    /// Fewer than three lines.
    case missingLine
    /// The first line is empty or not that of the expected log.
    case origin(String)
    /// The second line is no decimal number without leading zeros below 2⁶⁴.
    case size
    /// The third line is not the base64 of 32 bytes.
    case root
    /// A line after the third is empty.
    case emptyExtension
}

/// What a log commits to: its name, its size and its root.
///
/// Source: C2SP tlog-checkpoint, which calls it a checkpoint.
public struct TreeHead: Hashable, Sendable {
    /// The name of the log.
    public let origin: String
    /// The number of leaves.
    public let size: UInt64
    /// The root over the leaves.
    public let root: Digest
    /// Further lines, which this program signs none of and carries along.
    public let extensions: [String]

    /// States size and root of a log; `origin` is the name of a ``NoteKey``.
    public init(origin: String, size: UInt64, root: Digest) {
        precondition(NoteKey.isValid(name: origin), "the origin \(origin)")
        self.origin = origin
        self.size = size
        self.root = root
        extensions = []
    }

    /// Reads a note's text.
    ///
    /// - Throws: the first line that is wrong.
    public init(text: [UInt8]) throws(TreeHeadError) {
        guard let text = String(validating: text, as: UTF8.self), text.utf8.last == 0x0A else {
            throw .missingLine
        }
        let lines = text.utf8.dropLast().split(separator: 0x0A, omittingEmptySubsequences: false)
        guard lines.count >= 3 else { throw .missingLine }
        let origin = String(decoding: lines[0], as: UTF8.self)
        guard !origin.isEmpty else { throw .origin(origin) }
        guard let size = Self.size(lines[1]) else { throw .size }
        guard let rootBytes = Base64.decode(lines[2]), let root = Digest(bytes: rootBytes) else {
            throw .root
        }
        guard lines.dropFirst(3).allSatisfy({ !$0.isEmpty }) else { throw .emptyExtension }
        self.origin = origin
        self.size = size
        self.root = root
        extensions = lines.dropFirst(3).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The text that is signed.
    public var text: [UInt8] {
        var text = Self.text(origin: origin, size: size, root: root)
        for line in extensions {
            text += Array((line + "\n").utf8)
        }
        return text
    }

    /// The text of a head without extension lines.
    static func text(origin: String, size: UInt64, root: Digest) -> [UInt8] {
        Array("\(origin)\n\(size)\n\(Base64.encode(root.bytes))\n".utf8)
    }

    private static func size(_ line: some Collection<UInt8>) -> UInt64? {
        guard line.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            line.count == 1 || line.first != UInt8(ascii: "0")
        else { return nil }
        return UInt64(String(decoding: line, as: UTF8.self))
    }
}

/// A tree head with the note that proves it.
public struct SignedTreeHead: Hashable, Sendable {
    /// What is signed.
    public let head: TreeHead
    /// The signatures over it.
    public let note: SignedNote

    /// Pairs a head with the note whose text it is.
    init(head: TreeHead, note: SignedNote) {
        self.head = head
        self.note = note
    }

    /// Reads a note and requires the log's own signature.
    ///
    /// - Throws: `.note` if the note is malformed or not signed by the key, `.origin` if it is of
    ///   another log than the key's, or what else is wrong with the text.
    public init(bytes: [UInt8], key: NoteKey) throws(TreeHeadError) {
        do {
            note = try SignedNote(bytes: bytes)
            _ = try note.verified(by: [key])
        } catch {
            throw .note(error)
        }
        head = try TreeHead(text: note.text)
        guard head.origin.utf8.elementsEqual(key.name.utf8) else { throw .origin(head.origin) }
    }

    /// The whole note.
    public var bytes: [UInt8] { note.bytes }
}
