import Foundation
import Glibc
import Storage
import Testing

@Suite struct OpeningTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    func open(_ access: StorageAccess = .readWrite) throws(StorageError) -> StateStore {
        try StateStore(folder: folder.state, access: access)
    }

    func expect(_ expected: StorageError, _ access: StorageAccess = .readWrite) {
        #expect(throws: expected) { _ = try open(access) }
    }

    @Test func `a store is opened once per process`() throws {
        let store = try open()
        expect(.alreadyOpen(path: folder.state))
        expect(.alreadyOpen(path: folder.state), .readOnly)
        // By another name, too.
        #expect(throws: StorageError.alreadyOpen(path: folder.path + "/./state")) {
            try StateStore(folder: folder.path + "/./state")
        }
        withExtendedLifetime(store) {}
    }

    @Test func `a store that another process writes is in use and names the process`() throws {
        _ = try open()
        // The lock belongs to the open file, so that this stands for another process.
        let descriptor = unsafe Glibc.open(folder.state + "/store.lock", O_RDWR)
        defer { close(descriptor) }
        #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        _ = ftruncate(descriptor, 0)
        #expect(unsafe pwrite(descriptor, "4711\n", 5, 0) == 5)
        expect(.inUse(path: folder.state, processID: 4711))
        #expect(StorageError.inUse(path: "", processID: 1).repair == .stopOtherProcess)
        // Reading is open to all.
        _ = try open(.readOnly)
        #expect(flock(descriptor, LOCK_UN) == 0)
        _ = try open()
    }

    @Test func `another process reads while this one writes`() throws {
        let store = try open()
        try store.write { (transaction) throws(StorageError) in
            try transaction.putSetting("name", [1, 2, 3])
        }
        let digest = try store.digestOfAllTables().map {
            ($0 < 16 ? "0" : "") + String($0, radix: 16)
        }
        .joined()
        let run = try CrashChild.run(folder.state, "read", "0")
        #expect(run.exitCode == 0)
        #expect(run.found.first == [digest, "0"])
        let refused = try CrashChild.run(folder.state)
        #expect(refused.values("error") == [["stopOtherProcess"]])
        #expect(refused.exitCode == 1)
    }

    @Test func `there is nothing to read where no store is`() throws {
        expect(.missing(path: folder.state), .readOnly)
        try FileManager.default.createDirectory(
            atPath: folder.state, withIntermediateDirectories: false)
        expect(.missing(path: folder.state), .readOnly)
        _ = try open()
        _ = try open(.readOnly)
    }

    @Test func `what was opened for reading is not written`() throws {
        _ = try open()
        let store = try open(.readOnly)
        #expect(throws: StorageError.openedReadOnly(path: folder.state)) {
            try store.write { (transaction) throws(StorageError) in
                try transaction.putSetting("name", [1])
            }
        }
    }

    @Test func `a path that is no folder is refused`() throws {
        #expect(FileManager.default.createFile(atPath: folder.state, contents: Data([1])))
        expect(.missing(path: folder.state))
        #expect(throws: StorageError.missing(path: "")) { try StateStore(folder: "") }
    }

    @Test func `a file that is no data file is damage`() throws {
        try FileManager.default.createDirectory(
            atPath: folder.state, withIntermediateDirectories: false)
        let junk = Data((0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        #expect(FileManager.default.createFile(atPath: folder.state + "/data.mdb", contents: junk))
        do {
            _ = try open()
            Issue.record("opened junk")
        } catch {
            #expect(error.repair == .restore)
            #expect(error.libraryMessage != nil)
        }
    }

    @Test func `a format of the future is refused with its number`() throws {
        let table = Table(name: "format", index: 0)
        do {
            let environment = try Environment(
                folder: folder.state, tables: [table], limits: StateStore.mapLimits,
                access: .readWrite
            )
            try environment.write { (transaction) throws(StorageError) in
                try transaction.put([0, 0, 0, 9], in: table, key: Array("version".utf8))
            }
        }
        expect(.formatUnknown(path: folder.state, found: 9, supported: 1))
    }

    @Test func `a data file that was cut off does not end the process by a signal`() throws {
        #expect(try CrashChild.run(folder.state).exitCode == 0)
        let path = folder.state + "/data.mdb"
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        for pageCount in stride(from: whole.count / 4096 - 1, through: 2, by: -3) {
            try whole.prefix(pageCount * 4096).write(to: URL(fileURLWithPath: path))
            for mode in ["read", "none"] {
                let run = try CrashChild.run(folder.state, mode == "none" ? "kill-step" : mode, "0")
                #expect(run.signal == nil, "\(pageCount) pages, \(mode)")
            }
        }
    }

    @Test func `codes are sorted by what can be done about them`() {
        let repairs: [(Int32, StorageRepair)] = [
            (ENOSPC, .freeDiskSpace), (EDQUOT, .freeDiskSpace), (EACCES, .makeWritable),
            (EROFS, .makeWritable), (ENOENT, .createStore), (EIO, .restart),
            (-30796, .restore), (-30793, .restore), (-30795, .restart), (-30794, .updateProgram),
            (-30790, .restart), (-30792, .raiseAddressSpace), (-30788, .reportBug),
        ]
        for (code, repair) in repairs {
            #expect(StorageError.from(path: "p", call: "c", code: code).repair == repair)
        }
    }
}
