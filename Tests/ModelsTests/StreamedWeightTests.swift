import Checkpoints
import Foundation
import Kernels
import Synchronization
import Tensors
import Testing

@testable import Models

/// The memory that weights of a file take, as the system counts it.
@Suite struct StreamedWeightTests {
    /// A safetensors file of bfloat16 weights whose bytes repeat, removed at the end.
    private struct WeightFile: ~Copyable {
        let path: String
        let byteCount: Int

        init(_ configuration: ModelConfiguration) throws {
            path =
                FileManager.default.temporaryDirectory
                .appending(path: "starling-\(ProcessInfo.processInfo.globallyUniqueString)").path
            let names = DecoderTensorNames(configuration)
            let tensors = names.all.map {
                TensorDescription(
                    name: $0.name, shape: $0.shape, elementType: .bfloat16,
                    byteCount: 2 * $0.shape.elementCount)
            }
            byteCount = tensors.reduce(0) { $0 + $1.byteCount }
            var writer = try SafetensorsWriter(path: path, tensors: tensors)
            // Values of ±0.01 to ±0.03, and norms of 1; 753 of them, and the same again.
            let values = (0..<753).flatMap { index -> [UInt8] in
                [UInt8(index * 7 % 251), index % 3 == 0 ? 0xBC : 0x3C]
            }
            let ones = [[UInt8]](repeating: [0x80, 0x3F], count: 753).flatMap(\.self)
            for tensor in writer.tensors {
                let period = tensor.shape.extents.count == 1 ? ones : values
                for first in stride(from: 0, to: tensor.byteCount, by: period.count) {
                    let piece = period.prefix(tensor.byteCount - first)
                    unsafe try piece.withUnsafeBytes { unsafe try writer.append($0) }
                }
            }
            try writer.commit()
        }

        deinit {
            _ = unsafe unlink(path)
        }

        /// The bytes of the file that are in the process's memory now.
        borrowing func residentByteCount() -> Int {
            StreamedWeightTests.residentByteCount(path)
        }
    }

    /// Its weights, without a tokenizer.
    private struct FileSource: TensorSource {
        let configuration: ModelConfiguration
        let file: SafetensorsFile

        var tensors: [TensorDescription] { file.tensors }

        func withBytes<Result>(
            of name: String,
            _ body: (UnsafeRawBufferPointer) throws -> Result
        ) throws -> Result {
            unsafe try file.withBytes(of: name, body)
        }

        func mappedRows(of name: String) throws -> MappedRows? {
            try file.mappedRows(of: name)
        }
    }

    private static func residentByteCount(_ path: String) -> Int {
        // In pieces to its end: the system hands out a page's worth at a time, whatever its length.
        guard let file = FileHandle(forReadingAtPath: "/proc/self/smaps") else { return .max }
        var bytes = Data()
        while let piece = try? file.read(upToCount: 1 << 16), !piece.isEmpty { bytes += piece }
        let smaps = String(decoding: bytes, as: UTF8.self)
        var (sum, isFile) = (0, false)
        for line in smaps.split(separator: "\n") {
            if line.hasSuffix(path) {
                isFile = true
            } else if isFile, line.hasPrefix("Rss:") {
                let words = line.split(separator: " ")
                sum += (words.count > 1 ? Int(words[1]) ?? 0 : 0) * 1024
                isFile = false
            }
        }
        return sum
    }

    private static let configuration = ModelConfiguration(
        modelType: "llama", hiddenSize: 256, intermediateSize: 1024, layerCount: 4,
        attentionHeadCount: 4, keyValueHeadCount: 2, headDimension: 64, vocabularySize: 32_768,
        positionCountMax: 64, rmsNormEpsilon: 1e-5, ropeTheta: 10_000, tiesWordEmbeddings: true)

    /// Takes the memory of the file again and again until told to stop.
    private final class Watch: Sendable {
        private let state = Mutex((peak: 0, count: 0, isOver: false))
        private let ended = DispatchSemaphore(value: 0)

