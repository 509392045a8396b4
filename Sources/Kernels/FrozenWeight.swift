internal import CKernels
public import Tensors

/// A weight that never changes, kept in the type that memory allows.
///
/// A weight W has shape [output, input], as in Hugging Face files, so y = x W^T is
/// ``multiplyTransposed(_:into:adds:terms:)`` and gx = gy W is ``multiply(_:into:adds:terms:)``.
/// Products take place in the type of `x`: where the weight is kept in another one, they convert
/// it tile by tile on the way.
public struct FrozenWeight {
    /// How a weight lies in memory.
    public enum Storage: String, Hashable, Sendable, CaseIterable {
        /// 4 bytes per value.
        case float32 = "f32"
        /// 2 bytes per value.
        case bfloat16 = "bf16"
        /// As in the file: quantised values stay quantised.
        case encoded = "stored"
    }

    private enum Contents {
        case values(Operand)
        case encoded(EncodedRows)
    }

    /// The output channels.
    public let rowCount: Int
    /// The input channels.
    public let columnCount: Int

    private let contents: Contents

    /// The values of a tile: 512 KiB as bfloat16, within the second-level cache of a core.
    static let tileElementCount = 1 << 18

    /// Wraps values that are there already.
    public init(_ values: Operand) {
        rowCount = values.rowCount
        columnCount = values.columnCount
        contents = .values(values)
    }

    /// Makes room for parts that lie below one another; each is filled by ``fill(part:from:)``.
    ///
    /// - Parameter parts: rows and element type of each part.
    public init(
        parts: [(rowCount: Int, type: ElementType)],
        columnCount: Int,
        storage: Storage
    ) {
        let rowCount = parts.reduce(0) { $0 + $1.rowCount }
        self.rowCount = rowCount
        self.columnCount = columnCount
        switch storage {
        case .float32, .bfloat16:
            let type: ComputeType = storage == .float32 ? .float32 : .bfloat16
            let room = FloatBuffer.room(rows: rowCount, columns: columnCount, type: type)
            contents = .values(
                FloatBuffer(count: room).take(rows: rowCount, columns: columnCount, type: type))
        case .encoded:
            contents = .encoded(EncodedRows(parts: parts, columnCount: columnCount))
        }
    }

    /// Takes over the stored bytes of a range of rows; `type` is the one that the part has.
    ///
    /// - Returns: Whether every value is finite.
    /// - Complexity: O(elements).
    public func fill(
        rows: Range<Int>,
        from bytes: UnsafeRawBufferPointer,
        type: ElementType
    ) -> Bool {
        switch contents {
        case .encoded(let encoded):
            unsafe encoded.fill(rows: rows, from: bytes, type: type)
            return encoded.isFinite(rows: rows)
        case .values(let values):
            return unsafe Self.fill(values.rows(rows), from: bytes, type: type)
        }
    }

    /// The bytes that the values take.
    public var byteCount: Int {
        switch contents {
        case .values(let values): rowCount * columnCount * values.type.byteCount
        case .encoded(let encoded): encoded.byteCount
        }
    }

    /// y = x W^T, or y += x W^T; then the terms are added.
    ///
    /// Shape: [row, input] → [row, output].
    ///
    /// - Complexity: O(rows x elements).
    public func multiplyTransposed(
        _ x: Operand,
        into y: Matrix,
        adds: Bool = false,
        terms: [LowRankTerm] = []
    ) {
        precondition(
            x.columnCount == columnCount && x.rowCount == y.rowCount && y.columnCount == rowCount,
            "\(x.extents) times [\(rowCount), \(columnCount)] transposed into \(y.extents)"
        )
        guard case .values(let values) = contents, values.type == x.type else {
            return multiplyTiles(x, into: y, adds: adds, terms: terms)
        }
        MatrixProduct.run(x, values, into: y, Product(transposesB: true, adds: adds), terms: terms)
    }

    /// gx = gy W, or gx += gy W; then the terms are added.
    ///
    /// Shape: [row, output] → [row, input].
    ///
    /// - Complexity: O(rows x elements).
    public func multiply(
        _ gy: Operand,
        into gx: Matrix,
        adds: Bool = false,
        terms: [LowRankTerm] = []
    ) {
        precondition(
            gy.columnCount == rowCount && gy.rowCount == gx.rowCount
                && gx.columnCount == columnCount,
            "\(gy.extents) times [\(rowCount), \(columnCount)] into \(gx.extents)"
        )
        guard case .values(let values) = contents, values.type == gy.type else {
            return multiplyTilesDown(gy, into: gx, adds: adds, terms: terms)
        }
        MatrixProduct.run(gy, values, into: gx, Product(adds: adds), terms: terms)
    }

    /// Writes the rows of `indices`, each inside the weight, below one another.
    ///
    /// - Complexity: O(indices x columns).
    public func rows(at indices: [Int32], into result: Matrix) {
        precondition(
            result.extents == [indices.count, columnCount],
            "\(indices.count) rows of \(columnCount) into \(result.extents)"
        )
        ComputeThreads.split(rowCount: indices.count) { range in
            for row in range {
                let index = Int(indices[row])
                convert(
                    rows: index..<index + 1, columns: 0..<columnCount,
                    into: .float32(result.rows(row..<row + 1)))
            }
        }
    }
}

// MARK: - Tiles

