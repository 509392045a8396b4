import Cryptography
import Foundation
import NodeServices
import Testing

@Suite struct IdentityFileTests {
    private func withFile(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("starling-\(ProcessInfo.processInfo.globallyUniqueString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.appendingPathComponent("identity.key"))
    }

    @Test func `the key is made once, for its owner alone, and is the same ever after`() throws {
        try withFile { file in
            let made = try IdentityFile.loadOrCreate(at: file)
            let read = try IdentityFile.loadOrCreate(at: file)
            #expect(made.publicKey == read.publicKey)
            let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
            #expect(try Data(contentsOf: file).count == 68)
            let names = try FileManager.default.contentsOfDirectory(
                atPath: file.deletingLastPathComponent().path
            )
            #expect(names == ["identity.key"])
        }
    }

    @Test func `of those that make a key at the same time all get the same`() async throws {
        for _ in 0..<20 {
            let folder = FileManager.default.temporaryDirectory
                .appendingPathComponent("starling-\(ProcessInfo.processInfo.globallyUniqueString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let file = folder.appendingPathComponent("identity.key")
            let keys = try await withThrowingTaskGroup(of: PublicKey.self) { group in
                for _ in 0..<4 {
                    group.addTask { try IdentityFile.loadOrCreate(at: file).publicKey }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(keys.count == 1)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(names == ["identity.key"])
        }
    }

    @Test func `a key that others may read is refused with the repair`() throws {
        try withFile { file in
            _ = try IdentityFile.loadOrCreate(at: file)
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o644], ofItemAtPath: file.path
            )
            #expect {
                _ = try IdentityFile.load(at: file)
            } throws: { error in
                (error as? NodeError)?.message.contains("chmod 600") == true
            }
        }
    }

    @Test(arguments: [0, 1, 67, 69, 96, 2000])
    func `a file of another length or content is no key`(byteCount: Int) throws {
        try withFile { file in
            #expect(
                FileManager.default.createFile(
                    atPath: file.path, contents: Data(repeating: 8, count: byteCount),
                    attributes: [.posixPermissions: 0o600]
                )
            )
            #expect {
                _ = try IdentityFile.load(at: file)
            } throws: { error in
                (error as? NodeError)?.code == .invalidInput
            }
        }
    }

    @Test func `a missing key is not made by a reader`() throws {
        try withFile { file in
            #expect {
                _ = try IdentityFile.load(at: file)
            } throws: { error in
                (error as? NodeError)?.code == .notFound
            }
            #expect(!FileManager.default.fileExists(atPath: file.path))
        }
    }
}
