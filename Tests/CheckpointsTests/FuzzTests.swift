internal import Testing

@testable internal import Checkpoints

/// Damaged files end in an error, never in a crash: every cut of a small file, and thousands of
/// changed bytes and numbers from one seed.
@Suite struct FuzzTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Values that sit at the edges of what readers compare with.
    private static let edges: [UInt64] = [
        0, 1, 7, 31, 32, 33, 0x7F, 0x80, 0xFF, 0xFFFF, 1 << 31, 0xFFFF_FFFF, 1 << 32, 1 << 62,
        (1 << 63) - 1, 1 << 63, .max - 31, .max,
    ]

    private func mutate(_ bytes: [UInt8], using generator: inout SplitMix) -> [UInt8] {
        var changed = bytes
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let index = Int.random(in: 0..<changed.count, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: changed[index] = UInt8.random(in: 0...255, using: &generator)
            case 1: changed[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 2:
                let width = [1, 2, 4, 8].randomElement(using: &generator) ?? 8
                let value = (Self.edges.randomElement(using: &generator) ?? 0).fileBytes
                for distance in 0..<width where index + distance < changed.count {
                    changed[index + distance] = value[distance]
                }
            case 3: changed.removeSubrange(index..<min(index + 8, changed.count))
            case 4:
                let end = min(index + 16, changed.count)
                changed.insert(contentsOf: changed[index..<end], at: index)
            default:
                changed[index] = Array("{}[]\",:0129-".utf8).randomElement(using: &generator) ?? 0
            }
            if changed.isEmpty { return [0] }
        }
        return changed
    }

    /// Opens a file and reads all of it; whether that went well.
    private func read(_ source: some TensorSource) throws {
        for tensor in source.tensors {
            let count = try unsafe source.withBytes(of: tensor.name) { $0.count }
            #expect(count == tensor.byteCount)
        }
    }

    @Test func `every cut of a GGUF file is an error`() throws {
        let bytes = GGUFBuilder.model().build()
        let header = bytes.count - GGUFBuilder.model().tensors.reduce(0) { $0 + $1.data.count }
        for end in 0..<bytes.count where end < header + 64 || end % 7 == 0 {
            let path = try folder.write(Array(bytes[..<end]), to: "cut.gguf")
            #expect(throws: CheckpointError.self, "\(end) bytes") { try GGUFFile(path: path) }
        }
    }

    @Test func `3000 damaged GGUF files don't crash`() throws {
        var scaled = GGUFBuilder.model()
        scaled.tensors.append(GGUFBuilder.tensor("rope_freqs.weight", [2], first: 1))
        scaled.set("llama.rope.scaling.factor", .float32(2))
        scaled.set("llama.attention.sliding_window", .uint32(5))
        let builders = [
            GGUFBuilder.model(), scaled, .model(of: "qwen2"), .model(of: "qwen3"),
        ]
        let files = builders.map { builder in
            let bytes = builder.build()
            return (bytes: bytes, header: bytes.count - builder.paddedDataByteCount)
        }
        var generator = SplitMix(state: 1)
        var refusedCount = 0
        for round in 0..<3000 {
            let (bytes, header) = files[round % files.count]
            // Changes in the data go unnoticed by design; those in the header are of interest.
            let changed = mutate(Array(bytes[..<header]), using: &generator) + bytes[header...]
            let path = try folder.write(changed, to: "changed.gguf")
            do {
                try read(GGUFFile(path: path))
            } catch {
                #expect(error is CheckpointError)
                refusedCount += 1
            }
        }
        #expect(refusedCount > 1500)
    }

    @Test func `every cut of a safetensors file is an error`() throws {
        let bytes = SafetensorsFileTests.sample
        for end in bytes.indices {
            let path = try folder.write(Array(bytes[..<end]), to: "cut.safetensors")
            #expect(throws: CheckpointError.self, "\(end) bytes") {
                try SafetensorsFile(path: path)
            }
        }
    }

    @Test func `3000 damaged safetensors files don't crash`() throws {
        let bytes = SafetensorsFileTests.sample
        var generator = SplitMix(state: 2)
        for _ in 0..<3000 {
            let changed = mutate(bytes, using: &generator)
            let path = try folder.write(changed, to: "changed.safetensors")
            do {
                let file = try SafetensorsFile(path: path)
                for tensor in file.tensors {
                    _ = try unsafe file.withBytes(of: tensor.name) { $0.count }
                }
            } catch {
                #expect(error is CheckpointError)
            }
        }
    }

    @Test func `2000 damaged configurations don't crash`() {
        var generator = SplitMix(state: 3)
        let bytes = ModelConfigurationTests.sample
        for end in bytes.indices.dropLast(2) {
            #expect(throws: CheckpointError.self) {
                try ModelConfiguration(configJSON: Array(bytes[..<end]))
            }
        }
        let types = ModelType.all.map { Array("\"\($0.name)\"".utf8) }
        let place = Array("\"llama\"".utf8)
        for round in 0..<2000 {
            let typed = bytes.replacing(place, with: types[round % types.count])
            _ = try? ModelConfiguration(configJSON: mutate(typed, using: &generator))
        }
    }

    @Test func `500 damaged adapters don't crash`() throws {
        let path = folder.path("adapter")
        try PEFTFolder.write(PEFTFolderTests.sample, to: path)
        let config = try #require(folder.read("adapter/adapter_config.json"))
        let weights = try #require(folder.read("adapter/adapter_model.safetensors"))
        var generator = SplitMix(state: 4)
        for round in 0..<500 {
            let isConfig = round % 2 == 0
            let changed = mutate(isConfig ? config : weights, using: &generator)
            try folder.write(isConfig ? changed : config, to: "adapter/adapter_config.json")
            try folder.write(
                isConfig ? weights : changed,
                to: "adapter/adapter_model.safetensors"
            )
            _ = try? PEFTFolder.read(path: path)
        }
    }
}