extension FrozenWeight {
    /// Writes a part of the weight in another type, on the calling thread.
    private func convert(rows: Range<Int>, columns: Range<Int>, into tile: Operand) {
        switch contents {
        case .encoded(let encoded): encoded.decode(rows: rows, columns: columns, into: tile)
        case .values(let values):
            switch (values.rows(rows).columns(columns), tile) {
            case (.float32(let values), .float32(let tile)): tile.copy(from: values)
            case (.bfloat16(let values), .float32(let tile)): values.load(into: tile)
            case (.float32(let values), .bfloat16(let tile)): tile.store(values)
            case (.bfloat16, .bfloat16): tile.copy(from: values.rows(rows).columns(columns))
            }
        }
    }

    /// Values that a range of columns may begin and end at.
    private var columnGrain: Int {
        guard case .encoded(let encoded) = contents else { return 1 }
        return encoded.blockElementCount
    }

    /// Tasks own ranges of output channels.
    private func multiplyTiles(_ x: Operand, into y: Matrix, adds: Bool, terms: [LowRankTerm]) {
        let threads = ComputeThreads.count
        let fitting = max(16, Self.tileElementCount / max(columnCount, 1))
        let rounds = (rowCount + fitting * threads - 1) / (fitting * threads)
        let taskCount = max(1, min(rounds * threads, rowCount / 16))
        let rowMax = (rowCount + taskCount - 1) / taskCount
        let scratch = TileScratch(elementCount: rowMax * columnCount, type: x.type)
        ComputeThreads.run(
            taskCount: taskCount, workerCount: scratch.workerCount
        ) { task, worker in
            let range = rowCount * task / taskCount..<rowCount * (task + 1) / taskCount
            let tile = scratch.tile(worker, rows: range.count, columns: columnCount)
            convert(rows: range, columns: 0..<columnCount, into: tile)
            Product(transposesB: true, adds: adds)(x, tile, y.columns(range))
            for term in terms { term.add(to: y, columns: range) }
        }
    }

    /// Tasks own ranges of input channels and go through the output channels piece by piece.
    private func multiplyTilesDown(
        _ gy: Operand,
        into gx: Matrix,
        adds: Bool,
        terms: [LowRankTerm]
    ) {
        let grainCount = columnCount / columnGrain
        let taskCount = max(1, min(ComputeThreads.count, grainCount))
        let widthMax = (grainCount + taskCount - 1) / taskCount * columnGrain
        let step = max(16, min(rowCount, Self.tileElementCount / max(widthMax, 1)))
        let scratch = TileScratch(elementCount: step * widthMax, type: gy.type)
        ComputeThreads.run(
            taskCount: taskCount, workerCount: scratch.workerCount
        ) { task, worker in
            let lower = grainCount * task / taskCount * columnGrain
            let upper = grainCount * (task + 1) / taskCount * columnGrain
            for first in stride(from: 0, to: rowCount, by: step) {
                let rows = first..<min(first + step, rowCount)
                let tile = scratch.tile(worker, rows: rows.count, columns: upper - lower)
                convert(rows: rows, columns: lower..<upper, into: tile)
                Product(adds: adds || first > 0)(
                    gy.columns(rows), tile, gx.columns(lower..<upper))
            }
            for term in terms { term.add(to: gx, columns: lower..<upper) }
        }
    }

    private static func fill(
        _ values: Operand,
        from bytes: UnsafeRawBufferPointer,
        type: ElementType
    ) -> Bool {
        switch values {
        case .float32(let matrix):
            unsafe Dequantizer.convert(bytes, elementType: type, into: matrix)
            return Dequantizer.isFinite(matrix)
        case .bfloat16(let matrix):
            // By pieces, so that the Float32 values never stand together.
            let step = max(1, tileElementCount / max(matrix.columnCount, 1))
            let piece = FloatBuffer(count: min(step, matrix.rowCount) * matrix.columnCount)
            let rowByteCount = bytes.count / max(matrix.rowCount, 1)
            for first in stride(from: 0, to: matrix.rowCount, by: step) {
                let rows = first..<min(first + step, matrix.rowCount)
                let wide = piece.matrix(at: 0, rows: rows.count, columns: matrix.columnCount)
                let part = unsafe UnsafeRawBufferPointer(
                    rebasing: bytes[
                        rows.lowerBound * rowByteCount..<rows.upperBound * rowByteCount])
                unsafe Dequantizer.convert(part, elementType: type, into: wide)
                // Rounding may reach infinity, so what was stored is what is checked.
                let stored = Operand.bfloat16(matrix.rows(rows))
                stored.store(wide)
                stored.load(into: wide)
                guard Dequantizer.isFinite(wide) else { return false }
            }
            return true
        }
    }
}

/// One tile of scratch per worker.
private struct TileScratch {
    /// The threads that there is room for.
    let workerCount = ComputeThreads.count

    private let buffer: FloatBuffer
    private let room: Int
    private let type: ComputeType

    init(elementCount: Int, type: ComputeType) {
        room = FloatBuffer.room(rows: 1, columns: elementCount, type: type)
        buffer = FloatBuffer(count: room * workerCount)
        self.type = type
    }

    func tile(_ worker: Int, rows: Int, columns: Int) -> Operand {
        buffer.matrix(at: worker * room, rows: rows, columns: columns, type: type)
    }
}
