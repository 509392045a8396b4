internal import CKernels
internal import Glibc
internal import Tensors

/// The rows of a weight as their file encodes them.
///
/// Parts of a weight may have types of their own: files of mixed precision spend more bits on some
/// projections.
final class EncodedRows {
    private struct Part {
        let rows: Range<Int>
        let type: ElementType
        /// The place of its first row.
        let offset: Int
        /// The bytes of one row.
        let rowByteCount: Int
    }

    private let columnCount: Int
    private let parts: [Part]
    private let buffer: FloatBuffer
    /// The bytes of all rows.
    let byteCount: Int
    /// Columns are decoded in multiples of this.
    let blockElementCount: Int

    init(parts: [(rowCount: Int, type: ElementType)], columnCount: Int) {
        var own: [Part] = []
        var row = 0
        var offset = 0
        for (rowCount, type) in parts {
            guard let rowByteCount = type.byteCount(of: Shape([columnCount])) else {
                preconditionFailure("\(columnCount) columns of \(type)")
            }
            own.append(
                Part(
                    rows: row..<row + rowCount, type: type, offset: offset,
                    rowByteCount: rowByteCount))
            row += rowCount
            offset += rowCount * rowByteCount
        }
        self.columnCount = columnCount
        self.parts = own
        byteCount = offset
        blockElementCount = parts.map(\.type.blockElementCount).max() ?? 1
        // Kernels may read whole vectors; the end leaves room for one.
        buffer = FloatBuffer(count: offset / 4 + 32)
    }

    /// Takes over bytes of whole rows inside one part.
    func fill(rows: Range<Int>, from bytes: UnsafeRawBufferPointer, type: ElementType) {
        let part = part(of: rows)
        precondition(
            part.type == type && bytes.count == rows.count * part.rowByteCount,
            "\(bytes.count) bytes of \(type) for \(rows.count) rows of \(part.type)"
        )
        guard let source = bytes.baseAddress else { return }
        unsafe buffer.withValues { values in
            guard let start = values.baseAddress else { return }
            let place =
                unsafe UnsafeMutableRawPointer(start)
                + offset(of: rows.lowerBound, in: part)
            unsafe memcpy(place, source, bytes.count)
        }
    }

    /// Whether no value of the rows is infinite or not a number.
    func isFinite(rows: Range<Int>) -> Bool {
        let step = max(1, FrozenWeight.tileElementCount / max(columnCount, 1))
        let scratch = FloatBuffer(count: min(step, rows.count) * columnCount)
        for first in Swift.stride(from: rows.lowerBound, to: rows.upperBound, by: step) {
            let piece = first..<min(first + step, rows.upperBound)
            let values = scratch.matrix(at: 0, rows: piece.count, columns: columnCount)
            decode(rows: piece, columns: 0..<columnCount, into: .float32(values))
            guard Dequantizer.isFinite(values) else { return false }
        }
        return true
    }

    /// Writes values of rows that may lie in several parts, on the calling thread.
    ///
    /// The columns begin and end at whole blocks.
    func decode(rows: Range<Int>, columns: Range<Int>, into tile: Operand) {
        precondition(
            columns.lowerBound % blockElementCount == 0
                && columns.upperBound % blockElementCount == 0
                && columns.upperBound <= columnCount
                && tile.extents == [rows.count, columns.count],
            "columns \(columns) of \(columnCount) into \(tile.extents)"
        )
        for part in parts where part.rows.overlaps(rows) {
            let common = part.rows.clamped(to: rows)
            let skipped =
                columns.lowerBound / part.type.blockElementCount * part.type.blockByteCount
            unsafe buffer.withValues { values in
                guard let start = values.baseAddress else { return }
                let bytes = unsafe UnsafeRawPointer(start).assumingMemoryBound(to: UInt8.self)
                for row in common {
                    unsafe Dequantizer.decode(
                        bytes + offset(of: row, in: part) + skipped,
                        elementType: part.type,
                        into: tile.rows(row - rows.lowerBound..<row - rows.lowerBound + 1)
                    )
                }
            }
        }
    }

    private func part(of rows: Range<Int>) -> Part {
        guard
            let part = parts.first(where: {
                $0.rows.lowerBound <= rows.lowerBound && rows.upperBound <= $0.rows.upperBound
            })
        else { preconditionFailure("rows \(rows) cross parts of a weight") }
        return part
    }

    private func offset(of row: Int, in part: Part) -> Int {
        part.offset + (row - part.rows.lowerBound) * part.rowByteCount
    }
}
