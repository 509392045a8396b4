/// Rows of a table by token id.
public enum TokenEmbedding {
    /// Shape: [V, channel], B x T ids inside 0..<V → [B x T, channel].
    ///
    /// - Complexity: O(ids x channels).
    public static func lookup(_ table: Matrix, tokens: [Int32], into x: Matrix) {
        precondition(
            x.rowCount == tokens.count && x.columnCount == table.columnCount,
            "\(tokens.count) ids of \(table.extents) into \(x.extents)"
        )
        for (row, token) in tokens.enumerated() {
            let token = Int(token)
            x.rows(row..<row + 1).copy(from: table.rows(token..<token + 1))
        }
    }
}
