internal import Foundation
internal import JSONDocuments
internal import Training

/// A file with the rows of every step, for comparisons with other trainers.
///
/// One JSON object a line: `step`, `learning_rate`, and `rows`, each with its `tokens` and the
/// `targets` that belong to the inputs `tokens[0..<n-1]`, -1 where none counts.
struct BatchDump {
    private let file: FileHandle

    init(path: String) throws(CommandFailure) {
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let file = FileHandle(forWritingAtPath: path)
        else { throw CommandFailure(.outputUnwritable, "\(path): can't be written") }
        self.file = file
    }

    func write(_ rows: [TokenRow], report: StepReport) throws {
        var record = JSONRecord()
        record.add("step", report.step)
        record.add("learning_rate", report.learningRate)
        record.add("rows", .array(rows.map(Self.value(of:))))
        try file.write(contentsOf: Data((record.line + "\n").utf8))
    }

    private static func value(of row: TokenRow) -> JSONValue {
        var targets = [Int](repeating: -1, count: row.inputCount)
        for range in row.targetRanges {
            for position in range { targets[position - 1] = Int(row.tokens[position]) }
        }
        var record = JSONRecord()
        record.add("tokens", row.tokens.map(Int.init))
        record.add("targets", targets)
        return record.value
    }
}
