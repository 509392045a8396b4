import Cryptography
import Foundation
import GossipLog
import Storage
import Testing

/// The rows of hashes beside a log that is longer than one of them.
@Suite struct LogTileTests {
    private let folder: TemporaryFolder
    private let store: StateStore
    private let signer: NoteSigner
    private let table = Table(name: "logTiles", index: 11)

    init() throws {
        folder = try TemporaryFolder()
        store = try StateStore(folder: folder.state)
        let key = try #require(SigningKey(seed: [UInt8](repeating: 5, count: 32)))
        signer = try NoteSigner(name: "starling.example/log", signingKey: key)
    }

    private func append(_ range: Range<Int>) throws {
        let entries = try range.map {
            try LogEntry(
                kind: .note, timeMilliseconds: UInt64($0), payload: [UInt8($0 & 255)])
        }
        try store.write { (transaction) throws(StorageError) in
            try transaction.appendLog(entries, signer: signer)
        }
    }

    private func leafHashes() throws -> [Digest] {
        try store.read { (transaction) throws(StorageError) in
            try transaction.logLeaves().map(MerkleTree.leafHash)
        }
    }

    private func audit() throws -> Result<AuditReport, AuditFailure> {
        try store.read { (transaction) throws(StorageError) in
            try transaction.auditLog(key: signer.key)
        }
    }

    private func rows() throws -> [RawTransaction.Row] {
        try store.read { (transaction) throws(StorageError) in
            try transaction.raw.rows(in: table)
        }
    }

    @Test func `proofs from the store are those from all leaves`() throws {
        for range in [0..<1, 1..<255, 255..<256, 256..<257, 257..<600, 600..<601] {
            try append(range)
        }
        let hashes = try leafHashes()
        try store.read { (transaction) throws(StorageError) in
            let indices: [UInt64] = [0, 200, 255, 256, 511, 512, 600]
            let proofs = try transaction.inclusionProofs(of: indices, size: 601)
            #expect(
                proofs == indices.map { InclusionProof(index: Int($0), leafHashes: hashes) })
            for older in [0, 1, 256, 300, 512, 600, 601] {
                #expect(
                    try transaction.consistencyProof(from: UInt64(older), to: 601)
                        == ConsistencyProof(olderCount: older, leafHashes: hashes))
            }
            #expect(try transaction.logRoot(size: 601) == MerkleTree.root(of: hashes))
            #expect(
                try transaction.logRoot(size: 257) == MerkleTree.root(of: hashes.prefix(257)))
        }
        #expect(throws: StorageError.self) {
            try store.read { (transaction) throws(StorageError) in
                _ = try transaction.logRoot(size: 602)
            }
        }
    }

    @Test func `a changed hash is named at its entry`() throws {
        try append(0..<600)
        #expect(try audit().get().entryCount == 600)
        let rows = try rows()
        #expect(rows.map(\.value.count) == [8192, 8192, 64])
        for (row, offset, entry) in [
            (0, 0, 0), (0, 8191, 255), (1, 32, 257), (2, 0, 0), (2, 63, 256),
        ] {
            var value = rows[row].value
            value[offset] ^= 1
            try put(value, key: rows[row].key)
            let failure = try failure()
            #expect(failure?.entryIndex == UInt64(entry))
            try put(rows[row].value, key: rows[row].key)
        }
        try delete(rows[1].key)
        #expect(try failure()?.entryIndex == 256)
    }

    private func failure() throws -> AuditFailure? {
        guard case .failure(let failure) = try audit() else { return nil }
        return failure
    }

    @Test func `a log from before there were tiles gets them with the next entry`() throws {
        try append(0..<600)
        let rows = try rows()
        for row in rows { try delete(row.key) }
        #expect(try audit().get().entryCount == 600)
        #expect(
            try store.read { (transaction) throws(StorageError) in
                try transaction.inclusionProofs(of: [3], size: 200)
            }.first?.hashes.count == 8)
        try append(600..<601)
        #expect(try self.rows() == rows)
        #expect(try audit().get().entryCount == 601)
    }

    @Test func `single bytes changed anywhere are found at their entries`() throws {
        let run = try LogProbeRun("measure", "700", "120")
        #expect(run.exitCode == 0, "\(run.lines)")
        #expect(run.lines.last == "edits: 120 of 120 found at the right entry")
    }

    private func put(_ value: [UInt8], key: [UInt8]) throws {
        try store.environment.write { (transaction) throws(StorageError) in
            try transaction.put(value, in: table, key: key)
        }
    }

    private func delete(_ key: [UInt8]) throws {
        try store.environment.write { (transaction) throws(StorageError) in
            try transaction.delete(key, in: table)
        }
    }
}

/// Runs the `LogProbe` program, which is built beside the tests.
private struct LogProbeRun {
    let lines: [String]
    let exitCode: Int32

    init(_ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try BuiltProgram.path(of: "LogProbe"))
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        exitCode = process.terminationStatus
    }
}

/// Programs of this package that tests start.
enum BuiltProgram {
    static func path(of name: String) throws -> String {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let folder = own.split(separator: "/").dropLast().joined(separator: "/")
        let path = "/\(folder)/\(name)"
        try #require(
            FileManager.default.isExecutableFile(atPath: path), "\(path) is not built"
        )
        return path
    }
}
