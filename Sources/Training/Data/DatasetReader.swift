internal import FoundationEssentials
internal import Glibc

/// Reads `.txt` and `.jsonl` files into examples.
public enum DatasetReader {
    /// Reads one file, or every `.txt` and `.jsonl` file of a folder in the order of their names.
    ///
    /// A text file is one example. Each line of a JSONL file is one; blank lines are skipped. A
    /// byte order mark is taken off.
    ///
    /// - Throws: the first thing that is wrong, with file and line; nothing is skipped silently.
    public static func read(
        path: String,
        limits: DatasetLimits = DatasetLimits()
    ) throws(DatasetError) -> [Example] {
        var isFolder = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw .fileMissing(path: path)
        }
        guard isFolder else { return try readFile(path: path, limits: limits) }
        var examples: [Example] = []
        for file in try dataFiles(in: path) {
            examples += try readFile(path: file, limits: limits)
        }
        return examples
    }

    /// Reads the examples of bytes that are the content of a JSONL file called `path`.
    public static func readLines(
        _ bytes: [UInt8],
        path: String,
        limits: DatasetLimits = DatasetLimits()
    ) throws(DatasetError) -> [Example] {
        var examples: [Example] = []
        var start = byteOrderMarkLength(bytes)
        var line = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            line += 1
            let content = bytes[start..<end]
            start = end + 1
            if content.allSatisfy(isBlank) { continue }
            guard content.count <= limits.lineByteCountMax else {
                throw .badLine(
                    path: path,
                    line: line,
                    fault: .tooLong(byteCount: content.count, limit: limits.lineByteCountMax)
                )
            }
            do throws(DatasetError.LineFault) {
                examples.append(
                    Example(
                        content: try ExampleLine.parse(content),
                        origin: Example.Origin(path: path, line: line)
                    )
                )
            } catch {
                throw .badLine(path: path, line: line, fault: error)
            }
        }
        guard !examples.isEmpty else { throw .fileEmpty(path: path) }
        return examples
    }

    /// Reads the one example of bytes that are the content of a text file called `path`.
    public static func readText(_ bytes: [UInt8], path: String) throws(DatasetError) -> Example {
        let content = bytes[byteOrderMarkLength(bytes)...]
        if let offset = UTF8Check.firstBadOffset(in: content) {
            let before = content.prefix(offset)
            throw .textNotUTF8(
                path: path,
                line: 1 + before.count { $0 == UInt8(ascii: "\n") },
                byteOffset: content.startIndex + offset
            )
        }
        guard !content.allSatisfy(isBlank) else { throw .fileEmpty(path: path) }
        return Example(
            content: .text(String(decoding: content, as: UTF8.self)),
            origin: Example.Origin(path: path)
        )
    }

    private static func readFile(
        path: String,
        limits: DatasetLimits
    ) throws(DatasetError) -> [Example] {
        let pathExtension = URL(filePath: path).pathExtension.lowercased()
        switch pathExtension {
        case "txt":
            return [try readText(try contents(of: path, limits: limits), path: path)]
        case "jsonl":
            return try readLines(
                try contents(of: path, limits: limits),
                path: path,
                limits: limits
            )
        default:
            throw .unknownFileType(path: path, pathExtension: pathExtension)
        }
    }

    private static func dataFiles(in folder: String) throws(DatasetError) -> [String] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw .fileUnreadable(path: folder, code: errorCode(error))
        }
        let files = names.filter { name in
            !name.hasPrefix(".") && (name.hasSuffix(".txt") || name.hasSuffix(".jsonl"))
        }
        guard !files.isEmpty else { throw .folderWithoutData(path: folder) }
        return files.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            .map { URL(filePath: folder).appending(path: $0).path }
    }

    private static func contents(
        of path: String,
        limits: DatasetLimits
    ) throws(DatasetError) -> [UInt8] {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            throw .fileUnreadable(path: path, code: errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .fileIrregular(path: path) }
        let byteCount = Int(status.st_size)
        guard byteCount <= limits.fileByteCountMax else {
            throw .fileTooLarge(path: path, byteCount: byteCount, limit: limits.fileByteCountMax)
        }
        do {
            return [UInt8](try Data(contentsOf: URL(filePath: path)))
        } catch {
            throw .fileUnreadable(path: path, code: errorCode(error))
        }
    }

    private static func errorCode(_ error: any Error) -> Int32 {
        let cause = unsafe (error as? CocoaError)?.userInfo["NSUnderlyingError"] as? POSIXError
        return cause?.code.rawValue ?? 0
    }

    private static func byteOrderMarkLength(_ bytes: [UInt8]) -> Int {
        bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || (0x09...0x0D).contains(byte)
    }
}
