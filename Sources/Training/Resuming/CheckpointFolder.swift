internal import Checkpoints
internal import Glibc

/// The folder of a run's checkpoints, the newest two of which are kept.
///
/// A checkpoint is one file, written beside its place, forced to the disk and renamed into it, so at
/// every moment all files with a checkpoint's name are whole. What a killed process leaves half
/// written has another name and is cleared away by the next. One process at a time has the folder:
/// the lock ends with the process, however that ends.
///
/// Not `Sendable`: it belongs to the run's thread.
public final class CheckpointFolder {
    /// The folder.
    public let path: String

    private let lock: Int32

    /// Takes hold of a folder.
    ///
    /// - Parameter makesMissing: whether a missing folder is made; its parent must be there.
    /// - Throws: `folderMissing`, `notAFolder`, `folderInUse` or `file`.
    public init(path: String, makesMissing: Bool) throws(RunCheckpointError) {
        self.path = path
        let kind: FileSystem.Kind
        do throws(CheckpointError) {
            kind = try FileSystem.kind(of: path)
            if kind == .absent, makesMissing { try Self.make(path) }
        } catch {
            throw .file(error)
        }
        switch kind {
        case .absent where !makesMissing: throw .folderMissing(path: path)
        case .plainFile, .other: throw .notAFolder(path: path)
        case .absent, .folder: break
        }
        lock = try Self.lock(path)
        removeLeftovers()
    }

    deinit {
        close(lock)
    }

    /// Writes a checkpoint; when it is on the disk all but the newest two are deleted.
    ///
    /// - Throws: `file`; the checkpoints before it are still there then.
    public func save(_ checkpoint: RunCheckpoint) throws(RunCheckpointError) {
        do throws(CheckpointError) {
            try AtomicFile.store(
                checkpoint.encoded(),
                at: FileSystem.join(path, Self.name(ofStep: checkpoint.step))
            )
            for step in try steps().dropFirst(Self.keptCount) {
                unsafe unlink(FileSystem.join(path, Self.name(ofStep: step)))
            }
        } catch {
            throw .file(error)
        }
    }

    /// The newest checkpoint that can be read, and what is wrong with newer ones; `nil` where there
    /// is none at all.
    ///
    /// - Throws: `allDamaged` or `file`.
    public func newest() throws(RunCheckpointError) -> Found? {
        var damaged: [(path: String, damage: RunCheckpointError.Damage)] = []
        for step in try listedSteps() {
            let file = FileSystem.join(path, Self.name(ofStep: step))
            let bytes: [UInt8]
            do throws(CheckpointError) {
                bytes = try FileSystem.read(file, byteCountMax: Self.byteCountMax)
            } catch {
                throw .file(error)
            }
            do throws(RunCheckpointError.Damage) {
                let checkpoint = try RunCheckpoint(decoding: bytes)
                guard checkpoint.step == step else { throw .altered }
                return Found(
                    checkpoint: checkpoint,
                    path: file,
                    damagedPaths: damaged.map(\.path)
                )
            } catch {
                damaged.append((file, error))
            }
        }
        guard let newest = damaged.first else { return nil }
        throw .allDamaged(path: newest.path, newest: newest.damage)
    }

    /// A checkpoint that was read.
    public struct Found: Hashable, Sendable {
        /// What it holds.
        public let checkpoint: RunCheckpoint
        /// Its file.
        public let path: String
        /// Newer files that can't be read.
        public let damagedPaths: [String]
    }

    /// Checks that no earlier run has left a checkpoint.
    ///
    /// - Throws: `folderTaken` or `file`.
    public func checkUnused() throws(RunCheckpointError) {
        if let step = try listedSteps().first { throw .folderTaken(path: path, step: step) }
    }

    /// The last but one is for the case that the last can't be read.
    private static let keptCount = 2
    /// The state of an adapter of 700 million parameters, above any that is trained.
    private static let byteCountMax = 8 << 30
    private static let suffix = ".checkpoint"
    private static let prefix = "step-"
    private static let digitCount = 10
    private static let lockName = "lock"

    static func name(ofStep step: Int) -> String {
        let digits = "\(step)"
        let zeros = String(repeating: "0", count: max(0, digitCount - digits.count))
        return prefix + zeros + digits + suffix
    }

    private func listedSteps() throws(RunCheckpointError) -> [Int] {
        do throws(CheckpointError) {
            return try steps()
        } catch {
            throw .file(error)
        }
    }

    /// The steps that there are checkpoints of, the newest first.
    private func steps() throws(CheckpointError) -> [Int] {
        try FileSystem.entries(of: path).compactMap { name in
            guard name.hasPrefix(Self.prefix), name.hasSuffix(Self.suffix),
                let step = Int(name.dropFirst(Self.prefix.count).dropLast(Self.suffix.count)),
                name == Self.name(ofStep: step)
            else { return nil }
            return step
        }.sorted(by: >)
    }

    /// Deletes what killed processes have left half written.
    private func removeLeftovers() {
        let names = (try? FileSystem.entries(of: path)) ?? []
        for name in names where name.hasPrefix("." + Self.prefix) {
            unsafe unlink(FileSystem.join(path, name))
        }
    }

    private static func make(_ path: String) throws(CheckpointError) {
        guard unsafe mkdir(path, 0o755) == 0 else {
            throw .system(path: path, call: "mkdir", code: errno)
        }
        try FileSystem.synchronizeFolder(FileSystem.parent(of: path))
    }

    private static func lock(_ path: String) throws(RunCheckpointError) -> Int32 {
        let file = FileSystem.join(path, lockName)
        let descriptor = unsafe open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw .file(.system(path: file, call: "open", code: errno))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            throw code == EWOULDBLOCK
                ? .folderInUse(path: path) : .file(.system(path: file, call: "flock", code: code))
        }
        return descriptor
    }
}
