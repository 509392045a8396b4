import Foundation
import Testing

@testable import NodeServices

@Suite struct LiveFileTests {
    @Test func `what a killed writer left is written over, and nothing stays`() throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "livefile-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "status.json")
        let left = folder.appending(path: "status.json.new")
        try Data(repeating: 7, count: 5000).write(to: left)
        for content in [Data("a longer one".utf8), Data("short".utf8)] {
            try LiveFile.replace(file, with: content)
            #expect(try Data(contentsOf: file) == content)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["status.json"])
        #expect(throws: (any Error).self) {
            try LiveFile.replace(folder.appending(path: "none/status.json"), with: Data())
        }
    }
}
