import FoundationEssentials
import JSONDocuments
import Tensors
import Testing

@testable import Training

@Suite struct DatasetReaderTests {
    private func lines(_ text: String, limits: DatasetLimits = DatasetLimits())
        throws(DatasetError) -> [Example]
    {
        try DatasetReader.readLines(Array(text.utf8), path: "f.jsonl", limits: limits)
    }

    private func fault(_ text: String) -> DatasetError.LineFault? {
        do throws(DatasetError) {
            _ = try lines(text)
            return nil
        } catch {
            guard case .badLine(_, _, let fault) = error else { return nil }
            return fault
        }
    }

    @Test func `the four shapes are read with their lines`() throws {
        let examples = try lines(
            """
            {"text": "To be"}

            {"prompt": "2+2=", "completion": "4", "id": 7}
            {"instruction": "Add", "input": "", "response": "5"}
            {"instruction": "Add", "output": "é\\u00e9\\n", "input": null}
            {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}, \
            {"role": "assistant", "content": "a"}]}
            """
        )
        #expect(
            examples.map(\.content) == [
                .text("To be"),
                .completion(prompt: "2+2=", completion: "4"),
                .instruction(instruction: "Add", input: "", response: "5"),
                .instruction(instruction: "Add", input: "", response: "éé\n"),
                .messages([
                    Example.Message(role: .system, content: "s"),
                    Example.Message(role: .user, content: "u"),
                    Example.Message(role: .assistant, content: "a"),
                ]),
            ]
        )
        #expect(examples.map(\.origin.line) == [1, 3, 4, 5, 6])
    }

    @Test func `byte order mark and carriage returns do no harm`() throws {
        let bytes = [0xEF, 0xBB, 0xBF] + Array("{\"text\":\"a\"}\r\n\r\n{\"text\":\"b\"}\r\n".utf8)
        let examples = try DatasetReader.readLines(bytes, path: "f.jsonl")
        #expect(examples.map(\.content) == [.text("a"), .text("b")])
        let text = try DatasetReader.readText([0xEF, 0xBB, 0xBF, 0x61], path: "f.txt")
        #expect(text.content == .text("a"))
    }

    @Test func `each fault of a line is told apart`() {
        #expect(fault("[1]") == .notAnObject(kind: "an array"))
        #expect(fault("{\"text\": \"a\"") == .notJSON(.truncated(offset: 12)))
        #expect(fault("{\"a\": 1, \"b\": 2}") == .unknownShape(keys: ["a", "b"]))
        #expect(fault("{}") == .unknownShape(keys: []))
        #expect(fault("{\"prompt\": \"a\"}") == .keyMissing(key: "completion", beside: "prompt"))
        #expect(
            fault("{\"completion\": \"a\"}") == .keyMissing(key: "prompt", beside: "completion"))
        #expect(
            fault("{\"instruction\": \"a\"}") == .keyMissing(key: "response", beside: "instruction")
        )
        #expect(
            fault("{\"text\": 3}")
                == .wrongType(key: "text", expected: "a string", actual: "an integer")
        )
        #expect(fault("{\"text\": \" \\n\"}") == .emptyValue(key: "text"))
        #expect(fault("{\"messages\": []}") == .emptyValue(key: "messages"))
        #expect(
            fault("{\"messages\": [{\"role\": \"bot\", \"content\": \"x\"}]}")
                == .unknownRole(role: "bot", message: 1)
        )
        #expect(fault("{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}") == .noAnswer)
        #expect(
            fault("{\"messages\": [{\"role\": \"user\"}]}")
                == .keyMissing(key: "messages[0].content", beside: "messages[0]")
        )
        #expect(
            fault("{\"messages\": [4]}")
                == .wrongType(
                    key: "messages[0]",
                    expected: "an object with role and content",
                    actual: "an integer"
                )
        )
        let deep = String(repeating: "[", count: 5_000)
        guard case .notJSON(.tooDeep) = fault("{\"text\": " + deep) else {
            Issue.record("deep nesting is read")
            return
        }
    }

    @Test func `a fault is found in its line and told in words`() {
        let bytes = Array("{\"text\": \"a\"}\n{\"text\": \"".utf8) + [0xFF] + Array("\"}".utf8)
        #expect {
            try DatasetReader.readLines(bytes, path: "notes.jsonl")
        } throws: { error in
            "\(error)".hasPrefix("notes.jsonl:2: byte 10 of the line is not UTF-8")
        }
        #expect {
            try DatasetReader.readText(Array("a\nb".utf8) + [0xC3, 0x28], path: "a.txt")
        } throws: { error in
            error as? DatasetError == .textNotUTF8(path: "a.txt", line: 2, byteOffset: 3)
        }
    }

    @Test func `a line beyond the limit is refused before it is parsed`() {
        #expect {
            try lines("{\"text\": \"abc\"}", limits: DatasetLimits(lineByteCountMax: 14))
        } throws: { error in
            error as? DatasetError
                == .badLine(
                    path: "f.jsonl",
                    line: 1,
                    fault: .tooLong(byteCount: 15, limit: 14)
                )
        }
    }

    @Test func `files and folders are read in the order of their names`() throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "starling-\(SystemRandomNumberGenerator.token())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func write(_ name: String, _ text: String) throws {
            try Data(text.utf8).write(to: folder.appending(path: name))
        }
        #expect(throws: DatasetError.folderWithoutData(path: folder.path)) {
            try DatasetReader.read(path: folder.path)
        }
        try write("b.txt", "second")
        try write("a.jsonl", "{\"text\": \"first\"}")
        try write("c.md", "not data")
        let dataset = try TextDataset(paths: [folder.path])
        #expect(dataset.examples.map(\.content) == [.text("first"), .text("second")])

        let readme = folder.appending(path: "c.md").path
        #expect(throws: DatasetError.unknownFileType(path: readme, pathExtension: "md")) {
            try DatasetReader.read(path: readme)
        }
        let text = folder.appending(path: "b.txt").path
        #expect(throws: DatasetError.fileTooLarge(path: text, byteCount: 6, limit: 5)) {
            try DatasetReader.read(path: text, limits: DatasetLimits(fileByteCountMax: 5))
        }
        let missing = folder.appending(path: "no.txt").path
        #expect(throws: DatasetError.fileMissing(path: missing)) {
            try DatasetReader.read(path: missing)
        }
        try write("empty.txt", " \n ")
        let empty = folder.appending(path: "empty.txt").path
        #expect(throws: DatasetError.fileEmpty(path: empty)) {
            try DatasetReader.read(path: empty)
        }
    }

    @Test(arguments: [UInt64](1...8))
    func `no mutation of a good file does harm`(seed: UInt64) {
        let good = Array(
            """
            {"text": "To be, or not to be \\u00e9 \\ud83d\\ude00"}
            {"prompt": "2+2=", "completion": "4"}
            {"instruction": "Add", "input": "1 1", "response": "2"}
            {"messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]}
            """.utf8
        )
        let spice = Array("{}[]\",:\\u\n\r\u{0}019-+.eE".utf8) + [0x80, 0xC3, 0xED, 0xF4, 0xFF]
        var generator = SplitMix64(seed: seed)
        for _ in 0..<250 {
            var bytes = good
            for _ in 0...generator.number(below: 6) where !bytes.isEmpty {
                let place = generator.number(below: bytes.count)
                let byte = spice[generator.number(below: spice.count)]
                switch generator.number(below: 5) {
                case 0: bytes[place] = byte
                case 1: bytes.insert(byte, at: place)
                case 2: bytes.remove(at: place)
                case 3: bytes.removeSubrange(place...)
                default: bytes.insert(contentsOf: bytes[place...].prefix(40), at: place)
                }
            }
            do throws(DatasetError) {
                let examples = try DatasetReader.readLines(bytes, path: "f.jsonl")
                #expect(!examples.isEmpty)
            } catch {
                #expect(error.description.hasPrefix("f.jsonl"))
            }
        }
    }
}

extension SystemRandomNumberGenerator {
    /// A name that no other test uses.
    static func token() -> String {
        var generator = SystemRandomNumberGenerator()
        return String(generator.next() as UInt64, radix: 36)
    }
}
