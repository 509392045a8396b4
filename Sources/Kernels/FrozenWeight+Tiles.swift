internal import CKernels
internal import Tensors

extension FrozenWeight {
    /// Writes a part of the weight in another type, on the calling thread.
    func convert(rows: Range<Int>, columns: Range<Int>, into tile: Operand) {
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
    var columnGrain: Int {
        guard case .encoded(let encoded) = contents else { return 1 }
        return encoded.blockElementCount
    }

    /// Tasks own ranges of output channels.
    func multiplyTiles(_ x: Operand, into y: Matrix, adds: Bool, terms: [LowRankTerm]) {
        let (taskCount, rowMax) = Tiling(self).outputs
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
    func multiplyTilesDown(
        _ gy: Operand,
        into gx: Matrix,
        adds: Bool,
        terms: [LowRankTerm]
    ) {
        let grainCount = columnCount / columnGrain
        let (taskCount, widthMax, step) = Tiling(self).inputs
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

    static func fill(
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

/// How products with tiles are cut into tasks.
struct Tiling {
    let rowCount, columnCount: Int
    /// Ranges of columns begin and end at multiples of this.
    let grain: Int
    let threadCount: Int

    init(rowCount: Int, columnCount: Int, grain: Int, threadCount: Int) {
        self.rowCount = rowCount
        self.columnCount = columnCount
        self.grain = grain
        self.threadCount = threadCount
    }

    init(_ weight: FrozenWeight) {
        self.init(
            rowCount: weight.rowCount, columnCount: weight.columnCount,
            grain: weight.columnGrain, threadCount: ComputeThreads.count)
    }

    /// Tasks that own ranges of output channels, at most so many of them.
    var outputs: (taskCount: Int, rowMax: Int) {
        let fitting = max(16, FrozenWeight.tileElementCount / max(columnCount, 1))
        let rounds = (rowCount + fitting * threadCount - 1) / (fitting * threadCount)
        let taskCount = max(1, min(rounds * threadCount, rowCount / 16))
        return (taskCount, (rowCount + taskCount - 1) / taskCount)
    }

    /// Tasks that own ranges of input channels, at most so many of them, and the output channels of
    /// a piece.
    var inputs: (taskCount: Int, widthMax: Int, step: Int) {
        let grainCount = columnCount / grain
        let taskCount = max(1, min(threadCount, grainCount))
        let widthMax = (grainCount + taskCount - 1) / taskCount * grain
        let fitting = FrozenWeight.tileElementCount / max(widthMax, 1)
        return (taskCount, widthMax, max(16, min(rowCount, fitting)))
    }

    /// The most rows that a thread decodes at once.
    var rowCountMax: Int { max(outputs.rowMax, inputs.step) }
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
