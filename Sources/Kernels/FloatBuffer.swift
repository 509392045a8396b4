internal import CKernels
internal import Glibc

/// Owned memory for Float32 values, aligned for vector loads, in one piece.
///
/// Views into it are taken one after the other with ``take(rows:columns:)``. The memory is not set; pages that nobody writes cost nothing.
@safe public final class FloatBuffer {
    /// The number of values.
    public let count: Int
    @unsafe private let base: UnsafeMutablePointer<Float>
    /// The values that views were taken from, with the gaps between them.
    package private(set) var taken = 0

    /// The distance in values between places that start at a cache line.
    private static let line = 16

    /// Reserves room for `count` values.
    ///
    /// Large buffers ask for large pages: a product walks whole matrices, and with 4 KiB pages the
    /// address translation alone costs some percent.
    public init(count: Int) {
        precondition(count >= 0, "\(count) values")
        self.count = count
        let byteCount = max(count, 1) * MemoryLayout<Float>.stride
        let largePage = 2 << 20
        let alignment = byteCount >= 2 * largePage ? largePage : 64
        var memory: UnsafeMutableRawPointer?
        let code = unsafe posix_memalign(&memory, alignment, byteCount)
        guard code == 0, let memory = unsafe memory else {
            preconditionFailure("no memory for \(byteCount) bytes, code \(code)")
        }
        if alignment == largePage {
            // Advice only: where it is refused, small pages do.
            _ = unsafe madvise(memory, byteCount, 14)
        }
        unsafe base = memory.bindMemory(to: Float.self, capacity: max(count, 1))
    }

    deinit {
        unsafe free(base)
    }

    /// Gives the system back what was freed since, as after reading large files piece by piece.
    ///
    /// - Complexity: O(free pieces).
    public static func releaseFreeMemory() {
        sk_release_free_memory()
    }

    /// Has every block of a MiB or more go back to the system as soon as it is freed, from now on.
    ///
    /// For a process with a bound: a node of SmolLM2-135M took 60 MB less after two rounds.
    public static func keepLargeBlocksApart() {
        sk_keep_large_blocks_apart()
    }

    /// The values that `take` uses for a matrix of this size.
    public static func room(rows: Int, columns: Int) -> Int {
        (rows * columns + line - 1) / line * line
    }

    /// Views the next free part as a matrix.
    public func take(rows: Int, columns: Int) -> Matrix {
        let room = Self.room(rows: rows, columns: columns)
        precondition(taken + rows * columns <= count, "\(taken) + \(room) of \(count) values")
        defer { taken = min(taken + room, count) }
        return unsafe Matrix(base: base + taken, rowCount: rows, columnCount: columns, owner: self)
    }

    /// The values' worth of room that `take` uses for a matrix of a type.
    public static func room(rows: Int, columns: Int, type: ComputeType) -> Int {
        switch type {
        case .float32: room(rows: rows, columns: columns)
        case .bfloat16: room(rows: 1, columns: (rows * columns + 1) / 2)
        }
    }

    /// Views the next free part as a matrix of a type.
    public func take(rows: Int, columns: Int, type: ComputeType) -> Operand {
        switch type {
        case .float32: return .float32(take(rows: rows, columns: columns))
        case .bfloat16:
            let room = Self.room(rows: rows, columns: columns, type: type)
            precondition(taken + room <= count, "\(taken) + \(room) of \(count) values")
            defer { taken += room }
            return matrix(at: taken, rows: rows, columns: columns, type: type)
        }
    }

    /// Views a part by its place, in Float32 values, as a matrix of a type.
    public func matrix(at offset: Int, rows: Int, columns: Int, type: ComputeType) -> Operand {
        guard type == .bfloat16 else {
            return .float32(matrix(at: offset, rows: rows, columns: columns))
        }
        precondition(
            offset >= 0 && rows >= 0 && columns >= 0
                && 2 * offset + rows * columns <= 2 * count,
            "\(rows) x \(columns) halves at \(offset) of \(count) values"
        )
        // bfloat16 values are never read as Float32 while they stand there.
        let halves = unsafe UnsafeMutableRawPointer(base + offset)
            .assumingMemoryBound(to: UInt16.self)
        return unsafe .bfloat16(
            BFloat16Matrix(base: halves, rowCount: rows, columnCount: columns, owner: self))
    }

    /// Views a part by its place, counted in elements of the type.
    public func operand(
        atElement offset: Int,
        rows: Int,
        columns: Int,
        type: ComputeType
    ) -> Operand {
        guard type == .bfloat16 else {
            return .float32(matrix(at: offset, rows: rows, columns: columns))
        }
        guard case .bfloat16(let whole) = matrix(at: 0, rows: 1, columns: 2 * count, type: type)
        else { preconditionFailure("a view of another type") }
        precondition(
            offset >= 0 && offset + rows * columns <= 2 * count,
            "\(rows) x \(columns) halves at \(offset) of \(2 * count)"
        )
        return unsafe .bfloat16(
            BFloat16Matrix(
                base: whole.base + offset, rowCount: rows, columnCount: columns, owner: self))
    }

    /// Makes the whole buffer free again; views taken before shall not be used any more.
    public func reset() {
        taken = 0
    }

    /// Views a part by its place, whatever was taken.
    public func matrix(at offset: Int, rows: Int, columns: Int) -> Matrix {
        precondition(
            offset >= 0 && rows >= 0 && columns >= 0 && offset + rows * columns <= count,
            "\(rows) x \(columns) at \(offset) of \(count) values"
        )
        return unsafe Matrix(base: base + offset, rowCount: rows, columnCount: columns, owner: self)
    }

    /// Sets all values to 0.
    public func clear() {
        unsafe base.update(repeating: 0, count: count)
    }

    /// Lends all values for the length of a call.
    public func withValues<Result, Failure: Error>(
        _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeMutableBufferPointer(start: base, count: count))
    }
}