        init(path: String) {
            Thread.detachNewThread { [self] in
                while !state.withLock(\.isOver) {
                    let byteCount = StreamedWeightTests.residentByteCount(path)
                    state.withLock {
                        $0.peak = max($0.peak, byteCount)
                        $0.count += 1
                    }
                }
                ended.signal()
            }
        }

        func stop() -> (peak: Int, count: Int) {
            state.withLock { $0.isOver = true }
            ended.wait()
            return state.withLock { ($0.peak, $0.count) }
        }
    }

    @Test(arguments: [1, 2])
    func `streamed weights take no more than the formula says, mapped ones all`(
        threadCount: Int
    ) throws {
        let file = try WeightFile(Self.configuration)
        let source = FileSource(
            configuration: Self.configuration, file: try SafetensorsFile(path: file.path))
        let tokens = (0..<48).map { Int32($0 * 167 % 8192) }
        let batch = TokenBatch(
            sequenceCount: 1, length: 48, inputs: tokens, targets: tokens.reversed())
        try ComputeThreads.with(count: threadCount) {
            func nats(_ storage: FrozenWeight.Storage) throws -> (nats: [Double], model: Llama) {
                let model = try Llama(
                    source: source, options: ModelOptions(storage: storage, computeType: .float32))
                let watch = storage == .streamed ? Watch(path: file.path) : nil
                let nats = (0..<2).map { _ in
                    model.accumulateGradients(
                        batch, normalizer: 48, tap: StubTap(layers: 0..<4, width: 2)
                    ).nats
                }
                if let watch {
                    let (peak, count) = watch.stop()
                    let limit = model.memory(rowCount: 48, length: 48, tap: nil).weightByteCount
                    #expect(peak <= limit, "\(peak) of \(limit)")
                    #expect(count > 0 && peak > 0 && limit < file.byteCount)
                }
                return (nats, model)
            }
            let copied = try nats(.encoded)
            #expect(file.residentByteCount() == 0)
            let streamed = try nats(.streamed)
            #expect(file.residentByteCount() == 0)
            let mapped = try nats(.mapped)
            #expect(file.residentByteCount() > file.byteCount * 9 / 10)
            let memory = mapped.model.memory(rowCount: 48, length: 48, tap: nil)
            #expect(memory.weightByteCount > file.byteCount * 9 / 10)
            #expect(streamed.nats == copied.nats && mapped.nats == copied.nats)
        }
    }

    @Test func `a source without a map is copied`() throws {
        let source = EncodedTensorSource.mixed()
        let counts = try [FrozenWeight.Storage.encoded, .mapped, .streamed].map {
            try CausalLanguageModel(source: source, options: ModelOptions(storage: $0))
                .memory(rowCount: 1, length: 1).weightByteCount
        }
        #expect(counts[0] > 0 && counts[1] == counts[0] && counts[2] == counts[0])
    }

    /// Says of a tensor's rows what is not so.
    private struct LyingMap: TensorSource {
        let inner: FileSource
        let name: String

        var configuration: ModelConfiguration { inner.configuration }
        var tensors: [TensorDescription] { inner.tensors }

        func withBytes<Result>(
            of name: String,
            _ body: (UnsafeRawBufferPointer) throws -> Result
        ) throws -> Result {
            unsafe try inner.withBytes(of: name, body)
        }

        func mappedRows(of name: String) throws -> MappedRows? {
            try inner.mappedRows(
                of: name == self.name ? "model.layers.0.self_attn.k_proj.weight" : name)
        }
    }

    @Test func `rows of another length than described are refused`() throws {
        let file = try WeightFile(Self.configuration)
        let source = FileSource(
            configuration: Self.configuration, file: try SafetensorsFile(path: file.path))
        let name = "model.layers.2.mlp.up_proj.weight"
        #expect(
            throws: ModelError.byteCountMismatch(
                name: name, expected: 2 * 1024 * 256, actual: 2 * 128 * 256)
        ) {
            try CausalLanguageModel(
                source: LyingMap(inner: source, name: name),
                options: ModelOptions(storage: .streamed))
        }
    }
}
