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
        /// Where they lie in the memory map of a file or store, as in the file.
        case mapped
        /// The same, and their memory is given back to the system after every use.
        case streamed

        /// Whether weights stay where they are, if their source has a map.
        public var isInPlace: Bool { self == .mapped || self == .streamed }
    }

    enum Contents {
        case values(Operand)
        case encoded(EncodedRows)
    }

    /// The output channels.
    public let rowCount: Int
    /// The input channels.
    public let columnCount: Int

    let contents: Contents

    /// The values of a tile: 512 KiB as bfloat16, within the second-level cache of a core.
    static let tileElementCount = 1 << 18

    /// Wraps values that are there already.
    public init(_ values: Operand) {
        rowCount = values.rowCount
        columnCount = values.columnCount
        contents = .values(values)
    }

    /// Makes room for parts that lie below one another; each is filled by
    /// ``fill(rows:from:type:)``.
    ///
    /// What is to be used in place is copied as it is encoded.
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
        case .encoded, .mapped, .streamed:
            contents = .encoded(EncodedRows(parts: parts, columnCount: columnCount))
        }
    }

    /// Uses parts that lie below one another where they are.
    ///
    /// Products give the same bits as with copies of the encoded values. Who makes the weight asks
    /// with ``isFinite(rows:)``.
    ///
    /// - Parameters:
    ///   - parts: rows and element type of each part, and as many bytes in a map.
    ///   - givesBackPages: whether memory is given back as soon as its values were decoded, so that
    ///     only what the threads decode right now is resident.
    public init(
        mapped parts: [(rowCount: Int, type: ElementType, rows: MappedRows)],
        columnCount: Int,
        givesBackPages: Bool
    ) {
        rowCount = parts.reduce(0) { $0 + $1.rowCount }
        self.columnCount = columnCount
        contents = .encoded(
            EncodedRows(
                parts: parts.map { ($0.rowCount, $0.type, $0.rows) }, columnCount: columnCount,
                givesBackPages: givesBackPages))
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
            return isFinite(rows: rows)
        case .values(let values):
            return unsafe Self.fill(values.rows(rows), from: bytes, type: type)
        }
    }

    /// Whether every value of a range of rows is finite.
    ///
    /// - Complexity: O(elements).
    public func isFinite(rows: Range<Int>) -> Bool {
        let step = max(1, Self.tileElementCount / max(columnCount, 1))
        let scratch = FloatBuffer(count: min(step, rows.count) * columnCount)
        for first in stride(from: rows.lowerBound, to: rows.upperBound, by: step) {
            let piece = first..<min(first + step, rows.upperBound)
            let values = scratch.matrix(at: 0, rows: piece.count, columns: columnCount)
            convert(rows: piece, columns: 0..<columnCount, into: .float32(values))
            guard Dequantizer.isFinite(values) else { return false }
        }
        return true
    }

    /// The bytes that the values take between two uses; pages of a map that are given back take
    /// none.
    public var byteCount: Int {
        switch contents {
        case .values(let values): rowCount * columnCount * values.type.byteCount
        case .encoded(let encoded): encoded.lastingByteCount
        }
    }

    /// The memory of a map that a use takes until it is given back: what all threads decode at the
    /// same time, and what comes with it.
    public var passingByteCount: Int {
        guard case .encoded(let encoded) = contents, let passing = encoded.passing else { return 0 }
        let tiling = Tiling(self)
        return passing.byteCount(
            rowCount: tiling.rowCountMax, of: rowCount, threadCount: tiling.threadCount)
    }

    /// The same of a weight that is not there yet.
    ///
    /// - Parameters:
    ///   - byteCount: the encoded bytes of all rows.
    ///   - partCount: the tensors that it consists of.
    public static func passingByteCount(
        rowCount: Int,
        columnCount: Int,
        byteCount: Int,
        partCount: Int,
        threadCount: Int
    ) -> Int {
        let tiling = Tiling(
            rowCount: rowCount, columnCount: columnCount, grain: 1, threadCount: threadCount)
        let rowByteCount = (byteCount + rowCount - 1) / max(rowCount, 1)
        return PassingRows(rowByteCount: rowByteCount, partCount: partCount, groupRowCount: 0)
            .byteCount(rowCount: tiling.rowCountMax, of: rowCount, threadCount: threadCount)
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
