internal import Foundation
internal import Tensors
internal import Testing

@testable internal import Checkpoints

@Suite struct GGUFWriterTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// One field of every type, empty and nested arrays among them.
    private static let fields: [GGUFField] = [
        GGUFField("general.architecture", .string("none")),
        GGUFField("a", .uint8(200)), GGUFField("b", .int8(-100)),
        GGUFField("c", .uint16(60_000)), GGUFField("d", .int16(-30_000)),
        GGUFField("e", .uint32(4_000_000_000)), GGUFField("f", .int32(-2_000_000_000)),
        GGUFField("g", .uint64(.max)), GGUFField("h", .int64(.min)),
        GGUFField("i", .float32(0.1)), GGUFField("j", .float64(0.1)),
        GGUFField("k", .bool(true)), GGUFField("l", .string("Grüße, 世界")),
        GGUFField("m", .array(.string, [.string("a"), .string("")])),
        GGUFField("n", .array(.float32, [])),
        GGUFField("o", .array(.array, [.array(.bool, [.bool(false)]), .array(.int16, [])])),
    ]

    private static let tensors = [
        TensorDescription(name: "z", shape: Shape([3]), elementType: .float32, byteCount: 12),
        TensorDescription(
            name: "a.weight", shape: Shape([2, 256]), elementType: .q6_K, byteCount: 420),
        TensorDescription(
            name: "h", shape: Shape([1, 2, 3, 4]), elementType: .bfloat16, byteCount: 48),
    ]

    private func bytes(_ seed: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: 31 * $0 + seed) }
    }

    private func write(
        _ fields: [GGUFField], _ tensors: [TensorDescription], replaces: Bool = false
    ) throws -> String {
        let path = folder.path + "/written.gguf"
        var writer = try GGUFWriter(path: path, fields: fields, tensors: tensors)
        for (index, tensor) in writer.tensors.enumerated() {
            try unsafe bytes(index, tensor.byteCount).withUnsafeBytes {
                try unsafe writer.append($0)
            }
        }
        try writer.commit(replaces: replaces)
        return path
    }

    @Test(arguments: [nil, 8, 64, 4096])
    func `fields of every type and tensors come back as they were`(alignment: Int?) throws {
        let extra = alignment.map { [GGUFField("general.alignment", .uint32(UInt32($0)))] } ?? []
        let path = try write(Self.fields + extra, Self.tensors)
        let read = try GGUFContents(path: path)
        #expect(read.fields == Self.fields + extra)
        #expect(read.tensors == Self.tensors)
        for (index, tensor) in Self.tensors.enumerated() {
            let found = try unsafe read.withBytes(of: tensor.name) { unsafe [UInt8]($0) }
            #expect(found == bytes(index, tensor.byteCount))
        }
        #expect(try read.string("l") == "Grüße, 世界")
        let byteCount = try Data(contentsOf: URL(filePath: path)).count
        #expect(byteCount % (alignment ?? 32) == 0)
    }

    @Test func `what another writer wrote is copied to the same bytes`() throws {
        let original = GGUFBuilder.model().build()
        let contents = try GGUFContents(path: folder.write(original, to: "model.gguf"))
        let path = folder.path + "/copy.gguf"
        var writer = try GGUFWriter(
            path: path, fields: contents.fields, tensors: contents.tensors)
        for tensor in contents.tensors {
            try unsafe contents.withBytes(of: tensor.name) { try unsafe writer.append($0) }
        }
        try writer.commit(replaces: false)
        #expect([UInt8](try Data(contentsOf: URL(filePath: path))) == original)
    }

    @Test func `a file that is there stays unless it may be replaced`() throws {
        let path = try write(Self.fields, Self.tensors)
        let before = try Data(contentsOf: URL(filePath: path))
        #expect(throws: CheckpointError.notReplaceable(path: path, entry: "a file or folder")) {
            _ = try write([], [])
        }
        #expect(try Data(contentsOf: URL(filePath: path)) == before)
        _ = try write([], [], replaces: true)
        #expect(try GGUFContents(path: path).tensors.isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 1)
    }

    @Test func `a writer that is given up leaves nothing`() throws {
        do {
            var writer = try GGUFWriter(
                path: folder.path + "/half.gguf", fields: Self.fields, tensors: Self.tensors)
            try unsafe bytes(0, 12).withUnsafeBytes { try unsafe writer.append($0) }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test func `headers that no reader takes are refused`() throws {
        let long = TensorDescription(
            name: String(repeating: "n", count: 64), shape: Shape([1]), elementType: .float32,
            byteCount: 4)
        let empty = TensorDescription(
            name: "empty", shape: Shape([0]), elementType: .float32, byteCount: 0)
        for tensors in [[long], [empty], [Self.tensors[0], Self.tensors[0]]] {
            #expect(throws: CheckpointError.self) { try write([], tensors) }
        }
        let key = "general.alignment"
        for fields in [
            [GGUFField("a", .bool(true)), GGUFField("a", .bool(true))],
            [GGUFField(key, .uint32(12))], [GGUFField(key, .uint64(32))],
            [GGUFField(String(repeating: "k", count: 65_537), .bool(true))],
        ] {
            #expect(throws: CheckpointError.self) { try write(fields, []) }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
}
