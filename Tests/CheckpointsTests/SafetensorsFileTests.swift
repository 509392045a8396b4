internal import Tensors
internal import Testing

@testable internal import Checkpoints

@Suite struct SafetensorsFileTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    static func file(_ header: String, data: [UInt8]) -> [UInt8] {
        UInt64(header.utf8.count).fileBytes + Array(header.utf8) + data
    }

    static let sample = file(
        #"{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
            + #""a":{"dtype":"BF16","shape":[1,2],"data_offsets":[8,12]},"#
            + #""c":{"dtype":"F16","shape":[],"data_offsets":[12,14]}}"#,
        data: (0..<14).map { UInt8($0) }
    )

    private func open(_ bytes: [UInt8]) throws -> SafetensorsFile {
        try SafetensorsFile(path: folder.write(bytes, to: "a.safetensors"))
    }

    private func problem(_ header: String, byteCount: Int) throws -> CheckpointError? {
        let bytes = Self.file(header, data: [UInt8](repeating: 0, count: byteCount))
        let path = try folder.write(bytes, to: "a.safetensors")
        return #expect(throws: CheckpointError.self, "\(header)") {
            try SafetensorsFile(path: path)
        }
    }

    @Test func `tensors are found under their names in order`() throws {
        let file = try open(Self.sample)
        #expect(file.tensors.map(\.name) == ["a", "b", "c"])
        #expect(file.tensors.map(\.elementType) == [.bfloat16, .float32, .float16])
        #expect(file.tensors.map(\.shape) == [Shape([1, 2]), Shape([2]), Shape([])])
        #expect(file.metadata == ["format": "pt"])
        #expect(try unsafe file.withBytes(of: "a") { unsafe [UInt8]($0) } == [8, 9, 10, 11])
    }

    @Test(arguments: [
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 9),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 7),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, 8),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}"#, 8),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}}"#, 8),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]}}"#, 8),
        (#"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, 8),
        (#"{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}"#, 8),
        (#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}"#, 8),
        (#"{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}}"#, 8),
        (#"{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#, 8),
        (#"{"a":{"dtype":"Q4_1","shape":[32],"data_offsets":[0,20]}}"#, 20),
        (#"{"a":{"shape":[2],"data_offsets":[0,8]}}"#, 8),
        (#"{"a":{"dtype":"F32","data_offsets":[0,8]}}"#, 8),
        (#"{"a":7}"#, 0), ("[]", 0), ("", 0), (#"{"__metadata__":7}"#, 0),
        (#"{"__metadata__":{"a":7}}"#, 0), (#"{"a":{"dtype":[[[[[]]]]]}}"#, 0),
        (
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#
                + #""a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8
        ),
        (
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#
                + #""\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8
        ),
        (
            "{\"\u{e9}\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                + "\"e\u{301}\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8
        ),
    ])
    func `a wrong header is refused`(header: String, byteCount: Int) throws {
        _ = try problem(header, byteCount: byteCount)
    }

    @Test func `overlaps and holes are told apart and named`() throws {
        func header(_ start: Int) -> String {
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
                + #""b":{"dtype":"F32","shape":[1],"data_offsets":[\#(start),\#(start + 4)]}}"#
        }
        let path = folder.path("a.safetensors")
        #expect(
            try problem(header(4), byteCount: 8)
                == .invalidTensor(path: path, tensor: "b", problem: .overlapping(other: "a"))
        )
        #expect(
            try problem(header(12), byteCount: 16)
                == .invalidTensor(path: path, tensor: "b", problem: .hole(byteCount: 4))
        )
        let good = Self.file(header(8), data: [UInt8](repeating: 0, count: 12))
        #expect(try open(good).tensors.count == 2)
    }

    @Test func `lengths beyond the file or the format's bound allocate nothing`() throws {
        let path = try folder.write(UInt64.max.fileBytes, to: "a.safetensors")
        #expect(
            throws: CheckpointError.limitExceeded(
                path: path, item: "the length of the header", actual: .max, limit: 100_000_000
            )
        ) { try SafetensorsFile(path: path) }
        try folder.write(UInt64(99_999_999).fileBytes, to: "a.safetensors")
        #expect(
            throws: CheckpointError.truncated(
                path: path, item: "the header", offset: 8, neededByteCount: 99_999_999
            )
        ) { try SafetensorsFile(path: path) }
    }

    @Test func `what the writer writes is read back`() throws {
        let path = folder.path("out.safetensors")
        let tensors = [
            TensorDescription(
                name: "h", shape: Shape([3]), elementType: .float16, byteCount: 6
            ),
            TensorDescription(
                name: "w", shape: Shape([1, 2]), elementType: .float32, byteCount: 8
            ),
        ]
        var writer = try SafetensorsWriter(path: path, tensors: tensors)
        #expect(writer.tensors.map(\.name) == ["w", "h"])
        for tensor in tensors.reversed() {
            let bytes = [UInt8](repeating: UInt8(tensor.byteCount), count: tensor.byteCount)
            try unsafe bytes.withUnsafeBytes { try unsafe writer.append($0) }
        }
        #expect(folder.read("out.safetensors") == nil)
        try writer.commit()
        let file = try SafetensorsFile(path: path)
        #expect(file.tensors == tensors)
        #expect(try unsafe file.withBytes(of: "h") { unsafe [UInt8]($0) } == [6, 6, 6, 6, 6, 6])
        #expect(try folder.entries() == ["out.safetensors"])
    }

    @Test func `a writer that is given up leaves nothing behind`() throws {
        do {
            let writer = try SafetensorsWriter(path: folder.path("out.safetensors"), tensors: [])
            #expect(writer.tensors.isEmpty)
        }
        #expect(try folder.entries() == [])
    }
}
