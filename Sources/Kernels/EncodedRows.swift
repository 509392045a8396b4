internal import CKernels
internal import Glibc
internal import Tensors

/// The rows of a weight as their file encodes them: a copy of them, or where they lie in a memory
/// map.
///
/// Parts of a weight may have types of their own: files of mixed precision spend more bits on some
/// projections. In a map they also lie in different places.
final class EncodedRows {
    private struct Part {
        let rows: Range<Int>
        let type: ElementType
        let place: Place
        /// The bytes of one row.
        let rowByteCount: Int
    }

    private enum Place {
        /// The byte of the buffer where the first row begins.
        case copied(offset: Int)
        case mapped(MappedRows)
    }

    private let columnCount: Int
    private let parts: [Part]
    /// The copies of those parts that are copied.
    private let buffer: FloatBuffer
    /// Whether memory of a map is given back as soon as its rows were decoded.
    let givesBackPages: Bool
    /// The bytes of all rows.
    let byteCount: Int
    /// Columns are decoded in multiples of this.
    let blockElementCount: Int

    /// Makes room for copies.
    convenience init(parts: [(rowCount: Int, type: ElementType)], columnCount: Int) {
        self.init(
            parts: parts.map { ($0.rowCount, $0.type, nil) }, columnCount: columnCount,
            givesBackPages: false)
    }

    /// - Parameter parts: those without rows of a map are filled later.
    init(
        parts: [(rowCount: Int, type: ElementType, mapped: MappedRows?)],
        columnCount: Int,
        givesBackPages: Bool
    ) {
        var own: [Part] = []
        var (row, byteCount, copiedByteCount) = (0, 0, 0)
        for (rowCount, type, mapped) in parts {
            guard let rowByteCount = type.byteCount(of: Shape([columnCount])) else {
                preconditionFailure("\(columnCount) columns of \(type)")
            }
            let partByteCount = rowCount * rowByteCount
            precondition(
                mapped.map { $0.byteCount == partByteCount } ?? true,
                "\(mapped?.byteCount ?? 0) bytes for \(rowCount) rows of \(rowByteCount)"
            )
            own.append(
                Part(
                    rows: row..<row + rowCount, type: type,
                    place: mapped.map { .mapped($0) } ?? .copied(offset: copiedByteCount),
                    rowByteCount: rowByteCount))
            row += rowCount
            byteCount += partByteCount
            copiedByteCount += mapped == nil ? partByteCount : 0
        }
        self.columnCount = columnCount
        self.parts = own
        self.byteCount = byteCount
        self.givesBackPages = givesBackPages
        blockElementCount = parts.map(\.type.blockElementCount).max() ?? 1
        buffer = FloatBuffer(count: (copiedByteCount + 3) / 4)
    }

    /// Takes over bytes of whole rows inside one part that is copied.
    func fill(rows: Range<Int>, from bytes: UnsafeRawBufferPointer, type: ElementType) {
        let part = part(of: rows)
        guard case .copied(let offset) = part.place else {
            preconditionFailure("rows \(rows) are in use where they lie")
        }
        precondition(
            part.type == type && bytes.count == rows.count * part.rowByteCount,
            "\(bytes.count) bytes of \(type) for \(rows.count) rows of \(part.type)"
        )
        guard let source = bytes.baseAddress else { return }
        unsafe buffer.withValues { values in
            guard let start = values.baseAddress else { return }
            let skipped = (rows.lowerBound - part.rows.lowerBound) * part.rowByteCount
            unsafe memcpy(UnsafeMutableRawPointer(start) + offset + skipped, source, bytes.count)
        }
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
            let target = tile.rows(
                common.lowerBound - rows.lowerBound..<common.upperBound - rows.lowerBound)
            let own =
                common.lowerBound - part.rows.lowerBound..<common.upperBound - part.rows.lowerBound
            switch part.place {
            case .copied(let offset):
                unsafe buffer.withValues { values in
                    guard let start = values.baseAddress else { return }
                    unsafe decode(
                        own, columns, of: part, order: .same, at: UnsafeRawPointer(start) + offset,
                        into: target)
                }
            case .mapped(let mapped):
                unsafe mapped.withBytes { bytes in
                    guard let start = bytes.baseAddress else { return }
                    unsafe decode(
                        own, columns, of: part, order: mapped.order, at: start, into: target)
                }
                guard givesBackPages else { continue }
                let places = mapped.order.places(of: own)
                mapped.giveBack(
                    places.lowerBound * part.rowByteCount..<places.upperBound * part.rowByteCount)
            }
        }
    }

    /// - Parameter rows: counted from the part's first.
    private func decode(
        _ rows: Range<Int>,
        _ columns: Range<Int>,
        of part: Part,
        order: MappedRows.Order,
        at start: UnsafeRawPointer,
        into tile: Operand
    ) {
        let skipped = columns.lowerBound / part.type.blockElementCount * part.type.blockByteCount
        let bytes = unsafe start.assumingMemoryBound(to: UInt8.self) + skipped
        for (index, row) in rows.enumerated() {
            unsafe Dequantizer.decode(
                bytes + order.place(of: row) * part.rowByteCount,
                elementType: part.type,
                into: tile.rows(index..<index + 1)
            )
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
}

extension EncodedRows {
    /// The bytes that stay in memory between two uses: all, unless maps get theirs back.
    var lastingByteCount: Int {
        guard givesBackPages else { return byteCount }
        return parts.reduce(0) { sum, part in
            guard case .copied = part.place else { return sum }
            return sum + part.rows.count * part.rowByteCount
        }
    }

    /// What the rows that are given back after use have in memory while they are decoded.
    var passing: PassingRows? {
        guard givesBackPages, lastingByteCount < byteCount else { return nil }
        var groupRowCount = 0
        for part in parts {
            guard case .mapped(let rows) = part.place,
                case .alternatingHalves(let count) = rows.order
            else { continue }
            groupRowCount = max(groupRowCount, count)
        }
        return PassingRows(
            rowByteCount: parts.map(\.rowByteCount).max() ?? 0,
            partCount: parts.count,
            groupRowCount: groupRowCount
        )
    }
}

/// The extents of rows in maps whose memory is given back as soon as they were decoded.
struct PassingRows {
    /// The bytes of the widest row.
    let rowByteCount: Int
    /// The places that rows lie in.
    let partCount: Int
    /// The rows of a group whose halves alternate, or 0.
    let groupRowCount: Int

    /// What is in memory at most while threads decode so many neighbouring rows each.
    ///
    /// Beside them there are the groups that the first and the last row of a thread are in, and what
    /// windows bring along: at the two ends of all that is read alone, since threads read
    /// neighbouring rows and parts lie side by side in a file. Where they don't, it is up to two
    /// windows more for each part of each thread.
    func byteCount(rowCount: Int, of count: Int, threadCount: Int) -> Int {
        let windows = 2 * MappedPages.windowByteCount
        let groups = partCount * 2 * groupRowCount * rowByteCount
        return min(threadCount * (rowCount * rowByteCount + groups), count * rowByteCount) + windows
    }
}
